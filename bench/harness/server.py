"""Starting a server through its script in servers/, and stopping all that it started, whatever happens."""

import dataclasses
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from harness import process, procfs

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "servers"
START_SECONDS = 15
STOP_SECONDS = 5
DISCONNECT_SECONDS = 5
FILES = {"64k.bin": 64 * 1024, "1m.bin": 1024 * 1024}


class ServerFailed(Exception):
    """A server did not start or did not survive; the message is what it said last."""


# What a start script serves unless a line "# serves: WORKLOAD…" in it says so: what needs no more than GET /index.
INDEX_WORKLOADS = ("plaintext", "plaintext-512", "pipelined", "close", "idle-5000", "idle-15000")


@dataclasses.dataclass(frozen=True)
class Script:
    name: str
    path: pathlib.Path
    workloads: tuple[str, ...]
    warm_up: float = 0  # seconds, at least: what compiles while it runs is slow before

    @staticmethod
    def read(path):
        path = pathlib.Path(path).resolve()
        text = path.read_text(errors="replace")
        serves = re.search(r"^# serves: (.+)$", text, re.MULTILINE)
        warm_up = re.search(r"^# warm-up: ([0-9.]+)$", text, re.MULTILINE)
        return Script(path.stem, path, tuple(serves[1].split()) if serves else INDEX_WORKLOADS,
                      float(warm_up[1]) if warm_up else 0)


def scripts(others=()):
    """{name: Script} of bench/servers and of `others`: scripts, or folders with scripts."""
    paths = list(SCRIPTS.glob("*.sh"))
    for other in map(pathlib.Path, others):
        paths += other.glob("*.sh") if other.is_dir() else [other]
    return {script.name: script for script in map(Script.read, sorted(paths))}


class Server:
    """One running server, pinned to a core: `with Server(script, core=0, programs=…) as server: … server.port`.

    `core` may be a list such as "0,1". What the script may look at: BENCH_WORKLOAD, BENCH_WORKERS and BENCH_UPSTREAM, the port of what
    it relays.
    """

    def __init__(self, script, core, programs, environment=None, workload=None, upstream=None):
        self._script = script if isinstance(script, Script) else scripts()[script]
        self.name = self._script.name
        self._core = core
        self._environment = {**os.environ, "CAROPIG_BENCH_PROGRAMS": str(programs),
                             "BENCH_WORKLOAD": workload.name if workload else "plaintext",
                             "BENCH_WORKERS": str(workload.workers if workload else 1),
                             "BENCH_UPSTREAM": str(upstream or ""), **(environment or {})}
        self._process = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix=f"bench-{self.name}-")
        self._log = pathlib.Path(self._folder.name, "output")
        os.chmod(self._folder.name, 0o755)
        _write_files(pathlib.Path(self._folder.name, "files"))
        self.port = _free_port()
        try:
            with open(self._log, "wb") as log, process.signals_held():
                self._process = process.start(
                    ["taskset", "--cpu-list", str(self._core), str(self._script.path), str(self.port)],
                    stdout=log, stderr=log, start_new_session=True,
                    env={**self._environment, "TMPDIR": self._folder.name})
            self._wait_until_it_accepts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with process.signals_held():
            if self._process is not None:
                _stop(self._process)
                self._process = None
            self._folder.cleanup()

    @property
    def pid(self):
        return self._process.pid

    def check(self):
        """Raises ServerFailed if the server has ended."""
        if self._process.poll() is not None:
            said = self._log.read_text(errors="replace").strip().splitlines()
            raise ServerFailed(f"ended with code {self._process.returncode}: {said[-1] if said else 'no output'}")

    def wait_until_disconnected(self):
        """Returns when the server has closed what its clients have left, so that this work is in no later figure."""
        deadline = time.monotonic() + DISCONNECT_SECONDS
        while procfs.has_connections(self.port) and time.monotonic() < deadline:
            self.check()
            time.sleep(0.01)
        self.check()

    def _wait_until_it_accepts(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise ServerFailed(f"accepted no connection within {START_SECONDS} s")


def _write_files(folder):
    """What the workloads with static files ask for, in $TMPDIR/files; of bytes that no coding makes smaller."""
    folder.mkdir()
    for name, size in FILES.items():
        (folder / name).write_bytes(os.urandom(size))


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stop(server):
    """Asks the server to end, then makes it and every child it leaves behind."""
    family = procfs.process_tree(server.pid)[1:]
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for pid in family:
        try:
            if os.getsid(pid) == server.pid:  # still of the session we started, not a new owner of the number
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
