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
    body: str
    target: float  # CPU per request of CaroPig, as a ratio to the floor


WORKLOADS = [
    Workload("plaintext", "GET /index, 64 keep-alive connections", "/index", 64, 1, "ok", 1.20),
    Workload("pipelined", "the same, pipelined by 16", "/index", 64, 16, "ok", 2.00),
]


class LoadFailed(Exception):
    """The load generator could not do its work at all."""


def run(programs, core, port, workload, *amount):
    """The generator's figures, and under "cpu_seconds" what it used itself. `amount`: "--seconds", S or "--requests", N."""
    command = ["taskset", "--cpu-list", str(core), str(programs / "load_generator"), "--port", str(port),
               "--path", workload.path, "--connections", str(workload.connections),
               "--pipeline", str(workload.pipeline), "--expect-body", workload.body, *map(str, amount)]
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
