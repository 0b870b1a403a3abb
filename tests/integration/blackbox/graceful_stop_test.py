"""SIGTERM under load: every request that the server took is answered, and the program ends with 0 within its deadline."""

import asyncio
import signal
import time

import support
from support import FULL, Program, open_request, read_response, request_bytes

SHUTDOWN_DEADLINE = 8


class GracefulStop(support.Case):
    async def hammer(self, port, stopped, tally):
        """Sends requests over one connection until the server says that it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(request_bytes("/sleep/5" if tally["sent"] % 3 == 0 else "/index"))
            tally["sent"] += 1
            response = await read_response(reader)
            if response is None:
                tally["lost"] += 1
                break
            self.assertEqual(response[0], 200)
            tally["answered"] += 1
            if response[1].get("connection") == "close":
                self.assertTrue(stopped.is_set())
                break
        writer.close()

    async def test_no_request_is_lost(self):
        for workers in ("1", "2"):
            with self.subTest(workers=workers), Program(support.REFERENCE, "--workers", workers) as server:
                stopped = asyncio.Event()
                tally = {"sent": 0, "answered": 0, "lost": 0}
                clients = [asyncio.create_task(self.hammer(server.port, stopped, tally)) for _ in range(64)]
                while tally["answered"] < (20000 if FULL else 2000):
                    await asyncio.sleep(0)
                stopped.set()
                started = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                await asyncio.gather(*clients)
                code = await asyncio.to_thread(server.process.wait, 30)
                print(f"{workers} workers: {tally}, ended after {time.monotonic() - started:.2f} s")
                self.assertEqual(code, 0)
                self.assertEqual((tally["lost"], tally["answered"]), (0, tally["sent"]))

    async def test_what_takes_too_long_is_cancelled(self):
        with Program(support.REFERENCE) as server:
            reader, writer = await open_request(server.port, "/sleep/3000000")
            # Requests on other connections are answered after this one has been read.
            other, other_writer = await open_request(server.port, "/index")
            await read_response(other)
            server.process.send_signal(signal.SIGTERM)
            status, headers, _ = await read_response(reader)
            self.assertEqual((status, headers["connection"]), (503, "close"))
            self.assertEqual(await asyncio.to_thread(server.process.wait, SHUTDOWN_DEADLINE + 20), 0)
            writer.close()
            other_writer.close()

    async def test_second_signal_ends_at_once(self):
        with Program(support.REFERENCE) as server:
            reader, writer = await open_request(server.port, "/sleep/3000000")
            other, other_writer = await open_request(server.port, "/index")
            await read_response(other)
            server.process.send_signal(signal.SIGTERM)
            # The listening socket closes when the first signal has been seen.
            while True:
                try:
                    _, probe = await asyncio.open_connection("127.0.0.1", server.port)
                    probe.close()
                except ConnectionResetError:
                    continue  # the socket closed in the middle of the handshake
                except ConnectionRefusedError:
                    break
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(await asyncio.to_thread(server.process.wait, 30), 128 + signal.SIGTERM)
            writer.close()
            other_writer.close()


if __name__ == "__main__":
    support.main()
