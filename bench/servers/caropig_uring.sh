#!/bin/sh
# CaroPig as in caropig.sh, with io_uring.
# serves: plaintext plaintext-512 pipelined json route close wait relay relay-64k file-64k file-1m two-workers idle-5000 idle-15000
CAROPIG_BACKEND=uring exec "$(dirname "$0")/caropig.sh" "$1"
