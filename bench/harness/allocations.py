"""Heap allocations per request, counted by the preloaded library of alloc_counter/."""

import struct
import tempfile

from harness import load, slope
from harness.server import Server


def per_request(script, workload, options, upstream):
    """{"allocations": …, "bytes": …} per warm request."""
    with tempfile.NamedTemporaryFile(prefix="bench-allocations-") as file:
        file.write(bytes(16))
        file.flush()
        environment = {"LD_PRELOAD": str(options.programs / "alloc_counter.so"), "ALLOC_COUNTER_FILE": file.name}
        with Server(script, options.server_core, options.programs, environment, workload, upstream) as server:

            def count(requests):
                before = _read(file.name)
                load.run(options.programs, options.generator_core, server.port, workload, "--requests", requests)
                server.wait_until_disconnected()
                after = _read(file.name)
                return {"allocations": after[0] - before[0], "bytes": after[1] - before[1]}

            figures = slope.per_request(count, workload.count_over)
            if _read(file.name)[0] == 0:  # even a shell allocates as it starts
                raise load.LoadFailed("alloc_counter.so was not loaded")
            return figures


def _read(path):
    with open(path, "rb") as file:
        return struct.unpack("=QQ", file.read(16))
