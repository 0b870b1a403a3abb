"""Workloads, their targets, and running a load generator on one."""

import dataclasses
import json
import math
import pathlib
import re
import resource
import subprocess
import tomllib

from harness import process

with open(pathlib.Path(__file__).resolve().parent.parent / "targets.toml", "rb") as _file:
    TARGETS = tomllib.load(_file)


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    path: str = "/index"
    connections: int = 64
    pipeline: int = 1
    body: str | None = None  # that every answer must have; None: any
    close: bool = False  # a connection for each request
    idle: bool = False  # the connections are opened, asked once, and held: bytes per connection, not CPU
    relay: bool = False  # needs an upstream
    workers: int = 1  # more than one: server and generator share the cores
    clients: tuple[str, ...] = ()  # programs of their own instead of servers
    at_least: float = 0  # seconds; where connecting, which is in the figure too, would else be much of it
    counted: bool = True  # system calls and allocations too
    count_over: int = 64 * 16  # requests, and nine times as many
    generator: str = "load_generator"
    judged_as: str = ""  # the name in targets.toml, if it is another

    @property
    def target(self):
        return TARGETS.get(self.judged_as or self.name, {})

    @property
    def limit(self):
        return self.target.get("limit")

    @property
    def baseline(self):
        return self.target.get("baseline", "")

    @property
    def figure(self):
        return "bytes_per_connection" if self.idle else "cpu_us_per_request"

    def among(self, scripts):
        """The names of those that serve it, in their order."""
        if self.clients:
            return list(self.clients) if any(name.startswith("caropig") for name in scripts) else []
        return [name for name, script in scripts.items() if (self.judged_as or self.name) in script.workloads]


DATABASE_CLIENTS = ("C library, 1 connection", "CaroPig, 1 connection", "CaroPig, 16 connections", "Tornado, 1 thread",
                    "Tornado, 16 threads")

WORKLOADS = [
    Workload("plaintext", "GET /index, 64 keep-alive connections", body="ok"),
    Workload("plaintext-512", "the same, 512 connections", connections=512, body="ok", counted=False),
    Workload("pipelined", "the same, 64 connections, pipelined by 16", pipeline=16, body="ok"),
    Workload("json", "an object through a JSON serializer", "/json"),
    Workload("route", "one of 110 routes, two parameters", "/users/caro/orders/42", body="caro 42"),
    Workload("close", "a connection per request", body="ok", close=True),
    Workload("wait", "100 ms wait in a coroutine, 5,000 connections", "/sleep/100", 5000, body="ok", at_least=2, counted=False),
    Workload("relay", "fetched from an upstream (nginx) and relayed", "/upstream", body="ok", relay=True),
    Workload("relay-64k", "64 KiB from an upstream (nginx), passed on by a reverse proxy", "/proxy/64k.bin", relay=True),
    Workload("file-64k", "a static file of 64 KiB", "/static/64k.bin"),
    Workload("file-1m", "a static file of 1 MiB", "/static/1m.bin", count_over=64),
    Workload("two-workers", "GET /index, two workers on two cores, which the generator shares", body="ok", workers=2, counted=False),
    Workload("idle-5000", "resident memory of 5,000 idle keep-alive connections", connections=5000, idle=True, counted=False),
    Workload("idle-15000", "resident memory of 15,000 idle keep-alive connections", connections=15000, idle=True, counted=False),
    Workload("database", "a row by its key from MariaDB", clients=DATABASE_CLIENTS, counted=False),
    Workload("template", "a page of 20 KB from a template, rendering alone", clients=("CaroPig", "Tornado"), counted=False),
]

# The same with generators that are not ours, to see that the figures are the server's and not the generator's.
CROSS_CHECKS = [
    Workload(f"plaintext-{generator}", f"GET /index, 64 keep-alive connections, from {generator}", counted=False, generator=generator,
             judged_as="plaintext") for generator in ("wrk", "h2load")]


class LoadFailed(Exception):
    """The load generator could not do its work at all."""


def run(programs, core, port, workload, *amount):
    """The generator's figures, and under "cpu_seconds" what it used itself. `amount`: "--seconds", S or "--requests", N."""
    command = ["taskset", "--cpu-list", str(core), *_command(programs, port, workload, *amount)]
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
        figures = _PARSERS[workload.generator](output)
    except ValueError:
        raise LoadFailed(complaints.strip() or f"exit code {generator.returncode}") from None
    figures["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return figures


def _command(programs, port, workload, kind, amount):
    url = f"http://127.0.0.1:{port}{workload.path}"
    if workload.generator == "wrk":
        return ["wrk", "--threads", "1", "--connections", str(workload.connections), "--duration", f"{math.ceil(amount)}s", url]
    if workload.generator == "h2load":
        return ["h2load", "--h1", "--clients", str(workload.connections), "--duration", str(math.ceil(amount)), url]
    command = [str(programs / "load_generator"), "--port", str(port), "--path", workload.path, "--connections",
               str(workload.connections), "--pipeline", str(workload.pipeline), kind, str(amount)]
    if workload.body is not None:
        command += ["--expect-body", workload.body]
    if workload.close:
        command += ["--close"]
    return command


def _first_number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise ValueError(text)
    return float(found[1])


def _parse_wrk(text):
    errors = sum(int(count) for kind in (r"Socket errors: (.*)", r"Non-2xx or 3xx responses: (.*)")
                 for line in re.findall(kind, text) for count in re.findall(r"\d+", line))
    return {"requests": int(_first_number(r"(\d+) requests in", text)), "errors": errors, "errors_by_kind": {},
            "requests_per_second": _first_number(r"Requests/sec: *([0-9.]+)", text), "latency_us": {}}


def _parse_h2load(text):
    return {"requests": int(_first_number(r"(\d+) succeeded", text)), "errors": int(_first_number(r"(\d+) failed", text)),
            "errors_by_kind": {}, "requests_per_second": _first_number(r"([0-9.]+) req/s", text), "latency_us": {}}


_PARSERS = {"load_generator": json.loads, "wrk": _parse_wrk, "h2load": _parse_h2load}
