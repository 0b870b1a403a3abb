#!/bin/sh
# The floor: raw io_uring, a fixed answer. CAROPIG_BENCH_PROGRAMS is the folder that holds the programs of bench/.
# serves: plaintext plaintext-512 pipelined
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "${CAROPIG_BENCH_PROGRAMS:-$root/build/release/bench}/uring_floor" --port "$1"
