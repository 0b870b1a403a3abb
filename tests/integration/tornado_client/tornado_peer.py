"""A Tornado server for tornado_client_test. Prints its ports: plain, TLS, one that answers with given bytes, and IPv6 (0
where there is none). Usage: tornado_peer.py CHAIN KEY"""

import asyncio
import gzip
import logging
import ssl
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body

waiting = []


class Page(RequestHandler):
    """Text, without an entity tag and what else would only be in the way."""

    def compute_etag(self):
        return None


class Hello(Page):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write("Hello " + self.get_argument("name", "world"))


class Form(Page):
    def post(self):
        self.write(self.get_argument("first") + "+" + self.get_argument("second"))


class Echo(Page):
    def post(self):
        self.write(self.request.body)

    put = patch = post


class Redirect(Page):
    def prepare(self):
        self.write("a page that nobody reads")
        if self.get_argument("url", None):
            self.redirect(self.get_argument("url"), status=int(self.get_argument("status", "302")))
        else:
            self.set_status(301)
            self.finish()


class Countdown(Page):
    def get(self, count):
        if int(count) > 0:
            self.redirect(f"/countdown/{int(count) - 1}")
        else:
            self.write("zero")


class Chunks(Page):
    async def get(self):
        self.write("first")
        await self.flush()
        if self.get_argument("wait", None):
            released = asyncio.Event()
            waiting.append(released)
            await released.wait()
        self.write("second")


class Field(Page):
    """What a field of the request says, byte by byte."""

    def get(self, name):
        self.write(self.request.headers.get(name, "none").encode("latin-1"))


class SetField(Page):
    def get(self):
        self.set_header(self.get_argument("name"), self.request.arguments["value"][0])


class Methods(Page):
    SUPPORTED_METHODS = RequestHandler.SUPPORTED_METHODS + ("OTHER",)

    def tell(self):
        self.write(self.request.method)

    get = head = post = put = delete = options = patch = other = tell


class Head(Page):
    def head(self):
        self.set_header("Content-Length", "7")


class Options(Page):
    def options(self):
        self.set_header("Access-Control-Allow-Origin", "*")
        self.write("ok")


class NoContent(Page):
    def get(self):
        self.set_status(204)


class NotModified(Page):
    def get(self):
        self.set_status(304)
        self.set_header("Content-Length", "42")

    def _clear_representation_headers(self):
        """Tornado removes the length; some servers don't."""


class SeeOther(Page):
    def post(self):
        self.set_status(int(self.request.body))
        self.set_header("Location", "/see_other")

    def get(self):
        self.write(f"GET with {len(self.request.body)} bytes")


class Address(Page):
    def get(self):
        self.write(self.request.remote_ip)


class BadGzip(Page):
    def get(self):
        self.set_header("Content-Encoding", "gzip")
        self.write(gzip.compress(b"a line of many\n" * 10_000) + b"\0")


class Filler(Page):
    def get(self):
        self.set_header("X-Filler", "x" * int(self.get_argument("field", "0")))
        self.write("y" * int(self.get_argument("body", "0")))


class Trigger(Page):
    """Answers once /release was asked for."""

    async def get(self):
        released = asyncio.Event()
        waiting.append(released)
        await released.wait()
        self.write("released")


class Waiting(Page):
    def get(self):
        self.write(str(len(waiting)))


class Release(Page):
    def get(self):
        while waiting:
            waiting.pop().set()


@stream_request_body
class Refuse(Page):
    def prepare(self):
        self.set_status(403)
        self.finish("no")


class Given:
    """Answers with the bytes that the target stands for, and closes."""

    ANSWERS = {
        "/all_at_once": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n",
        "/folded": b"HTTP/1.1 200 OK\r\nX-Folded: one;\r\n\ttwo\r\nContent-Length: 0\r\n\r\n",
        "/until_close": b"HTTP/1.0 200 OK\r\n\r\nhello",
        "/continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA",
        "/204": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "/204_with_length": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "/length/2,2": b"HTTP/1.1 200 OK\r\nContent-Length: 2,2\r\n\r\nok",
        "/length/2,%202,2": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2,2\r\n\r\nok",
        "/length/2,4": b"HTTP/1.1 200 OK\r\nContent-Length: 2,4\r\n\r\nok",
        "/length/2,%202,3": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2,3\r\n\r\nok",
        "/chunked_with_length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                                b"5\r\nhello\r\n0\r\n\r\n",
    }

    async def __call__(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(self.ANSWERS[head.split()[1].decode()])
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


ROUTES = [("/hello", Hello), ("/form", Form), ("/echo", Echo), ("/redirect", Redirect), ("/countdown/([0-9]+)", Countdown),
          ("/chunks", Chunks), ("/field/(.*)", Field), ("/set_field", SetField), ("/methods", Methods), ("/head", Head),
          ("/options", Options), ("/no_content", NoContent), ("/not_modified", NotModified), ("/see_other", SeeOther),
          ("/address", Address), ("/bad_gzip", BadGzip), ("/filler", Filler), ("/trigger", Trigger),
          ("/waiting", Waiting), ("/release", Release), ("/refuse", Refuse)]


def listen(address, **options):
    sockets = bind_sockets(0, address)
    HTTPServer(Application(ROUTES, compress_response=True), **options).add_sockets(sockets)
    return sockets[0].getsockname()[1]


async def main(chain, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    ports = [listen("127.0.0.1"), listen("127.0.0.1", ssl_options=context)]
    given = await asyncio.start_server(Given(), "127.0.0.1", 0)
    ports.append(given.sockets[0].getsockname()[1])
    try:
        ports.append(listen("::1"))
    except OSError:
        ports.append(0)
    print(*ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)  # its end is that of the test


if __name__ == "__main__":
    logging.disable()
    asyncio.run(main(*sys.argv[1:]))
