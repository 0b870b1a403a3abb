"""Runs the fenced blocks of a page such as README.md, so that what it shows is what happens.

    ```sh            is run literally, in a scratch copy of the checkout; it must end with 0. A block that starts a server
                     (`./dev run`) must print "listening on ADDRESS:PORT"; SIGTERM must end it with 0.
    ```cpp           must contain `int main`; it is compiled with warnings as errors, and linked with the library. If it
                     serves (the next block is a console), it is started like a server; else it must run and end with 0.
    ```cpp fragment  is a part of a program, for reading only: not run.
    ```console       follows a server: each `$ command` line is run literally, and must print the lines below it. In a
                     line, `...` stands for anything; a line of `...` alone for any number of lines.

Servers are told by CAROPIG_PORT=0 to choose a free port, which then replaces that of localhost:PORT in the console.
Commands that a test must not carry out are replaced by stand-ins: `./dev test` and the like only have to exist.
"""

import dataclasses
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*) *(?P<rest>.*)$")
LISTENING = re.compile(r"listening on \S*:(\d+)\s*$", re.MULTILINE)
LOCAL_PORT = re.compile(r"\b(localhost|127\.0\.0\.1):\d+")
SECONDS = 60

# ./dev in the scratch copy: `run` starts the demo that is built already and tells its process; all else need only exist.
DEV = """\
#!/bin/sh
case "${1-}" in
run)
    shift
    echo $$ >"$CAROPIG_TEST_PROCESS"
    exec "$CAROPIG_TEST_BUILD/caropig-demo" "$@"
    ;;
help | --help) exec "$CAROPIG_TEST_ROOT/dev" help ;;
*) "$CAROPIG_TEST_ROOT/dev" help | grep -q "^  ${1:-nothing} " || { echo "there is no ./dev ${1-}" >&2; exit 2; } ;;
esac
"""
# Cloning gives the scratch copy again; packages are there already; nothing needs root.
GIT = """\
#!/bin/sh
[ "$1" = clone ] || exit 2
for address in "$@"; do :; done
name=${address##*/}
ln -s "$CAROPIG_TEST_SCRATCH" "${name%.git}"
"""
NOTHING = "#!/bin/sh\n"
SUDO = '#!/bin/sh\nexec "$@"\n'


@dataclasses.dataclass
class Block:
    language: str
    rest: str
    line: int
    text: str


class BlockFailed(Exception):
    """What a block did that the page does not say."""


