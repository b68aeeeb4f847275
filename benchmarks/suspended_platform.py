"""Stops all processes of a whole platform for a while, as a closed laptop does, and lets them continue.

    python -m benchmarks.suspended_platform --rounds 2 --seconds 90

It starts its own platform with all pipelines and writes into all of them before, meanwhile and after. Supervisor and
components get SIGSTOP together, and SIGCONT after `--seconds`. Then everything must run again without help, and each
place is compared with the one before it. Exit code 1: something did not run again, or was lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from benchmarks.faults.injector import descendants
from benchmarks.own_platform import OwnPlatform
from benchmarks.platform_trial import platform_trial, report, stay
from bifrost.errors import BifrostError

AROUND_S = 15.0
"""How long writers write before the stop, and after it."""


def main() -> int:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=90, help="how long all is stopped (default 90)")
    parser.add_argument("--share", type=float, default=0.05, help="the share of the usual rates (default 0.05)")
    args = parser.parse_args()
    problems: list[str] = []
    with platform_trial(args.share) as trial:
        for number in range(1, args.rounds + 1):
            print(f"round {number}: stopped for {args.seconds:.0f} s", flush=True)
            found = trial.run(partial(suspend, trial.platform, args.seconds))
            problems += [f"round {number}: {problem}" for problem in found]
    return report(problems)


def suspend(platform: OwnPlatform, seconds: float) -> list[str]:
    """Stop every process of a platform for some seconds; returns the components that have failed right after it."""
    stay(AROUND_S)
    supervisor = platform.supervisor.pid()
    # The supervisor first: it must not see that its components stop.
    _signal_all([supervisor], signal.SIGSTOP)
    processes = [supervisor, *descendants(supervisor)]
    _signal_all(processes, signal.SIGSTOP)
    try:
        stay(seconds)
    finally:
        _signal_all(reversed(processes), signal.SIGCONT)
    stay(AROUND_S)
    return [f"{item.name}: {item.cause}" for item in platform.supervisor.status() if item.state == "failed"]


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
