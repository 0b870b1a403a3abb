"""A warm plaintext request on epoll: one receive, one send, and no heap allocation; a static file: no copy. Counted, not timed.

hot_path_test.py CAROPIG_REFERENCE ALLOC_COUNTER
"""

import collections
import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

REFERENCE, ALLOC_COUNTER = sys.argv[1:3]
CONNECTIONS = 64
WARM_UP, SHORT, LONG = 5, 5, 25  # batches; in each, every connection sends one request
REQUEST = b"GET /index HTTP/1.1\r\nHost: a\r\n\r\n"
LICENSE = pathlib.Path("/usr/share/common-licenses/GPL-3")  # of 35 kB, and not written just now


class Server:
    """The reference server, under `prefix` if that is given; stopped by its own pid."""

    def __init__(self, *prefix, environment=None):
        self._process = subprocess.Popen(
            [*prefix, REFERENCE, "--port", "0", "--backend", "epoll", "--workers", "1", "--static", LICENSE.parent],
            stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.port = int(self._process.stdout.readline().rpartition(":")[2])
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self.pid = int(children[0]) if prefix else self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(15)
        finally:
            self._process.kill()
            self._process.communicate()

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        while " T " not in (state := pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2][:4]) \
                and " t " not in state:
            os.sched_yield()

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)


class Clients:
    def __init__(self, server, request=REQUEST, body=b"ok"):
        self._server, self._request, self._body = server, request, body
        server.stop()  # it accepts all of them at once
        self._sockets = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(CONNECTIONS)]
        server.go_on()
        self._sockets[0].sendall(request)
        self._receive(self._sockets[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._sockets:
            connection.close()

    def ask(self, batches):
        """The server stands still while a batch is sent, so that it finds all of it at once, however fast either side is."""
        for _ in range(batches):
            self._server.stop()
            for connection in self._sockets:
                connection.sendall(self._request)
            self._server.go_on()
            for connection in self._sockets:
                self._receive(connection)

    def _receive(self, connection):
        answer = connection.recv(4096)
        while b"\r\n\r\n" not in answer or len(answer) < answer.index(b"\r\n\r\n") + 4 + len(self._body):
            more = connection.recv(65536)
            assert more, answer[:300]
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and body == self._body, answer[:300]


class HotPath(unittest.TestCase):
    def calls(self, batches, *asked):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder, "trace")
            with Server("strace", "-f", "-qq", "-o", trace) as server, Clients(server, *asked) as clients:
                clients.ask(batches)
            lines = trace.read_text(errors="replace").splitlines()
        return collections.Counter(match[1] for line in lines if (match := re.match(r"\d+ +(\w+)\(", line)))

    def calls_of(self, requests, *asked):
        """What so many warm requests make: but for waits, which are counted apart."""
        short, long = self.calls(SHORT, *asked), self.calls(LONG, *asked)
        long.subtract(short)
        made = {name: count for name, count in long.items() if count}
        waits = made.pop("epoll_wait", 0) + made.pop("epoll_pwait2", 0) + made.pop("epoll_pwait", 0) + made.pop("restart_syscall", 0)
        # Connections come by themselves or several at a time: how often one more is looked for in vain is a matter of time.
        self.assertLessEqual(abs(made.pop("accept4", 0)), CONNECTIONS)
        self.assertEqual({count for count in made.values()}, {requests}, made)
        return set(made), waits

    def test_a_static_file_is_asked_for_and_sent_from_where_it_is(self):
        request = f"GET /static/{LICENSE.name} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        made, _ = self.calls_of((LONG - SHORT) * CONNECTIONS, request, LICENSE.read_bytes())
        self.assertEqual(made, {"recvfrom", "newfstatat", "sendto", "sendfile"})

    def test_one_receive_and_one_send_a_request(self):
        made, waits = self.calls_of((LONG - SHORT) * CONNECTIONS)
        self.assertEqual(len(made), 2, made)
        # One wait finds the whole batch, one is interrupted by the stop, and one finds nothing more.
        self.assertLessEqual(waits, 4 * (LONG - SHORT))

    def test_no_allocation(self):
        with tempfile.NamedTemporaryFile() as counters:
            counters.write(bytes(16))
            counters.flush()

            def allocations():
                return struct.unpack("=QQ", pathlib.Path(counters.name).read_bytes())[0]

            with Server(environment={"LD_PRELOAD": ALLOC_COUNTER, "ALLOC_COUNTER_FILE": counters.name}) as server, \
                    Clients(server) as clients:
                clients.ask(WARM_UP)
                warm = allocations()
                self.assertGreater(warm, 0, "the counter was not loaded")
                clients.ask(LONG)
                self.assertEqual(allocations() - warm, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
