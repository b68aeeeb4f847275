"""Kills `up` with -9 at random moments while it changes a running platform; the next `up` must finish its work.

    python -m benchmarks.kill_deployer --kills 50 --seed 7

It starts its own platform and edits a copy of the project. Each round changes a statement (the window of a table, which
is rebuilt, or the filter of the alerts, which changes in place), a connector, a template and a topic. `up` is killed at
a random moment and run again, while ratings arrive. Then nothing may be left to do, everything must run, each query
once; each rating must have one row and one alert, and each card its own. Exit code 1 means that a round failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.changes.change import ProjectCopy
from benchmarks.deployment_checks import unfinished
from benchmarks.kill_evidence import Evidence
from benchmarks.own_platform import COMMAND_S, OwnPlatform, own_platform
from benchmarks.platform import wait_for

PIPELINES = ("ratings", "patterns")
UP = ("up", *PIPELINES, "--no-demo", "--yes", "--allow", "replace")
RATINGS, PATTERNS = "ksql/ratings.sql", "ksql/patterns.sql"
SINK = "connectors/ratings/es_sink_unhappy_platinum_customers.json"
TEMPLATE = "dashboards/ratings/templates/unhappy_platinum_customers.json"
FIELDS = ("template", "mappings", "properties")
WINDOW = "WINDOW TUMBLING (SIZE {} MINUTES)\n  GROUP BY card"
FILTER = "WHERE STARS < {} AND"
DAY_MS = 86_400_000
LONGEST_DELAY_S = 3.0
RATE = 5.0
"""Ratings per second while `up` runs, is killed and runs again."""


@dataclass
class Edits:
    """The changes of the rounds; `stars` and `minutes` are what the statements say now."""

    project: ProjectCopy
    stars: int = 3
    minutes: int = 5
    number: int = 0

    def next(self) -> str:
        """Edit the declarations; returns the kind of the change of a statement."""
        self.number += 1
        self.project.json(SINK, "linger.ms", value=str(20 + self.number))
        self.project.json(TEMPLATE, *FIELDS, f"ROUND_{self.number}", value={"type": "keyword"})
        self.project.json("topics/ratings.json", "ratings", "retention.ms", value=(7 + self.number % 2) * DAY_MS)
        if self.number % 2:
            before, self.minutes = self.minutes, 15 - self.minutes
            self.project.text(PATTERNS, WINDOW.format(before), WINDOW.format(self.minutes))
            return "window"
        before, self.stars = self.stars, 7 - self.stars
        self.project.text(RATINGS, FILTER.format(before), FILTER.format(self.stars))
        return "filter"


@dataclass
class Load:
    """Ratings that arrive at a constant rate during a block."""

    evidence: Evidence
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._stop.wait(1 / RATE):
            self.evidence.rate(stars=1)


def main() -> int:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None, help="repeats the moments of an earlier run")
    parser.add_argument(
        "--longest-delay", type=float, default=LONGEST_DELAY_S, help="seconds between a line of progress and the kill"
    )
    args = parser.parse_args()
    seed = random.randrange(1_000_000) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bifrost-kills-") as folder:
        edits = Edits(ProjectCopy(Path(folder) / "project"))
        with own_platform(edits.project.root) as platform:
            platform.succeed(*UP, "--ports", "auto")
            with Evidence(platform.settings) as evidence:
                chance = Chance(random.Random(seed), args.longest_delay)
                failed = sum(map(bool, rounds(platform, edits, evidence, chance, args.kills)))
    print(f"{args.kills - failed} of {args.kills} kills: the next `up` finished the work, doubled and lost nothing")
    return int(failed > 0)


def rounds(platform: OwnPlatform, edits: Edits, evidence: Evidence, chance: Chance, kills: int) -> Iterator[list[str]]:
    """The problems of each round with a kill, after one round of each kind without."""
    wait_for("the first alert", lambda: evidence.first_alert(), 300)
    progress: dict[str, list[str]] = {}
    for number in range(-1, kills + 1):
        kind = edits.next()
        if number <= 0:
            progress[kind] = run_watched(platform)[:-1]
            print(f"undisturbed, {kind}: {progress[kind][-1]}", flush=True)
            continue
        evidence.try_card()
        with Load(evidence):
            lines = run_watched(platform, chance.moment(progress[kind]))
            again = platform.run(*UP)
        problems = [f"the next up failed: {again.stderr.strip()[-600:]}"] if again.returncode else []
        problems += [*unfinished(platform, *PIPELINES), *evidence.problems(edits.stars)]
        text = "".join(f"\n    {problem}" for problem in problems) or "converged"
        print(f"{number:3} {kind}, killed after `{lines[-1]}`: {text}", flush=True)
        yield problems


@dataclass(frozen=True, slots=True)
class Moment:
    """When `up` is killed: some seconds after it has printed a number of lines."""

    lines: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class Chance:
    """Random moments of runs."""

    random: random.Random
    longest_delay_s: float

    def moment(self, progress: Sequence[str]) -> Moment:
        """A moment of a run with this progress, once the platform is found ready; it does not depend on speed."""
        first = max((number for number, line in enumerate(progress, 1) if " is ready " in line), default=1)
        lines = self.random.randint(first, len(progress))
        return Moment(lines, self.random.uniform(0, self.longest_delay_s))


def run_watched(platform: OwnPlatform, end: Moment | None = None) -> list[str]:
    """Run `up`, kill it at a moment if it still runs then, and return its lines of progress."""
    process = platform.start(*UP)
    lines: list[str] = []
    is_reached = threading.Event()

    def read() -> None:
        for line in process.stderr or ():
            lines.append(line.strip())
            if end is not None and len(lines) >= end.lines:
                is_reached.set()
        is_reached.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        if end is not None:
            is_reached.wait(COMMAND_S)
        process.wait(COMMAND_S if end is None else end.delay_s)
        lines.append(f"ended with exit code {process.returncode}")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    reader.join()
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
