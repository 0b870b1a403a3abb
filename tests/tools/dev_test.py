"""./dev on a machine of stand-ins: what it would install, build and run, without doing it."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A stand-in that does something appends its name and arguments to the log.
STANDIN = '#!/bin/sh\necho "$(basename "$0") $*" >>"$LOG"\n'
DPKG_QUERY = '#!/bin/sh\nfor name in $INSTALLED; do echo "installed $name"; done\n'
ID = '#!/bin/sh\necho "$USER_ID"\n'
SUDO = STANDIN + 'exec "$@"\n'
CTEST = STANDIN + """
while [ $# -gt 0 ]; do
    case "$1" in
    --output-junit) xml=$2 ;;
    --output-log) log=$2 ;;
    esac
    shift
done
printf '%s\\n' "$CTEST_XML" >"$xml"
printf '%s\\n' "$CTEST_LOG" >"$log"
exit "$CTEST_EXIT"
"""
PACKAGES = """\
[build]
g++      # compiler
cmake    # build system

[test]
libgtest-dev  # tests
python3       # tests

[bench]
python3  # too
strace   # too

[lint]
git  # lists
"""


class Dev(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.bin = self.folder / "bin"
        self.log = self.folder / "log"
        self.bin.mkdir()
        shutil.copy(ROOT / "dev", self.folder / "dev")
        (self.folder / "packages.txt").write_text(PACKAGES)
        for tool in ("sh", "cat", "dirname", "basename", "sed", "sort", "grep", "tr", "env", "rm", "tail", "nproc"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name in ("apt-get", "cmake"):
            self.standin(name, STANDIN)
        self.standin("dpkg-query", DPKG_QUERY)
        self.standin("id", ID)
        self.standin("ctest", CTEST)
        self.environment = {"PATH": str(self.bin), "LOG": str(self.log), "INSTALLED": "", "USER_ID": "0"}

    def standin(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def dev(self, *arguments, **environment):
        self.log.write_text("")
        done = subprocess.run([self.folder / "dev", *arguments], env=self.environment | environment, capture_output=True,
                              text=True, check=False, cwd="/")
        self.called = self.log.read_text().splitlines()
        return done

    def apt_calls(self):
        return [line.split(" -o ")[-1].split(" ", 1)[1] for line in self.called if line.startswith("apt-get")]

    def test_help_lists_every_command(self):
        for word in ("help", "--help"):
            done = self.dev(word)
            self.assertEqual(done.returncode, 0)
            for command in ("setup", "run", "test", "bench", "format", "lint", "ci", "help"):
                self.assertRegex(done.stdout, rf"(?m)^  {command} ")

    def test_an_unknown_command_is_a_usage_error(self):
        for arguments in (["frobnicate"], []):
            done = self.dev(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage: ./dev COMMAND", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_installs_only_what_is_missing(self):
        self.assertEqual(self.dev("setup", "build", "test", INSTALLED="cmake libgtest-dev").returncode, 0)
        self.assertEqual(self.apt_calls(), ["update", "install --yes --no-install-recommends g++ python3"])

    def test_leaves_apt_alone_where_nothing_is_missing(self):
        self.assertEqual(self.dev("setup", "build", INSTALLED="g++ cmake").returncode, 0)
        self.assertEqual(self.called, [])

    def test_without_a_group_it_installs_all_of_them(self):
        self.assertEqual(self.dev("setup").returncode, 0)
        self.assertEqual(self.apt_calls()[1].split()[3:], ["cmake", "g++", "git", "libgtest-dev", "python3", "strace"])

    def test_an_unknown_group_is_an_error(self):
        done = self.dev("setup", "nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no group 'nonsense'", done.stderr)
        self.assertEqual(self.called, [])

    def test_neither_root_nor_sudo_is_a_clear_error(self):
        done = self.dev("setup", "build", USER_ID="1000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("As root: apt-get install cmake g++", done.stderr)
        self.assertEqual(self.called, [])

    def test_uses_sudo_where_it_is_not_root(self):
        self.standin("sudo", SUDO)
        self.assertEqual(self.dev("setup", "build", USER_ID="1000").returncode, 0)
        self.assertTrue(self.called[0].startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get"), self.called)

    def test_a_failing_apt_get_is_an_error(self):
        self.standin("apt-get", STANDIN + "exit 100\n")
        done = self.dev("setup", "build")
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get could not install: cmake g++", done.stderr)

    def test_run_hands_its_options_to_the_demo_and_keeps_stdout_for_it(self):
        program = self.folder / "build" / "release" / "caropig-demo"
        program.parent.mkdir(parents=True)
        program.write_text('#!/bin/sh\necho "demo $*"\nexit 7\n')
        program.chmod(0o755)
        self.standin("cmake", STANDIN + "echo noise\n")
        done = self.dev("run", "--port", "0", "--config", "a b", INSTALLED="g++ cmake")
        self.assertEqual((done.stdout, done.returncode), ("demo --port 0 --config a b\n", 7))
        self.assertEqual([line for line in self.called if line.startswith("apt-get")], [])
        self.assertIn("-DCAROPIG_TESTS=OFF", self.called[0])
        self.assertIn("--target caropig-demo", self.called[1])

        self.dev("run", INSTALLED="g++ cmake libgtest-dev")
        self.assertIn("-DCAROPIG_TESTS=ON", self.called[0])

    def ctest(self, *cases, summary, code):
        (self.folder / "build" / "release").mkdir(parents=True, exist_ok=True)
        xml = "\n".join(f'\t<testcase name="{name}" classname="x" time="0" status="{status}">' for name, status in cases)
        return self.dev("test", INSTALLED="g++ cmake libgtest-dev python3", CTEST_XML=xml, CTEST_LOG=summary, CTEST_EXIT=str(code))

    def test_the_tests_end_with_their_count(self):
        done = self.ctest(("a", "run"), ("b", "run"), summary="100% tests passed, 0 tests failed out of 2", code=0)
        self.assertEqual((done.stdout.splitlines()[-1], done.returncode), ("2 passed, 0 failed", 0))

    def test_failed_tests_are_counted_and_skipped_ones_are_not(self):
        done = self.ctest(("a", "run"), ("b", "fail"), ("c", "notrun"), ("d", "notrun"),
                          summary="33% tests passed, 2 tests failed out of 3\n", code=8)
        self.assertEqual((done.stdout.splitlines()[-1], done.returncode), ("1 passed, 2 failed", 8))

    def test_a_failed_build_is_a_failure_without_a_count(self):
        self.standin("cmake", STANDIN + "exit 3\n")
        done = self.ctest(("a", "run"), summary="100% tests passed, 0 tests failed out of 1", code=0)
        self.assertEqual((done.stdout, done.returncode), ("", 3))
        self.assertFalse([line for line in self.called if line.startswith("ctest")])


class PackagesFile(unittest.TestCase):
    def test_every_package_has_a_reason(self):
        for line in (ROOT / "packages.txt").read_text().splitlines():
            if line and not line.startswith(("#", "[")):
                self.assertRegex(line, r"^[a-z0-9][a-z0-9.+-]+ +# \S")


if __name__ == "__main__":
    unittest.main()
