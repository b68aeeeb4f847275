"""Measures a deployment from nothing to the first alert, then `plan` and `up` without changes, and `down`.

    python -m benchmarks.deploy_time
    python -m benchmarks.deploy_time --rounds 3 --json

It starts its own platform in a temporary folder, with free ports. The first round downloads and builds what is
missing and archives the classes of the Java parts, so measure from the second on. Wall-clock times depend on what else
the machine does; processor times much less. Each line shows the
wall-clock time, then the processor time of the command and of all parts of the platform meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import Inbox
from benchmarks.process_usage import usage_of
from bifrost.errors import BifrostError

_PROGRESS = re.compile(r"^\[ *([0-9.]+) s\] (.*)$")
ALERT_S = 120.0
STAGES = (
    ("topics and subjects", r"\d+/\d+ \w+ topic "),
    ("source connectors", r"\d+/\d+ \w+ connector "),
    ("statements", r"\d+/\d+ \w+ statement "),
    ("templates and buckets", r"\d+/\d+ \w+ template "),
    ("sinks and services", r"\d+/\d+ \w+ service "),
    ("waiting until all runs", r"waiting for "),
    ("settling", r"everything runs; "),
)
"""How the first progress line of each stage of `up` begins."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the clock, and of processor time: of the command, and of all parts of the platform meanwhile."""

    step: str
    wall_s: float
    command_cpu_s: float = 0.0
    platform_cpu_s: float = 0.0


def main() -> None:
    """Run the rounds and print a line per step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with own_platform() as platform:
        for number in range(1, args.rounds + 1):
            timings = list(one_round(platform))
            if args.json:
                print(json.dumps({"round": number, "load": os.getloadavg()[0], "steps": [*map(asdict, timings)]}))
                continue
            print(f"round {number} (load average {os.getloadavg()[0]:.1f})")
            for timing in timings:
                cpu = f"{timing.command_cpu_s:8.1f} s{timing.platform_cpu_s:10.1f} s" if timing.command_cpu_s else ""
                print(f"  {timing.step:34}{timing.wall_s:8.1f} s{cpu}", flush=True)


def one_round(platform: OwnPlatform) -> Iterator[Timing]:
    """From nothing to nothing."""
    began = time.monotonic()
    yield from up(platform)
    yield Timing("first alert since the start of up", first_alert(platform, began))
    yield timed(platform, "plan without changes", "plan")
    yield timed(platform, "up without changes", "up")
    yield timed(platform, "down", "down")
    platform.succeed("down", "--purge")


def up(platform: OwnPlatform) -> Iterator[Timing]:
    """`up`, and the stages that its progress shows."""
    before, began = _children_cpu_s(), time.monotonic()
    process = platform.start("up", "--ports", "auto")
    _, err = process.communicate(timeout=900)
    took = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(err)
    yield Timing("up from nothing", took, _children_cpu_s() - before, _platform_cpu_s(platform))
    seen = [(float(found[1]), found[2]) for line in err.splitlines() if (found := _PROGRESS.match(line))]
    for stage, pattern in STAGES:
        first = next((at for at, text in seen if re.match(pattern, text)), None)
        if first is not None:
            yield Timing(f"  {stage} from", first)


def first_alert(platform: OwnPlatform, began: float) -> float:
    """Seconds from `began` to the first message in the inbox."""
    inbox = Inbox(platform.settings.endpoints.as_json())
    end = time.monotonic() + ALERT_S
    while not (messages := inbox.messages()):
        if time.monotonic() > end:
            raise TimeoutError(f"no alert within {ALERT_S:.0f} s")
        time.sleep(0.1)
    arrived = float(messages[0]["ts"])
    return time.monotonic() - began - (time.time() - arrived)


def timed(platform: OwnPlatform, step: str, *command: str) -> Timing:
    """Run a command without changes."""
    before, parts, began = _children_cpu_s(), _platform_cpu_s(platform), time.monotonic()
    platform.succeed(*command)
    took, after = time.monotonic() - began, _platform_cpu_s(platform)
    return Timing(step, took, _children_cpu_s() - before, max(0.0, after - parts))


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _platform_cpu_s(platform: OwnPlatform) -> float:
    """Processor time of all parts since their start; 0 when nothing runs."""
    try:
        pid = platform.supervisor.pid()
    except BifrostError:
        return 0.0
    return usage_of(pid).cpu_s


if __name__ == "__main__":
    main()
