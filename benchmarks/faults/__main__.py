"""Disturbs a whole platform under load, and compares every far end with what was sent.

    python -m benchmarks.faults --rounds 100 --seed 1
    python -m benchmarks.faults --rounds 20 --seed 7 --share 0.2 --guarantee at_least_once --only ratings frames

It starts its own platform with all pipelines, and writes ratings, Wi-Fi frames, syslog lines, CSV files and rows of
all three databases. Each round kills (-9) or stops (SIGSTOP, 5 to 40 s) a part, or cuts the connections to an HTTP
server with a proxy that drops, delays, and answers with errors and by half. The next round follows after 3 to 12 s, and
may overlap it. The sequence depends on the seed alone. After each batch of rounds, the far ends have time to settle;
then each place is compared with the one before it: lost, doubled and out of order, by guarantee. Exit code 1 means that
a guarantee was broken, or that something did not run again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.changes.change import ProjectCopy
from benchmarks.fault_proxy import FaultProxy, HttpFault
from benchmarks.faults.far_ends import Arrivals, FarEnds
from benchmarks.faults.injector import Injector
from benchmarks.faults.loads import LOADS, PLATFORM_SETTINGS, RATES
from benchmarks.faults.marks import Marks
from benchmarks.faults.plan import CUT_PARTS, Fault, FaultKind, planned_faults
from benchmarks.faults.sender import Sender
from benchmarks.faults.trial import ROUTES, TOPICS, Judge, settled
from benchmarks.faults.verdict import Guarantee, HopVerdict, broken
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for
from bifrost.clients import connect
from bifrost.errors import BifrostError

PARTS = (
    "broker",
    "connect",
    "ksqldb",
    "schema_registry",
    "search",
    "s3",
    "alerts",
    "mariadb",
    "postgres",
    "mongodb",
)
EXACTLY_ONCE = "exactly_once_v2"
OFFSET_RESET = "SET 'auto.offset.reset' = 'earliest';\n"
WELL_S = 300.0
SENT_ANYWAY = (HttpFault.LOST_ANSWER, HttpFault.LOST_IN_500, HttpFault.HALF_ANSWER)
"""A message whose answer was lost is sent again: the inbox has it twice."""


def main() -> int:
    """Run the rounds and print a table per batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--batch", type=int, default=10, help="rounds between two comparisons (default 10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="the share of the usual rates to send (default 1.0)")
    parser.add_argument("--guarantee", default=EXACTLY_ONCE, choices=[EXACTLY_ONCE, "at_least_once"])
    parser.add_argument("--only", nargs="*", choices=list(LOADS), default=list(LOADS), help="the loads to send")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="the parts to kill and stop")
    parser.add_argument("--kinds", nargs="*", choices=[kind.name for kind in FaultKind], default=FaultKind.__members__)
    args = parser.parse_args()
    kinds = [FaultKind[name] for name in args.kinds]
    faults = islice(planned_faults(args.seed, args.parts, kinds), args.rounds)
    rates = {name: RATES[name] * args.share for name in args.only}
    problems: list[str] = []
    with running_platform(args.guarantee, args.seed) as subject, subject.trials(rates, args.guarantee) as trials:
        number = 0
        while batch := list(islice(faults, args.batch)):
            number += 1
            problems += [f"batch {number}: {problem}" for problem in trials.run(number, batch)]
    print(f"{args.rounds} rounds, seed {args.seed}: " + (f"{len(problems)} problems" if problems else "nothing broken"))
    for problem in problems:
        print(f"  {problem}")
    return int(bool(problems))


@dataclass(frozen=True, slots=True)
class Subject:
    """A platform with proxies in front of its inbox, search and S3."""

    platform: OwnPlatform
    proxies: dict[str, FaultProxy]

    @contextmanager
    def trials(self, rates: Mapping[str, float], guarantee: str) -> Iterator[Trials]:
        """Readers and writers of this platform."""
        settings = self.platform.settings
        buckets = [place.bucket for route in ROUTES.values() for place in route if place.bucket]
        with ExitStack() as stack:
            arrivals = Arrivals(settings.endpoints.as_json()["kafka"], TOPICS)
            stack.callback(arrivals.close)
            far_ends = FarEnds(settings, buckets)
            stack.callback(far_ends.close)
            queries = Guarantee.EXACTLY_ONCE if guarantee == EXACTLY_ONCE else Guarantee.AT_LEAST_ONCE
            senders = {name: Sender(rate) for name, rate in rates.items()}
            yield Trials(self, arrivals, far_ends, senders, queries)


