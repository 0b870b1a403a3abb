"""The same files through caropig-reference and through Tornado's StaticFileHandler, request by request, and each
content coding through curl."""

import asyncio
import contextlib
import http.client
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import tornado.httpserver
import tornado.netutil
import tornado.web

REFERENCE = sys.argv[1]
MODIFIED = 1_000_000_000  # Sun, 09 Sep 2001 01:46:40 GMT
BEFORE, SAME, AFTER = (f"Sun, 09 Sep 2001 01:46:{second} GMT" for second in (39, 40, 41))
COMPARED = ("etag", "last-modified", "content-length", "content-range", "accept-ranges", "content-type", "location")

# (why it differs on purpose, method, path, fields, status here, status of Tornado)
DIFFERENCES = [
    ("RFC 9110 14.1.1: a range whose end is before its start is malformed, and ignored",
     "GET", "a.txt", {"Range": "bytes=3-1"}, 200, 416),
    ("a range without a dash is malformed, and ignored", "GET", "a.txt", {"Range": "bytes=1"}, 200, 206),
    ("several ranges are one multipart body; Tornado ignores them", "GET", "a.txt", {"Range": "bytes=0-0,2-2"}, 206, 200),
    ("RFC 9110 14.2: Range is for GET only", "HEAD", "a.txt", {"Range": "bytes=0-1"}, 200, 206),
    ("If-Match is looked at", "GET", "a.txt", {"If-Match": '"x"'}, 412, 200),
    ("If-Unmodified-Since is looked at", "GET", "a.txt", {"If-Unmodified-Since": BEFORE}, 412, 200),
    ("If-Range is looked at", "GET", "a.txt", {"Range": "bytes=0-1", "If-Range": '"x"'}, 200, 206),
    ("what is outside of the folder is not there: no word about what lies where", "GET", "../secret.txt", {}, 404, 403),
    ("a folder without a default file is not there, and not redirected to", "GET", "sub/none", {}, 404, 301),
    ("hidden files are refused unless asked for", "GET", ".env", {}, 404, 200),
    ("a slash behind a file's name is no part of it", "GET", "a.txt/", {}, 404, 200),
    ("a path with ./ in it is not needed by any client", "GET", "./a.txt", {}, 404, 200),
]


def requests():
    etag = f'"{tornado.web.StaticFileHandler.get_content_version(str(Folder.files / "a.txt"))}"'
    for path in ("a.txt", "sub/b.html", "empty.css", "image.png", "unknown.ending", "none", "large.bin",
                 "archive.tar.gz", "link", "sub/", "sub", "", "%61.txt", "a%20b.txt"):
        yield "GET", path, {}
        yield "HEAD", path, {}
    yield "GET", "a.txt?v=" + etag.strip('"'), {}
    yield "POST", "a.txt", {}
    for value in ("bytes=0-0", "bytes=1-3", "bytes=1-", "bytes=-2", "bytes=0-", "bytes=0-4", "bytes=4-100", "bytes=-100",
                  "bytes=5-", "bytes=100-200", "bytes=-0", "bytes=", "bytes=a-b", "lines=1-2", "bytes"):
        yield "GET", "a.txt", {"Range": value}
    yield "GET", "large.bin", {"Range": "bytes=1000000-1999999"}
    yield "GET", "empty.css", {"Range": "bytes=0-"}
    for value in (etag, "W/" + etag, '"x"', f'"x", {etag}', "*", "nonsense", etag[:-1]):
        yield "GET", "a.txt", {"If-None-Match": value}
        yield "HEAD", "a.txt", {"If-None-Match": value}
    for value in (BEFORE, SAME, AFTER, "yesterday"):
        yield "GET", "a.txt", {"If-Modified-Since": value}
        yield "GET", "a.txt", {"If-Modified-Since": value, "If-None-Match": '"x"'}
        yield "GET", "a.txt", {"If-Modified-Since": value, "If-None-Match": etag}
    yield "GET", "a.txt", {"Range": "bytes=0-1", "If-None-Match": etag}
    yield "GET", "a.txt", {"Range": "bytes=0-1", "If-Range": etag}


