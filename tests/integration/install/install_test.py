"""An outside project builds against the installed tree. Usage: install_test.py BUILD_TREE CMAKE COMPILER"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD_TREE, CMAKE, COMPILER = sys.argv[1:4]
del sys.argv[1:4]
OUTSIDE = pathlib.Path(__file__).resolve().parent / "outside"
LAYER_SAYS = "hello from outside\n"
WEB_SAYS = "/users/7\n"


def run(*command, **environment):
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.prefix = cls.folder / "prefix"
        run(CMAKE, "--install", BUILD_TREE, "--prefix", str(cls.prefix))

    def test_find_package(self):
        build = self.folder / "build"
        run(CMAKE, "-G", "Ninja", "-S", str(OUTSIDE), "-B", str(build), f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={COMPILER}")
        run(CMAKE, "--build", str(build))
        self.assertEqual(run(build / "layer"), LAYER_SAYS)
        self.assertEqual(run(build / "web"), WEB_SAYS)

    def test_find_package_refuses_another_version(self):
        project = self.folder / "another_version"
        project.mkdir()
        text = (OUTSIDE / "CMakeLists.txt").read_text()
        (project / "CMakeLists.txt").write_text(text.replace("find_package(caropig 0.1 ", "find_package(caropig 99.0 "))
        with self.assertRaisesRegex(AssertionError, "compatible with requested version"):
            run(CMAKE, "-G", "Ninja", "-S", str(project), "-B", str(project / "build"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                f"-DCMAKE_CXX_COMPILER={COMPILER}")

    def test_pkg_config(self):
        module_file, = self.prefix.rglob("caropig.pc")
        flags = run("pkg-config", "--cflags", "--libs", "caropig", PKG_CONFIG_PATH=str(module_file.parent)).split()
        program = self.folder / "with_pkg_config"
        run(COMPILER, "-std=c++23", str(OUTSIDE / "web.cc"), "-o", str(program), *flags)
        self.assertEqual(run(program), WEB_SAYS)

    def test_pkg_config_names_every_library_in_an_order_that_links_all_of_them(self):
        module_file, = self.prefix.rglob("caropig.pc")
        flags = run("pkg-config", "--libs", "caropig", PKG_CONFIG_PATH=str(module_file.parent)).split()
        named = [flag.removeprefix("-l") for flag in flags if flag.startswith("-lcaropig_")]
        self.assertEqual(sorted(f"lib{name}.a" for name in named), sorted(path.name for path in self.prefix.rglob("*.a")))
        position = {name.removeprefix("caropig_"): index for index, name in enumerate(named)}
        for user, used in (("web", "server"), ("server", "http"), ("server", "net"), ("net", "loop"), ("loop", "async"),
                           ("async", "base")):
            self.assertLess(position[user], position[used])

    def test_the_command_is_installed(self):
        self.assertIn("--data-binary", run(self.prefix / "bin" / "caropig", "fetch", "--help"))

    def test_no_private_header_and_nothing_outside_the_prefix_is_installed(self):
        self.assertFalse(list(self.prefix.rglob("epoll*")))
        headers = {path.relative_to(self.prefix / "include") for path in self.prefix.rglob("*.h")}
        self.assertIn(pathlib.Path("caropig/loop/loop.h"), headers)
        for path in self.prefix.rglob("*.cmake"):
            self.assertNotIn(BUILD_TREE, path.read_text(), path)


if __name__ == "__main__":
    unittest.main()
