#!/usr/bin/python3
"""Tests of the tooling, not of any speed: harness_test.py FOLDER_WITH_PROGRAMS."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import load, procfs, report
from harness.server import Server

BENCH = pathlib.Path(__file__).resolve().parent
PROGRAMS = pathlib.Path()
CORES = sorted(os.sched_getaffinity(0))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def scripted_server(answers):
    """A port at which the n-th connection gets answers[n] for its first request and is then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def generate(port, *options):
    done = subprocess.run([PROGRAMS / "load_generator", "--port", str(port), *options], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, json.loads(done.stdout)


class LoadGenerator(unittest.TestCase):
    def test_reconnects_where_the_server_closes_between_answers(self):
        with scripted_server([OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")] * 3) as port:
            code, figures = generate(port, "--connections", "1", "--requests", "3", "--expect-body", "ok")
        self.assertEqual((code, figures["requests"], figures["errors"]), (0, 3, 0))
        self.assertEqual(figures["reconnects"], 2)

    def test_reads_a_body_that_ends_with_the_connection(self):
        with scripted_server([b"HTTP/1.0 200 OK\r\n\r\nok"]) as port:
            code, figures = generate(port, "--connections", "1", "--requests", "1", "--expect-body", "ok")
        self.assertEqual((code, figures["requests"], figures["errors"]), (0, 1, 0))

    def test_counts_each_kind_of_error(self):
        for answer, kind in ((OK.replace(b"200 OK", b"503 No"), "status"), (OK.replace(b"ok", b"no"), "body"),
                             (b"no HTTP\r\n\r\n", "malformed"), (OK[:-1], "lost"), (b"", "lost")):
            with self.subTest(kind=kind, answer=answer), scripted_server([answer]) as port:
                code, figures = generate(port, "--connections", "1", "--requests", "1", "--expect-body", "ok")
                self.assertEqual((code, figures["errors"], figures["errors_by_kind"][kind]), (1, 1, 1))

    def test_counts_refused_connections(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening
            code, figures = generate(taken.getsockname()[1], "--connections", "5", "--requests", "5")
        self.assertEqual((code, figures["requests"], figures["errors_by_kind"]["connect"]), (1, 0, 5))

    def test_gives_up_on_answers_that_do_not_come(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            code, figures = generate(silent.getsockname()[1], "--connections", "2", "--requests", "2", "--patience", "0.1")
        self.assertEqual((code, figures["errors_by_kind"]["unanswered"]), (1, 2))

    def test_tallies_what_waiters_got(self):
        with scripted_server([OK, OK.replace(b"200 OK", b"502 Bad Gateway").replace(b"ok", b'"\n'), OK]) as port:
            code, figures = generate(port, "--waiters", "3", "--path", "/req")
        self.assertEqual((code, figures["waiters"], figures["succeeded"]), (0, 3, 2))
        self.assertEqual(figures["answers"], [{"status": 200, "count": 2, "body": "ok"},
                                              {"status": 502, "count": 1, "body": '"\n'}])

    def test_sends_exactly_as_many_as_asked_pipelined(self):
        with Server("epoll_floor", CORES[0], PROGRAMS) as floor:
            code, figures = generate(floor.port, "--connections", "7", "--pipeline", "16", "--requests", "10001",
                                     "--expect-body", "ok")
        self.assertEqual((code, figures["requests"], figures["errors"]), (0, 10001, 0))

    def test_keeps_to_the_rate(self):
        with Server("epoll_floor", CORES[0], PROGRAMS) as floor:
            _, figures = generate(floor.port, "--connections", "8", "--rate", "1000", "--seconds", "0.5")
        self.assertLessEqual(figures["requests"], 501)
        self.assertGreater(figures["requests"], 0)


class Floor(unittest.TestCase):
    def test_answers_requests_that_arrive_in_pieces_once_each(self):
        stream = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3
        with Server("epoll_floor", CORES[0], PROGRAMS) as floor, socket.create_connection(("127.0.0.1", floor.port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in stream:
                client.sendall(bytes([byte]))
            client.shutdown(socket.SHUT_WR)
            answers = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK\r\nServer: CaroPig\r\nDate: "), 3)
        self.assertEqual(answers.count(b"GMT\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Length: 2\r\n\r\nok"), 3)


@unittest.skipIf(len(CORES) < 2, "the server and the load generator need a core each")
class Run(unittest.TestCase):
    def command(self, output, *more):
        return [sys.executable, BENCH / "run.py", "--rounds", "1", "--servers", "epoll_floor", "--programs", PROGRAMS,
                "--output", output, *more]

    def test_measures_and_writes_what_it_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "new", "results.json")
            done = subprocess.run(self.command(output, "--seconds", "0.2"), capture_output=True, text=True, timeout=100)
            self.assertEqual(done.returncode, 0, done.stderr)
            results = json.loads(output.read_text())
        for workload in load.WORKLOADS:
            self.assertIn(workload.title, done.stdout)
            if not workload.among(["epoll_floor"]):
                self.assertEqual(results["summary"][workload.name], {})
                continue
            figures = results["summary"][workload.name]["epoll_floor"]
            self.assertEqual((figures["rounds"], figures["errors"], figures["ratio_to_baseline"]), (1, 0, 1.0))
            self.assertEqual(results["counts"][workload.name]["epoll_floor"]["allocations"]["total"], 0)

    def test_stops_its_servers_when_it_is_stopped(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.Popen(self.command(pathlib.Path(folder, "results.json"), "--seconds", "30"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            started = {}
            while "load_generator" not in started and run.poll() is None:
                started = dict(map(self.name_and_pid, procfs.process_tree(run.pid)[1:]))
            run.send_signal(signal.SIGTERM)
            run.wait(30)
        self.assertEqual(set(started), {"epoll_floor", "load_generator"})
        for name, pid in started.items():
            self.assertFalse(os.path.exists(f"/proc/{pid}"), name)

    @staticmethod
    def name_and_pid(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/comm").read_text().strip(), pid
        except OSError:
            return "ended", pid


class Report(unittest.TestCase):
    def figures(self, cpu):
        return {"cpu_us_per_request": cpu, "requests_per_second": 1, "resident_bytes": 1, "errors": 0, "disturbed": False,
                "voluntary_switches_per_request": 0, "latency_us": {"p50": 1, "p99": 1, "p99.9": 1}}

    def test_the_ratio_is_taken_within_each_round(self):
        rounds = [{"plaintext": {"epoll_floor": self.figures(floor), "caropig": self.figures(ours)}}
                  for floor, ours in ((4, 5), (8, 10), (5, 4.5))]
        summary = report.summarize(rounds, load.WORKLOADS[:1], ["epoll_floor", "caropig"])["plaintext"]["caropig"]
        self.assertEqual(summary["ratio_to_baseline"], 1.25)
        self.assertEqual(summary["ratio_range"], [0.9, 1.25])
        self.assertEqual(summary["cpu_us_per_request"], 5)

    def test_the_ratio_is_taken_to_the_workloads_own_baseline(self):
        files = [workload for workload in load.WORKLOADS if workload.baseline == "nginx"]
        rounds = [{files[0].name: {"caropig": self.figures(5), "nginx": self.figures(10)}}]
        servers = ["epoll_floor", "caropig", "nginx"]
        summary = report.summarize(rounds, files[:1], servers)
        self.assertEqual(set(summary[files[0].name]), {"caropig", "nginx"})
        self.assertEqual(summary[files[0].name]["caropig"]["ratio_to_baseline"], 0.5)
        self.assertIn("× nginx", report.table(summary, {files[0].name: {}}, files[:1], servers))

    def test_failures_and_missed_targets_are_shown(self):
        rounds = [{"plaintext": {"epoll_floor": self.figures(4), "caropig": self.figures(8), "nginx": {"failed": "why"}}}]
        servers = ["epoll_floor", "caropig", "nginx"]
        summary = report.summarize(rounds, load.WORKLOADS[:1], servers)
        text = report.table(summary, {"plaintext": {}}, load.WORKLOADS[:1], servers)
        self.assertIn("MISSED", text)
        self.assertIn("not measured: why", text)


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
