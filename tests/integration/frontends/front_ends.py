"""The programs of a front end: caropig-reference, and nginx and haproxy before it, each in a temporary folder, on ports
that were free, and stopped by its own pid."""

import socket
import subprocess
import time


class Process:
    """A program that is ended with the test."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, **options)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.communicate()


class Reference(Process):
    """caropig-reference, on a port of the kernel's choice unless `arguments` say otherwise."""

    def __init__(self, program, *arguments, **options):
        super().__init__([program, "--port", "0", "--log-level", "error", *arguments], stdout=subprocess.PIPE, text=True,
                         **options)
        self.address = self.process.stdout.readline().removeprefix("listening on ").strip()
        if not self.address:
            self.stop()
            raise AssertionError(f"{program} {arguments} does not listen")
        self.port = int(self.address.rsplit(":", 1)[1]) if self.address[0].isdigit() else None


def wait_until_open(port, process):
    """Whether the program listens; it may have ended instead."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except ConnectionRefusedError:
            time.sleep(0.02)  # there is nothing to wait for but the attempt
    return False


def clients_of(port):
    """The ports of those who are connected to it, or have been a short time ago."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [[int(end.split(":")[1], 16) for end in line.split()[1:3]] for line in list(table)[1:]]
    return {other for here, there in rows for one, other in ((here, there), (there, here)) if one == port and other}


NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 200; }}
http {{
  access_log off;
  client_max_body_size 100m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_http_version 1.1;
  upstream fields {{ server 127.0.0.1:{fields}; keepalive 4; }}
  upstream forwarded {{ server 127.0.0.1:{forwarded}; keepalive 4; }}
  upstream local {{ server unix:{folder}/reference.sock; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_set_header Host inside;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;
    location / {{ proxy_pass http://fields; }}
    # As it comes, chunked too. Not elsewhere: an answer that comes before the body makes nginx close a connection that
    # it has promised to keep.
    location = /echo {{
      proxy_request_buffering off;
      proxy_pass http://fields;
    }}
    location /local/ {{ proxy_pass http://local/; }}
    location /forwarded/ {{
      proxy_set_header Host inside;
      proxy_set_header Connection "";
      proxy_set_header Forwarded 'for=$remote_addr;proto=https;host="$http_host"';
      proxy_pass http://forwarded/;
    }}
  }}
}}
"""


class Nginx(Process):
    """nginx takes no port of the kernel's choice: one that was free is tried, and another where it is free no more."""

    def __init__(self, folder, fields, forwarded):
        for _ in range(10):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            configuration = folder / "nginx.conf"
            configuration.write_text(NGINX.format(folder=folder, port=self.port, fields=fields, forwarded=forwarded))
            super().__init__(["/usr/sbin/nginx", "-e", folder / "nginx.log", "-p", folder, "-c", configuration])
            if wait_until_open(self.port, self.process):
                return
            self.stop()
        raise AssertionError((folder / "nginx.log").read_text())


HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend fields
  bind fd@{fields_fd}
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Host inside
  default_backend fields
backend fields
  server one 127.0.0.1:{fields}
frontend version1
  bind fd@{version1_fd}
  default_backend version1
backend version1
  server one 127.0.0.1:{proxied} send-proxy check inter 200ms
frontend version2
  bind fd@{version2_fd}
  default_backend version2
backend version2
  server one 127.0.0.1:{proxied} send-proxy-v2 check inter 200ms
frontend bytes
  mode tcp
  bind fd@{bytes_fd}
  default_backend bytes
backend bytes
  mode tcp
  server one 127.0.0.1:{proxied} send-proxy-v2 proxy-v2-options crc32c,unique-id
"""


class Haproxy(Process):
    """haproxy, on sockets that it is given."""

    FRONT_ENDS = ("fields", "version1", "version2", "bytes")

    def __init__(self, folder, fields, proxied):
        sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=100) for name in self.FRONT_ENDS}
        self.ports = {name: each.getsockname()[1] for name, each in sockets.items()}
        descriptors = {f"{name}_fd": each.fileno() for name, each in sockets.items()}
        configuration = folder / "haproxy.cfg"
        configuration.write_text(HAPROXY.format(fields=fields, proxied=proxied, **descriptors))
        with open(folder / "haproxy.log", "w", encoding="utf-8") as log:
            super().__init__(["/usr/sbin/haproxy", "-db", "-f", configuration], stdout=log, stderr=log,
                             pass_fds=descriptors.values())
        for each in sockets.values():
            each.close()


def with_socket(listener, *command):
    """A program that is started with a listening socket, as systemd does it: LISTEN_PID is its own id."""
    script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$0" "$@"' % listener.fileno()
    return Process(["/bin/bash", "-c", script, *command], pass_fds=(listener.fileno(),), stdout=subprocess.PIPE, text=True)
