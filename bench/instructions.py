#!/usr/bin/python3
"""Instructions of user code per plaintext request, counted by valgrind: a figure that noise can't move. Fails when it has grown by more
than 3 % over the baseline that is committed beside this file. `./dev bench instructions` builds what it needs and calls it.

The server runs twice under callgrind, for a short and for a long run over the same connections; the difference divided by the
difference in requests is what a warm request costs. What the kernel does is not in it.

    ./dev bench instructions                # compare; exit code 1 above the limit
    ./dev bench instructions --accept       # move the baseline: the commit that does so says what the instructions buy
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
BASELINE = ROOT / "bench" / "instructions.txt"
ALLOWED_GROWTH = 0.03
SHORT, LONG = 20000, 60000
CONNECTIONS = 64
SECONDS = 120  # for one run


class CountFailed(Exception):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=BUILD / "caropig-reference")
    parser.add_argument("--generator", type=pathlib.Path, default=BUILD / "bench" / "load_generator")
    parser.add_argument("--baseline", type=pathlib.Path, default=BASELINE)
    parser.add_argument("--accept", action="store_true", help="write what was counted as the new baseline")
    options = parser.parse_args()
    try:
        counted = per_request(options.server, options.generator)
        if options.accept:
            options.baseline.write_text(f"{counted:.0f}\n")
            print(f"{counted:.0f} instructions per plaintext request are the baseline now")
            return 0
        return judge(counted, float(options.baseline.read_text()))
    except (CountFailed, OSError, ValueError, subprocess.SubprocessError) as failure:
        print(f"instructions could not be counted: {failure}", file=sys.stderr)
        return 1


def judge(counted, baseline):
    growth = counted / baseline - 1
    said = f"{counted:.0f} instructions per plaintext request, {growth:+.1%} to the baseline of {baseline:.0f}"
    if growth > ALLOWED_GROWTH:
        print(f"{said}: more than {ALLOWED_GROWTH:.0%}. Either they can be saved, or --accept moves the baseline.", file=sys.stderr)
        return 1
    print(f"{said}{'; --accept would keep what was won' if growth < -ALLOWED_GROWTH else ''}")
    return 0


def per_request(server, generator):
    return (run(server, generator, LONG) - run(server, generator, SHORT)) / (LONG - SHORT)


def run(server, generator, requests):
    """All instructions of a server that has answered that many requests."""
    with tempfile.TemporaryDirectory(prefix="bench-instructions-") as folder:
        log = pathlib.Path(folder, "log")
        with open(log, "wb") as errors:
            process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/profile", server, "--port", "0", "--backend", "epoll",
                 "--workers", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            listening = re.search(r":(\d+)$", process.stdout.readline())
            if not listening:
                raise CountFailed(log.read_text(errors="replace").strip()[-500:] or "the server did not start")
            subprocess.run([generator, "--port", listening[1], "--path", "/index", "--connections", str(CONNECTIONS), "--requests",
                            str(requests), "--expect-body", "ok"], check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
            process.terminate()
            process.wait(SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
        collected = re.search(r"Collected *: (\d+)", log.read_text(errors="replace"))
        if not collected:
            raise CountFailed("valgrind did not say how many it collected")
        return int(collected[1])


if __name__ == "__main__":
    sys.exit(main())
