"""Every block of README.md does what it says. Usage: readme_test.py ROOT BUILD_TREE COMPILER"""

import pathlib
import sys

import blocks


def main(root, build, compiler):
    page = (pathlib.Path(root) / "README.md").read_text()
    failures = blocks.Runner(root, build, compiler).run_page(page)
    for failure in failures:
        print(f"README.md, {failure}")
    print(f"{len(blocks.blocks_of(page))} blocks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
