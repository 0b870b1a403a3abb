"""Clients that are slow on purpose, all at once: others are served meanwhile, and each is cut off by its deadline."""

import asyncio
import pathlib
import sys

import support
from support import FULL, Program, get

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from slow_clients import Idle, SlowBody, SlowHeaders, SlowReader, attack  # noqa: E402

DEADLINE = 3  # seconds that the server is started with; a slow reader's rate is looked at twice, and so it may have as many again
BUDGET_KIB = 256 * 1024  # ServerOptions::max_buffered_bytes


class SlowAttacks(support.Case):
    async def test_each_is_cut_off_and_others_are_served(self):
        count = 2000 if FULL else 200
        with Program(support.REFERENCE, "--timeout", str(DEADLINE), "--write-timeout", str(DEADLINE)) as server:
            before, descriptors = server.resident_kib(), server.descriptors()
            attackers = asyncio.create_task(attack(server.port, count))
            held = peak = served = 0
            while not attackers.done():
                status, _, body = await get(server.port, "/index")
                self.assertEqual((status, body), (200, b"ok"))
                served += 1
                held, peak = max(held, server.descriptors() - descriptors), max(peak, server.resident_kib())
                await asyncio.sleep(0)
            self.assertGreaterEqual(held, count, "all of them held a connection at a time")
            self.assertLess(peak - before, BUDGET_KIB)
            for kind, status in ((Idle, None), (SlowHeaders, 408), (SlowBody, 408), (SlowReader, 200)):
                these = [client for client in attackers.result() if isinstance(client, kind)]
                self.assertEqual({client.status for client in these}, {status}, kind.__name__)
                slowest = max(client.seconds for client in these)
                print(f"{len(these)} of {kind.__name__}: {status}, cut off after {slowest:.2f} s at most")
            print(f"{served} of /index meanwhile; resident: {before} KiB, at most {peak} KiB")
            status, _, _ = await get(server.port, "/index")
            self.assertEqual(status, 200)


if __name__ == "__main__":
    support.main()
