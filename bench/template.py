#!/usr/bin/python3
"""CPU time of rendering one page with CaroPig and with Tornado, from the same files and the same data: bench/template/.
`./dev bench template` builds what it needs and calls it.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / "template"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each measures both, in turn (5)")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bench")
    options = parser.parse_args()
    commands = commands_of(options.programs)
    pages = [subprocess.run([*command, "--page"], stdout=subprocess.PIPE, check=True).stdout for command in commands.values()]
    print(f"the page has {len(pages[0]):,} bytes, {'the same' if pages[0] == pages[1] else 'NOT THE SAME'} from both")
    core = min(os.sched_getaffinity(0))
    rounds = [{name: measure(command, core) for name, command in commands.items()} for _ in range(options.rounds)]
    for name in commands:
        cost = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each["Tornado"] / each[name] for each in rounds)
        print(f"{name:<10}{cost:>10.1f} µs a page, {ratio:.1f} times as fast as Tornado")


def commands_of(programs):
    return {"CaroPig": [programs / "template_bench", FOLDER], "Tornado": ["/usr/bin/python3", FOLDER / "tornado_template.py"]}


def measure_round(programs, core, _):
    """{who: figures} for run.py; a request is a page."""
    return {name: {"cpu_us_per_request": measure(command, core)} for name, command in commands_of(programs).items()}


def measure(command, core):
    """Microseconds for a page."""
    run = subprocess.run(["taskset", "--cpu-list", str(core), *map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return float(re.search(r"([0-9.]+) us a page", run.stdout)[1])


if __name__ == "__main__":
    main()
