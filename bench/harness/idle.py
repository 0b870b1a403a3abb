"""What a connection costs that is open and has nothing to say."""

import resource
import socket

from harness import load, procfs

AT_ONCE = 64  # fewer than any server's backlog
PATIENCE = 10


def bytes_per_connection(server, workload):
    """Opens the connections, lets each ask once, and holds them: growth of the server's resident memory, divided by them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < workload.connections + 100:
        raise load.LoadFailed(f"only {hard} descriptors are allowed here (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    try:
        _open(server.port, workload.path, AT_ONCE, held)  # what the server allocates once is not the connections'
        before = procfs.resident_bytes(server.pid)
        already = len(held)
        while len(held) < workload.connections:
            _open(server.port, workload.path, min(AT_ONCE, workload.connections - len(held)), held)
        server.check()
        grown = procfs.resident_bytes(server.pid) - before
        return grown / (workload.connections - already)
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open(port, path, count, held):
    batch = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(count)]
    held += batch
    for connection in batch:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    for connection in batch:
        answer = b""
        while b"\r\n\r\nok" not in answer:
            try:
                piece = connection.recv(4096)
            except TimeoutError:
                piece = b""
            if not piece:
                raise load.LoadFailed(f"{len(held)} connections are open, and one has no answer")
            answer += piece
