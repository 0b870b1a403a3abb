"""GET /index in Tornado: one process, no access log, everything else as it comes."""

import sys

import tornado.ioloop
import tornado.web


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        self.write("ok")


def main():
    application = tornado.web.Application([(r"/index", IndexHandler)], log_function=lambda handler: None)
    application.listen(int(sys.argv[1]), address="127.0.0.1", backlog=4096)
    tornado.ioloop.IOLoop.current().start()


main()
