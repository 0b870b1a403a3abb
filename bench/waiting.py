#!/usr/bin/python3
"""Many requests wait for something slow, on one worker, and meanwhile /index is asked: how long do the waiting ones take, what does each
hold in memory, and does anybody else notice? `./dev bench waiting` builds what it needs and calls it.

The server runs on one core; generator, upstream and database on the other.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import database_servers  # noqa: E402  (where the tests keep it)
from harness import procfs  # noqa: E402

BUILD = ROOT / "build" / "release"
PROBE_RATE = 500  # requests a second for /index
RUSH_SECONDS = 0.2  # after which what thousands of arrivals cost is done


class Program:
    """One of ours, on a core and on a port of its own."""

    def __init__(self, core, name, *arguments):
        self.process = subprocess.Popen(["taskset", "--cpu-list", str(core), str(BUILD / name), "--port", "0", "--log-level", "error",
                                         *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        self.port = next(int(line.rpartition(":")[2]) for line in self.process.stdout if line.startswith("listening on"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], help=f"of {', '.join(SCENARIOS)}; all unless given")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    server_core, other_core = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, {other_core})
    for name in options.scenarios or SCENARIOS:
        for number in range(1, options.rounds + 1):
            print(f"{name}, round {number}: {SCENARIOS[name](server_core, other_core)}", flush=True)


def upstream(server_core, other_core):
    """5,000 clients of /req, whose upstream answers after 2 s."""
    with Program(other_core, "caropig-reference") as slow, \
            Program(server_core, "examples/caropig", "--upstream", f"http://127.0.0.1:{slow.port}/sleep/2000") as server:
        return observe(server, 5000, "/req", descriptors=2, seconds=1)


def threads(server_core, _):
    """5,000 clients that wait for five threads, 2 ms each."""
    with Program(server_core, "caropig-demo", "--database", "sqlite::memory:", "--seconds", "0.002") as server:
        return observe(server, 5000, "/tornado")


def database(server_core, other_core):
    """1,000 clients whose query takes 100 ms each, over 100 connections to a MariaDB."""
    with database_servers.MariaDb() as mariadb:
        os.sched_setaffinity(mariadb.process.pid, {other_core})
        with Program(server_core, "caropig-reference", "--database", mariadb.url, "--database-connections", 100) as server:
            load(server, "--path", "/db/sleep/1", "--waiters", 100).communicate()  # connects
            return observe(server, 1000, "/db/sleep/100")


def attackers(server_core, other_core, count=2000):
    """2,000 clients that send and take a byte every half second, or nothing: until the server has cut all of them off."""
    with Program(server_core, "caropig-reference", "--timeout", 10, "--write-timeout", 10) as server:
        before = procfs.resident_bytes(server.process.pid)
        slow = subprocess.Popen([sys.executable, ROOT / "tests" / "support" / "slow_clients.py", str(server.port), str(count)],
                                stdout=subprocess.PIPE, text=True)
        while len(os.listdir(f"/proc/{server.process.pid}/fd")) < count:
            time.sleep(0.005)
        probes, peak = [], 0
        while slow.poll() is None:
            probes.append(json.loads(ask_index(server, 0.5).communicate()[0]))
            peak = max(peak, procfs.resident_bytes(server.process.pid))
        each = sorted(probe["latency_us"]["p99"] / 1000 for probe in probes)
        return (f"{slow.communicate()[0].strip()}; the p99 of /index in {len(probes)} half seconds: the median {statistics.median(each):.2f}, "
                f"the worst {each[-1]:.2f} ms; resident {before / 2**20:.1f} MiB before, at most {peak / 2**20:.1f} MiB; "
                f"errors {sum(probe['errors'] for probe in probes)}")


SCENARIOS = {"attackers": attackers, "upstream": upstream, "threads": threads, "database": database}


def observe(server, waiters, path, descriptors=0.5, seconds=0.5):
    """`descriptors`: how many the server holds for each of them once they wait (half of one: where some are answered before the
    last has come); `seconds`: how long /index is asked meanwhile."""
    probes, ended = [], threading.Event()

    def probe():
        while not ended.is_set():
            probes.append(json.loads(ask_index(server, 0.5).communicate()[0]))

    # First for the time in which they wait and nobody comes or is answered in a rush.
    before = procfs.resident_bytes(server.process.pid)
    calm_before = load(server, "--path", path, "--waiters", waiters, "--patience", 120)
    while len(os.listdir(f"/proc/{server.process.pid}/fd")) < waiters * descriptors:
        if calm_before.poll() is not None:
            raise SystemExit("they did not all wait at the same time")
        time.sleep(0.005)
    time.sleep(RUSH_SECONDS)
    calm = json.loads(ask_index(server, seconds).communicate()[0])
    if calm_before.poll() is not None:
        raise SystemExit("they did not wait as long as /index was asked")
    peak = procfs.resident_bytes(server.process.pid)
    calm_before.communicate()

    waiting = load(server, "--path", path, "--waiters", waiters, "--patience", 120)
    prober = threading.Thread(target=probe)
    prober.start()
    try:
        while waiting.poll() is None:
            peak = max(peak, procfs.resident_bytes(server.process.pid))
            ended.wait(0.02)
        figures = json.loads(waiting.communicate()[0])
    finally:
        ended.set()
        prober.join()

    def p99s():
        each = sorted(probe["latency_us"]["p99"] / 1000 for probe in probes)
        return f"the median {statistics.median(each):.2f}, the worst {each[-1]:.2f} ms"

    return (f"/index has a p99 of {calm['latency_us']['p99'] / 1000:.2f} ms while they wait; {figures['succeeded']} of {waiters} answered "
            f"200 in {figures['seconds']:.2f} s (the median after {figures['latency_us']['p50'] / 1e6:.2f} s), {(peak - before) / waiters:,.0f} resident bytes each; the p99 of /index in "
            f"all {len(probes)} half seconds, those of the rushes at the start and the end included: {p99s()}; "
            f"errors {sum(each['errors'] for each in [calm, *probes])}")


def ask_index(server, seconds):
    return load(server, "--path", "/index", "--connections", 16, "--rate", PROBE_RATE, "--seconds", seconds, "--expect-body", "ok")


def load(server, *arguments):
    return subprocess.Popen([BUILD / "bench" / "load_generator", "--port", str(server.port), *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main()
