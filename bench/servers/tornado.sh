#!/bin/sh
# Tornado of Debian (python3-tornado), which only Debian's own interpreter sees.
exec /usr/bin/python3 "$(dirname "$0")/tornado_index.py" "$1"
