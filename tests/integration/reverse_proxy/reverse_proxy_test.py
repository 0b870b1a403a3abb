"""The reverse proxy over real sockets: Tornado and caropig-reference behind it, large bodies, upstreams that go wrong, and
requests that try to be two."""

import asyncio
import hashlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from tornado.websocket import websocket_connect

REFERENCE, EXAMPLE = sys.argv[1:3]
FOLDER = pathlib.Path(__file__).parent
SIZE = 64 << 20
PIECE = bytes(range(256)) * 4096
GROWTH_KIB = 4096


class Program:
    """A server on a free port; stopped by its own pid."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not match:
            self.__exit__()
            raise AssertionError(f"{command[0]} printed {line!r}")
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        finally:
            self.process.kill()
            self.process.communicate()

    def peak_kib(self):
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])


def caropig(program, *arguments):
    return Program(program, "--port", "0", "--workers", "1", *arguments)


def tornado():
    return Program(sys.executable, FOLDER / "upstream.py")


class RawUpstream:
    """Records what comes on each connection, and answers it with fixed bytes once a head is there."""

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close=False):
        self.answer, self.close, self.received = answer, close, []
        self.gone = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        received = bytearray()
        self.received.append(received)
        answered = 0
        try:
            while piece := await reader.read(65536):
                received += piece
                heads = received.count(b"\r\n\r\n")
                for _ in range(answered, heads):
                    writer.write(self.answer)
                answered = max(answered, heads)
                if self.close:
                    break
        except ConnectionError:
            pass
        writer.close()
        self.gone.set()


async def exchange(port, request, until_end=True):
    """All that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read() if until_end else reader.readuntil(b"\r\n\r\n"), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


class WithTornado(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = cls.enterClassContext(tornado())
        cls.proxy = cls.enterClassContext(caropig(REFERENCE, "--proxy", cls.upstream.url))

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        try:
            connection.request(method, "/proxy" + path, body, headers or {}, encode_chunked=body is not None and not isinstance(body, bytes))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def test_every_method(self):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            status, headers, body = self.ask(method, "/show/a%20b?q=1", b"12345" if method != "GET" else None)
            shown = json.loads(body)
            self.assertEqual((status, shown["method"], shown["uri"]), (200, method, "/show/a%20b?q=1"))
            self.assertEqual(shown["size"], 0 if method == "GET" else 5)
            self.assertEqual(headers.get_all("Set-Cookie"), ["a=1", "b=2"])
            self.assertEqual(headers["X-Upstream"], "tornado")
        status, headers, body = self.ask("HEAD", "/show")
        self.assertEqual((status, headers["Content-Length"], body), (200, "12345", b""))

    def test_who_asked(self):
        _, _, body = self.ask("GET", "/show", headers={"Host": "site.example", "X-Forwarded-For": "6.6.6.6"})
        fields = {name: value for name, value in json.loads(body)["headers"]}
        self.assertEqual(fields["Host"], "site.example")
        self.assertEqual((fields["X-Forwarded-For"], fields["X-Forwarded-Proto"], fields["X-Forwarded-Host"]),
                         ("127.0.0.1", "http", "site.example"))

    def test_redirects_and_conditions_are_passed_on(self):
        status, headers, _ = self.ask("GET", "/redirect")
        self.assertEqual((status, headers["Location"]), (302, "/elsewhere"))
        _, headers, body = self.ask("GET", "/fixed")
        self.assertEqual(body, b"always the same")
        status, again, body = self.ask("GET", "/fixed", headers={"If-None-Match": headers["Etag"]})
        self.assertEqual((status, again["Etag"], body), (304, headers["Etag"], b""))
        self.assertEqual(self.ask("GET", "/none")[0], 404)

    def test_events_come_as_they_are_sent(self):
        status, headers, body = self.ask("GET", "/events")
        self.assertEqual((status, headers["Content-Type"], body),
                         (200, "text/event-stream", b"data: 0\n\ndata: 1\n\ndata: 2\n\n"))

    def test_large_uploads_hold_no_memory(self):
        self.ask("GET", "/show")
        before = self.proxy.peak_kib()
        digest = hashlib.sha256()

        def pieces():
            for _ in range(SIZE // len(PIECE)):
                digest.update(PIECE)
                yield PIECE

        for headers in ({"Content-Length": str(SIZE)}, {"Transfer-Encoding": "chunked"}):
            digest = hashlib.sha256()
            connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
            connection.request("POST", "/proxy/digest", pieces(), headers, encode_chunked="Transfer-Encoding" in headers)
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read().decode()), (200, f"{SIZE} {digest.hexdigest()}"))
            connection.close()
        self.assertLess(self.proxy.peak_kib(), before + GROWTH_KIB)


    def test_a_websocket(self):
        async def talk():
            socket = await websocket_connect(f"ws://127.0.0.1:{self.proxy.port}/proxy/talk")
            for message in ("hello", b"\0\xff" * 100_000, "", "bye"):
                await socket.write_message(message, binary=isinstance(message, bytes))
                self.assertEqual(await asyncio.wait_for(socket.read_message(), 30), message)
            self.assertIsNone(await asyncio.wait_for(socket.read_message(), 30))
            self.assertEqual((socket.close_code, socket.close_reason), (4000, "as asked"))

        asyncio.run(talk())
        self.assertEqual(self.ask("GET", "/talk")[0], 400, "what Tornado says to who offers none")


