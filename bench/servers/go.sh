#!/bin/sh
# Go's net/http of Debian: go_server of bench/servers/go, which the build makes where golang-go is installed.
# serves: plaintext plaintext-512 pipelined json route close wait relay file-64k file-1m two-workers idle-5000 idle-15000
root=$(cd "$(dirname "$0")/../.." && pwd)
export GOMAXPROCS="${BENCH_WORKERS:-1}"
exec "${CAROPIG_BENCH_PROGRAMS:-$root/build/release/bench}/go_server" "$1"
