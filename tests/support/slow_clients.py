"""Clients that hold a server up as attackers do: all at once, each as slowly as it can. As a program: PORT COUNT."""

import asyncio
import collections
import resource
import socket
import sys
import time

PACE = 0.5  # seconds between two bytes
BODY = 1_000_000  # bytes that a slow body promises, and that a slow reader asks for many times over
SMALL_BUFFER = 4096  # of a slow reader's socket, so that the server notices that nothing is read


class SlowClient:
    """One attacker; `run` returns when the server has cut it off."""

    def __init__(self, port):
        self.port = port
        self.answer = b""  # what the server has sent, but for what a slow reader was sent of the body
        self.seconds = None  # from the connection to its end

    async def run(self):
        connection = socket.socket()
        connection.setblocking(False)
        if self.reads_slowly:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(connection, ("127.0.0.1", self.port))
            begun = time.monotonic()
            await loop.sock_sendall(connection, self.opening)
            # Whatever it sends or leaves, it sees the end when it comes.
            pacing = asyncio.create_task(self.go_on(loop, connection))
            try:
                await self.read_to_the_end(loop, connection)
            except ConnectionError:
                pass  # what it sent after the answer was not read any more
            finally:
                self.seconds = time.monotonic() - begun
                pacing.cancel()
        finally:
            connection.close()

    reads_slowly = False
    opening = b""
    byte = None  # what is sent of it all PACE seconds

    async def go_on(self, loop, connection):
        while self.byte:
            await asyncio.sleep(PACE)
            try:
                await loop.sock_sendall(connection, self.byte)
            except ConnectionError:
                return

    async def read_to_the_end(self, loop, connection):
        while piece := await loop.sock_recv(connection, 65536):
            self.answer += piece

    @property
    def status(self):
        return int(self.answer.split(b" ", 2)[1]) if self.answer else None


class Idle(SlowClient):
    """Connects and says nothing."""


class SlowHeaders(SlowClient):
    opening = b"GET /index HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    byte = b"a"


class SlowBody(SlowClient):
    opening = b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % BODY
    byte = b"a"


class SlowReader(SlowClient):
    """Takes a byte at a time of an answer without end."""

    reads_slowly = True
    opening = b"GET /bytes/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % (BODY * 1000)

    async def read_to_the_end(self, loop, connection):
        self.answer = await loop.sock_recv(connection, 64)
        # What has arrived can be read for a long time yet after the server has cut the connection.
        while connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and await loop.sock_recv(connection, 1):
            await asyncio.sleep(PACE)


KINDS = [Idle, SlowHeaders, SlowBody, SlowReader]


async def attack(port, count):
    """As many of each kind, together; gives them when all were cut off."""
    clients = [KINDS[number % len(KINDS)](port) for number in range(count)]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
    return clients


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = asyncio.run(attack(*map(int, sys.argv[1:])))
    ends = collections.defaultdict(list)
    for client in clients:
        ends[type(client).__name__, client.status].append(client.seconds)
    print(", ".join(f"{len(seconds)} {kind} ({status}) after {max(seconds):.1f} s at most" for (kind, status), seconds in ends.items()))


if __name__ == "__main__":
    main()
