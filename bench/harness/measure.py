"""One measurement: one server under one workload, and what else was going on meanwhile."""

import time

from harness import load, procfs
from harness.server import Server

WARM_UP_SHARE = 0.25  # of the measurement that follows
DISTURBED_SHARE = 0.05  # of a core, taken by others than the server and the generator


def measure(name, workload, options):
    """A dict of figures; raises ServerFailed or LoadFailed."""
    with Server(name, options.server_core, options.programs) as server:
        load.run(options.programs, options.generator_core, server.port, workload, "--seconds",
                 options.seconds * WARM_UP_SHARE)
        server.wait_until_disconnected()

        before = _readings(server, options)
        figures = load.run(options.programs, options.generator_core, server.port, workload, "--seconds", options.seconds)
        server.wait_until_disconnected()
        after = _readings(server, options)
        resident = procfs.resident_bytes(server.pid)

    used = {what: after[what] - before[what] for what in after}
    if not figures["requests"]:
        raise load.LoadFailed(f"no request was answered: {figures['errors_by_kind']}")
    others = {
        "server_core": (used["server_core_busy"] - used["server_cpu"]) / used["wall"],
        "generator_core": (used["generator_core_busy"] - figures["cpu_seconds"]) / used["wall"],
    }
    return {
        "cpu_us_per_request": used["server_cpu"] * 1e6 / figures["requests"],
        "requests_per_second": figures["requests_per_second"],
        "latency_us": figures["latency_us"],
        "requests": figures["requests"],
        "errors": figures["errors"],
        "errors_by_kind": figures["errors_by_kind"],
        "resident_bytes": resident,
        "voluntary_switches_per_request": used["switches"] / figures["requests"],
        "server_cpu_share": used["server_cpu"] / used["wall"],
        "generator_cpu_share": figures["cpu_seconds"] / used["wall"],
        "others_share": others,
        "disturbed": max(others.values()) > DISTURBED_SHARE,
    }


def _readings(server, options):
    return {
        "wall": time.monotonic(),
        "server_cpu": procfs.cpu_seconds(server.pid),
        "switches": procfs.voluntary_switches(server.pid),
        "server_core_busy": procfs.busy_seconds(options.server_core),
        "generator_core_busy": procfs.busy_seconds(options.generator_core),
    }