class Folder:
    """The files, with times that do not change."""

    @classmethod
    def make(cls, base):
        (base / "secret.txt").write_text("SECRET")
        cls.files = base / "public"
        (cls.files / "sub" / "none").mkdir(parents=True)
        contents = {"a.txt": b"hello", "a b.txt": b"space", "sub/b.html": b"<p>", "sub/index.html": b"index",
                    "index.html": b"top", "empty.css": b"", "image.png": b"\x89PNG", "unknown.ending": b"?",
                    "large.bin": bytes(range(256)) * 12_000, "archive.tar.gz": b"gz", ".env": b"PASSWORD",
                    "text.js": b"let line = 1;\n" * 5000, "small.js": b"let line = 1;\n" * 100}
        for name, content in contents.items():
            (cls.files / name).write_bytes(content)
        (cls.files / "link").symlink_to("a.txt")
        for path in cls.files.rglob("*"):
            os.utime(path, (MODIFIED, MODIFIED))


class TornadoThread:
    def __init__(self):
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))

    async def serve(self):
        self.loop, self.stopped = asyncio.get_running_loop(), asyncio.Event()
        application = tornado.web.Application(
            [(r"/static/(.*)", tornado.web.StaticFileHandler,
              {"path": str(Folder.files), "default_filename": "index.html"})], log_function=lambda handler: None)
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        server = tornado.httpserver.HTTPServer(application)
        server.add_sockets(sockets)
        self.ready.set()
        await self.stopped.wait()
        server.stop()
        await server.close_all_connections()

    def __enter__(self):
        self.thread.start()
        self.ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()


@contextlib.contextmanager
def reference():
    """The port of a caropig-reference that serves the folder."""
    command = [REFERENCE, "--port", "0", "--log-level", "off", "--static", str(Folder.files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()


def answer(port, method, path, fields):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, "/static/" + path, headers=fields)
        response = connection.getresponse()
        body = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body
    finally:
        connection.close()


class StaticFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        Folder.make(pathlib.Path(cls.folder))
        cls.ours = cls.enterClassContext(reference())
        cls.theirs = cls.enterClassContext(TornadoThread()).port

    def test_answers_like_tornado(self):
        count = 0
        for method, path, fields in requests():
            with self.subTest(method=method, path=path, fields=fields):
                status, headers, body = answer(self.ours, method, path, fields)
                their_status, their_headers, their_body = answer(self.theirs, method, path, fields)
                self.assertEqual(status, their_status)
                count += 1
                if status >= 400 and status != 416:
                    continue  # pages of errors are each one's own
                if status in (200, 206):
                    self.assertEqual(body, their_body)
                for name in COMPARED:
                    self.compare(name, path, status, headers.get(name), their_headers.get(name))
                if "?v=" in path:
                    self.assertIn("max-age=315360000", headers["cache-control"])
                    self.assertEqual(their_headers["cache-control"], "max-age=315360000")
        print(f"{count} requests")

    def compare(self, name, path, status, ours, theirs):
        if name == "content-type":  # ours says the charset, and a 304 or a redirect has no type
            if status not in (200, 206):
                return
            ours, theirs = ours.split(";")[0], theirs.split(";")[0]
        if name == "etag" and path.startswith("large.bin"):  # not hashed while the client waits
            self.assertNotEqual(ours, None)
            return
        if status == 304 and name in ("accept-ranges", "last-modified", "content-length"):
            return
        if status == 301 and name == "content-length":
            return
        if status == 416 and name in ("etag", "last-modified"):  # of the file, which a 416 does not hold
            return
        self.assertEqual(ours, theirs, name)

    def test_differs_on_purpose(self):
        for why, method, path, fields, status, their_status in DIFFERENCES:
            with self.subTest(why):
                self.assertEqual(answer(self.ours, method, path, fields)[0], status)
                self.assertEqual(answer(self.theirs, method, path, fields)[0], their_status)

    def test_versions_are_tornados(self):
        settings = {"static_path": str(Folder.files)}
        for path in ("a.txt", "empty.css", "sub/b.html"):
            url = tornado.web.StaticFileHandler.make_static_url(settings, path)
            status, headers, _ = answer(self.ours, "GET", url.removeprefix("/static/"), {})
            self.assertEqual(status, 200)
            self.assertIn("immutable", headers["cache-control"], "the version is the one that we know it by")

    def test_curl_reads_each_coding(self):
        for name in ("text.js", "small.js"):
            content = (Folder.files / name).read_bytes()
            for coding in ("gzip", "br", "zstd"):
                with self.subTest(coding, name=name), tempfile.NamedTemporaryFile() as head:
                    command = ["curl", "--silent", "--show-error", "--fail", "--compressed", "--dump-header", head.name,
                               "--header", f"Accept-Encoding: {coding}", f"http://127.0.0.1:{self.ours}/static/{name}"]
                    body = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=30).stdout
                    self.assertEqual(body, content)
                    self.assertIn(f"content-encoding: {coding}\r\n", head.read().decode().lower())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
