"""Everything at once, from clients that leave at any step: no wrong answer, no error, nothing that grows."""

import asyncio
import os
import random
import tempfile
import time

import support
from support import FULL, Program, get, read_response, request_bytes

SECONDS = 30 * 60
EXCHANGES = 3000  # of every day; FULL is measured by time
CLIENTS = 100
WARM_UP = 0.2  # of the whole: what is kept for later is there by then
GROWTH_KIB = 2048
FILE = os.urandom(64 * 1024)
UPLOAD = b"u" * 100_000


def chunked(body):
    pieces = (body[i : i + 30_000] for i in range(0, len(body), 30_000))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post(path, body, coding):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
    if coding == "chunked":
        return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body)
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


# name: (bytes of the requests, the answers that must come)
KINDS = {
    "plaintext": (request_bytes("/index"), [(200, b"ok")]),
    "pipelined": (
        request_bytes("/index") + request_bytes("/sleep/2") + request_bytes("/json"),
        [(200, b"ok"), (200, b"ok"), (200, b'{"message":"Hello, World!"}')],
    ),
    "route": (request_bytes("/users/caro/orders/42"), [(200, b"caro 42")]),
    "nowhere": (request_bytes("/nowhere"), [(404, None)]),
    "wait": (request_bytes("/sleep/20"), [(200, b"ok")]),
    "file": (request_bytes("/static/file"), [(200, FILE)]),
    "bytes": (request_bytes("/bytes/1000000"), [(200, b"x" * 1_000_000)]),
    "upload": (post("/count", UPLOAD, "length"), [(200, b"100000")]),
    "chunked upload": (post("/count", UPLOAD, "chunked"), [(200, b"100000")]),
    "relay": (request_bytes("/upstream"), [(200, b"ok")]),
    "proxy": (request_bytes("/proxy/static/file"), [(200, FILE)]),
    "proxied upload": (post("/proxy/count", UPLOAD, "chunked"), [(200, b"100000")]),
}


class Client:
    """One after the other, exchanges of a random kind; one in three is broken off at a random byte of either direction."""

    def __init__(self, case, port, seed):
        self.case, self.port, self.random = case, port, random.Random(seed)
        self.done = self.left = 0
        self.writer = None

    async def run(self, more):
        while more():
            name = self.random.choice(list(KINDS))
            await asyncio.wait_for(self.exchange(name, *KINDS[name]), 60)
        self.close()

    async def exchange(self, name, requests, answers):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        if self.random.random() < 1 / 3:
            await self.leave(requests, answers)
            self.left += 1
            return
        self.writer.write(requests)
        await self.writer.drain()
        for status, body in answers:
            answer = await read_response(self.reader)
            self.case.assertIsNotNone(answer, f"{name}: closed without an answer")
            self.case.assertEqual(answer[0], status, name)
            if body is not None:
                self.case.assertTrue(answer[2] == body, f"{name}: another body")
        self.done += 1
        if self.random.random() < 0.1:
            self.close()

    async def leave(self, requests, answers):
        if self.random.random() < 0.5:
            self.writer.write(requests[: self.random.randrange(len(requests))])
        else:
            self.writer.write(requests)
            await self.writer.drain()
            expected = sum(100 + len(body or b"") for _, body in answers)
            wanted = self.random.randrange(expected)
            while wanted > 0 and (piece := await self.reader.read(wanted)):
                wanted -= len(piece)
        if self.random.random() < 0.5:
            self.writer.transport.abort()  # a reset, where something is unread or unsent
            self.writer = None
        else:
            self.close()

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


class MixedLoad(support.Case):
    async def test_clients_that_leave_at_any_step(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "file"), "wb") as file:
                file.write(FILE)
            with Program(support.REFERENCE, "--static", folder) as upstream, Program(
                support.REFERENCE, "--static", folder, "--upstream", f"http://127.0.0.1:{upstream.port}/index",
                "--proxy", f"http://127.0.0.1:{upstream.port}", "--workers", "1"
            ) as server:  # fmt: skip
                await self.mixed(server, upstream)

    async def mixed(self, server, upstream):
        seed = int(os.environ.get("CAROPIG_SEED", "1"))
        clients = [Client(self, server.port, seed * CLIENTS + number) for number in range(CLIENTS)]
        began = time.monotonic()

        def progress():
            if FULL:
                return (time.monotonic() - began) / SECONDS
            return sum(client.done + client.left for client in clients) / EXCHANGES

        descriptors = server.descriptors()
        before = {}

        async def watch():
            while progress() < WARM_UP:
                await asyncio.sleep(0.01)
            before.update({server: server.resident_kib(), upstream: upstream.resident_kib()})

        watching = asyncio.create_task(watch())
        async with asyncio.TaskGroup() as group:  # the first failure ends all
            for client in clients:
                group.create_task(client.run(lambda: progress() < 1))
        await watching
        after = {program: program.resident_kib() for program in before}
        print(
            f"{sum(client.done for client in clients)} exchanges done and {sum(client.left for client in clients)} broken off in"
            f" {time.monotonic() - began:.0f} s; resident {before[server]} -> {after[server]} KiB, of the upstream"
            f" {before[upstream]} -> {after[upstream]} KiB"
        )
        for program in before:
            # A short run has seen few bursts, and a sanitizer makes much of each.
            growth = GROWTH_KIB if FULL else max(GROWTH_KIB, before[program] // 4)
            self.assertLess(after[program], before[program] + growth)
        # Who has left is gone; what stays is the pool of connections to the upstream, each for a relayed and for a proxied request.
        for _ in range(300):
            if server.descriptors() <= descriptors + 2 * CLIENTS:
                break
            self.assertEqual((await get(server.port, "/index"))[0], 200)
            await asyncio.sleep(0.1)
        self.assertLessEqual(server.descriptors(), descriptors + 2 * CLIENTS)
        server.process.terminate()
        self.assertEqual(server.process.wait(30), 0, "a graceful end")


if __name__ == "__main__":
    support.main()