@dataclass(frozen=True, slots=True)
class Trials:
    """Runs one batch after another on a platform."""

    subject: Subject
    arrivals: Arrivals
    far_ends: FarEnds
    senders: dict[str, Sender]
    queries: Guarantee

    def run(self, number: int, faults: list[Fault]) -> list[str]:
        """Run a batch of faults; returns what was broken, after printing the table of its hops."""
        marks = Marks(uuid.uuid4().hex[:8])
        self.arrivals.begin(marks)
        for name, sender in self.senders.items():
            sender.start(LOADS[name](self.subject.platform.settings, marks))
        before = self._sent_anyway()
        count = self._inject(number, faults)
        problems = self._stop_senders()
        judge = Judge(
            self.arrivals,
            self.far_ends,
            marks,
            self.senders,
            self.queries,
            lambda: count + self._sent_anyway() - before,
        )
        verdicts, took_s = settled(judge, self.arrivals)
        problems += self._not_well()
        _print_table(number, verdicts, took_s)
        for problem in problems:
            print(f"  {problem}", flush=True)
        return [*problems, *(str(verdict) for verdict in broken(verdicts))]

    def _inject(self, number: int, faults: list[Fault]) -> int:
        """Carry the faults out; returns how many there were."""
        injector = Injector(self.subject.platform.supervisor, self.subject.proxies)
        begin, count = time.monotonic(), 0
        for fault in faults:
            done = injector.inject(fault)
            count += done
            skipped = "" if done else "  (skipped: it is not running)"
            print(f"batch {number} {time.monotonic() - begin:6.1f} s  {fault}{skipped}", flush=True)
            time.sleep(fault.gap_s)
        injector.await_end()
        return count

    def _stop_senders(self) -> list[str]:
        for sender in self.senders.values():
            sender.stop()
        return [f"{name}: {sender.error}" for name, sender in self.senders.items() if sender.error]

    def _sent_anyway(self) -> int:
        counts = self.subject.proxies["inbox"].counts
        return sum(counts[fault] for fault in SENT_ANYWAY)

    def _not_well(self) -> list[str]:
        """What does not run, minutes after the last fault."""
        platform = self.subject.platform
        try:
            took_s = wait_for("well", lambda: platform.run("status", "--check").returncode == 0, WELL_S, pause_s=2)
        except TimeoutError:
            lines = platform.run("status", "--check").stderr.strip().splitlines()
            return [f"not well after {WELL_S:.0f} s: {line}" for line in lines[-5:]]
        print(f"  all well after {took_s:.0f} s more", flush=True)
        return []


@contextmanager
def running_platform(guarantee: str, seed: int) -> Iterator[Subject]:
    """A platform of this benchmark with all pipelines, whose connections to HTTP servers lead through proxies."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bifrost-faults-"))
        project = ProjectCopy(Path(folder) / "project")
        if guarantee == EXACTLY_ONCE:
            for file in sorted((project.root / "ksql").glob("*.sql")):
                name = f"ksql/{file.name}"
                if OFFSET_RESET in file.read_text(encoding="utf-8"):
                    project.text(name, OFFSET_RESET, f"{OFFSET_RESET}SET 'processing.guarantee' = '{EXACTLY_ONCE}';\n")
        proxies = {name: stack.enter_context(FaultProxy("", seed + i, 0.0)) for i, name in enumerate(CUT_PARTS)}
        inbox = f"{proxies['inbox'].address}/"
        platform = stack.enter_context(own_platform(project.root, SLACK_API_URL=inbox, **PLATFORM_SETTINGS))
        platform.succeed("up", "--no-demo", "--ports", "auto", "--only", "topic:ratings")
        urls = platform.settings.endpoints.as_json()
        for name, endpoint in (("inbox", "console"), ("search", "search"), ("s3", "s3")):
            proxies[name].url = urls[endpoint]
        platform.succeed("up", "--no-demo", "--yes")
        _redirect_sinks(platform, proxies)
        print(f"platform ready, load average {os.getloadavg()[0]:.1f}", flush=True)
        yield Subject(platform, proxies)


def _redirect_sinks(platform: OwnPlatform, proxies: Mapping[str, FaultProxy]) -> None:
    """Let the sinks reach search and S3 through the proxies."""
    client = connect.from_settings(platform.settings)
    with closing(client):
        for name, config in client.configs().items():
            new = {
                key: proxies["search" if key == "connection.url" else "s3"].address
                for key in ("connection.url", "store.url")
                if "${env:ELASTICSEARCH_URL}" in config.get(key, "") or "${env:S3_ENDPOINT}" in config.get(key, "")
            }
            if new:
                client.put(name, {**config, **new})


def _print_table(number: int, verdicts: list[HopVerdict], took_s: float) -> None:
    print(f"batch {number}: settled in {took_s:.0f} s, load average {os.getloadavg()[0]:.1f}")
    for verdict in verdicts:
        print(f"  {verdict}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
