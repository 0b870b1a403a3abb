#!/usr/bin/python3
"""Microbenchmarks of the pieces of a request, pinned to a core. `./dev bench micro` builds them and calls this; options go to Google
Benchmark: ./dev bench micro --benchmark_filter=parse --benchmark_repetitions=5
"""

import os
import pathlib
import sys

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "bench" / "caropig_microbench"


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])


if __name__ == "__main__":
    main()
