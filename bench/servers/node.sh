#!/bin/sh
# Node's http module of Debian, one process.
# serves: plaintext plaintext-512 pipelined json route close wait relay file-64k file-1m idle-5000 idle-15000
# warm-up: 1.5
exec node "$(dirname "$0")/node/server.js" "$1"
