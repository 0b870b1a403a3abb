#!/bin/sh
# CaroPig: caropig-reference of the release build, or the program that CAROPIG_REFERENCE names; CAROPIG_BACKEND=uring for io_uring.
# serves: plaintext plaintext-512 pipelined json route close wait relay relay-64k file-64k file-1m two-workers idle-5000 idle-15000
root=$(cd "$(dirname "$0")/../.." && pwd)
export CAROPIG_BACKEND="${CAROPIG_BACKEND:-epoll}"
exec "${CAROPIG_REFERENCE:-$root/build/release/caropig-reference}" --port "$1" --address 127.0.0.1 \
  --workers "${BENCH_WORKERS:-1}" --static "$TMPDIR/files" ${BENCH_UPSTREAM:+--upstream "http://127.0.0.1:$BENCH_UPSTREAM/index"} \
  ${BENCH_UPSTREAM:+--proxy "http://127.0.0.1:$BENCH_UPSTREAM/static"}
