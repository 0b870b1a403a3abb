"""What CaroPig signs and hands out, Tornado takes, and the other way round: signed cookies with the rotation of their
secrets, plain cookies as both quote them, XSRF tokens as forms and as headers."""

import asyncio
import re
import subprocess
import sys
import time
import unittest
import urllib.parse

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, create_signed_value

PROGRAM = sys.argv[1]
SECRET = "0123456789abcdef0123456789abcdef"
NEXT_SECRET = "another secret of enough bytes"
VALUES = [b"", b"a", b"ab", b"abc", b"alice;=\" \\,\n|:", bytes(range(256)), "大 cat".encode(), b"x" * 2000]


class Set(RequestHandler):
    def get(self):
        self.set_secure_cookie("user", bytes.fromhex(self.get_argument("value")))


class Get(RequestHandler):
    def get(self):
        value = self.get_secure_cookie("user")
        self.write("none" if value is None else "=" + value.hex())


class SetPlain(RequestHandler):
    def get(self):
        self.set_cookie("plain", bytes.fromhex(self.get_argument("value")).decode("latin-1"))


class Plain(RequestHandler):
    def get(self):
        value = self.get_cookie("plain")
        self.write("none" if value is None else "=" + value.encode("latin-1").hex())


class Form(RequestHandler):
    def get(self):
        self.write(self.xsrf_token)

    def post(self):
        self.write("accepted")


class FormOfVersion1(Form):
    @property
    def settings(self):
        return dict(self.application.settings, xsrf_cookie_version=1)


class Tornado:
    """A Tornado application on a free port of this process."""

    def __init__(self, **settings):
        handlers = [("/set", Set), ("/get", Get), ("/set_plain", SetPlain), ("/plain", Plain), ("/form", Form),
                    ("/form1", FormOfVersion1)]
        self.server = HTTPServer(Application(handlers, xsrf_cookies=True, log_function=lambda _: None, **settings))
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"

    async def stop(self):
        self.server.stop()
        await self.server.close_all_connections()


class CaroPig:
    """interop_server on a free port; ended by its own pid."""

    def __init__(self, *arguments):
        command = [PROGRAM, "--port", "0", "--log-level", "off", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (127\.0\.0\.1:\d+)\n", line)
        if not match:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"{PROGRAM} printed {line!r}")
        self.url = f"http://{match[1]}"

    async def stop(self):
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, 15)
        finally:
            self.process.kill()
            self.process.communicate()


