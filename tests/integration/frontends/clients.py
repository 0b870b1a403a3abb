"""The clients that people have: each sends a list of requests, and gives back what came, in one form.

A request is {method, path, headers, size, chunked, expect}: `size` bytes of body, with their length or chunked. An
answer is {status, headers (in lower case), size, start} and, where the client can tell, whether its connection was
`reused` and whether it was told to `continued`."""

import asyncio
import json
import pathlib
import subprocess
import tempfile

import aiohttp
import httpx
import tornado.httpclient

TIMEOUT = 30


def answer(status, headers, body, **more):
    return {"status": status, "headers": {name.lower(): value for name, value in headers}, "size": len(body),
            "start": body[:200].decode("latin-1"), **more}


def pieces(size, step=10_000):
    for begin in range(0, size, step):
        yield b"x" * min(step, size - begin)


def with_curl(base, requests):
    """All of them in one run, so that curl keeps its connection."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = ["curl", "--silent", "--show-error", "--max-time", str(TIMEOUT)]
        for i, request in enumerate(requests):
            if i:
                command += ["--next", "--silent", "--show-error", "--max-time", str(TIMEOUT)]
            if request["method"] == "HEAD":
                command += ["--head"]
            else:
                command += ["--request", request["method"]]
            for field, value in request.get("headers", {}).items():
                command += ["--header", f"{field}: {value}"]
            if "size" in request:
                (folder / f"in{i}").write_bytes(b"x" * request["size"])
                command += ["--data-binary", f"@{folder}/in{i}", "--header", "Content-Type: application/octet-stream",
                            "--header", "Expect: 100-continue" if request.get("expect") else "Expect:"]
            if request.get("chunked"):
                command += ["--header", "Transfer-Encoding: chunked"]
            command += ["--dump-header", folder / f"head{i}", "--output", folder / f"out{i}",
                        "--write-out", "%{num_connects}\n", base + request["path"]]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        connects = run.stdout.split()
        answers = []
        for i, connected in enumerate(connects):
            heads = (folder / f"head{i}").read_bytes().decode("latin-1").split("\r\n\r\n")[:-1]
            status, *fields = heads[-1].split("\r\n")
            out = folder / f"out{i}"
            body = out.read_bytes() if out.exists() and requests[i]["method"] != "HEAD" else b""
            answers.append(answer(int(status.split()[1]), [field.split(": ", 1) for field in fields], body,
                                  reused=connected == "0", continued=len(heads) > 1))
        return answers


def with_node(base, requests):
    script = pathlib.Path(__file__).with_name("requests.js")
    run = subprocess.run(["node", script, base, json.dumps(requests)], check=True, stdout=subprocess.PIPE, timeout=60)
    return json.loads(run.stdout)


def with_httpx(base, requests):
    answers = []
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
        for request in requests:
            content = None
            if "size" in request:
                content = pieces(request["size"]) if request.get("chunked") else b"x" * request["size"]
            got = client.request(request["method"], base + request["path"], headers=request.get("headers"),
                                 content=content)
            answers.append(answer(got.status_code, got.headers.items(), got.content))
    return answers


def with_aiohttp(base, requests):
    async def stream(size):
        for piece in pieces(size):
            yield piece

    async def run():
        answers = []
        reused = []
        trace = aiohttp.TraceConfig()

        async def on_reuse(*_):
            reused.append(True)

        trace.on_connection_reuseconn.append(on_reuse)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, trace_configs=[trace], auto_decompress=False) as session:
            for request in requests:
                data = None
                if "size" in request:
                    data = stream(request["size"]) if request.get("chunked") else b"x" * request["size"]
                reused.clear()
                async with session.request(request["method"], base + request["path"], data=data,
                                           headers=request.get("headers"), chunked=True if request.get("chunked") else None,
                                           expect100=bool(request.get("expect"))) as got:
                    answers.append(answer(got.status, got.headers.items(), await got.read(), reused=bool(reused)))
        return answers

    return asyncio.run(run())


def with_tornado(base, requests):
    async def run():
        client = tornado.httpclient.AsyncHTTPClient(force_instance=True, max_body_size=100_000_000)
        answers = []
        for request in requests:
            options = {"headers": request.get("headers"), "method": request["method"], "request_timeout": TIMEOUT,
                       "expect_100_continue": bool(request.get("expect")), "follow_redirects": False,
                       "decompress_response": False}
            if request.get("chunked"):
                async def produce(write, size=request["size"]):
                    for piece in pieces(size):
                        await write(piece)
                options["body_producer"] = produce
            elif "size" in request:
                options["body"] = b"x" * request["size"]
            elif request["method"] in ("PUT", "POST"):
                options["body"] = b""
            got = await client.fetch(base + request["path"], raise_error=False, **options)
            if got.code == 599:
                raise got.error
            answers.append(answer(got.code, got.headers.get_all(), got.body or b""))
        client.close()
        return answers

    return asyncio.run(run())


CLIENTS = {"curl": with_curl, "node": with_node, "httpx": with_httpx, "aiohttp": with_aiohttp, "tornado": with_tornado}
