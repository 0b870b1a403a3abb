#!/usr/bin/python3
"""Tests of the tooling, not of any speed: harness_test.py FOLDER_WITH_PROGRAMS."""

import contextlib
import dataclasses
import importlib.util
import io
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

import instructions
import plot
from harness import idle, load, procfs, report, server
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


def workload(name):
    return next(known for known in load.WORKLOADS if known.name == name)


def scripts(*names, serving=("plaintext", "file-64k", "relay", "close")):
    return {name: server.Script(name, pathlib.Path(name), serving) for name in names}


def generate(port, *options):
    done = subprocess.run([PROGRAMS / "load_generator", "--port", str(port), *options], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, json.loads(done.stdout)


class LoadGenerator(unittest.TestCase):
    def test_close_has_a_connection_for_each_request(self):
        with Server("epoll_floor", CORES[0], PROGRAMS, workload=workload("close")) as floor:
            code, figures = generate(floor.port, "--connections", "3", "--requests", "30", "--close", "--pipeline", "4")
        self.assertEqual((code, figures["requests"], figures["errors"]), (0, 30, 0))
        self.assertGreaterEqual(figures["reconnects"], 27)

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


    def test_answers_what_the_workload_asks(self):
        for name, path, size in (("json", "/json", None), ("route", "/users/caro/orders/42", None), ("wait", "/sleep/100", None),
                                 ("file-1m", "/static/1m.bin", 1024 * 1024)):
            known = workload(name)
            self.assertEqual(known.path, path)
            with self.subTest(workload=name), Server("epoll_floor", CORES[0], PROGRAMS, workload=known) as floor:
                options = ["--expect-body", known.body] if known.body else []
                code, figures = generate(floor.port, "--path", path, "--connections", "4", "--requests", "8", *options)
                self.assertEqual((code, figures["requests"], figures["errors"]), (0, 8, 0))
                if name == "wait":
                    self.assertGreaterEqual(figures["latency_us"]["p50"], 99_000)


@unittest.skipIf(len(CORES) < 2, "the server and the load generator need a core each")
class Run(unittest.TestCase):
    def command(self, output, *more):
        return [sys.executable, BENCH / "run.py", "--rounds", "1", "--servers", "epoll_floor", "--programs", PROGRAMS,
                "--output", output, *more]

    def test_measures_and_writes_what_it_measured(self):
        workloads = ["plaintext", "close", "relay"]
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "new", "results.json")
            done = subprocess.run(self.command(output, "--seconds", "0.2", "--no-plot", "--workloads", *workloads),
                                  capture_output=True, text=True, timeout=100)
            self.assertEqual(done.returncode, 0, done.stderr)
            results = json.loads(output.read_text())
        for name in workloads:
            self.assertIn(workload(name).title, done.stdout)
        self.assertEqual(results["summary"]["relay"], {})
        self.assertIsNone(results["targets"]["relay"]["met"])
        for name in ("plaintext", "close"):
            figures = results["summary"][name]["epoll_floor"]
            self.assertEqual((figures["rounds"], figures["errors"], figures["ratio_to_baseline"]), (1, 0, 1.0))
            self.assertIn("system_calls", results["counts"][name]["epoll_floor"])
        self.assertEqual(results["counts"]["plaintext"]["epoll_floor"]["allocations"]["total"], 0)

    def test_a_start_script_from_elsewhere_is_all_a_server_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder, "other.sh")
            script.write_text(f'#!/bin/sh\nexec "{PROGRAMS}/epoll_floor" --port "$1"\n')
            script.chmod(0o755)
            output = pathlib.Path(folder, "results.json")
            done = subprocess.run([*self.command(output, "--seconds", "0.2", "--no-plot", "--no-counts", "--workloads", "plaintext",
                                                 "json", "--server", folder), "--servers", "other"],
                                  capture_output=True, text=True, timeout=100)
            self.assertEqual(done.returncode, 0, done.stderr)
            summary = json.loads(output.read_text())["summary"]
        self.assertEqual(summary["plaintext"]["other"]["rounds"], 1)
        self.assertEqual(summary["json"], {})  # it does not say that it serves it

    def test_memory_of_idle_connections(self):
        known = dataclasses.replace(workload("idle-5000"), connections=300)
        with Server("epoll_floor", CORES[0], PROGRAMS, workload=known) as floor:
            self.assertLess(idle.bytes_per_connection(floor, known), 4096)

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
        summary = report.summarize(rounds, [workload("plaintext")], scripts("epoll_floor", "caropig"))["plaintext"]["caropig"]
        self.assertEqual(summary["ratio_to_baseline"], 1.25)
        self.assertEqual(summary["ratio_range"], [0.9, 1.25])
        self.assertEqual(summary["cpu_us_per_request"], 5)

    def test_the_ratio_is_taken_to_the_workloads_own_baseline(self):
        known = [workload("relay")]
        among = {**scripts("epoll_floor", serving=()), **scripts("caropig", "nginx")}
        rounds = [{"relay": {"caropig": self.figures(5), "nginx": self.figures(10)}}]
        summary = report.summarize(rounds, known, among)
        self.assertEqual(set(summary["relay"]), {"caropig", "nginx"})
        self.assertEqual(summary["relay"]["caropig"]["ratio_to_baseline"], 0.5)
        self.assertIn("× nginx", report.table(summary, {"relay": {}}, known, among))

    def test_failures_and_missed_targets_are_shown(self):
        rounds = [{"plaintext": {"epoll_floor": self.figures(4), "caropig": self.figures(8), "nginx": {"failed": "why"}}}]
        among = scripts("epoll_floor", "caropig", "nginx")
        summary = report.summarize(rounds, [workload("plaintext")], among)
        text = report.table(summary, {"plaintext": {}}, [workload("plaintext")], among)
        self.assertRegex(text, r"plaintext +1\.05 × floor +2\.00 MISSED +caropig")
        self.assertIn("not measured: why", text)
        machine = {"date": "2026-11-24T00:00:00", "processor": "a", "cores": 2, "kernel": "6"}
        page = report.markdown(summary, {"plaintext": {}}, [workload("plaintext")], among, machine, 1)
        self.assertIn("| plaintext | 1.05 × floor | 2.00 | **missed** | caropig |", page)
        self.assertIn("| nginx | not measured: why |", page)

    def test_the_best_of_ours_is_judged(self):
        rounds = [{"close": {"epoll_floor": self.figures(10), "caropig": self.figures(10), "caropig_uring": self.figures(8)}}]
        summary = report.summarize(rounds, [workload("close")], scripts("epoll_floor", "caropig", "caropig_uring"))
        judged = report.judge(summary, workload("close"))
        self.assertEqual((judged["row"], judged["reached"], judged["met"]), ("caropig_uring", 0.8, True))

    def test_idle_memory_is_judged_in_bytes(self):
        for held, met in ((255, True), (256, False)):
            rounds = [{"idle-5000": {"caropig": {"bytes_per_connection": held, "resident_bytes": 1, "errors": 0}}}]
            summary = report.summarize(rounds, [workload("idle-5000")], scripts("caropig", serving=("idle-5000",)))
            self.assertEqual(report.judge(summary, workload("idle-5000"))["met"], met)

    def test_every_target_belongs_to_a_workload(self):
        self.assertEqual(set(load.TARGETS), {known.name for known in load.WORKLOADS})


