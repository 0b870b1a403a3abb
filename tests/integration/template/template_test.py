#!/usr/bin/python3
"""Compares templates rendered by CaroPig with the same templates and data rendered by Tornado, byte for byte.

The one argument is the program template_cases. cases.py lists the cases, and those that differ on purpose.
"""

import json
import logging
import pathlib
import subprocess
import sys
import unittest

import tornado.template
from tornado.util import ObjectDict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402  (beside this file)

PROGRAM = None


def with_attributes(value):
    """JSON data with attribute access, as the objects that handlers pass have it."""
    if isinstance(value, dict):
        return ObjectDict((key, with_attributes(item)) for key, item in value.items())
    if isinstance(value, list):
        return [with_attributes(item) for item in value]
    return value


class Modules:
    @staticmethod
    def Box(content, more=""):
        return "<div>%s%s</div>" % (content, more)


def shout(text):
    if isinstance(text, bytes):  # what {% apply %} passes
        text = text.decode()
    return text.upper() + "!"


def render_with_tornado(case):
    options = dict(case.get("options", {}))
    if not options.pop("autoescape", True):
        options["autoescape"] = None
    namespace = {"double_it": lambda n: n * 2, "shout": shout, "_tt_modules": Modules}
    loader = tornado.template.DictLoader(case["templates"], namespace=namespace, **options)
    return loader.load(case["name"]).generate(**with_attributes(case["data"])).decode()


def render_with_caropig(all_cases):
    result = subprocess.run([PROGRAM], input=json.dumps(all_cases), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{PROGRAM} ended with {result.returncode}: {result.stderr}")
    return json.loads(result.stdout)


class Differential(unittest.TestCase):
    maxDiff = None

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(cases.SAME), 200)

    def test_same_as_tornado(self):
        for case, answer in zip(cases.SAME, render_with_caropig(cases.SAME)):
            with self.subTest(templates=case["templates"]):
                expected = render_with_tornado(case)
                self.assertEqual(answer.get("output", answer.get("error")), expected)

    def test_fails_where_tornado_fails(self):
        for case, answer in zip(cases.FAILS, render_with_caropig(cases.FAILS)):
            with self.subTest(templates=case["templates"]):
                with self.assertRaises(Exception):
                    render_with_tornado(case)
                self.assertIn("error", answer)

    def test_differs_on_purpose(self):
        for case, answer in zip(cases.DIFFERENT, render_with_caropig(cases.DIFFERENT)):
            with self.subTest(templates=case["templates"], reason=case["reason"]):
                try:
                    tornado_says = render_with_tornado(case)
                except Exception as error:  # Tornado lets any exception of Python through
                    tornado_says = type(error).__name__
                self.assertEqual(tornado_says, case["tornado"])
                if "caropig" in case:
                    self.assertEqual(answer.get("output", answer.get("error")), case["caropig"])
                else:
                    self.assertIn(case["error"], answer.get("error", repr(answer)))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    logging.disable()  # Tornado logs the code of templates that fail, which many are meant to
    unittest.main()
