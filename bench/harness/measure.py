"""One measurement: one server under one workload, and what else was going on meanwhile."""

import contextlib
import time

from harness import idle, load, procfs
from harness.server import Server

WARM_UP_SHARE = 0.25  # of the measurement that follows
DISTURBED_SHARE = 0.05  # of a core, taken by others than the server, the generator and the upstream


@contextlib.contextmanager
def upstream(workload, options):
    """The server that a relay asks, on the generator's core; None for other workloads."""
    if not workload.relay:
        yield None
        return
    with Server("nginx", options.generator_core, options.programs) as server:
        yield server


def measure(script, workload, options):
    """A dict of figures; raises ServerFailed or LoadFailed."""
    shared = f"{options.server_core},{options.generator_core}" if workload.workers > 1 else None
    with upstream(workload, options) as behind, \
            Server(script, shared or options.server_core, options.programs, workload=workload,
                   upstream=behind and behind.port) as server:
        if workload.idle:
            return {"bytes_per_connection": idle.bytes_per_connection(server, workload),
                    "resident_bytes": procfs.resident_bytes(server.pid), "errors": 0, "disturbed": False}
        generator_core = shared or options.generator_core
        seconds = max(options.seconds, workload.at_least)
        load.run(options.programs, generator_core, server.port, workload, "--seconds",
                 max(options.seconds * WARM_UP_SHARE, script.warm_up))
        server.wait_until_disconnected()

        before = _readings(server, behind, options)
        figures = load.run(options.programs, generator_core, server.port, workload, "--seconds", seconds)
        server.wait_until_disconnected()
        after = _readings(server, behind, options)
        resident = procfs.resident_bytes(server.pid)

    used = {what: after[what] - before[what] for what in after}
    if not figures["requests"]:
        raise load.LoadFailed(f"no request was answered: {figures['errors_by_kind']}")
    others = _others_share(used, figures["cpu_seconds"], shared)
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


def _others_share(used, generator_cpu, shared):
    """Of each core, what went to nobody that belongs to the measurement."""
    server_core = used["server_core_busy"] - used["server_cpu"]
    generator_core = used["generator_core_busy"] - generator_cpu - used["upstream_cpu"]
    if shared:  # who ran where is not known
        return {"both_cores": (server_core + generator_core) / used["wall"] / 2}
    return {"server_core": server_core / used["wall"], "generator_core": generator_core / used["wall"]}


def _readings(server, behind, options):
    return {
        "wall": time.monotonic(),
        "server_cpu": procfs.cpu_seconds(server.pid),
        "upstream_cpu": procfs.cpu_seconds(behind.pid) if behind else 0,
        "switches": procfs.voluntary_switches(server.pid),
        "server_core_busy": procfs.busy_seconds(options.server_core),
        "generator_core_busy": procfs.busy_seconds(options.generator_core),
    }
