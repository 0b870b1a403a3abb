#!/usr/bin/python3
"""Queries per second and CPU time per query, of a MariaDB that this starts: CaroPig's pool beside the blocking C library in
a loop (the floor) and Tornado with a thread pool. `./dev bench database` builds what it needs and calls it.

A query reads one row of three columns by its key, through a prepared statement where the client has them. CPU time is that of the
client's process; the server runs on the other core.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import database_servers  # noqa: E402  (where the tests keep it)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each measures every client once, in turn (5)")
    parser.add_argument("--queries", type=int, default=40000, help="per measurement (40000; Tornado a quarter)")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bench")
    options = parser.parse_args()
    client_core, server_core = sorted(os.sched_getaffinity(0))[:2]

    with database_servers.MariaDb() as server:
        os.sched_setaffinity(server.process.pid, {server_core})
        server.sql("CREATE TABLE app.people (id BIGINT PRIMARY KEY, name VARCHAR(64) NOT NULL, email VARCHAR(128) NOT NULL);"
                   "INSERT INTO app.people SELECT seq, concat('name ', seq), concat('mail', seq, '@example.org') FROM "
                   "(WITH RECURSIVE n AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM n WHERE seq < 1000) SELECT seq FROM n) AS s")
        account = [str(server.port), "caro", server.PASSWORD, "app"]
        tornado = ["/usr/bin/python3", str(ROOT / "bench" / "database" / "tornado_queries.py"), *account]
        clients = {
            "C library, blocking, 1 connection": [options.programs / "blocking_queries", *account, options.queries],
            "CaroPig, 1 connection": [options.programs / "caropig_queries", server.url, 1, options.queries],
            "CaroPig, 16 connections": [options.programs / "caropig_queries", server.url, 16, options.queries],
            "Tornado, pool of 1 thread": [*tornado, 1, options.queries // 4],
            "Tornado, pool of 16 threads": [*tornado, 16, options.queries // 4],
        }
        rounds = []
        for _ in range(options.rounds):
            rounds.append({name: measure(command, client_core) for name, command in clients.items()})

    print(f"{'client':<36}{'queries/s':>11}{'CPU µs/query':>14}{'× floor':>9}")
    floor = next(iter(clients))
    for name in clients:
        rate = statistics.median(each[name]["queries"] / each[name]["seconds"] for each in rounds)
        cost = statistics.median(cpu(each[name]) for each in rounds)
        ratio = statistics.median(cpu(each[name]) / cpu(each[floor]) for each in rounds)
        print(f"{name:<36}{rate:>11,.0f}{cost:>14.2f}{ratio:>9.2f}")


def measure(command, core):
    run = subprocess.run(["taskset", "--cpu-list", str(core), *map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def cpu(figures):
    """Microseconds per query."""
    return figures["cpu_seconds"] * 1e6 / figures["queries"]


if __name__ == "__main__":
    main()