class WithReference(unittest.TestCase):
    def test_large_downloads_hold_no_memory(self):
        with caropig(REFERENCE) as upstream, caropig(REFERENCE, "--proxy", upstream.url) as proxy:
            for warm in (1 << 20, SIZE):
                before = proxy.peak_kib()
                connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
                connection.request("GET", f"/proxy/bytes/{warm}")
                answer = connection.getresponse()
                self.assertEqual(answer.headers["Content-Length"], str(warm))
                size = 0
                while piece := answer.read(1 << 20):
                    size += len(piece)
                self.assertEqual(size, warm)
                connection.close()
            self.assertLess(proxy.peak_kib(), before + GROWTH_KIB)

    def test_the_example_takes_turns_and_passes_over_who_is_down(self):
        with tornado() as one, caropig(REFERENCE) as two:
            with caropig(EXAMPLE, "--upstream", one.url, "--second", two.url) as proxy:
                statuses = set()
                connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
                for _ in range(4):
                    connection.request("GET", "/api/show")
                    answer = connection.getresponse()
                    answer.read()
                    statuses.add(answer.status)
                self.assertEqual(statuses, {200, 404}, "only Tornado has /show")
                connection.request("GET", "/")
                self.assertEqual(connection.getresponse().read(), b"in front\n")
                one.process.terminate()
                one.process.wait(15)
                for _ in range(4):
                    connection.request("GET", "/api/index")
                    answer = connection.getresponse()
                    self.assertEqual((answer.status, answer.read()), (200, b"ok"))
                connection.close()


class WithRawUpstreams(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)

    async def test_an_answer_that_breaks_off_closes(self):
        for head in (b"Content-Length: 9", b"Transfer-Encoding: chunked"):
            answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n2\r\nab\r\n"
            async with RawUpstream(answer, close=True) as upstream:
                with caropig(REFERENCE, "--proxy", upstream.url) as proxy:
                    got = await exchange(proxy.port, b"GET /proxy/x HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertTrue(got.startswith(b"HTTP/1.1 200 OK\r\n"), got)
                    self.assertTrue(got.endswith(b"\r\n\r\n2\r\nab\r\n"), got)

    async def test_a_client_that_goes_ends_the_request(self):
        async with RawUpstream(b"") as upstream:
            with caropig(REFERENCE, "--proxy", upstream.url) as proxy:
                _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                writer.write(b"GET /proxy/x HTTP/1.1\r\nHost: a\r\n\r\n")
                while not upstream.received or b"\r\n\r\n" not in upstream.received[0]:
                    await asyncio.sleep(0)
                self.assertFalse(upstream.gone.is_set())
                writer.transport.abort()
                await asyncio.wait_for(upstream.gone.wait(), 30)

    async def test_nobody_there(self):
        async with RawUpstream() as upstream:
            url = upstream.url
        with caropig(REFERENCE, "--proxy", url) as proxy:
            got = await exchange(proxy.port, b"GET /proxy/x HTTP/1.1\r\nHost: a\r\n\r\n", until_end=False)
            self.assertTrue(got.startswith(b"HTTP/1.1 502 Bad Gateway\r\n"), got)

    async def test_a_request_is_never_two(self):
        """Whatever a client sends, the upstream sees as many requests as the proxy has read, framed anew."""
        hidden = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
        attempts = {
            "both lengths": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(hidden),
            "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "a list of lengths": b"Content-Length: 0, %d\r\n\r\n" % len(hidden),
            "signed length": b"Content-Length: +0\r\n\r\n",
            "hidden by Connection": b"Connection: Content-Length\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "identity": b"Transfer-Encoding: identity\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "not quite chunked": b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "space before the colon": b"Content-Length : %d\r\n\r\n" % len(hidden),
            "folded": b"X: a\r\n Content-Length: %d\r\n\r\n" % len(hidden),
            "bare CR": b"X: a\rContent-Length: %d\r\n\r\n" % len(hidden),
            "bare LF": b"X: a\nContent-Length: %d\r\n\r\n" % len(hidden),
            "NUL": b"X: a\0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "chunk size that overflows": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
            "chunk size with a prefix": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
            "smuggled in a trailer": b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
            "in an extension": b"Transfer-Encoding: chunked\r\n\r\n0;a=\"\r\n\r\n",
        }
        async with RawUpstream() as upstream:
            with caropig(REFERENCE, "--proxy", upstream.url) as proxy:
                for name, rest in attempts.items():
                    with self.subTest(name):
                        upstream.received.clear()
                        request = b"POST /proxy/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + rest + hidden
                        await exchange(proxy.port, request)
                        sent = b"".join(upstream.received)
                        self.assertEqual(sent.count(b"HTTP/1.1\r\n") - sent.count(hidden), sent.count(b"POST /x "))
                        self.check_framing(sent)

    def check_framing(self, sent):
        """Reads what the upstream got by the letter: requests with one Content-Length or chunks, and nothing else."""
        while sent:
            head, found, sent = sent.partition(b"\r\n\r\n")
            self.assertTrue(found, head)
            self.assertNotIn(b"/hidden ", head.split(b"\r\n")[0])
            lengths = re.findall(rb"(?im)^content-length:(.*)$", head)
            codings = re.findall(rb"(?im)^transfer-encoding:(.*)$", head)
            self.assertLessEqual(len(lengths) + len(codings), 1, head)
            if lengths:
                self.assertRegex(lengths[0].strip(), rb"^\d+$")
                sent = sent[int(lengths[0]):]
            elif codings:
                self.assertEqual(codings[0].strip(), b"chunked")
                end = sent.find(b"0\r\n\r\n")
                sent = sent[end + 5:] if end >= 0 else b""


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
