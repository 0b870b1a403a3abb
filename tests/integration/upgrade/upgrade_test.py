"""examples/upgrade: a protocol of lines on a connection that began as HTTP."""

import signal
import socket
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()
REQUEST = b"GET /lines HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n"


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([PROGRAM, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = int(self.server.stdout.readline().rpartition(b":")[2])

    def tearDown(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.addCleanup(client.close)
        return client, client.makefile("rb")

    def upgraded(self, more=b""):
        client, answers = self.connect()
        client.sendall(REQUEST + more)
        self.assertEqual(answers.readline(), b"HTTP/1.1 101 Switching Protocols\r\n")
        while answers.readline() != b"\r\n":
            pass
        return client, answers

    def test_lines_come_back_until_an_empty_one(self):
        client, answers = self.upgraded(b"with the request\n")
        self.assertEqual(answers.readline(), b"WITH THE REQUEST\n")
        client.sendall(b"in two ")
        client.sendall(b"pieces\nand another\n")
        self.assertEqual(answers.readline(), b"IN TWO PIECES\n")
        self.assertEqual(answers.readline(), b"AND ANOTHER\n")
        client.sendall(b"\n")
        self.assertEqual(answers.read(), b"")

    def test_a_client_that_has_finished_sending_gets_the_rest(self):
        client, answers = self.upgraded()
        client.sendall(b"last\n")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(answers.read(), b"LAST\n")

    def test_without_an_offer(self):
        client, answers = self.connect()
        client.sendall(b"GET /lines HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(answers.readline(), b"HTTP/1.1 426 Upgrade Required\r\n")

    def test_a_stop_does_not_wait_for_it(self):
        _, answers = self.upgraded()
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(answers.read(), b"")
        self.assertEqual(self.server.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main()