def blocks_of(page):
    """The fenced blocks of a Markdown text."""
    blocks, opened, lines = [], None, []
    for number, line in enumerate(page.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, indent, lines = Block(fence["language"], fence["rest"].strip(), number, ""), len(fence["indent"]), []
        elif fence and not fence["language"] and not fence["rest"]:
            opened.text = "".join(f"{line}\n" for line in lines)
            blocks.append(opened)
            opened = None
        else:
            lines.append(line[indent:] if line[:indent].isspace() else line)
    if opened:
        raise BlockFailed(f"line {opened.line}: the block is never closed")
    return blocks


class Runner:
    """Runs the blocks of one page: `root` is the checkout, `build` its build tree, `compiler` the command of the compiler."""

    def __init__(self, root, build, compiler):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build)
        self.compiler = compiler

    def run_page(self, page):
        """The failures, as texts that begin with "line N"."""
        blocks = blocks_of(page)
        failures = []
        with tempfile.TemporaryDirectory(prefix="readme-") as folder:
            self.make_scratch(pathlib.Path(folder))
            for position, block in enumerate(blocks):
                consoles = []
                for following in blocks[position + 1:]:
                    if following.language != "console":
                        break
                    consoles.append(following)
                try:
                    self.run_block(block, consoles, position > 0 and blocks[position - 1])
                except BlockFailed as failure:
                    failures.append(f"line {block.line}: {failure}")
        return failures

    def make_scratch(self, folder):
        self.folder = folder
        self.scratch = folder / "caropig"
        tools = folder / "bin"
        for path in (self.scratch, tools):
            path.mkdir()
        for path in self.root.iterdir():
            if path.name not in ("dev", ".git"):
                (self.scratch / path.name).symlink_to(path)
        for path, text in ((self.scratch / "dev", DEV), (tools / "git", GIT), (tools / "apt-get", NOTHING), (tools / "apt", NOTHING),
                           (tools / "sudo", SUDO)):
            path.write_text(text)
            path.chmod(0o755)
        self.process_file = folder / "process"
        self.environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}", "CAROPIG_PORT": "0", "CAROPIG_TEST_ROOT": str(self.root),
            "CAROPIG_TEST_BUILD": str(self.build), "CAROPIG_TEST_PROCESS": str(self.process_file),
            "CAROPIG_TEST_SCRATCH": str(self.scratch), "DESTDIR": str(folder / "installed")}

    def run_block(self, block, consoles, previous):
        if block.language == "sh":
            if re.search(r"^\s*\./dev run\b", block.text, re.MULTILINE):
                script = re.sub(r"--port[ =]\d+", "--port 0", block.text)
                self.serve(["sh", "-euc", script], consoles, tells_process=True)
            else:
                self.run_to_end(["sh", "-euc", block.text])
        elif block.language == "cpp" and block.rest != "fragment":
            program = self.compile(block)
            if consoles:
                self.serve([program], consoles)
            else:
                self.run_to_end([program])
        elif block.language == "console" and not (previous and previous.language in ("sh", "cpp", "console")):
            raise BlockFailed("a console block follows the block that starts its server")

    def compile(self, block):
        if "int main" not in block.text:
            raise BlockFailed("a cpp block is a program with an `int main`, or is marked `cpp fragment`")
        source = self.folder / f"line_{block.line}.cc"
        program = source.with_suffix("")
        source.write_text(block.text)
        link_arguments = (self.build / "link.args").read_text().split()
        self.run_to_end([self.compiler, "-std=c++23", "-Wall", "-Wextra", "-Werror", f"-I{self.root / 'include'}", str(source), "-o",
                         str(program), *link_arguments])
        return str(program)

    def run_to_end(self, command):
        try:
            done = subprocess.run(command, cwd=self.scratch, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as timeout:
            raise BlockFailed(f"it has not ended within {SECONDS} s") from timeout
        if done.returncode != 0:
            raise BlockFailed(f"it ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def serve(self, command, consoles, tells_process=False):
        server = subprocess.Popen(command, cwd=self.scratch, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, start_new_session=True)
        try:
            port = wait_until_listening(server)
            for console in consoles:
                self.run_console(console, port)
            # A shell waits for the program that it has started, and ends as it did; so the program gets the signal.
            os.kill(int(self.process_file.read_text()) if tells_process else server.pid, signal.SIGTERM)
            try:
                output, _ = server.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired as timeout:
                raise BlockFailed(f"the server has not ended {SECONDS} s after SIGTERM") from timeout
            if server.returncode != 0:
                raise BlockFailed(f"the server ended with {server.returncode} after SIGTERM:\n{output.decode(errors='replace')}")
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            server.stdout.close()

    def run_console(self, console, port):
        for command, expected in commands_of(console.text):
            literal = LOCAL_PORT.sub(rf"\g<1>:{port}", command)
            printed = LOCAL_PORT.sub(r"\g<1>:PORT", self.run_to_end(["sh", "-c", literal]))
            expected = LOCAL_PORT.sub(r"\g<1>:PORT", expected)
            if not matches(expected, printed):
                raise BlockFailed(f"`{command}` (line {console.line}) should print\n{expected}but prints\n{printed}")


def wait_until_listening(server):
    """The port, once the server has said that it listens."""
    output = ""
    deadline = time.monotonic() + SECONDS
    while True:
        ready, _, _ = select.select([server.stdout], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise BlockFailed(f"the server has not said within {SECONDS} s that it listens:\n{output}")
        more = os.read(server.stdout.fileno(), 65536).decode(errors="replace")
        output += more
        found = LISTENING.search(output)
        if found and output.endswith("\n"):
            return int(found[1])
        if not more:
            raise BlockFailed(f"the server ended with {server.wait()}:\n{output}")


def commands_of(text):
    """The (command, what it should print) pairs of a console block. A command goes on after a backslash."""
    pairs, continued = [], False
    for line in text.splitlines():
        if continued:
            pairs[-1][0] += "\n" + line.removeprefix("> ")
        elif line.startswith("$ "):
            pairs.append([line[2:], ""])
        elif pairs:
            pairs[-1][1] += line + "\n"
        else:
            raise BlockFailed("a console block begins with `$ command`")
        continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return pairs


def matches(expected, printed):
    """Whether `printed` is what the page shows; blanks at the ends of lines, and the last line's end, don't matter."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        line = line.rstrip()
        pattern += r"(?:.*\n)*?" if line == "..." else r".*".join(re.escape(part) for part in line.split("...")) + r"[ \t\r]*\n"
    return re.fullmatch(pattern, printed.rstrip() + "\n" if printed.strip() else "") is not None
