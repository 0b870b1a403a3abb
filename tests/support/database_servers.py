"""Real database servers for tests: each in a temporary folder, on a free loopback port, ended with the test."""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 60  # seconds; only a failing test waits that long
POSTGRES_FOLDER = pathlib.Path("/usr/lib/postgresql/15/bin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def die_with_parent():
    """In the child: the kernel ends it when the test is killed, by CTest's timeout say."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)


def program(name, package, folder=None):
    found = shutil.which(name, path=str(folder) if folder else os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise FileNotFoundError(f"{name} is missing: install Debian's package {package}")
    return found


class Server:
    """What both have in common: a process that accepts connections on a port, and can die and come back."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="cpg", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.temporary.name)
        self.port = free_port()
        self.process = None
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent, **self.identity())
        deadline = time.monotonic() + PATIENCE
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.command()[0]} did not start:\n" + (self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.05)  # the server tells nobody when it is ready

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.temporary.cleanup()

    def identity(self):
        return {}

    def ready(self):
        try:
            self.sql("SELECT 1")
            return True
        except subprocess.CalledProcessError:
            return False


class MariaDb(Server):
    """MariaDB with the account `caro` (password `piglet's @:/`, which a URL must escape) and the database `app`."""

    PASSWORD = "piglet's @:/"
    QUOTED_PASSWORD = "piglet%27s%20%40%3A%2F"

    def prepare(self):
        self.socket = self.folder / "s"
        self.user = ["--user=root"] if os.getuid() == 0 else []
        # A server that starts removes the temporary tables of whoever shares its folder for them.
        self.own_tables = f"--tmpdir={self.folder}"
        install = program("mariadb-install-db", "mariadb-server-core")
        subprocess.run([install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
                        f"--datadir={self.folder}/data", self.own_tables, *self.user], check=True, capture_output=True)

    def command(self):
        return [program("mariadbd", "mariadb-server-core"), "--no-defaults", f"--datadir={self.folder}/data",
                f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1", "--max-connections=400",
                self.own_tables, *self.user]

    def start(self):
        first = self.process is None
        super().start()
        if first:
            quoted = self.PASSWORD.replace("'", "''")
            self.sql(f"CREATE DATABASE app CHARACTER SET utf8mb4; CREATE USER caro@'127.0.0.1' IDENTIFIED BY '{quoted}';"
                     f"CREATE USER caro@localhost IDENTIFIED BY '{quoted}';"
                     "GRANT ALL ON app.* TO caro@'127.0.0.1'; GRANT ALL ON app.* TO caro@localhost;")

    def sql(self, text):
        """What the server answers to `text`, asked by its own client as root."""
        command = [program("mariadb", "mariadb-client-core"), "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", "-B"]
        return subprocess.run(command, input=text, text=True, capture_output=True, check=True, timeout=PATIENCE).stdout

    def running(self, part):
        """How many statements that contain `part` the server works on."""
        where = f"info LIKE '%{part}%' AND id <> connection_id()"
        return int(self.sql(f"SELECT count(*) FROM information_schema.processlist WHERE {where}"))

    @property
    def url(self):
        return f"mysql://caro:{self.QUOTED_PASSWORD}@127.0.0.1:{self.port}/app"


class Postgres(Server):
    """PostgreSQL with the account `caro` (the same password) and the database `app`."""

    PASSWORD = MariaDb.PASSWORD
    QUOTED_PASSWORD = MariaDb.QUOTED_PASSWORD

    def identity(self):
        if os.getuid() != 0:
            return {}
        account = pwd.getpwnam("postgres")  # the server refuses to run as root
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def prepare(self):
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        initdb = program("initdb", "postgresql-15", POSTGRES_FOLDER)
        subprocess.run([initdb, "-D", f"{self.folder}/data", "-U", "root", "--auth-local=trust", "--auth-host=scram-sha-256",
                        "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/", **self.identity())

    def command(self):
        return [program("postgres", "postgresql-15", POSTGRES_FOLDER), "-D", f"{self.folder}/data", "-p", str(self.port),
                "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off",
                "-c", "max_connections=200"]

    def start(self):
        first = self.process is None
        (self.folder / "data/postmaster.pid").unlink(missing_ok=True)  # of one that was killed
        super().start()
        if first:
            quoted = self.PASSWORD.replace("'", "''")
            self.sql(f"CREATE USER caro PASSWORD '{quoted}'")
            self.sql("CREATE DATABASE app OWNER caro")

    def kill(self):
        """Sessions are processes that outlive the server for a moment, and a new one does not start beside them."""
        pid = self.process.pid
        sessions = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        super().kill()
        deadline = time.monotonic() + PATIENCE
        for session in sessions:
            while os.path.exists(f"/proc/{session}") and time.monotonic() < deadline:
                time.sleep(0.005)

    def sql(self, text):
        command = [program("psql", "postgresql-client-15"), "-X", "-q", "-h", str(self.folder), "-p", str(self.port), "-U",
                   "root", "-d", "postgres", "-At", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(command, input=text, text=True, capture_output=True, check=True, timeout=PATIENCE).stdout

    def running(self, part):
        where = f"query ILIKE '%{part}%' AND state = 'active' AND pid <> pg_backend_pid()"
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {where}"))

    @property
    def url(self):
        return f"postgres://caro:{self.QUOTED_PASSWORD}@127.0.0.1:{self.port}/app"
