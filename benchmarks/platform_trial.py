"""A whole platform that all pipelines write into while something happens to it, and what its far ends show after it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.faults.far_ends import Arrivals, FarEnds
from benchmarks.faults.loads import LOADS, RATES
from benchmarks.faults.marks import Marks
from benchmarks.faults.sender import Sender
from benchmarks.faults.trial import ROUTES, TOPICS, Judge, settled
from benchmarks.faults.verdict import Guarantee, broken
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for
from bifrost.settings import PROJECT

WELL_S = 300.0
REPEATED_ALERTS = 20
"""A message whose answer was lost is sent again; an outage does that to those on the way."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The components that have another process than before."""

    pids: Mapping[str, int | None]

    def names(self, platform: OwnPlatform) -> list[str]:
        """Their names."""
        return [item.name for item in platform.supervisor.status() if self.pids.get(item.name) not in (None, item.pid)]


@dataclass(frozen=True, slots=True)
class PlatformTrial:
    """Writes into a platform of this benchmark, and compares each place with the one before it."""

    platform: OwnPlatform
    arrivals: Arrivals
    far_ends: FarEnds
    senders: Mapping[str, Sender]

    def run(self, happens: Callable[[], list[str]], without: Collection[str] = ()) -> list[str]:
        """Write while `happens` runs, then wait until all is well.

        Args:
            happens: what happens to the platform; returns the problems that it found.
            without: loads that do not write meanwhile.

        Returns:
            All problems: of `happens`, what does not run minutes later, and what was lost.
        """
        marks = Marks(uuid.uuid4().hex[:8])
        self.arrivals.begin(marks)
        senders = {name: sender for name, sender in self.senders.items() if name not in without}
        for name, sender in senders.items():
            sender.start(LOADS[name](self.platform.settings, marks))
        before = Restarted({item.name: item.pid for item in self.platform.supervisor.status()})
        problems = happens()
        problems += self._not_well()
        print(f"  restarted: {', '.join(before.names(self.platform)) or 'nothing'}")
        for sender in senders.values():
            sender.stop()
        problems += [f"{name}: {sender.error}" for name, sender in senders.items() if sender.error]
        judge = Judge(
            self.arrivals, self.far_ends, marks, senders, Guarantee.AT_LEAST_ONCE, repeats=lambda: REPEATED_ALERTS
        )
        verdicts, took_s = settled(judge, self.arrivals)
        print(f"  settled in {took_s:.0f} s, load average {os.getloadavg()[0]:.1f}")
        for verdict in verdicts:
            print(f"  {verdict}", flush=True)
        return [*problems, *(str(verdict) for verdict in broken(verdicts))]

    def _not_well(self) -> list[str]:
        """What does not run after minutes."""
        try:
            took_s = wait_for("well", lambda: not self.platform.run("status", "--check").returncode, WELL_S, pause_s=2)
        except TimeoutError:
            lines = self.platform.run("status", "--check").stderr.strip().splitlines()
            return [f"not well after {WELL_S:.0f} s: {line}" for line in lines[-5:]]
        print(f"  all well after {took_s:.0f} s", flush=True)
        return []


@contextmanager
def platform_trial(share: float, **values: str) -> Iterator[PlatformTrial]:
    """Start a platform with all pipelines and without demo data, and what writes and reads.

    Args:
        share: the part of the usual rates (`RATES`) to write.
        values: settings of the platform.
    """
    with ExitStack() as stack:
        platform = stack.enter_context(own_platform(PROJECT, **values))
        platform.succeed("up", "--no-demo", "--yes", "--ports", "auto")
        print(f"platform ready, load average {os.getloadavg()[0]:.1f}", flush=True)
        settings = platform.settings
        arrivals = Arrivals(settings.endpoints.as_json()["kafka"], TOPICS)
        stack.callback(arrivals.close)
        far_ends = FarEnds(settings, [place.bucket for route in ROUTES.values() for place in route if place.bucket])
        stack.callback(far_ends.close)
        yield PlatformTrial(platform, arrivals, far_ends, {name: Sender(rate * share) for name, rate in RATES.items()})


def report(problems: list[str]) -> int:
    """Print the problems; returns the exit code."""
    print(f"{len(problems)} problems" if problems else "nothing failed, nothing lost")
    for problem in problems:
        print(f"  {problem}")
    return int(bool(problems))


def stay(seconds: float) -> None:
    """Let time pass while the platform works, or does not."""
    time.sleep(seconds)
