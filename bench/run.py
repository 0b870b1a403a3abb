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
import subprocess
import sys
import time

import database
import plot
import syscalls
import template
from harness import allocations, load, measure, report, server

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "docs" / "performance"
FAILURES = (server.ServerFailed, load.LoadFailed, OSError, subprocess.SubprocessError)
CLIENT_PROGRAMS = {"database": database.measure_round, "template": template.measure_round}


def main():
    options = parse_arguments()
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # unwinds, so that every server is stopped
    rounds = [measure_round(number, options) for number in range(1, options.rounds + 1)]
    summary = report.summarize(rounds, options.workloads, options.scripts)
    counts = {workload.name: {name: count(name, workload, options) for name in workload.among(options.scripts)
                              if options.counts and workload.counted and summary[workload.name][name]["rounds"]}
              for workload in options.workloads}
    print(report.table(summary, counts, options.workloads, options.scripts))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    results = {
        "machine": describe_machine(), "seconds": options.seconds,
        "targets": {workload.name: report.judge(summary, workload) for workload in options.workloads if workload.limit is not None},
        "titles": {workload.name: workload.title for workload in options.workloads},
        "summary": summary, "counts": counts, "rounds": rounds}
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nafter {(time.monotonic() - started) / 60:.1f} minutes written: {options.output}")
    if options.plot:
        print("and", *plot.draw(results, options.output.parent))
    if options.publish:
        PUBLISHED.mkdir(exist_ok=True)
        (PUBLISHED / "figures.md").write_text(report.markdown(summary, counts, options.workloads, options.scripts, results["machine"],
                                                              options.rounds))
        print("and", PUBLISHED / "figures.md", *plot.draw(results, PUBLISHED))
    return 1 if any(workload.figure not in summary[workload.name][name]
                    for workload in options.workloads for name in workload.among(options.scripts)) else 0


def parse_arguments():
    cores = sorted(os.sched_getaffinity(0))
    known = load.WORKLOADS + load.CROSS_CHECKS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each measures every server once, in turn (5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="per measurement (0.5)")
    parser.add_argument("--servers", nargs="+", metavar="NAME", default=None,
                        help="start scripts to run, by name; all of bench/servers, and those of --server, unless given")
    parser.add_argument("--server", action="append", type=pathlib.Path, default=[], metavar="SCRIPT",
                        help="a start script from elsewhere, or a folder of them; may be repeated")
    parser.add_argument("--workloads", nargs="+", choices=[workload.name for workload in known], default=None)
    parser.add_argument("--cross-check", action="store_true", help="plaintext with wrk and h2load too")
    parser.add_argument("--no-counts", dest="counts", action="store_false",
                        help="leave out system calls and allocations per request")
    parser.add_argument("--no-plot", dest="plot", action="store_false", help="draw nothing")
    parser.add_argument("--publish", action="store_true", help="write the tables and the plot into docs/performance/ too")
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
    try:
        scripts = server.scripts(options.server)
    except OSError as failure:
        parser.error(f"--server: {failure}")
    unknown = set(options.servers or ()) - set(scripts)
    if unknown:
        parser.error(f"no start script for {', '.join(sorted(unknown))}; there are {', '.join(scripts)}")
    # The floors first, so that they stand at the head of the table, then ours.
    order = sorted(options.servers or scripts, key=lambda name: ("floor" not in name, not report.is_ours(name), name))
    options.scripts = {name: scripts[name] for name in order}
    chosen = options.workloads or [workload.name for workload in load.WORKLOADS]
    options.workloads = [workload for workload in known
                         if workload.name in chosen or (options.cross_check and workload in load.CROSS_CHECKS)]
    return options


def measure_round(number, options):
    measured = {}
    for workload in options.workloads:
        if workload.idle and number > 1:
            continue  # memory is the same every time
        measured[workload.name] = measure_workload(workload, options)
        for name, figures in measured[workload.name].items():
            if "failed" in figures:
                said = f"failed: {figures['failed']}"
            else:
                said = f"{figures[workload.figure]:10.3f} {'bytes/connection' if workload.idle else 'µs/request'}"
                said += "  disturbed by other processes" if figures.get("disturbed") else ""
            print(f"round {number} of {options.rounds}  {workload.name:<13} {name:<24} {said}", flush=True)
    return measured


def measure_workload(workload, options):
    """{row: figures, or {"failed": why}}"""
    names = workload.among(options.scripts)
    if names and workload.clients:
        try:
            return CLIENT_PROGRAMS[workload.name](options.programs, options.server_core, options.generator_core)
        except FAILURES as failure:
            return {name: {"failed": str(failure)} for name in names}
    measured = {}
    for name in names:
        try:
            measured[name] = measure.measure(options.scripts[name], workload, options)
        except FAILURES as failure:
            measured[name] = {"failed": str(failure)}
    return measured


def count(name, workload, options):
    """System calls and heap allocations per warm request, or why they could not be counted."""
    counted = {}
    print(f"counting  {workload.name:<13} {name}", flush=True)
    for kind, counter in (("system_calls", syscalls.per_request), ("allocations", allocations.per_request)):
        try:
            with measure.upstream(workload, options) as upstream:
                counts = counter(options.scripts[name], workload, options, upstream and upstream.port)
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
