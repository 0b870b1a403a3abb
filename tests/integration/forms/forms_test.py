"""Real uploads: what curl sends, large files in little memory, a client that leaves, and Tornado's parser beside ours."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from tornado import httputil

SERVER = sys.argv[1]
LARGE = 200 * 1024 * 1024


class Server(contextlib.AbstractContextManager):
    """The form server, with a temporary folder of its own."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="caropig-forms-")
        os.mkdir(self.temporary)
        self.process = subprocess.Popen(
            [SERVER, "--port=0", "--workers=1", "--log-level=error", f"--temporary-folder={self.temporary}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = "http://" + self.process.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        self.folder.cleanup()

    @property
    def temporary(self):
        return os.path.join(self.folder.name, "temporary")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def file(self, name, contents):
        with open(self.path(name), "wb") as out:
            out.write(contents)
        return self.path(name)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def peak_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])

    def curl(self, target, *arguments):
        """(status, body) of a POST by curl."""
        done = subprocess.run(
            ["curl", "-sS", "-w", "\n%{http_code}", self.url + target, *arguments],
            capture_output=True,
            check=True,
            timeout=60,
        )
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def post(self, target, body, boundary="B"):
        request = urllib.request.Request(
            self.url + target, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, None


class Curl(unittest.TestCase):
    def test_fields_and_files(self):
        with Server() as server:
            small = server.file("small.txt", b"small\r\n--")
            binary = server.file("binary", bytes(range(256)))
            for target in ("/form", "/arguments"):
                status, body = server.curl(
                    target,
                    *("-F", "a=1", "--form-string", "a= 2 ", "-F", f"f=@{small}", "-F", f"f=@{binary};type=application/x-thing"),
                    *("-F", f'g=@{small};filename="..\\\\\\"q\\" ä.txt"'),
                )
                self.assertEqual(status, 200, body)
                answer = json.loads(body)
                if target == "/form":
                    self.assertEqual(answer["fields"], [["a", "1"], ["a", " 2 "]])
                else:
                    self.assertEqual(answer["a"], ["1", "2"])
                files = answer["files"]
                self.assertEqual([each["name"] for each in files], ["f", "f", "g"])
                self.assertEqual([each["file_name"] for each in files], ["small.txt", "binary", '"q" ä.txt'])
                self.assertEqual(files[2]["as_sent"], '..\\"q" ä.txt')
                self.assertEqual(files[0]["content_type"], "text/plain")
                self.assertEqual(files[1]["content_type"], "application/x-thing")
                self.assertEqual(bytes.fromhex(files[0]["contents"]), b"small\r\n--")
                self.assertEqual(bytes.fromhex(files[1]["contents"]), bytes(range(256)))

    def test_urlencoded(self):
        with Server() as server:
            status, body = server.curl("/form", "--data-urlencode", "a= ä&=", "-d", "b")
            self.assertEqual((status, json.loads(body)["fields"]), (200, [["a", " ä&="], ["b", ""]]))

    def test_saved_on_another_file_system_and_on_the_same(self):
        contents = os.urandom(300_000)
        with Server() as server, tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
            large = server.file("large", contents)
            for target in (server.path("saved"), os.path.join(elsewhere, "saved")):
                status, body = server.curl(f"/form?to={target}", "-F", f"f=@{large}")
                self.assertEqual(status, 200, body)
                self.assertEqual(json.loads(body)["files"][0]["contents"], "on disk")
                with open(target, "rb") as saved:
                    self.assertEqual(saved.read(), contents)
                self.assertEqual(server.curl(f"/form?to={target}", "-F", f"f=@{large}")[0], 500)
            self.assertEqual(os.listdir(server.temporary), [])

    def test_a_large_file_needs_little_memory(self):
        with Server() as server:
            large = server.path("large")
            with open(large, "wb") as out:
                out.truncate(LARGE)
            before = server.peak_kib()
            for target in ("/stream", "/form"):
                status, body = server.curl(target, "-F", f"f=@{large}", "-H", "Expect:")
                self.assertEqual(status, 200, body)
                answer = json.loads(body)
                size = answer[0][1] if target == "/stream" else answer["files"][0]["size"]
                self.assertEqual(size, LARGE)
            self.assertLess(server.peak_kib() - before, 8 * 1024)
            self.assertEqual(os.listdir(server.temporary), [])


class Leaving(unittest.TestCase):
    def test_a_client_that_leaves_leaves_no_file_and_no_descriptor(self):
        head = b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n"
        start = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
        with Server() as server:
            server.curl("/form", "-F", "a=1")
            before = server.descriptors()
            clients = []
            for _ in range(10):
                host, port = server.url.removeprefix("http://").split(":")
                client = socket.create_connection((host, int(port)))
                client.sendall(head + b"Content-Length: 10000000\r\n\r\n" + start + bytes(1_000_000))
                clients.append(client)
            self.wait_for(lambda: server.descriptors() == before + 20)  # a socket and a file each
            self.assertEqual(os.listdir(server.temporary), [])
            for client in clients:
                client.close()
            self.wait_for(lambda: server.descriptors() == before)
            self.assertEqual(os.listdir(server.temporary), [])

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)


def part(disposition, body=b"x", more=b""):
    return b"--B\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + body + b"\r\n"


END = b"--B--\r\n"
NAME = b'form-data; name="a"'

