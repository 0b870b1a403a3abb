"""`caropig fetch` and curl get the same flags, and do the same: what the server sees, what comes out, how they end.
Usage: fetch_command_test.py CAROPIG CAROPIG_REFERENCE"""

import asyncio
import hashlib
import json
import logging
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.web import Application, RequestHandler, stream_request_body

CAROPIG, REFERENCE = sys.argv[1:3]
DEADLINE = 30

# Fields in which the two may differ: who asks, and how the body is framed or bounded.
OWN_FIELDS = {"User-Agent", "Connection", "Content-Type", "Content-Length", "Transfer-Encoding", "Expect",
              "Accept-Encoding"}


class Echo(RequestHandler):
    """Tells what was asked."""

    async def answer(self):
        request = self.request
        files = {name: [(file.filename, file.body.decode("latin-1")) for file in files]
                 for name, files in request.files.items()}
        form = "multipart/form-data" in request.headers.get("Content-Type", "")
        fields = sorted((name, value) for name, value in request.headers.get_all() if name not in OWN_FIELDS)
        self.write(json.dumps({
            "method": request.method, "uri": request.uri, "fields": fields,
            "type": None if form else request.headers.get("Content-Type"),
            "body": None if form else request.body.decode("latin-1"),
            "arguments": {name: [value.decode() for value in values]
                          for name, values in request.body_arguments.items()},
            "files": files}, sort_keys=True))

    get = post = put = patch = delete = options = answer

    def compute_etag(self):
        return None


class Status(RequestHandler):
    def get(self, status):
        self.set_status(int(status))
        if status != "204":
            self.write("a page about it\n")

    head = get


class Countdown(RequestHandler):
    def get(self, count):
        if int(count) == 0:
            self.write("there\n")
        else:
            self.set_cookie("step", count, path="/")
            self.redirect(f"/countdown/{int(count) - 1}")


class Cookies(RequestHandler):
    def get(self, last):
        if last:
            self.write(json.dumps(sorted((name, cookie.value) for name, cookie in self.cookies.items())))
        else:
            self.set_cookie("from", "server")
            self.redirect("/cookies/last")


class Digest(RequestHandler):
    """RFC 7616 with MD5, for Mufasa."""

    def get(self):
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.request.headers.get("Authorization", "")))

        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()

        ha1, ha2 = md5("Mufasa:here:Circle of Life"), md5(f"GET:{self.request.uri}")
        if given and given.get("response") == md5(f"{ha1}:abc:{given['nc']}:{given['cnonce']}:auth:{ha2}"):
            self.write("welcome\n")
            return
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Digest realm="here", nonce="abc", qop="auth", algorithm=MD5')


class Slow(RequestHandler):
    async def get(self):
        await self.settings["stopped"].wait()


@stream_request_body
class Count(RequestHandler):
    """How long a body was that it never holds."""

    def prepare(self):
        self.request.connection.set_max_body_size(1 << 40)
        self.size = 0

    def data_received(self, chunk):
        self.size += len(chunk)

    def put(self):
        self.write(f"{self.request.method} {self.request.path} {self.size}\n")


class Compressed(RequestHandler):
    def get(self):
        asked = "gzip" in self.request.headers.get("Accept-Encoding", "")
        self.write("squeeze " * 1000 if asked else "plain " * 1000)


