"""Workloads, and running the load generator on one."""

import dataclasses
import json
import resource
import subprocess

from harness import process


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    path: str
    connections: int
    pipeline: int
    body: str | None  # that every answer must have; None: any
    target: float  # CPU per request of CaroPig, as a ratio to the baseline
    baseline: str = "epoll_floor"
    servers: tuple[str, ...] = ()  # that serve it; empty: all

    def among(self, servers):
        """Those of `servers` that serve it."""
        return [name for name in servers if not self.servers or name in self.servers]


FILE_SERVERS = ("caropig", "nginx")

WORKLOADS = [
    Workload("plaintext", "GET /index, 64 keep-alive connections", "/index", 64, 1, "ok", 1.20),
    Workload("pipelined", "the same, pipelined by 16", "/index", 64, 16, "ok", 2.00),
    Workload("file-64k", "a static file of 64 KiB", "/static/64k.bin", 64, 1, None, 1.00, "nginx", FILE_SERVERS),
    Workload("file-1m", "a static file of 1 MiB", "/static/1m.bin", 64, 1, None, 1.00, "nginx", FILE_SERVERS),
]


class LoadFailed(Exception):
    """The load generator could not do its work at all."""


def run(programs, core, port, workload, *amount):
    """The generator's figures, and under "cpu_seconds" what it used itself. `amount`: "--seconds", S or "--requests", N."""
    command = ["taskset", "--cpu-list", str(core), str(programs / "load_generator"), "--port", str(port),
               "--path", workload.path, "--connections", str(workload.connections),
               "--pipeline", str(workload.pipeline), *map(str, amount)]
    if workload.body is not None:
        command += ["--expect-body", workload.body]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    generator = None
    try:
        with process.signals_held():
            generator = process.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        output, complaints = generator.communicate()
    except BaseException:
        if generator is not None:
            generator.kill()
            generator.wait()
        raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        figures = json.loads(output)
    except ValueError:
        raise LoadFailed(complaints.strip() or f"exit code {generator.returncode}") from None
    figures["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return figures