class Others(unittest.TestCase):
    def test_what_a_script_says_it_serves(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "a.sh")
            path.write_text("#!/bin/sh\n# serves: json wait\n# warm-up: 2.5\n")
            read = server.scripts([folder])["a"]
            self.assertEqual((read.workloads, read.warm_up), (("json", "wait"), 2.5))
            path.write_text("#!/bin/sh\n")
            self.assertIn("plaintext", server.scripts([path])["a"].workloads)

    def test_wrk_and_h2load_are_understood(self):
        wrk = load._parse_wrk("  4 threads\n  1234 requests in 1.00s, 1MB read\n  Socket errors: connect 0, read 1, write 0, timeout 2\n"
                              "  Non-2xx or 3xx responses: 4\nRequests/sec:   1230.50\n")
        self.assertEqual((wrk["requests"], wrk["requests_per_second"], wrk["errors"]), (1234, 1230.5, 7))
        h2load = load._parse_h2load("finished in 1.00s, 99.50 req/s, 1KB/s\nrequests: 100 total, 100 started, 100 done, 99 succeeded, "
                                    "1 failed, 0 errored, 0 timeout\n")
        self.assertEqual((h2load["requests"], h2load["requests_per_second"], h2load["errors"]), (99, 99.5, 1))
        with self.assertRaises(ValueError):
            load._parse_wrk("unable to connect")

    @unittest.skipIf(importlib.util.find_spec("matplotlib") is None, "python3-matplotlib is not installed")
    def test_the_plot_is_drawn_and_the_same_for_the_same_figures(self):
        results = {"machine": {"date": "2026-11-24T00:00:00", "kernel": "6"}, "rounds": [{}], "titles": {"plaintext": "a title"},
                   "summary": {"plaintext": {"epoll_floor": {"cpu_us_per_request": 3}, "caropig": {"cpu_us_per_request": 4},
                                             "tornado": {"cpu_us_per_request": 400}, "failed": {"rounds": 0}}}}
        with tempfile.TemporaryDirectory() as folder:
            first = [path.read_bytes() for path in plot.draw(results, folder)]
            again = [path.read_bytes() for path in plot.draw(results, folder)]
        self.assertEqual(first[0], again[0])
        self.assertIn(b"<svg", first[0])
        self.assertTrue(first[1].startswith(b"\x89PNG"))

    def test_instructions_may_grow_a_little(self):
        for counted, code in ((2315, 0), (2384, 0), (2385, 1), (1000, 0)):
            with self.subTest(counted=counted), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(instructions.judge(counted, 2315), code)


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
