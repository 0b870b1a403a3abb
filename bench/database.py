#!/usr/bin/python3
"""Queries per second and CPU time per query, of a MariaDB that this starts: CaroPig's pool beside the blocking C library in
a loop (the floor) and Tornado with a thread pool. `./dev bench database` builds what it needs and calls it.

A query reads one row of three columns by its key, through a prepared statement where the client has them. CPU time is that of the
client's process; the server runs on the other core.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import database_servers  # noqa: E402  (where the tests keep it)


QUERIES = 40000  # of a measurement; Tornado's are a quarter


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each measures every client once, in turn (5)")
    parser.add_argument("--queries", type=int, default=QUERIES, help=f"per measurement ({QUERIES}; Tornado a quarter)")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bench")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    with server(cores[1]) as database:
        rounds = [measure_clients(database, options.programs, cores[0], options.queries) for _ in range(options.rounds)]

    print(f"{'client':<36}{'queries/s':>11}{'CPU µs/query':>14}{'× floor':>9}")
    floor = next(iter(rounds[0]))
    for name in rounds[0]:
        rate = statistics.median(each[name]["requests_per_second"] for each in rounds)
        cost = statistics.median(each[name]["cpu_us_per_request"] for each in rounds)
        ratio = statistics.median(each[name]["cpu_us_per_request"] / each[floor]["cpu_us_per_request"] for each in rounds)
        print(f"{name:<36}{rate:>11,.0f}{cost:>14.2f}{ratio:>9.2f}")


def measure_round(programs, client_core, server_core):
    """{client: figures} for run.py, from a database of its own."""
    with server(server_core) as database:
        return measure_clients(database, programs, client_core, QUERIES // 2)


@contextlib.contextmanager
def server(core):
    with database_servers.MariaDb() as database:
        os.sched_setaffinity(database.process.pid, {core})
        database.sql("CREATE TABLE app.people (id BIGINT PRIMARY KEY, name VARCHAR(64) NOT NULL, email VARCHAR(128) NOT NULL);"
                     "INSERT INTO app.people SELECT seq, concat('name ', seq), concat('mail', seq, '@example.org') FROM "
                     "(WITH RECURSIVE n AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM n WHERE seq < 1000) SELECT seq FROM n) AS s")
        yield database


def measure_clients(database, programs, core, queries):
    account = [str(database.port), "caro", database.PASSWORD, "app"]
    tornado = ["/usr/bin/python3", str(ROOT / "bench" / "database" / "tornado_queries.py"), *account]
    clients = {
        "C library, 1 connection": [programs / "blocking_queries", *account, queries],
        "CaroPig, 1 connection": [programs / "caropig_queries", database.url, 1, queries],
        "CaroPig, 16 connections": [programs / "caropig_queries", database.url, 16, queries],
        "Tornado, 1 thread": [*tornado, 1, queries // 4],
        "Tornado, 16 threads": [*tornado, 16, queries // 4],
    }
    return {name: measure(command, core) for name, command in clients.items()}


def measure(command, core):
    run = subprocess.run(["taskset", "--cpu-list", str(core), *map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(run.stdout)
    return {"cpu_us_per_request": figures["cpu_seconds"] * 1e6 / figures["queries"],
            "requests_per_second": figures["queries"] / figures["seconds"], "requests": figures["queries"]}


if __name__ == "__main__":
    main()
