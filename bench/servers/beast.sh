#!/bin/sh
# Boost.Beast of Debian (1.81), asynchronous, one thread: beast_server of bench/servers/beast. It has no router.
# serves: plaintext plaintext-512 pipelined json close wait relay file-64k file-1m idle-5000 idle-15000
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "${CAROPIG_BENCH_PROGRAMS:-$root/build/release/bench}/beast_server" "$1"
