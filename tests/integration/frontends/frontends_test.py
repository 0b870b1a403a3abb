"""The same requests by the clients that people have, straight to caropig-reference and through nginx and haproxy; and
what the service learns of its clients through them."""

import http.client
import os
import pathlib
import socket
import sys
import tempfile
import time
import unittest

import clients
import front_ends

REFERENCE = sys.argv[1]
CLIENT = "127.0.0.5"  # an address of this machine that no proxy has

# (request, status, size of the body, what it starts with, fields of the answer)
REQUESTS = [
    ({"method": "GET", "path": "/index"}, 200, 2, "ok", {"content-length": "2"}),
    ({"method": "GET", "path": "/index"}, 200, 2, "ok", {}),
    ({"method": "HEAD", "path": "/index"}, 200, 0, "", {"content-length": "2"}),
    ({"method": "GET", "path": "/none"}, 404, None, "", {}),
    ({"method": "POST", "path": "/echo", "size": 1000}, 200, 1000, "xxx", {}),
    ({"method": "POST", "path": "/echo", "size": 0}, 200, 0, "", {}),
    ({"method": "PUT", "path": "/echo", "size": 3_000_000}, 200, 3_000_000, "xxx", {}),
    ({"method": "POST", "path": "/echo", "size": 300_000, "chunked": True}, 200, 300_000, "xxx", {}),
    ({"method": "POST", "path": "/echo", "size": 2000, "expect": True}, 200, 2000, "xxx", {}),
    ({"method": "GET", "path": "/bytes/5000000"}, 200, 5_000_000, "xxx", {"content-length": "5000000"}),
    ({"method": "GET", "path": "/stream/100"}, 200, 890, "chunk 0\n", {}),
    ({"method": "GET", "path": "/static/digits", "headers": {"Range": "bytes=2-5"}}, 206, 4, "2345",
     {"content-range": "bytes 2-5/10"}),
    ({"method": "GET", "path": "/static/digits", "headers": {"Range": "bytes=20-"}}, 416, None, "", {}),
    ({"method": "GET", "path": "/static/digits", "headers": {"If-None-Match": "*"}}, 304, 0, "", {}),
    ({"method": "GET", "path": "/static/digits",
      "headers": {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"}}, 304, 0, "", {}),
    ({"method": "PUT", "path": "/index", "size": 3}, 405, None, "", {"allow": "GET, HEAD"}),
    ({"method": "GET", "path": "/nocontent"}, 204, 0, "", {}),
    ({"method": "GET", "path": "/throw"}, 500, None, "", {}),
    ({"method": "GET", "path": "/index"}, 200, 2, "ok", {}),
]


class FrontEnds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        static = cls.folder / "static"
        static.mkdir()
        (static / "digits").write_text("0123456789")
        os.utime(static / "digits", (1_000_000_000, 1_000_000_000))
        own = lambda *arguments: cls.start(front_ends.Reference, REFERENCE, "--static", str(static), *arguments)
        cls.fields = own("--trusted-proxies", "127.0.0.1")
        cls.forwarded = own("--trusted-proxies", "127.0.0.1", "--forwarded")
        cls.proxied = own("--proxy-protocol-from", "127.0.0.1")
        cls.local = own("--unix-socket", str(cls.folder / "reference.sock"), "--trusted-proxies", "unix,127.0.0.1")
        cls.nginx = cls.start(front_ends.Nginx, cls.folder, cls.fields.port, cls.forwarded.port)
        cls.haproxy = cls.start(front_ends.Haproxy, cls.folder, cls.fields.port, cls.proxied.port)
        cls.ports = {"direct": cls.fields.port, "nginx": cls.nginx.port, "haproxy": cls.haproxy.ports["fields"],
                     "PROXY version 1": cls.haproxy.ports["version1"],
                     "PROXY version 2": cls.haproxy.ports["version2"], "bytes": cls.haproxy.ports["bytes"]}

    @classmethod
    def start(cls, kind, *arguments):
        process = kind(*arguments)
        cls.addClassCleanup(process.stop)
        return process

    def get(self, port, path="/client", source=CLIENT, **fields):
        """(status, body) of a request from `source`."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def check(self, client):
        for route, port in self.ports.items():
            with self.subTest(client=client, route=route):
                answers = clients.CLIENTS[client](f"http://127.0.0.1:{port}", [row[0] for row in REQUESTS])
                self.assertEqual(len(answers), len(REQUESTS))
                for (request, status, size, start, fields), answer in zip(REQUESTS, answers):
                    self.assertEqual(answer["status"], status, request)
                    if size is not None:
                        self.assertEqual(answer["size"], size, request)
                    self.assertTrue(answer["start"].startswith(start), request)
                    for name, value in fields.items():
                        self.assertEqual(answer["headers"].get(name), value, request)
                    if request.get("expect") and "continued" in answer:
                        self.assertTrue(answer["continued"], request)
                if "reused" in answers[0]:
                    self.assertTrue(answers[1]["reused"], "a connection is kept")
                    if route == "direct":
                        opened = [row[0]["path"] for row, answer in zip(REQUESTS, answers) if not answer["reused"]]
                        # After an answer that began before its large, or not yet promised, body had come.
                        self.assertEqual(opened, ["/index", "/echo", "/bytes/5000000"])

    def test_curl(self):
        self.check("curl")

    def test_node(self):
        self.check("node")

    def test_httpx(self):
        self.check("httpx")

    def test_aiohttp(self):
        self.check("aiohttp")

    def test_tornado(self):
        self.check("tornado")

    def test_fields_name_the_client(self):
        for route in ("nginx", "haproxy"):
            with self.subTest(route=route):
                port = self.ports[route]
                seen = (200, f"{CLIENT} https://127.0.0.1:{port}/client\n")
                self.assertEqual(self.get(port), seen)
                forged = {"X_Forwarded_For": "192.0.2.1", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil",
                          "Forwarded": "for=192.0.2.1;host=evil"}
                self.assertEqual(self.get(port, **forged), seen, "what the client claims is not believed")
        port = self.nginx.port
        self.assertEqual(self.get(port, "/local/client"), (200, f"{CLIENT} https://127.0.0.1:{port}/client\n"))

    def test_forwarded_names_the_client(self):
        port = self.nginx.port
        seen = (200, f"{CLIENT} https://127.0.0.1:{port}/client\n")
        self.assertEqual(self.get(port, "/forwarded/client"), seen)
        self.assertEqual(self.get(port, "/forwarded/client", X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="http"), seen)

    def test_a_client_that_is_no_proxy_is_not_believed(self):
        port = self.fields.port
        self.assertEqual(self.get(port, X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="https", X_Forwarded_Host="evil"),
                         (200, f"{CLIENT} http://127.0.0.1:{port}/client\n"))

    def test_the_proxy_protocol_names_the_client(self):
        for route in ("PROXY version 1", "PROXY version 2", "bytes"):
            with self.subTest(route=route):
                port = self.ports[route]
                self.assertEqual(self.get(port), (200, f"{CLIENT} http://127.0.0.1:{port}/client\n"))
                self.assertEqual(self.get(port, source="127.0.0.6"), (200, f"127.0.0.6 http://127.0.0.1:{port}/client\n"))

    def test_the_proxy_protocol_is_for_proxies(self):
        for source, text in (("127.0.0.1", b""), (CLIENT, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")):
            with socket.create_connection(("127.0.0.1", self.proxied.port), 30, (source, 0)) as client:
                try:
                    client.sendall(text + b"GET /client HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertEqual(client.recv(1000), b"")
                except ConnectionError:
                    pass  # closed before it had sent all

    def test_health_checks_are_answered(self):
        """haproxy's checks come with a header that says LOCAL; a service that refused them would be down by now."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            self.assertEqual(self.get(self.haproxy.ports["version2"], "/index"), (200, "ok"))
            time.sleep(0.05)
        self.assertNotIn("DOWN", (self.folder / "haproxy.log").read_text())

    def test_connections_to_the_service_are_kept(self):
        for route in ("nginx", "haproxy"):
            with self.subTest(route=route):
                before = front_ends.clients_of(self.fields.port)
                for _ in range(30):
                    self.assertEqual(self.get(self.ports[route], "/index")[0], 200)
                self.assertLessEqual(len(front_ends.clients_of(self.fields.port) - before), 4)

    def test_a_socket_of_systemd(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]

        def serve(*arguments):
            process = front_ends.with_socket(listener, REFERENCE, "--log-level", "error", *arguments)
            self.addCleanup(process.stop)
            return process.process

        first = serve("--systemd-socket", "web", "--workers", "2")
        self.assertEqual(first.stdout.readline(), f"listening on 127.0.0.1:{port}\n")
        self.assertEqual(self.get(port, "/index"), (200, "ok"))
        first.terminate()
        self.assertEqual(first.wait(20), 0)
        with socket.create_connection(("127.0.0.1", port), 30) as between:
            between.sendall(b"GET /index HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            serve("--systemd-socket", "*")
            answer = b""
            while piece := between.recv(1000):
                answer += piece
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\nok"), answer)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
