"""tools/check_layers.py finds what it is for, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

CMAKE_LISTS = """\
caropig_layer(base PRIVATE_PACKAGES fmt::fmt)
caropig_layer(async DEPENDS base)
caropig_layer(net DEPENDS async
  PRIVATE_PACKAGES base::not_a_layer)
caropig_layer(http DEPENDS async)
caropig_layer(web DEPENDS net http)
"""


class CheckLayers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.cmake_lists = CMAKE_LISTS

    def check(self, **files):
        """Findings in a tree of the files {path with __ for /: text}, as lines."""
        (self.root / "CMakeLists.txt").write_text(self.cmake_lists)
        for name, text in files.items():
            path = self.root / (name.replace("__", "/").replace("_H", ".h").replace("_CC", ".cc"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, "-B", CHECK, self.root], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        findings = done.stdout.splitlines()
        self.assertEqual(done.returncode, 1 if findings else 0)
        return findings

    def test_accepts_what_points_down(self):
        self.assertEqual(self.check(
            include__caropig__web__a_H="#pragma once\n#include <caropig/base/b.h>\n#include <caropig/http/c.h>\n#include <vector>\n",
            src__web__a_CC='#include <caropig/web/a.h>\n#include <sys/socket.h>\n#include "net/socket.h"\n#include "web/own.h"\n'), [])

    def test_finds_an_include_that_points_up(self):
        self.assertEqual(self.check(src__async__a_CC="\n#include <caropig/net/tcp.h>\n"),
                         ["src/async/a.cc:2: async includes caropig/net/tcp.h, but net is not below it"])

    def test_finds_an_include_that_points_sideways_to_a_private_header(self):
        self.assertEqual(self.check(src__http__h1__a_CC='#  include "net/socket.h"\n'),
                         ["src/http/h1/a.cc:1: http includes net/socket.h, but net is not below it"])

    def test_a_package_is_no_layer(self):
        self.assertEqual(len(self.check(src__base__a_CC='#include "net/a.h"\n')), 1)

    def test_finds_what_public_headers_must_not_include(self):
        for include in ('"base/private.h"', "<sys/socket.h>", "<unistd.h>", "<fmt/format.h>", "<spdlog/spdlog.h>", "<re2/re2.h>",
                        "<CLI/CLI.hpp>", "<ares.h>", "<openssl/ssl.h>", "<boost/asio.hpp>", "<boost/mp11_evil.hpp>"):
            with self.subTest(include=include):
                findings = self.check(include__caropig__base__a_H=f"#pragma once\n#include {include}\n")
                self.assertEqual(len(findings), 1)
                self.assertTrue(findings[0].startswith("include/caropig/base/a.h:2: a public header includes"), findings)

    def test_allows_boost_json_in_public_headers(self):
        self.assertEqual(self.check(include__caropig__web__a_H="#include <boost/json/value.hpp>\n#include <boost/json.hpp>\n"), [])

    def test_allows_boost_describe_in_public_headers(self):
        self.assertEqual(self.check(include__caropig__web__a_H="#pragma once\n#include <boost/describe.hpp>\n#include <boost/mp11.hpp>\n"
                                                               "#include <boost/describe/members.hpp>\n"), [])

    def test_finds_long_files(self):
        self.assertEqual(self.check(include__caropig__base__a_H="//\n" * 300, src__base__a_CC="//\n" * 800), [])
        self.assertEqual(self.check(include__caropig__base__a_H="//\n" * 301, src__base__a_CC="//\n" * 801),
                         ["include/caropig/base/a.h:301: 301 lines, more than 300: look for the second idea in it",
                          "src/base/a.cc:801: 801 lines, more than 800: look for the second idea in it"])

    def test_finds_a_folder_that_is_no_layer(self):
        self.assertEqual(self.check(src__misc__a_CC=""), ["src/misc/a.cc:1: 'misc' is no layer of CMakeLists.txt"])
        self.assertIn("src/base/b.cc:1: 'vendor' is no layer of CMakeLists.txt",
                      self.check(src__base__b_CC='#include "vendor/x.h"\n'))

    def test_a_layer_that_depends_on_one_not_yet_declared_is_an_error(self):
        self.cmake_lists = "caropig_layer(async DEPENDS base)\ncaropig_layer(base)\n"
        (self.root / "CMakeLists.txt").write_text(self.cmake_lists)
        done = subprocess.run([sys.executable, "-B", CHECK, self.root], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("layer async depends on base", done.stderr)


if __name__ == "__main__":
    unittest.main()
