#!/usr/bin/python3
"""Prints how long the compiler takes for a one-file application, without optimization; fails where that is too long.

What one waits for between a change and its effect: the framework's headers must not make it long. The compiler is one
process that computes, so its processor time is what the clock shows on a machine with nothing else to do, and that is what
the limit is for; the clock's own figure is printed beside it.
"""

import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=pathlib.Path, default=ROOT / "examples" / "hello" / "main.cc")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=3, metavar="SECONDS")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        command = [options.compiler, "-std=c++23", "-O0", f"-I{ROOT / 'include'}", "-c", str(options.source), "-o", f"{folder}/main.o"]
        runs = [compile_once(command) for _ in range(options.runs)]
    processor, clock = (statistics.median(times) for times in zip(*runs))
    print(f"compile time of a one-file application: {processor:.2f} s ({clock:.2f} s by the clock), limit {options.limit:g} s; "
          f"{options.source.name} with {options.compiler} -O0, median of {options.runs}")
    return 1 if processor > options.limit else 0


def compile_once(command):
    """Seconds of processor time, and by the clock."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
