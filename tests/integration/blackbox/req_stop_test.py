"""/index, /req and /stop as the tutorial means them: waiting holds up nobody, /stop frees the oldest, a client that
leaves takes its upstream request with it."""

import asyncio

import support
from support import FULL, Program, Upstream, get, open_request, read_response


class ReqStop(support.Case):
    async def test_everybody_waits_and_nobody_is_held_up(self):
        waiters = 5000 if FULL else 500
        with Program(support.REFERENCE) as upstream, Program(
            support.EXAMPLE, "--upstream", f"http://127.0.0.1:{upstream.port}/sleep/2000"
        ) as server:
            before = server.resident_kib()
            waiting = [await open_request(server.port, "/req") for _ in range(waiters)]
            answers = [asyncio.create_task(read_response(reader)) for reader, _ in waiting]
            status, _, body = await get(server.port, "/index")
            self.assertEqual((status, body), (200, b"ok"))
            self.assertFalse(any(answer.done() for answer in answers), "/index is answered while all of them wait")
            print(f"{(server.resident_kib() - before) * 1024 / waiters:.0f} resident bytes per waiting request")
            for answer in await asyncio.gather(*answers):
                self.assertEqual((answer[0], answer[2]), (200, b"ok"))
            for _, writer in waiting:
                writer.close()

    async def test_waiting_for_five_threads_holds_up_nobody(self):
        waiters, seconds = (5000, "0.01") if FULL else (50, "0.5")
        with Program(support.THREAD_POOL, "--seconds", seconds) as server:
            waiting = [await open_request(server.port, "/index") for _ in range(waiters)]
            answers = [asyncio.create_task(read_response(reader)) for reader, _ in waiting]
            status, _, _ = await get(server.port, "/nowhere")
            self.assertEqual(status, 404)
            self.assertFalse(all(answer.done() for answer in answers), "the threads take ten turns for all of them")
            for answer in await asyncio.gather(*answers):
                self.assertEqual((answer[0], answer[2].decode()), (200, "成功"))
            for _, writer in waiting:
                writer.close()

    async def test_stop_frees_exactly_the_oldest_on_whichever_worker(self):
        waiters = 1000 if FULL else 200
        async with Upstream() as upstream:
            with Program(support.EXAMPLE, "--workers", "2", "--upstream", upstream.url) as server:
                waiting = []
                for _ in range(waiters):
                    reader, writer = await open_request(server.port, "/req")
                    _, gone = await asyncio.wait_for(upstream.arrived.get(), 30)
                    waiting.append((asyncio.create_task(read_response(reader)), writer, gone))
                for answer, writer, gone in waiting:
                    self.assertEqual(sum(other.done() for other, _, _ in waiting), waiting.index((answer, writer, gone)))
                    status, _, body = await get(server.port, "/stop")
                    self.assertEqual((status, body), (200, b"ok"))
                    status, _, body = await asyncio.wait_for(answer, 30)
                    self.assertEqual((status, body), (200, b"ok"))
                    await asyncio.wait_for(gone.wait(), 30)
                    writer.close()
                status, _, body = await get(server.port, "/stop")
                self.assertEqual((status, body), (409, b"nobody is waiting\n"))
                self.assertEqual((await get(server.port, "/else"))[0], 404)

    async def test_client_that_leaves_closes_its_upstream_connection(self):
        rounds, together = (1000, 100) if FULL else (20, 50)
        async with Upstream() as upstream:
            with Program(support.EXAMPLE, "--upstream", upstream.url) as server:
                descriptors = memory = None
                for turn in range(rounds):
                    waiting = [await open_request(server.port, "/req") for _ in range(together)]
                    seen = [(await asyncio.wait_for(upstream.arrived.get(), 30))[1] for _ in range(together)]
                    for _, writer in waiting:
                        writer.close()
                    for gone in seen:
                        await asyncio.wait_for(gone.wait(), 30)
                    self.assertEqual((await get(server.port, "/stop"))[0], 409, "nobody waits any more")
                    if turn == rounds // 10:
                        descriptors, memory = server.descriptors(), server.resident_kib()
                print(f"{rounds * together} left: {descriptors} -> {server.descriptors()} descriptors,"
                      f" {memory} -> {server.resident_kib()} KiB")
                self.assertLessEqual(server.descriptors(), descriptors + 2)
                self.assertLess(server.resident_kib(), memory + 2048)


if __name__ == "__main__":
    support.main()
