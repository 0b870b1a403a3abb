#!/usr/bin/python3
"""Checks what keeps the layers apart, and prints FILE:LINE of each finding.

- An include points to its own layer or to one below it: what CMakeLists.txt names as DEPENDS, and what those depend on.
- A public header includes only the standard library, other public headers, Boost.JSON, and Boost.Describe with the
  Boost.Mp11 that it is used through.
- A public header has at most 300 lines, a source or private header at most 800.
"""

import argparse
import pathlib
import re
import sys

MAX_PUBLIC_LINES = 300
MAX_SOURCE_LINES = 800

LAYER = re.compile(r"^\s*caropig_layer\(([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
# The standard library's headers have neither a folder nor a suffix.
ALLOWED_IN_PUBLIC = re.compile(r"[a-z_0-9]+|caropig/.+|boost/(json|describe|mp11)(/.+|\.hpp)")


def layers_of(cmake_lists):
    """Every layer with all layers below it, itself included."""
    direct = {}
    for arguments in LAYER.findall(cmake_lists):
        name, *rest = arguments.split()
        depends, keyword = [], None
        for word in rest:
            if word.isupper():
                keyword = word
            elif keyword == "DEPENDS":
                depends.append(word)
        direct[name] = depends

    reachable = {}
    for name, depends in direct.items():  # CMakeLists.txt lists them from the bottom up
        unknown = [layer for layer in depends if layer not in reachable]
        if unknown:
            raise ValueError(f"layer {name} depends on {', '.join(unknown)}, which no line above it declares")
        reachable[name] = {name}.union(*(reachable[layer] for layer in depends))
    return reachable


def findings_in(root):
    layers = layers_of((root / "CMakeLists.txt").read_text())
    public_root = root / "include" / "caropig"
    for top, public in ((public_root, True), (root / "src", False)):
        for path in sorted([*top.rglob("*.h"), *top.rglob("*.cc")]):
            layer = path.relative_to(top).parts[0]
            for line, text in check_file(path, layer, public, layers):
                yield f"{path.relative_to(root)}:{line}: {text}"


def check_file(path, layer, public, layers):
    if layer not in layers:
        yield 1, f"'{layer}' is no layer of CMakeLists.txt"
        return
    lines = path.read_text().splitlines()
    limit = MAX_PUBLIC_LINES if public else MAX_SOURCE_LINES
    if len(lines) > limit:
        yield limit + 1, f"{len(lines)} lines, more than {limit}: look for the second idea in it"
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        angled, quoted = match.groups()
        if public and quoted:
            yield number, f'a public header includes the private "{quoted}"'
        elif public and not ALLOWED_IN_PUBLIC.fullmatch(angled):
            yield number, (f"a public header includes <{angled}>: only the standard library, Boost.JSON, Boost.Describe "
                           "and caropig/ are allowed")
        target = included_layer(angled, quoted)
        if target is None:
            continue
        if target not in layers:
            yield number, f"'{target}' is no layer of CMakeLists.txt"
        elif target not in layers[layer]:
            yield number, f"{layer} includes {angled or quoted}, but {target} is not below it"


def included_layer(angled, quoted):
    if angled:
        parts = angled.split("/")
        return parts[1] if parts[0] == "caropig" and len(parts) > 2 else None
    return quoted.split("/")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    findings = list(findings_in(parser.parse_args().root))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
