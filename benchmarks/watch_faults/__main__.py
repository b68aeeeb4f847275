"""Breaks sources, sinks, queries and services in several ways, and judges what the watcher makes of it.

    python -m benchmarks.watch_faults --seed 7
    python -m benchmarks.watch_faults --only "mariadb" "jdbc sink"

A fault must be reported once, with its cause, by a message within 60 s; `status --check` must end with 3 and name it;
when the cause is gone, all must run again, or do so after the documented command. What the supervisor heals in seconds
must not be reported. Faults of different things happen at the same time, those of one thing one after another, in an
order that the seed gives. Then two connectors are broken, and `up` must name them. Exit code 1 means that something was
not so.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for
from benchmarks.watch_faults.database_faults import JDBC, MARIADB, MariaDbFaults, PostgresFaults, mongodb_faults
from benchmarks.watch_faults.fault import Expected, Fault
from benchmarks.watch_faults.judgement import HEADER, REPORT_S, Observation, problems_of, row
from benchmarks.watch_faults.program_faults import QueryFaults, service_faults, shared_faults
from benchmarks.watch_faults.sink_faults import s3_faults, search_faults

CHANNEL = "platform"
HEAL_S = 240.0
"""Longer than the pause before the second restart."""
COMMAND_S = 90.0
_QUIET_S = 30.0
_POLL_S = 1.0
_SHARED = frozenset({"alerts", "engine", "connect"})
_ONE_SERVER = {"jdbc sink": "postgres"}
_UP_FAULTS = ("mariadb: password changed", "jdbc sink: rights revoked")


@dataclass(frozen=True, slots=True)
class Trial:
    """Breaks one thing at a time and watches."""

    platform: OwnPlatform

    def run(self, fault: Fault) -> list[str]:
        """Break what runs, observe, repair, observe; print the line and return the problems."""
        if not self.runs_within(fault, HEAL_S):
            print(f"{fault.title}: not broken, {fault.watched} does not run", flush=True)
            return [f"{fault.watched} did not run before, {HEAL_S:.0f} s after the fault before it"]
        seen = self._observe(fault)
        problems = list(problems_of(fault.expected, fault.subject, seen))
        print(row(fault.title, seen, problems), flush=True)
        return problems

    def _observe(self, fault: Fault) -> Observation:
        before = len(self.messages(fault.subject))
        began = time.monotonic()
        fault.break_it()
        reported_s = self._report(fault, before, began)
        done = self.platform.run("status", "--check", "--json")
        lines = _lines(done.stdout)
        fault.repair()
        healed_s, by_command = self._heal(fault)
        messages = self._after(fault, before)
        return Observation(reported_s, messages, done.returncode, lines, healed_s, by_command)

    def _report(self, fault: Fault, before: int, began: float) -> float | None:
        if fault.expected is Expected.HEALED:
            self._heal(fault)
            return None
        if fault.expected is Expected.REPORTED_LATER:
            time.sleep(REPORT_S)
            return None
        try:
            wait_for("a message", lambda: len(self.messages(fault.subject)) > before, 2 * REPORT_S, pause_s=_POLL_S)
        except TimeoutError:
            return None
        return time.monotonic() - began

    def _heal(self, fault: Fault) -> tuple[float | None, bool]:
        began = time.monotonic()
        if not fault.command and self.runs_within(fault, HEAL_S):
            return time.monotonic() - began, False
        self.platform.run(*(fault.command or ("restart", fault.watched)))
        healed = self.runs_within(fault, COMMAND_S)
        return (time.monotonic() - began if healed else None), True

    def runs_within(self, fault: Fault, seconds: float) -> bool:
        """Whether what the fault breaks runs within some seconds, and nothing says that it cannot."""
        try:
            wait_for("it", lambda: self._runs(fault), seconds, pause_s=_POLL_S * 3)
        except TimeoutError:
            return False
        return True

    def _runs(self, fault: Fault) -> bool:
        """Whether it runs and nothing says that it cannot; growing dead letters are said for some time longer."""
        found = json.loads(self.platform.run("status", "--json").stdout or "{}")
        kind, _, _name = fault.subject.rpartition(" ")
        lines = [text for text in found.get("problems", ["?"]) if text.startswith((fault.subject, fault.watched))]
        if kind != "dead letters" and any("cannot" in text or "does not answer" in text for text in lines):
            return False
        states = {part["name"]: _states(part) for part in [*found["connectors"], *found["components"]]}
        states |= {query["id"]: {query["state"]} for query in found["queries"]}
        return states.get(fault.watched, set()) <= {"RUNNING", "running", "ready"} and fault.watched in states

    def _after(self, fault: Fault, before: int) -> list[str]:
        if fault.expected is Expected.REPORTED_LATER:
            end = time.monotonic() + 2 * REPORT_S
            while len(self.messages(fault.subject)) == before and time.monotonic() < end:
                time.sleep(_POLL_S)
        return self.messages(fault.subject)[before:]

    def messages(self, subject: str) -> list[str]:
        """The messages about a subject so far; none while the inbox does not answer."""
        try:
            answer = requests.get(f"{self.platform.settings.endpoints.console}/api/messages", timeout=30).json()
        except (requests.RequestException, ValueError):
            return []
        return [
            found["text"]
            for found in answer
            if found.get("channel") == CHANNEL and found["text"].startswith(f"*{subject}*")
        ]


def main() -> int:
    """Break everything and print the table; return 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="repeats the order of an earlier run")
    parser.add_argument("--only", nargs="+", metavar="THING", help="only faults whose title begins so, and no `up`")
    parser.add_argument("--parallel", type=int, default=8, help="things that are broken at the same time")
    args = parser.parse_args()
    seed = random.randrange(1_000_000) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with own_platform() as platform:
        platform.succeed("up", "--ports", "auto")
        faults = [fault for fault in all_faults(platform) if _is_chosen(fault, args.only)]
        wrong = run_all(Trial(platform), faults, random.Random(seed), args.parallel)
        wrong += [] if args.only else up_problems(platform, faults)
    for line in wrong:
        print(line)
    print(f"{len(faults)} faults, {len(wrong)} problems")
    return int(bool(wrong))


