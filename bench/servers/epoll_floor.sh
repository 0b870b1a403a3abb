#!/bin/sh
# The floor: raw epoll, a fixed answer for each workload. CAROPIG_BENCH_PROGRAMS is the folder that holds the programs of bench/.
# serves: plaintext plaintext-512 pipelined json route close wait file-64k file-1m two-workers idle-5000 idle-15000
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "${CAROPIG_BENCH_PROGRAMS:-$root/build/release/bench}/epoll_floor" --port "$1" --work "${BENCH_WORKLOAD:-plaintext}" \
  --workers "${BENCH_WORKERS:-1}"
