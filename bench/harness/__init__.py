"""What run.py and syscalls.py share: servers, load, /proc, and the report. Only Python's standard library."""
