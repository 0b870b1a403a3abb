#!/bin/sh
# CaroPig: caropig-reference of the release build, or the program that CAROPIG_REFERENCE names.
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "${CAROPIG_REFERENCE:-$root/build/release/caropig-reference}" --port "$1" --address 127.0.0.1 --workers 1 \
  --static "$TMPDIR/files"
