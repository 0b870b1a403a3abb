"""The workloads in Tornado: one process, no access log, everything else as it comes. tornado_server.py PORT"""

import os
import resource
import sys

import tornado.gen
import tornado.httpclient
import tornado.ioloop
import tornado.web


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        self.write("ok")


class JsonHandler(tornado.web.RequestHandler):
    def get(self):
        self.write({"message": "Hello, World!"})


class OrderHandler(tornado.web.RequestHandler):
    def get(self, user, order):
        self.write(f"{user} {order}")


class ResourceHandler(tornado.web.RequestHandler):
    def get(self, user, item):
        self.write(f"{user} {item}")


class SleepHandler(tornado.web.RequestHandler):
    async def get(self, milliseconds):
        await tornado.gen.sleep(int(milliseconds) / 1000)
        self.write("ok")


class UpstreamHandler(tornado.web.RequestHandler):
    async def get(self):
        url = f"http://127.0.0.1:{os.environ['BENCH_UPSTREAM']}/index"
        response = await tornado.httpclient.AsyncHTTPClient().fetch(url)
        self.write(response.body)


def routes():
    yield r"/index", IndexHandler
    yield r"/json", JsonHandler
    yield r"/sleep/(\d+)", SleepHandler
    yield r"/upstream", UpstreamHandler
    yield r"/static/(.*)", tornado.web.StaticFileHandler, {"path": os.path.join(os.environ.get("TMPDIR", "."), "files")}
    for i in range(109):
        if i == 54:
            yield r"/users/([^/]+)/orders/([^/]+)", OrderHandler
        yield rf"/resource{i}/([^/]+)/items/([^/]+)", ResourceHandler


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tornado.httpclient.AsyncHTTPClient.configure(None, max_clients=128)
    application = tornado.web.Application(list(routes()), log_function=lambda handler: None)
    application.listen(int(sys.argv[1]), address="127.0.0.1", backlog=4096)
    tornado.ioloop.IOLoop.current().start()


main()
