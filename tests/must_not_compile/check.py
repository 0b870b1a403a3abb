"""Compiles one case of this folder twice: as it is, which must fail, and with CAROPIG_GOOD defined, which must not.

    check.py CASE.cc -- COMPILER [OPTION...]

The case opens with what the failure must say: `// expect: FRAGMENT`; where compilers word it differently, with
`// expect-gcc: FRAGMENT` and `// expect-clang: FRAGMENT`. The variant under `#ifdef CAROPIG_GOOD` does the same thing in the
way that is allowed, so that a case can't fail for another reason than the one that it is about.
"""

import re
import subprocess
import sys

EXPECT = re.compile(r"// expect(?:-(gcc|clang))?: (.+)")


def expected_fragment(source, compiler):
    for line in source.splitlines():
        match = EXPECT.fullmatch(line.strip())
        if not match:
            return None
        if match[1] in (None, compiler):
            return match[2]
    return None


def compile_case(command, case, *options):
    done = subprocess.run([*command, "-fsyntax-only", "-fdiagnostics-color=never", *options, case], capture_output=True, text=True,
                          check=False)
    return done.returncode == 0, done.stderr


def check(case, command):
    """What is wrong with the case, or None."""
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True).stdout
    with open(case, encoding="utf-8") as file:
        source = file.read()
    fragment = expected_fragment(source, "clang" if "clang" in version else "gcc")
    if fragment is None:
        return "the first line must be `// expect: FRAGMENT`"
    if not re.search(r"^#\s*(ifdef CAROPIG_GOOD|ifndef CAROPIG_GOOD)$", source, re.MULTILINE):
        return "there is no variant under #ifdef CAROPIG_GOOD"
    compiles, diagnostics = compile_case(command, case, "-DCAROPIG_GOOD")
    if not compiles:
        return f"the good variant does not compile:\n{diagnostics}"
    compiles, diagnostics = compile_case(command, case)
    if compiles:
        return f"it compiles, but should fail with: {fragment}"
    if fragment not in diagnostics:
        return f"it fails, but does not say: {fragment}\n{diagnostics}"
    return None


def main(arguments):
    if len(arguments) < 3 or arguments[1] != "--":
        sys.exit(__doc__)
    problem = check(arguments[0], arguments[2:])
    if problem:
        print(f"{arguments[0]}: {problem}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
