"""A handler that fetches from an upstream: connections are used again, and thousands of waiting fetches cost little."""

import asyncio

import support
from support import FULL, Program, get, open_request, read_response, request_bytes


class CountingUpstream:
    """Answers every request with "hello"; counts connections and requests."""

    def __init__(self):
        self.connections = self.requests = 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Relay(support.Case):
    async def test_one_connection_carries_many_requests(self):
        async with CountingUpstream() as upstream:
            with Program(support.REFERENCE, "--upstream", upstream.url, "--workers", "1") as server:
                reader, writer = await open_request(server.port, "/upstream")
                for _ in range(50):
                    self.assertEqual((await asyncio.wait_for(read_response(reader), 30))[2], b"hello")
                    writer.write(request_bytes("/upstream"))
                self.assertEqual((await asyncio.wait_for(read_response(reader), 30))[2], b"hello")
                writer.close()
                self.assertEqual((upstream.connections, upstream.requests), (1, 51))

    async def test_line_for_few_connections(self):
        async with CountingUpstream() as upstream:
            with Program(
                support.REFERENCE, "--upstream", upstream.url, "--upstream-connections", "3", "--workers", "1"
            ) as server:
                answers = await asyncio.gather(*(get(server.port, "/upstream") for _ in range(100)))
                self.assertEqual({answer[2] for answer in answers}, {b"hello"})
                self.assertLessEqual(upstream.connections, 3)
                self.assertEqual(upstream.requests, 100)

    async def test_thousands_wait_for_a_slow_upstream(self):
        waiters = 5000 if FULL else 500
        with Program(support.REFERENCE) as upstream, Program(
            support.REFERENCE, "--upstream", f"http://127.0.0.1:{upstream.port}/sleep/2000", "--workers", "1"
        ) as server:
            before = server.resident_kib()
            idle = server.descriptors()
            waiting = [await open_request(server.port, "/upstream") for _ in range(waiters)]
            answers = [asyncio.create_task(read_response(reader)) for reader, _ in waiting]
            await get(server.port, "/index")
            print(f"{(server.resident_kib() - before) * 1024 / waiters:.0f} resident bytes per waiting fetch")
            for answer in await asyncio.gather(*answers):
                self.assertEqual(answer[0], 200)
            for _, writer in waiting:
                writer.close()
            await get(server.port, "/index")
            self.assertLess(server.descriptors() - idle, waiters + 110, "idle connections to the upstream are bounded")


if __name__ == "__main__":
    support.main()
