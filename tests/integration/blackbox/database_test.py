"""Handlers that wait for a database: nobody is held up, who leaves takes the query along, and a server that dies comes back."""

import asyncio
import collections
import pathlib
import sys
import time

import support
from support import FULL, Program, get, open_request, read_response

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import database_servers  # noqa: E402

PEOPLE = [(number, f"name {number}", f"mail{number}@example.org") for number in range(1, 101)]


def make_people(server):
    rows = ", ".join(str(person) for person in PEOPLE)
    create = "CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR(64) NOT NULL, email VARCHAR(128) NOT NULL)"
    if isinstance(server, database_servers.MariaDb):
        server.sql(f"USE app; {create}; INSERT INTO people VALUES {rows};")
    else:
        server.sql(f"\\c app\n{create}; INSERT INTO people VALUES {rows}; GRANT ALL ON people TO caro;")


async def until(condition, what):
    """Waits for something outside of this process that tells nobody."""
    deadline = time.monotonic() + database_servers.PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in time: {what}")
        await asyncio.sleep(0.02)


class Load:
    """Clients that ask again and again, and count what they get."""

    def __init__(self, port, clients):
        self.port = port
        self.statuses = collections.Counter()
        self.slowest = 0.0
        self.stopping = False
        self.tasks = [asyncio.create_task(self.ask(number)) for number in range(clients)]

    async def ask(self, number):
        while not self.stopping:
            started = time.monotonic()
            status, _, body = await get(self.port, f"/db/people/{number % len(PEOPLE) + 1}")
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.statuses[status] += 1
            if status == 200:
                assert PEOPLE[number % len(PEOPLE)][1].encode() in body, body
            else:
                await asyncio.sleep(0.01)  # else a 503, which costs nothing, would be all that is counted

    async def stop(self):
        self.stopping = True
        await asyncio.gather(*self.tasks)


class OnServer:
    """The subclasses say which server."""

    async def test_client_that_leaves_stops_its_query(self):
        with self.Kind() as database, Program(support.REFERENCE, "--database", database.url) as server:
            for _ in range(3):
                _, writer = await open_request(server.port, "/db/sleep/30000")
                await until(lambda: database.running("SLEEP") == 1, "the query runs")
                left = time.monotonic()
                writer.close()
                await until(lambda: database.running("SLEEP") == 0, "the query is gone")
                print(f"{self.Kind.__name__}: a query was gone {(time.monotonic() - left) * 1000:.0f} ms after its client left")
            self.assertEqual((await get(server.port, "/db/sleep/1"))[0], 200)

    async def test_queries_wait_side_by_side(self):
        waiters, connections = (1000, 100) if FULL else (100, 50)
        with self.Kind() as database, Program(support.REFERENCE, "--database", database.url, "--database-connections",
                                              str(connections)) as server:
            waiting = [await open_request(server.port, "/db/sleep/100") for _ in range(waiters)]
            answers = [asyncio.create_task(read_response(reader)) for reader, _ in waiting]
            await until(lambda: database.running("SLEEP") > 1, "queries run at the same time")
            self.assertEqual((await get(server.port, "/index"))[0], 200)
            for answer in await asyncio.gather(*answers):
                self.assertEqual((answer[0], answer[2]), (200, b"ok"))
            for _, writer in waiting:
                writer.close()

    async def test_killed_and_started_again_under_load(self):
        rounds = 10 if FULL else 2
        with self.Kind() as database, Program(support.REFERENCE, "--database", database.url, "--database-timeout", "5",
                                              "--log-level", "off") as server:  # a line for each 503
            make_people(database)
            load = Load(server.port, 64)
            descriptors = memory = None
            for number in range(rounds):
                await until(lambda: load.statuses[200] >= 64, "it serves")
                if number == 1:
                    descriptors, memory = server.descriptors(), server.resident_kib()
                await asyncio.to_thread(database.kill)
                load.statuses.clear()
                await until(lambda: load.statuses[503] >= 64, "503 while the database is down")
                self.assertEqual((await get(server.port, "/index"))[0], 200)
                await asyncio.to_thread(database.start)
                load.statuses[200] = 0
            await until(lambda: load.statuses[200] >= 64, "it serves again by itself")
            self.assertEqual(set(load.statuses) - {200, 503}, set())
            after = server.descriptors(), server.resident_kib()
            print(f"{self.Kind.__name__}, {rounds} kills: the slowest answer took {load.slowest:.2f} s, {descriptors} -> {after[0]} descriptors, "
                  f"{memory} -> {after[1]} KiB")
            self.assertLess(load.slowest, 5 + 5)  # both deadlines of --database-timeout
            self.assertLessEqual(after[0], descriptors + 64)
            self.assertLess(after[1], memory + 4096)
            await load.stop()


class OnMariaDb(OnServer, support.Case):
    Kind = database_servers.MariaDb


class OnPostgres(OnServer, support.Case):
    Kind = database_servers.Postgres


if __name__ == "__main__":
    support.main()
