#!/usr/bin/python3
"""Renders the page of template_bench.cc with Tornado and prints the CPU time of a rendering in microseconds.

tornado_template.py [ROUNDS | --page]
"""

import json
import pathlib
import sys
import time

import tornado.template
from tornado.util import ObjectDict

FOLDER = pathlib.Path(__file__).resolve().parent
BATCH = 20


def with_attributes(value):
    if isinstance(value, dict):
        return ObjectDict((key, with_attributes(item)) for key, item in value.items())
    if isinstance(value, list):
        return [with_attributes(item) for item in value]
    return value


class Row:
    """Plain objects with slots: attributes at Python's best speed."""

    __slots__ = ("id", "name", "note", "price", "stock")

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values[name])


def main():
    values = json.loads((FOLDER / "data.json").read_text())
    rows = values["rows"]
    values = with_attributes(values)
    values["rows"] = [Row(row) for row in rows]
    page = tornado.template.Loader(str(FOLDER / "pages")).load("page.html")
    if sys.argv[1:] == ["--page"]:
        sys.stdout.write(page.generate(**values).decode())
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(BATCH):
            size = len(page.generate(**values))
        best = min(best, (time.process_time() - start) / BATCH * 1e6)
    print(f"tornado: {size} bytes, {best:.1f} us a page")


if __name__ == "__main__":
    main()
