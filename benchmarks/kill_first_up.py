"""Kills the first `up` of an empty platform with -9 at random moments; the next `up` must finish its work.

    python -m benchmarks.kill_first_up --rounds 8 --seed 7

Each round has a new, empty platform. `up` is killed once or twice: while parts of the platform start, or while
everything is created. The next `up` must succeed with nothing left to do, each query once, and a rating must become an
alert; after `down`, no process may be left. Exit code 1 means that a round failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.deployment_checks import unfinished
from benchmarks.kill_evidence import Evidence
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for

UP = ("up", "ratings", "patterns", "--no-demo", "--yes", "--ports", "auto")


def main() -> int:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None, help="repeats the moments of an earlier run")
    args = parser.parse_args()
    seed = random.randrange(1_000_000) if args.seed is None else args.seed
    chance = random.Random(seed)
    with own_platform() as platform:
        began = time.monotonic()
        platform.succeed(*UP)
        longest_s = time.monotonic() - began
    print(f"seed {seed}; undisturbed: {longest_s:.1f} s", flush=True)
    failed = sum(bool(one_round(number, chance, longest_s)) for number in range(1, args.rounds + 1))
    print(f"{args.rounds - failed} of {args.rounds} rounds: the next `up` finished the work")
    return int(failed > 0)


def one_round(number: int, chance: random.Random, longest_s: float) -> list[str]:
    """Kill `up` of a new platform, and let the next one finish; what is wrong then."""
    with own_platform() as platform:
        moments = [chance.uniform(0, longest_s) for _ in range(chance.randint(1, 2))]
        last = [killed_after(platform, moment) for moment in moments]
        done = platform.run(*UP)
        problems = [f"the next up failed: {done.stderr.strip()[-600:]}"] if done.returncode else []
        if not problems:
            problems += [*unfinished(platform, "ratings", "patterns"), *unheard(platform)]
        home = platform.settings.home
    if left := processes_of(home):
        problems.append(f"after `down`, processes are left: {left}")
    text = "".join(f"\n    {problem}" for problem in problems) or "converged"
    print(f"{number:3} killed after {' and '.join(f'`{line}`' for line in last)}: {text}", flush=True)
    return problems


def killed_after(platform: OwnPlatform, seconds: float) -> str:
    """Run `up` and kill it after some seconds; returns its last line of progress."""
    process = platform.start(*UP)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    lines = (err or out).strip().splitlines()
    return lines[-1].strip() if lines else "nothing"


def unheard(platform: OwnPlatform) -> list[str]:
    """Send ratings until an alert arrives; what is wrong if none does."""
    with Evidence(platform.settings) as evidence:
        try:
            wait_for("the first alert", evidence.first_alert, 120)
        except TimeoutError as error:
            return [str(error)]
    return []


def processes_of(home: Path) -> list[str]:
    """The command lines of processes that work in a home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(home) in line:
                found.append(line[:120])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