def all_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Every fault."""
    yield from MariaDbFaults(platform).all()
    yield from PostgresFaults(platform).all()
    yield from mongodb_faults(platform)
    yield from search_faults(platform)
    yield from s3_faults(platform)
    yield from QueryFaults(platform).all()
    yield from service_faults(platform)
    yield from shared_faults(platform)


def run_all(trial: Trial, faults: Sequence[Fault], chance: random.Random, parallel: int) -> list[str]:
    """Run the faults of different things at the same time; those of what all need come last, one by one."""
    lanes: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        lanes["shared" if fault.lane in _SHARED else _ONE_SERVER.get(fault.lane, fault.lane)].append(fault)
    for lane in lanes.values():
        chance.shuffle(lane)
    shared = lanes.pop("shared", [])
    print(HEADER, flush=True)
    time.sleep(_QUIET_S)  # the watcher must have looked at the running platform
    with ThreadPoolExecutor(parallel) as threads:
        found = list(threads.map(lambda lane: _run_lane(trial, lane), lanes.values()))
    return [problem for lane in [*found, _run_lane(trial, shared)] for problem in lane]


def _run_lane(trial: Trial, lane: Sequence[Fault]) -> list[str]:
    return [f"{fault.title}: {problem}" for fault in lane for problem in trial.run(fault)]


def up_problems(platform: OwnPlatform, faults: Sequence[Fault]) -> list[str]:
    """Break two connectors: `up` must name both with their causes."""
    broken = [fault for fault in faults if fault.title in _UP_FAULTS]
    trial = Trial(platform)
    idle = [f"up: {fault.watched} did not run before" for fault in broken if not trial.runs_within(fault, HEAL_S)]
    if idle:
        return idle
    counts = {fault.subject: len(trial.messages(fault.subject)) for fault in broken}
    for fault in broken:
        fault.break_it()
    silent = [f"up: {fault.title} not reported" for fault in broken if not _is_reported(trial, fault, counts)]
    done = platform.run("up")
    for fault in broken:
        fault.repair()
    said = done.stdout + done.stderr
    print(f"up ended with {done.returncode}:\n{done.stderr.strip()}", flush=True)
    return silent + [f"up does not name {name}" for name in (MARIADB, JDBC) if name not in said]


def _is_reported(trial: Trial, fault: Fault, counts: Mapping[str, int]) -> bool:
    try:
        wait_for(fault.title, lambda: len(trial.messages(fault.subject)) > counts[fault.subject], 2 * REPORT_S)
    except TimeoutError:
        return False
    return True


def _is_chosen(fault: Fault, only: Sequence[str] | None) -> bool:
    return not only or any(fault.title.startswith(text) for text in only)


def _lines(status: str) -> list[str]:
    found = json.loads(status or "{}")
    return [*found.get("problems", ()), found.get("verdict", "")]


def _states(part: dict[str, object]) -> set[str]:
    tasks = part.get("tasks", [])
    assert isinstance(tasks, list)
    return {str(part["state"]), *(str(task["state"]) for task in tasks)}


if __name__ == "__main__":
    sys.exit(main())
