"""Starts the programs under test, and speaks HTTP to them and for them in the rawest way."""

import asyncio
import os
import re
import resource
import subprocess
import sys
import unittest

# Set to run the sizes of the acceptance tests instead of those of every day.
FULL = bool(os.environ.get("CAROPIG_FULL"))

EXAMPLE, REFERENCE, THREAD_POOL = sys.argv[1:4]


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # thousands of clients would be slow with it


class Program:
    """A server on a free port; stopped by its own pid."""

    def __init__(self, program, *arguments):
        command = [program, "--port", "0", "--log-level", "error", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not match:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"{program} printed {line!r}")
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(15)
        finally:
            self.process.kill()
            self.process.communicate()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


async def read_response(reader):
    """(status, headers, body) of one response with a Content-Length; None at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return status, headers, body


def request_bytes(path):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def open_request(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(path))
    return reader, writer


async def get(port, path):
    reader, writer = await open_request(port, path)
    try:
        return await asyncio.wait_for(read_response(reader), 30)
    finally:
        writer.close()


class Upstream:
    """An upstream that accepts requests and answers none until it is told; it sees its connections come and go."""

    def __init__(self):
        self.arrived = asyncio.Queue()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        gone = asyncio.Event()
        await reader.readuntil(b"\r\n\r\n")
        await self.arrived.put((writer, gone))
        try:
            await reader.read()  # until the other side closes
        except ConnectionError:
            pass
        gone.set()
        writer.close()
