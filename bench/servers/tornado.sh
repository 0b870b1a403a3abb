#!/bin/sh
# Tornado of Debian (python3-tornado), which only Debian's own interpreter sees.
# serves: plaintext plaintext-512 pipelined json route close wait relay file-64k file-1m idle-5000 idle-15000
exec /usr/bin/python3 "$(dirname "$0")/tornado_server.py" "$1"