# Bodies that mean the same to Tornado and to us, or nothing to both.
SAME = {
    "field": part(NAME) + END,
    "bare_name": part(b"form-data; name=a") + END,
    "several": part(NAME, b"1") + part(b'form-data; name="b"', b"2") + part(NAME, b"3") + END,
    "empty": part(NAME, b"") + END,
    "no_part": END,
    "utf8": part('form-data; name="ä"'.encode(), "成功".encode()) + END,
    "line_ends": part(NAME, b"\r\n\r\n") + END,
    "false_boundary": part(NAME, b"--A\r\r\n-B") + END,
    "file": part(NAME + b'; filename="x.txt"', b"\x00\xff", b"Content-Type: text/plain\r\n") + END,
    "bare_file_name": part(NAME + b"; filename=x.txt", b"", b"Content-Type: text/plain\r\n") + END,
    "semicolon_in_quotes": part(NAME + b'; filename="x;y.txt"', b"", b"Content-Type: text/plain\r\n") + END,
    "escaped_quote": part(NAME + rb'; filename="x\"y.txt"', b"", b"Content-Type: text/plain\r\n") + END,
    "escaped_backslash": part(NAME + rb'; filename="x\\y.txt"', b"", b"Content-Type: text/plain\r\n") + END,
    "windows_path": part(NAME + rb'; filename="C:\dir\y.txt"', b"", b"Content-Type: text/plain\r\n") + END,
    "extended": part(NAME + b"; filename*=utf-8''%e2%82%ac", b"", b"Content-Type: text/plain\r\n") + END,
    "extended_latin1": part(NAME + b"; filename*=iso-8859-1''%a3", b"", b"Content-Type: text/plain\r\n") + END,
    "no_file_chosen": part(NAME + b'; filename=""', b"", b"Content-Type: application/octet-stream\r\n") + END,
    "other_fields": part(NAME, b"x", b"X-Other: 1\r\n") + END,
    "any_case": b"--B\r\ncontent-DISPOSITION: form-data; NAME=a\r\n\r\nx\r\n" + END,
    "no_last_line_end": part(NAME) + b"--B--",
    "epilogue": part(NAME) + END + b"more",
    "nothing": b"",
    "cut_off": part(NAME),
    "no_header_end": b"--B\r\nContent-Disposition: form-data; name=a\r\n" + END,
    "no_disposition": b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,
    "no_name": part(b"form-data") + END,
    "empty_name": part(b'form-data; name=""') + END,
    "attachment": part(b'attachment; name="a"') + END,
}

# Bodies that we take otherwise, on purpose: what Tornado makes of them, what we do, and why.
DIFFERENT = {
    "preamble": (b"hello\r\n" + part(NAME) + END, None, [["a", "x"]], "RFC 2046 has it ignored"),
    "padding": (part(NAME).replace(b"--B\r\n", b"--B \r\n") + END, None, [["a", "x"]], "RFC 2046 allows it"),
    "boundary_in_a_line": (part(NAME, b"x--B\r\n" + NAME), None, None, "not at the start of a line: text, so cut off"),
    "boundary_at_the_start": (
        part(NAME, b"--B\r\r\n") + END,
        [["a", "--B\r\r\n"]],
        None,
        "a part's body begins a line",
    ),
    "longer_boundary": (part(NAME, b"\r\n--BC\r\n") + END, [["a", "\r\n--BC\r\n"]], None, "RFC 2046 forbids it in a body"),
    "browser_escapes": (
        part(b'form-data; name="%22%0D%0A"') + END,
        [["%22%0D%0A", "x"]],
        [['"\r\n', "x"]],
        "browsers send quotes and line ends so",
    ),
    "base64": (part(NAME, b"eA==", b"Content-Transfer-Encoding: base64\r\n") + END, [["a", "eA=="]], None, "not decoded, so refused"),
    "two_names": (part(b"form-data; name=a; name=b") + END, [["b", "x"]], None, "readers would choose differently"),
    "bad_utf8": (part(NAME, b"\xff") + END, [["a", "\udcff"]], None, "Tornado refuses it when it is asked for"),
}


def tornado_parse(body):
    """(fields, files) sorted by name, or None where it refuses the body."""
    arguments, files = {}, {}
    try:
        httputil.parse_multipart_form_data(b"B", body, arguments, files)
    except Exception:  # pylint: disable=broad-except  # it throws several kinds
        return None
    fields = [[name, value.decode("utf-8", "surrogateescape")] for name, values in arguments.items() for value in values]
    found = [
        [name, file["filename"], file["content_type"], file["body"].hex()]
        for name, sent in files.items()
        for file in sent
    ]
    return sorted(fields), sorted(found)


class Interop(unittest.TestCase):
    def parse(self, server, body):
        status, answer = server.post("/form", body)
        if answer is None:
            self.assertEqual(status, 400)
            return None
        files = [[each["name"], each["as_sent"], each["content_type"], each["contents"]] for each in answer["files"]]
        return sorted(answer["fields"]), sorted(files)

    def test_the_same_as_tornado(self):
        with Server() as server:
            for name, body in SAME.items():
                with self.subTest(name):
                    self.assertEqual(self.parse(server, body), tornado_parse(body))

    def test_different_on_purpose(self):
        with Server() as server:
            for name, (body, tornados, ours, why) in DIFFERENT.items():
                with self.subTest(name, why=why):
                    theirs, parsed = tornado_parse(body), self.parse(server, body)
                    self.assertEqual(None if theirs is None else theirs[0], tornados)
                    self.assertEqual(None if parsed is None else parsed[0], ours)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