class Browser:
    """Keeps the cookies it is given, and sends them back as they are, to whichever server: as one behind the same
    name would get them."""

    def __init__(self):
        self.cookies = {}

    async def fetch(self, url, **options):
        headers = dict(options.pop("headers", {}))
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = HTTPRequest(url, headers=headers, follow_redirects=False, request_timeout=30, **options)
        response = await AsyncHTTPClient().fetch(request, raise_error=False)
        for cookie in response.headers.get_list("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.code, response.body.decode()


class Interop(unittest.IsolatedAsyncioTestCase):
    async def start(self, server):
        self.addAsyncCleanup(server.stop)
        return server.url

    async def both(self):
        return (await self.start(Tornado(cookie_secret=SECRET)), await self.start(CaroPig("--secret", SECRET)))

    async def test_signed_cookies(self):
        servers = await self.both()
        for maker in servers:
            for reader in servers:
                for value in VALUES:
                    browser = Browser()
                    self.assertEqual((await browser.fetch(f"{maker}/set?value={value.hex()}"))[0], 200)
                    self.assertEqual(await browser.fetch(f"{reader}/get"), (200, "=" + value.hex()))
                    browser.cookies["user"] = browser.cookies["user"].replace("|1:0|", "|1:1|")
                    self.assertEqual(await browser.fetch(f"{reader}/get"), (200, "none"))

    async def test_the_old_format_is_read(self):
        for server in await self.both():
            browser = Browser()
            browser.cookies["user"] = create_signed_value(SECRET, "user", b"alice", version=1).decode()
            self.assertEqual(await browser.fetch(f"{server}/get"), (200, "=" + b"alice".hex()))

    async def test_age(self):
        now = time.time()
        for server in await self.both():
            for days, answer in ((30.9, "=" + b"alice".hex()), (31.1, "none")):
                browser = Browser()
                signed = create_signed_value(SECRET, "user", b"alice", clock=lambda: now - days * 86400)
                browser.cookies["user"] = signed.decode()
                self.assertEqual(await browser.fetch(f"{server}/get"), (200, answer))

    async def test_secrets_are_rotated(self):
        secrets = {1: SECRET, 2: NEXT_SECRET}
        before = [await self.start(Tornado(cookie_secret={1: SECRET}, key_version=1))]
        rotated = [await self.start(Tornado(cookie_secret=secrets, key_version=2)),
                   await self.start(CaroPig("--secret", SECRET, "--next-secret", NEXT_SECRET))]
        after = [await self.start(Tornado(cookie_secret={2: NEXT_SECRET}, key_version=2)),
                 await self.start(CaroPig("--secret", NEXT_SECRET))]
        alice = "=" + b"alice".hex()
        for makers, readers, answer in ((before, rotated, alice), (rotated, rotated, alice), (rotated, after, alice),
                                        (rotated, before, "none"), (before, after, "none")):
            for maker in makers:
                for reader in readers:
                    browser = Browser()
                    await browser.fetch(f"{maker}/set?value={b'alice'.hex()}")
                    self.assertEqual(await browser.fetch(f"{reader}/get"), (200, answer))

    async def test_plain_cookies_of_tornado(self):
        tornado, caropig = await self.both()
        for value in (b"plain", b"a,b", b"a;b", b"a\"b\\c", b"a=b", b"\xe4\xff", b"(x)", b"\\101"):
            browser = Browser()
            await browser.fetch(f"{tornado}/set_plain?value={value.hex()}")
            for reader in (tornado, caropig):
                self.assertEqual(await browser.fetch(f"{reader}/plain"), (200, "=" + value.hex()))

    async def test_cookies_are_read_alike(self):
        tornado, caropig = await self.both()
        for text in ('b"c', '"b\\"c"', '"\\101\\073"', '"\\400"', '"\\12"', '"b\\', '"', '""', '"\\"', '"\\\\"', "b=c==",
                     "1; plain=2", '"x;y"', "", " b ", '"\\3777"', '"b"c', "1; Plain=2"):
            browser = Browser()
            browser.cookies["plain"] = text
            answers = [await browser.fetch(f"{server}/plain") for server in (tornado, caropig)]
            self.assertEqual(answers[0], answers[1], text)

    async def test_xsrf_tokens(self):
        tornado, caropig = await self.both()
        makers = [f"{tornado}/form", f"{tornado}/form1", f"{caropig}/form"]
        for maker in makers:
            for renderer in makers:
                for reader in (tornado, caropig):
                    browser = Browser()
                    await browser.fetch(maker)
                    cookie = browser.cookies["_xsrf"]
                    status, token = await browser.fetch(renderer)
                    self.assertEqual((status, browser.cookies["_xsrf"]), (200, cookie), "the cookie stays")
                    body = urllib.parse.urlencode({"_xsrf": token})
                    post = {"method": "POST", "body": body}
                    self.assertEqual(await browser.fetch(f"{reader}/form", **post), (200, "accepted"))
                    for name in ("X-Xsrftoken", "X-Csrftoken"):
                        answer = await browser.fetch(f"{reader}/form", method="POST", body="", headers={name: token})
                        self.assertEqual(answer, (200, "accepted"))
                    self.assertEqual((await Browser().fetch(f"{reader}/form", **post))[0], 403, "without the cookie")
                    other = Browser()
                    await other.fetch(maker)
                    self.assertEqual((await other.fetch(f"{reader}/form", **post))[0], 403, "another browser's cookie")
                    self.assertEqual((await browser.fetch(f"{reader}/form", method="POST", body=""))[0], 403)
                    self.assertEqual((await browser.fetch(f"{reader}/nowhere", **post))[0], 404)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
