"""Whether the page names the tests that there are, and all of them. Usage: table_test.py PROGRAM PAGE"""

import re
import subprocess
import sys
import unittest

PROGRAM, PAGE = sys.argv[1:3]


class Table(unittest.TestCase):
    def test_names(self):
        listed = subprocess.run([PROGRAM, "--gtest_list_tests"], capture_output=True, text=True, check=True,
                                timeout=30).stdout
        tests, suite = set(), ""
        for line in listed.splitlines():
            if line.startswith("  "):
                tests.add(suite + line.split()[0].split("/")[0])
            else:
                suite = line.split()[0].split("/")[-1]
        with open(PAGE, encoding="utf-8") as page:
            named = set(re.findall(r"`((?:Common|Simple|Tornado)\.\w+)`", page.read()))
        tests = {test for test in tests if re.match(r"(Common|Simple|Tornado)\.", test)}
        self.assertEqual(named, tests)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
