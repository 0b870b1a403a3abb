"""Bodies larger than memory go through it in pieces, whoever is slow."""

import asyncio

import support
from support import FULL, Program, get, read_response

SIZE = 10 * 1024**3 if FULL else 64 * 1024**2
PIECE = b"x" * (1 << 20)
PAUSES = 8
WARM_UP = 8 * 1024**2  # goes through whatever the server keeps for all connections: the buffers of io_uring
GROWTH_KIB = 2048  # buffers of one connection, and what the allocator keeps


async def warm_up(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % WARM_UP + b"x" * WARM_UP)
    assert (await read_response(reader))[0] == 200
    writer.close()


class LargeTransfers(support.Case):
    async def test_upload(self):
        with Program(support.REFERENCE) as server:
            await warm_up(server.port)
            before = peak = server.resident_kib()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for number in range(SIZE // len(PIECE)):
                writer.write(PIECE)
                await writer.drain()
                if number % 16 == 0:
                    peak = max(peak, server.resident_kib())
            status, _, body = await read_response(reader)
            writer.close()
            self.assertEqual((status, int(body)), (200, SIZE))
            self.flat("up", before, max(peak, server.resident_kib()))

    async def test_download_to_a_reader_that_stops_and_goes_on(self):
        with Program(support.REFERENCE) as server:
            await warm_up(server.port)
            before = peak = server.resident_kib()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /bytes/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % SIZE)
            head = await reader.readuntil(b"\r\n\r\n")
            self.assertIn(b"Content-Length: %d" % SIZE, head)
            received = 0
            for pause in range(1, PAUSES + 1):
                while received < SIZE * pause // PAUSES:
                    piece = await reader.read(1 << 20)
                    self.assertTrue(piece, f"cut off after {received} bytes")
                    received += len(piece)
                # Nothing is read while others are served.
                for _ in range(20):
                    self.assertEqual((await get(server.port, "/index"))[0], 200)
                peak = max(peak, server.resident_kib())
            self.assertEqual(received, SIZE)
            writer.close()
            self.flat("down", before, peak)

    def flat(self, direction, before, peak):
        print(f"{SIZE} bytes {direction}: resident {before} KiB before, at most {peak} KiB")
        self.assertLess(peak, before + GROWTH_KIB)


if __name__ == "__main__":
    support.main()
