"""Tornado's part of bench/database.py: the same statement on a thread pool, each thread with a connection of its own.

Usage: tornado_queries.py PORT USER PASSWORD DATABASE TASKS QUERIES. Prints {"seconds": S, "cpu_seconds": C, "queries": N}.
"""

import concurrent.futures
import json
import resource
import sys
import threading
import time

import MySQLdb
import tornado.gen
import tornado.ioloop

PORT, USER, PASSWORD, DATABASE = int(sys.argv[1]), *sys.argv[2:5]
TASKS, QUERIES = map(int, sys.argv[5:7])
ROWS = 1000
mine = threading.local()


def query(number):
    if not hasattr(mine, "connection"):
        mine.connection = MySQLdb.connect(host="127.0.0.1", port=PORT, user=USER, passwd=PASSWORD, db=DATABASE)
    cursor = mine.connection.cursor()
    cursor.execute("SELECT id, name, email FROM people WHERE id = %s", (number,))
    (row,) = cursor.fetchall()
    cursor.close()
    assert row[0] == number


async def ask(pool, first, queries):
    loop = tornado.ioloop.IOLoop.current()
    for i in range(first, queries, TASKS):
        await loop.run_in_executor(pool, query, i % ROWS + 1)


async def main():
    with concurrent.futures.ThreadPoolExecutor(TASKS) as pool:
        await tornado.gen.multi([ask(pool, i, 4 * TASKS) for i in range(TASKS)])  # connects
        usage, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        await tornado.gen.multi([ask(pool, i, QUERIES) for i in range(TASKS)])
        seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "queries": QUERIES}))


tornado.ioloop.IOLoop.current().run_sync(main)
