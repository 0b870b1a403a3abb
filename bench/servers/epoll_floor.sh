#!/bin/sh
# The floor: raw epoll, a fixed answer. CAROPIG_BENCH_PROGRAMS is the folder that holds the programs of bench/.
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "${CAROPIG_BENCH_PROGRAMS:-$root/build/release/bench}/epoll_floor" --port "$1"
