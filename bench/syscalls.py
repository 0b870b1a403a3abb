#!/usr/bin/python3
"""Counts the system calls that a server makes per request, with strace, and prints them by name."""

import argparse
import os
import pathlib
import select
import subprocess
import sys
import tempfile

from harness import load, measure, process, procfs, server, slope

ROOT = pathlib.Path(__file__).resolve().parent.parent
ATTACH_SECONDS = 10


def per_request(script, workload, options, upstream=None):
    """{system call: how often a request}, over all threads and processes of the server."""
    with server.Server(script, options.server_core, options.programs, workload=workload, upstream=upstream) as running:

        def count(requests):
            with _Strace(running.pid) as strace:
                load.run(options.programs, options.generator_core, running.port, workload, "--requests", requests)
                running.wait_until_disconnected()
            return strace.calls

        return slope.per_request(count, workload.count_over)


class _Strace:
    """strace attached to a process tree; after the with block, `calls` has what it counted."""

    def __init__(self, root):
        self._processes = procfs.process_tree(root)
        self._strace = None
        self.calls = {}

    def __enter__(self):
        self._table = tempfile.NamedTemporaryFile(prefix="bench-strace-")
        attach = [argument for pid in self._processes for argument in ("-p", str(pid))]
        try:
            with process.signals_held():
                self._strace = process.start(
                    ["strace", "-f", "-c", "-U", "name,calls", "-o", self._table.name, *attach],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self._wait_until_attached()
        except FileNotFoundError:
            raise load.LoadFailed("strace is not installed") from None
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, failure, *_):
        self._end()
        if failure is None:
            for line in pathlib.Path(self._table.name).read_text().splitlines():
                fields = line.split()
                if len(fields) == 2 and fields[1].isdigit() and fields[0] != "total":
                    self.calls[fields[0]] = int(fields[1])
        self._table.close()

    def _wait_until_attached(self):
        """strace says "attached" once for each process it was given, when all its threads are."""
        said = b""
        while said.count(b" attached") < len(self._processes):
            ready, _, _ = select.select([self._strace.stderr], [], [], ATTACH_SECONDS)
            more = os.read(self._strace.stderr.fileno(), 65536) if ready else b""
            if not more:
                raise load.LoadFailed(f"strace could not attach: {said.decode(errors='replace').strip()}")
            said += more

    def _end(self):
        if self._strace is None:
            return
        self._strace.terminate()  # it detaches and writes its table
        self._strace.communicate()


def main():
    scripts = server.scripts()
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", choices=scripts)
    parser.add_argument("--workload", choices=[workload.name for workload in load.WORKLOADS if workload.counted], default="plaintext")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bench",
                        help="folder with the programs of bench/ (build/release/bench)")
    options = parser.parse_args()
    options.programs = options.programs.resolve()
    options.server_core, options.generator_core = cores[0], cores[-1]
    workload = next(known for known in load.WORKLOADS if known.name == options.workload)
    try:
        with measure.upstream(workload, options) as upstream:
            calls = per_request(scripts[options.server], workload, options, upstream and upstream.port)
    except (server.ServerFailed, load.LoadFailed, OSError) as error:
        sys.exit(f"{options.server}: {error}")
    for name, number in sorted(calls.items(), key=lambda call: -call[1]):
        if round(number, 4):
            print(f"{number:8.4f}  {name}")
    print(f"{sum(calls.values()):8.4f}  system calls per request")


if __name__ == "__main__":
    main()
