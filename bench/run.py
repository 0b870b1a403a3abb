#!/usr/bin/python3
"""Measures CaroPig beside its peers and the floor; `./dev bench` builds what it needs and calls it.

CPU time per request of the whole server is the figure to compare; docs/performance.md says why. Nothing is left out:
servers that fail, rounds that were disturbed and targets that were missed are in the table.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import sys

import syscalls
from harness import allocations, load, measure, report, server

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAILURES = (server.ServerFailed, load.LoadFailed, OSError)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # unwinds, so that every server is stopped
    rounds = [measure_round(number, options) for number in range(1, options.rounds + 1)]
    summary = report.summarize(rounds, options.workloads, options.servers)
    counts = {workload.name: {name: count(name, workload, options) for name in workload.among(options.servers)
                              if options.counts and summary[workload.name][name]["rounds"]}
              for workload in options.workloads}
    print(report.table(summary, counts, options.workloads, options.servers))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({
        "machine": describe_machine(), "seconds": options.seconds,
        "targets": {workload.name: workload.target for workload in options.workloads},
        "summary": summary, "counts": counts, "rounds": rounds}, indent=1) + "\n")
    print(f"\nwritten: {options.output}")
    return 1 if any("cpu_us_per_request" not in summary[workload.name][name]
                    for workload in options.workloads for name in workload.among(options.servers)) else 0


def parse_arguments():
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each measures every server once, in turn (5)")
    parser.add_argument("--seconds", type=float, default=3, help="per measurement (3)")
    parser.add_argument("--servers", nargs="+", metavar="NAME", default=None,
                        help="start scripts of bench/servers to run; all of them unless given")
    parser.add_argument("--workloads", nargs="+", choices=[workload.name for workload in load.WORKLOADS], default=None)
    parser.add_argument("--no-counts", dest="counts", action="store_false",
                        help="leave out system calls and allocations per request")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bench",
                        help="folder with the programs of bench/ (build/release/bench)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench" / "results.json")
    parser.add_argument("--server-core", type=int, default=cores[0])
    parser.add_argument("--generator-core", type=int, default=cores[1] if len(cores) > 1 else None)
    options = parser.parse_args()
    if options.generator_core is None:
        parser.error("the server and the load generator need a core each, and there is only one")
    options.programs = options.programs.resolve()
    if not (options.programs / "load_generator").exists():
        parser.error(f"{options.programs} holds no load_generator: build with CAROPIG_BENCH=ON first")
    unknown = set(options.servers or ()) - set(server.names())
    if unknown:
        parser.error(f"no start script for {', '.join(sorted(unknown))}; there are {', '.join(server.names())}")
    # The floor first, so that it stands at the head of the table, then ours.
    first = [report.FLOOR, report.SUBJECT]
    chosen = set(options.servers or server.names())
    options.servers = [name for name in first if name in chosen] + sorted(chosen - set(first))
    options.workloads = [workload for workload in load.WORKLOADS
                         if options.workloads is None or workload.name in options.workloads]
    return options


def measure_round(number, options):
    measured = {}
    for workload in options.workloads:
        measured[workload.name] = {}
        for name in workload.among(options.servers):
            try:
                figures = measure.measure(name, workload, options)
                said = f"{figures['cpu_us_per_request']:8.3f} µs/request"
                said += "  disturbed by other processes" if figures["disturbed"] else ""
            except FAILURES as failure:
                figures = {"failed": str(failure)}
                said = f"failed: {failure}"
            measured[workload.name][name] = figures
            print(f"round {number} of {options.rounds}  {workload.name:<10} {name:<12} {said}", flush=True)
    return measured


def count(name, workload, options):
    """System calls and heap allocations per warm request, or why they could not be counted."""
    where = (options.programs, options.server_core, options.generator_core)
    counted = {}
    for kind, counter in (("system_calls", syscalls.per_request), ("allocations", allocations.per_request)):
        try:
            counts = counter(name, workload, *where)
            total = sum(counts.values()) if kind == "system_calls" else counts["allocations"]
            counted[kind] = {"total": total, **counts}
        except FAILURES as failure:
            counted[kind] = str(failure)
    return counted


def describe_machine():
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "kernel": platform.release(), "processor": models[0] if models else platform.machine(),
            "cores": os.cpu_count()}


if __name__ == "__main__":
    sys.exit(main())