class Raw:
    """Answers each connection with the bytes that its path names."""

    ANSWERS = {
        "empty": b"",
        "garbage": b"SSH-2.0-OpenSSH\r\n\r\n",
        "short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n",
    }

    async def __call__(self, reader, writer):
        try:
            head = await reader.readexactly(1)
            if head == b"\x16":  # TLS
                writer.write(self.ANSWERS["garbage"])
            else:
                head += await reader.readuntil(b"\r\n\r\n")
                writer.write(self.ANSWERS[head.split()[1][1:].decode()])
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Servers:
    """Tornado with and without TLS and on a Unix socket, and the raw server; on a thread of this process."""

    def __init__(self, folder):
        self.folder = folder
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        make_certificate(folder)
        self.thread.start()
        if not self.ready.wait(DEADLINE):
            raise AssertionError("the servers did not start")

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        routes = [("(?:http://[^/]*)?/echo.*", Echo), (r"/status/(\d+)", Status), (r"/countdown/(\d+)", Countdown),
                  ("/cookies/(.*)", Cookies), ("/digest", Digest), ("/slow", Slow), ("/count/?.*", Count),
                  ("/compressed", Compressed)]
        application = Application(routes, log_function=lambda _: None, compress_response=True,
                                  stopped=self.stopped)
        sockets = bind_sockets(0, "127.0.0.1")
        self.plain = HTTPServer(application)
        self.plain.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        self.unix_socket = os.path.join(self.folder, "socket")
        self.plain.add_socket(bind_unix_socket(self.unix_socket))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem"))
        sockets = bind_sockets(0, "127.0.0.1")
        HTTPServer(application, ssl_options=context).add_sockets(sockets)
        self.tls_port = sockets[0].getsockname()[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem"))
        context.load_verify_locations(os.path.join(self.folder, "cert.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        sockets = bind_sockets(0, "127.0.0.1")
        HTTPServer(application, ssl_options=context).add_sockets(sockets)
        self.mutual_port = sockets[0].getsockname()[1]
        raw = await asyncio.start_server(Raw(), "127.0.0.1", 0)
        self.raw_port = raw.sockets[0].getsockname()[1]
        self.ready.set()
        await self.stopped.wait()

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(DEADLINE)


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem"), "-days", "2",
                    "-subj", "/CN=server", "-addext", "subjectAltName=DNS:server.test"],
                   check=True, capture_output=True, timeout=DEADLINE)


def start_reference():
    command = [REFERENCE, "--port", "0", "--workers", "1", "--log-level", "off"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", process.stdout.readline())
    if not match:
        process.kill()
        raise AssertionError("the reference server did not start")
    return process, int(match[1])


def run(command, stdin=None, **options):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment.update(options.pop("environment", {}))
    return subprocess.run(command, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          capture_output=True, timeout=DEADLINE, env=environment, check=False, **options)


def caropig(*arguments, **options):
    return run([CAROPIG, "fetch", *arguments], **options)


def curl(*arguments, **options):
    return run(["curl", "-q", "-sS", "--http1.1", *arguments], **options)


class FetchCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder_of_all = tempfile.TemporaryDirectory(prefix="caropig-fetch-")
        cls.addClassCleanup(cls.folder_of_all.cleanup)
        cls.folder = cls.folder_of_all.name
        cls.servers = Servers(cls.folder)
        cls.addClassCleanup(cls.servers.stop)
        cls.reference, cls.reference_port = start_reference()
        cls.addClassCleanup(cls.stop_reference)
        cls.url = f"http://127.0.0.1:{cls.servers.port}"
        cls.raw_url = f"http://127.0.0.1:{cls.servers.raw_port}"

    @classmethod
    def stop_reference(cls):
        cls.reference.terminate()
        try:
            cls.reference.wait(DEADLINE)
        finally:
            cls.reference.kill()
            cls.reference.communicate()

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def same(self, *arguments, code=0, **options):
        """Runs both; their exit codes and output must be equal, and the code this one. Gives the output."""
        ours, theirs = caropig(*arguments, **options), curl(*arguments, **options)
        self.assertEqual((theirs.returncode, ours.returncode), (code, code), (arguments, ours.stderr, theirs.stderr))
        self.assertEqual(ours.stdout, theirs.stdout, arguments)
        self.assertEqual(bool(ours.stderr), bool(code), ours.stderr)
        return ours.stdout

    def test_requests_are_curls(self):
        text = self.file("text", b"a line\r\nand another\n")
        for arguments in (
                [], ["-X", "DELETE"], ["-XPATCH", "-d", "x=1"], ["-H", "X-One: 1", "-H", "X-One: 2", "-H", "X-None;"],
                ["-H", "Accept:"], ["-H", "Accept: text/html"], ["-H", "Host: other.test"],
                ["-d", "a=1", "-d", "b=2"], ["-d", "@" + text], ["--data-binary", "@" + text], ["-d", ""],
                ["-d", "[1,2]"], ["-d", "{}"], ["--json", "[1,2]"], ["--json", "{}"], ["--json", '{"a":', "--json", "1}"],
                ["-d", "a", "-H", "Content-Type: text/plain"], ["-F", "a=1", "-F", f"file=@{text}", "-F", f"b=<{text}"],
                ["-T", text], ["-T", text, "-X", "POST"], ["-u", "Aladdin:open sesame"], ["--oauth2-bearer", "abc"],
                ["-b", "a=1; b=2"]):
            with self.subTest(arguments=arguments):
                self.same(self.url + "/echo?q=%20x", *arguments)
        self.same(self.url + "/echo", "-A", "somebody", "-d", "@-", stdin=b"from\nstdin")
        self.same(self.url.replace("//", "//me:se%20cret@") + "/echo")
        self.same(self.url[7:] + "/echo")

    def test_upload_names_the_file(self):
        path = self.file("name", b"12345")
        self.assertEqual(self.same(self.url + "/count/", "-T", path), b"PUT /count/name 5\n")

    def test_upload_of_stdin_is_streamed(self):
        self.assertEqual(self.same(self.url + "/count", "-T", "-", stdin=b"x" * 3_000_000), b"PUT /count 3000000\n")

    def test_head_and_include(self):
        for arguments in (["-I"], ["-i"]):
            ours, theirs = (tool(self.url + "/status/404", *arguments) for tool in (caropig, curl))
            dated = re.compile(rb"Date: [^\r]+")
            self.assertEqual(dated.sub(b"", ours.stdout), dated.sub(b"", theirs.stdout))
            self.assertTrue(ours.stdout.startswith(b"HTTP/1.1 404 Not Found\r\n"))

    def test_status_is_no_failure_unless_asked(self):
        self.assertEqual(self.same(self.url + "/status/404"), b"a page about it\n")
        self.assertEqual(self.same(self.url + "/status/404", "-f", code=22), b"")
        self.assertEqual(self.same(self.url + "/status/204", "-f"), b"")

    def test_redirects(self):
        self.same(self.url + "/countdown/2", "-w", "%{http_code}")
        self.assertEqual(self.same(self.url + "/countdown/2", "-L"), b"there\n")
        self.assertEqual(self.same(self.url + "/countdown/3", "-L", "--max-redirs", "3"), b"there\n")
        self.assertEqual(self.same(self.url + "/countdown/4", "-L", "--max-redirs", "3", code=47), b"")
        self.assertEqual(self.same(self.url + "/cookies/", "-L", "-b", "mine=1"), b'[["mine", "1"]]')
        self.assertEqual(self.same(self.url + "/cookies/", "-L", "-b", ""), b'[["from", "server"]]')
        self.assertEqual(self.same(self.url + "/countdown/1", "-L", "-w", "%{url_effective}"),
                         b"there\n" + self.url.encode() + b"/countdown/0")

    def test_digest(self):
        self.assertEqual(self.same(self.url + "/digest", "--digest", "-u", "Mufasa:Circle of Life"), b"welcome\n")
        self.same(self.url + "/digest", "--digest", "-f", "-u", "Mufasa:wrong", code=22)

    def test_compressed(self):
        self.assertEqual(self.same(self.url + "/compressed", "--compressed"), b"squeeze " * 1000)
        plain = caropig(self.url + "/compressed", "-H", "Accept-Encoding: gzip").stdout
        self.assertTrue(plain.startswith(b"\x1f\x8b"))

    def test_tls(self):
        port, root = self.servers.tls_port, os.path.join(self.folder, "cert.pem")
        url, known = f"https://server.test:{port}/echo", ["--resolve", f"server.test:{port}:127.0.0.1"]
        self.same(url, *known, code=60)
        self.same(url, *known, "--cacert", root)
        self.same(url, *known, "-k")
        self.same(f"https://127.0.0.1:{port}/echo", "--cacert", root, code=60)
        self.same(self.raw_url.replace("http", "https"), code=35)

    def test_client_certificates(self):
        certificate, key = (os.path.join(self.folder, name) for name in ("cert.pem", "key.pem"))
        url = f"https://127.0.0.1:{self.servers.mutual_port}/echo"
        self.same(url, "-k", "--cert", certificate, "--key", key)
        with open(certificate, "rb") as one, open(key, "rb") as other:
            both = self.file("both.pem", one.read() + other.read())
        self.same(url, "-k", "-E", both)
        self.assertNotEqual(caropig(url, "-k").returncode, 0)

    def test_ways(self):
        self.same("http://anywhere.test/echo", "--unix-socket", self.servers.unix_socket)
        self.same(f"http://a.test:{self.servers.port}/echo", "--resolve", f"a.test:{self.servers.port}:127.0.0.1")
        # Tornado takes a request whose target is a whole URL, as one to a proxy.
        proxy = self.url
        seen = self.same("http://far.test/echo", "-x", proxy, "-H", "Proxy-Connection:")
        self.assertEqual(json.loads(seen)["uri"], "http://far.test/echo")
        self.same("http://far.test/echo", "-H", "Proxy-Connection:", environment={"http_proxy": proxy})
        self.same(self.url + "/echo", "-x", "http://127.0.0.1:1", "--noproxy", "127.0.0.1")

    def test_failures_end_with_curls_numbers(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.same(f"http://127.0.0.1:{unused.getsockname()[1]}/", code=7)
        self.same("http://nowhere.invalid/", code=6)
        self.same("http://[::1/", code=3)
        self.same(self.raw_url + "/empty", code=52)
        self.same(self.raw_url + "/short", code=18)
        self.same(self.url + "/slow", "-m", "0.3", code=28)
        self.same(self.url + "/echo", "-T", os.path.join(self.folder, "missing"), code=26)
        self.same(self.url + "/echo", "-o", os.path.join(self.folder, "missing", "file"), code=23)
        self.same(self.url + "/compressed", "--max-filesize", "100", "-H", "Accept-Encoding: identity", code=63)
        # Here curl says by 1 and 56 what of HTTP/1 it missed.
        self.assertEqual(caropig(self.raw_url + "/garbage").returncode, 8)
        self.assertEqual(caropig(self.raw_url + "/bad-chunk").returncode, 8)

    def test_upload_that_waits_for_stdin_ends_in_time(self):
        reading, writing = os.pipe()
        with os.fdopen(reading), os.fdopen(writing, "w"):
            ended = subprocess.run([CAROPIG, "fetch", self.url + "/count", "-T", "-", "-m", "0.3"], stdin=reading,
                                   capture_output=True, timeout=DEADLINE, check=False)
        self.assertEqual(ended.returncode, 28, ended.stderr)

    def test_mistakes_on_the_command_line(self):
        for arguments in ([], ["--nonsense", self.url], [self.url, "-H", "nonsense"], [self.url, "-u", "nobody"],
                          [self.url, "-d", "a", "-F", "b=c"], [self.url, "--resolve", "nonsense"],
                          [self.url, "-m", "-1"], [self.url, "-X", "A B"], [self.url, "-b", "file"],
                          [self.url, "--key", "file"], [self.url, "-H", "Content-Length: 5"]):
            ended = caropig(*arguments)
            self.assertEqual((ended.returncode, ended.stdout), (2, b""), arguments)
            self.assertTrue(ended.stderr, arguments)

    def test_silence(self):
        url = "http://nowhere.invalid/"
        self.assertEqual(caropig(url, "-s").stderr, b"")
        for arguments in ([], ["-sS"], ["-S"]):
            self.assertRegex(caropig(url, *arguments).stderr, rb"^caropig: \(6\) fetch http://nowhere\.invalid: .+\n$")
        self.assertEqual(caropig(self.url + "/status/404", "-sfw", "%{http_code}\\n").stdout, b"404\n")

    def test_verbose(self):
        ended = caropig(self.url + "/status/404", "-v", "-H", "X-Mine: 1")
        self.assertEqual(ended.stdout, b"a page about it\n")
        self.assertRegex(ended.stderr, rb"(?s)^> GET /status/404 HTTP/1\.1\n> Host: 127\.0\.0\.1:\d+\n.*> X-Mine: 1\n> \n"
                                       rb"< HTTP/1\.1 404 Not Found\n.*< \n$")

    def test_output_file(self):
        path = os.path.join(self.folder, "saved")
        ended = caropig(f"http://127.0.0.1:{self.reference_port}/bytes/300000", "-o", path, "-w", "%{size_download}")
        self.assertEqual((ended.returncode, ended.stdout), (0, b"300000"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"x" * 300000)

    def test_reference_server(self):
        url = f"http://127.0.0.1:{self.reference_port}"
        self.same(url + "/index")
        self.same(url + "/stream/1000")
        self.assertEqual(self.same(url + "/count", "--data-binary", "@-", stdin=b"x" * 200_000), b"200000")
        self.same(url + "/throw", "-f", code=22)

    def test_a_reader_that_stops_stops_the_server(self):
        """Far more than fits anywhere: nothing of it may be held."""
        command = [CAROPIG, "fetch", f"http://127.0.0.1:{self.reference_port}/bytes/{1 << 36}", "-m", str(DEADLINE)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"})
        try:
            for _ in range(2000):
                self.assertEqual(set(process.stdout.read(65536)), {ord("x")})
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                self.assertLess(int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]), 100_000)  # KiB
            process.stdout.close()
            self.assertEqual(process.wait(DEADLINE), 23)
        finally:
            process.kill()
            process.stderr.close()
            process.wait(DEADLINE)

    def test_help(self):
        ended = caropig("--help")
        self.assertEqual(ended.returncode, 0)
        with open(GUIDE, encoding="utf-8") as page:
            documented = set(re.findall(r"`(--[a-z0-9-]+)", page.read()))
        self.assertEqual(set(re.findall(r"(--[a-z0-9-]+)", ended.stdout.decode())) - {"--help"}, documented)


GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/guide/fetch_command.md")


if __name__ == "__main__":
    logging.disable()
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2, warnings="ignore")
