"""A Tornado server for the proxy to ask: prints its port."""

import asyncio
import hashlib
import json

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket


class Show(tornado.web.RequestHandler):
    """The request as it came."""

    def respond(self):
        self.set_header("X-Upstream", "tornado")
        self.add_header("Set-Cookie", "a=1")
        self.add_header("Set-Cookie", "b=2")
        self.write(json.dumps({"method": self.request.method, "uri": self.request.uri,
                               "headers": list(self.request.headers.get_all()), "size": len(self.request.body)}))

    get = post = put = patch = delete = options = respond

    def head(self):
        self.set_header("Content-Length", "12345")


class Redirect(tornado.web.RequestHandler):
    def get(self):
        self.redirect("/elsewhere")


class Fixed(tornado.web.RequestHandler):
    def get(self):
        self.write("always the same")


@tornado.web.stream_request_body
class Digest(tornado.web.RequestHandler):
    """What came, by its length and digest, taken in pieces."""

    def prepare(self):
        self.request.connection.set_max_body_size(1 << 40)
        self.digest, self.size = hashlib.sha256(), 0

    def data_received(self, chunk):
        self.digest.update(chunk)
        self.size += len(chunk)

    def post(self):
        self.write(f"{self.size} {self.digest.hexdigest()}")


class Events(tornado.web.RequestHandler):
    """Pieces that come now and then."""

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        await self.flush()
        for number in range(3):
            self.write(f"data: {number}\n\n")
            await self.flush()
            await asyncio.sleep(0.01)


class Talk(tornado.websocket.WebSocketHandler):
    """Says everything again; "bye" closes."""

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))
        if message == "bye":
            self.close(4000, "as asked")


async def main():
    routes = [("/show.*", Show), ("/redirect", Redirect), ("/fixed", Fixed), ("/digest", Digest), ("/events", Events),
              ("/talk", Talk)]
    application = tornado.web.Application(routes)
    server = tornado.httpserver.HTTPServer(application)
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(f"listening on 127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
