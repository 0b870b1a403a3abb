"""The upstream of /req dies at each step: the client learns in one line what it was, and nothing is left behind."""

import asyncio
import socket

import support
from support import Program, get


class FaultyUpstream:
    """Reads a request, sends `answer`, and then closes, resets, or stays silent."""

    def __init__(self, answer, end):
        self.answer = answer
        self.end = end
        self.release = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.release.set()
        self.server.close()

    async def serve(self, reader, writer):
        if self.end != "close at once":
            await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        if self.end == "silence":
            await self.release.wait()
        if self.end == "reset":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
        writer.close()


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n10\r\nxyz"

CASES = [
    ("closed after the connect", b"", "close at once", 502),
    ("closed before the answer", b"", "close", 502),
    ("reset before the answer", b"", "reset", 502),
    ("closed in the head", b"HTTP/1.1 200 OK\r\nContent-Le", "close", 502),
    ("reset in the head", b"HTTP/1.1 200 OK\r\nContent-Le", "reset", 502),
    ("closed in the body", LENGTH, "close", 502),
    ("reset in the body", LENGTH, "reset", 502),
    ("closed in a chunk", CHUNK, "close", 502),
    ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n", "close", 502),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "close", 502),
    ("too large by its length", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "silence", 502),
    ("too large by count", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, "silence", 502),
    ("silent before the answer", b"", "silence", 504),
    ("silent in the head", b"HTTP/1.1 200 OK\r\n", "silence", 504),
    ("silent in the body", LENGTH, "silence", 504),
]


class UpstreamFaults(support.Case):
    async def expect(self, url, expected, why):
        arguments = ["--upstream", url, "--upstream-timeout", "0.5", "--upstream-max-bytes", "1000"]
        with Program(support.EXAMPLE, *arguments) as server:
            self.assertEqual((await get(server.port, "/index"))[0], 200)
            descriptors = server.descriptors()
            for _ in range(3):
                status, headers, body = await get(server.port, "/req")
                line = body.decode()
                self.assertEqual(status, expected, f"{why}: {line}")
                self.assertEqual(line.count("\n"), 1, line)
                self.assertTrue(line.startswith("fetch http://"), line)
            self.assertEqual((await get(server.port, "/stop"))[0], 409)
            self.assertLessEqual(server.descriptors(), descriptors + 1)
            print(f"{why}: {status} {line}", end="")

    async def test_dies_at_each_step(self):
        for why, answer, end, expected in CASES:
            with self.subTest(why):
                async with FaultyUpstream(answer, end) as upstream:
                    await self.expect(f"http://127.0.0.1:{upstream.port}/", expected, why)

    async def test_refused(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            await self.expect(f"http://127.0.0.1:{unused.getsockname()[1]}/", 502, "refused")

    async def test_unresolvable(self):
        await self.expect("http://no-such-host.invalid/", 502, "unresolvable")

    async def test_the_upstreams_own_status_and_body_are_handed_on(self):
        answer = b"HTTP/1.1 418 Teapot\r\nContent-Type: text/x-tea\r\nContent-Length: 3\r\n\r\ntea"
        async with FaultyUpstream(answer, "close") as upstream:
            with Program(support.EXAMPLE, "--upstream", f"http://127.0.0.1:{upstream.port}/") as server:
                status, headers, body = await get(server.port, "/req")
                self.assertEqual((status, headers["content-type"], body), (418, "text/x-tea", b"tea"))


if __name__ == "__main__":
    support.main()
