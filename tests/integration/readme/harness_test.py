"""blocks.py on small pages whose outcome is known. Usage: harness_test.py COMPILER"""

import pathlib
import sys
import tempfile
import unittest

import blocks

COMPILER = sys.argv.pop() if len(sys.argv) > 1 else "c++"

DEMO = """\
#!/usr/bin/python3 -B
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"ok from {self.headers['Host']}".encode() + self.path.encode())

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ.get("DEMO_EXIT", "0"))))
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["CAROPIG_PORT"])), Handler)
print("arguments", *sys.argv[1:], flush=True)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""
DEV = "#!/bin/sh\necho '  test [OPTION...]  all tests'\n"


def fence(language, text):
    return f"```{language}\n{text}```\n"


class Blocks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.build = self.root / "build"
        (self.root / "include").mkdir()
        self.build.mkdir()
        (self.build / "link.args").write_text("")
        for path, text in ((self.root / "dev", DEV), (self.build / "caropig-demo", DEMO)):
            path.write_text(text)
            path.chmod(0o755)

    def failures(self, page):
        return blocks.Runner(self.root, self.build, COMPILER).run_page(page)

    def assertFails(self, page, *words):
        failures = self.failures(page)
        self.assertEqual(len(failures), 1, failures)
        for word in words:
            self.assertIn(word, failures[0])

    def test_a_page_that_is_right(self):
        self.assertEqual(self.failures(
            "# Title\n" + fence("sh", "git clone https://example.org/caropig.git\ncd caropig\nsudo apt-get install x\ntest -d include\n") +
            fence("sh", "./dev test   # all\n") + fence("sh", "./dev run --port 8080\n") +
            fence("console", "$ curl -s http://localhost:8080/index\nok from localhost:8080/index\n") +
            fence("text", "anything\n") + fence("cpp fragment", "anything\n") + fence("cpp", "int main() {}\n")), [])

    def test_a_shell_block_that_fails(self):
        self.assertFails("text\n" + fence("sh", "true\necho why\nfalse\ntrue\n"), "line 2: it ended with 1", "why")

    def test_a_command_of_dev_that_does_not_exist(self):
        self.assertFails(fence("sh", "./dev frobnicate\n"), "there is no ./dev frobnicate")

    def test_a_console_that_prints_something_else(self):
        self.assertFails(fence("sh", "./dev run\n") + fence("console", "$ curl -s http://localhost:8080/index\nnot ok\n"),
                         "should print\nnot ok\nbut prints\nok from localhost:PORT/index")

    def test_a_console_without_a_server(self):
        self.assertFails("text\n" + fence("text", "x\n") + fence("console", "$ true\n"), "line 5", "starts its server")

    def test_a_server_that_does_not_listen_and_one_that_ends_badly(self):
        demo = self.build / "caropig-demo"
        demo.write_text("#!/bin/sh\necho why\nexit 3\n")
        self.assertFails(fence("sh", "./dev run\n"), "the server ended with 3", "why")
        demo.write_text(DEMO.replace('"DEMO_EXIT", "0"', '"DEMO_EXIT", "4"'))
        self.assertFails(fence("sh", "./dev run\n"), "the server ended with 4 after SIGTERM")

    def test_a_program_that_does_not_compile_warns_or_fails(self):
        self.assertFails(fence("cpp", "int main() { unknown(); }\n"), "it ended with 1", "unknown")
        self.assertFails(fence("cpp", "int main() { int unused = 1; }\n"), "unused")
        self.assertFails(fence("cpp", "int main() { return 5; }\n"), "it ended with 5")
        self.assertFails(fence("cpp", "void f();\n"), "int main")

    def test_a_program_is_started_and_asked(self):
        program = ("#include <csignal>\n#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\n"
                   'int main() { std::signal(SIGTERM, [](int) { _exit(0); });\n'
                   'std::printf("listening on 127.0.0.1:4%s\\n", std::getenv("CAROPIG_PORT")); std::fflush(stdout); for (;;) pause(); }\n')
        self.assertEqual(self.failures(fence("cpp", program) + fence("console", "$ echo localhost:8080\nlocalhost:8080\n") +
                                       fence("console", "$ echo http://localhost:8080 | wc -c\n20\n")), [])

    def test_a_block_that_is_never_closed(self):
        with self.assertRaises(blocks.BlockFailed):
            blocks.blocks_of("```sh\ntrue\n")

    def test_an_indented_block(self):
        block, = blocks.blocks_of("1. text\n   ```sh\n   if true; then\n       x\n   fi\n   ```\n")
        self.assertEqual((block.language, block.text), ("sh", "if true; then\n    x\nfi\n"))

    def test_what_a_console_expects(self):
        self.assertTrue(blocks.matches("ok\n", "ok"))
        self.assertTrue(blocks.matches("Date: ...\n\nbody\n", "Date: Mon, 1 Jan\r\n\r\nbody"))
        self.assertTrue(blocks.matches("HTTP/1.1 200 OK\n...\nbody\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"))
        self.assertTrue(blocks.matches("", ""))
        self.assertFalse(blocks.matches("", "something"))
        self.assertFalse(blocks.matches("something\n", ""))
        self.assertFalse(blocks.matches("ok\n", "ok\nmore"))
        self.assertFalse(blocks.matches("a.c\n", "abc"))

    def test_commands_may_go_on_after_a_backslash(self):
        self.assertEqual(blocks.commands_of("$ curl \\\n    url\nok\n$ true\n"), [["curl \\\n    url", "ok\n"], ["true", ""]])


if __name__ == "__main__":
    unittest.main()
