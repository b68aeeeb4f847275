"""Suspends a whole platform under load for some minutes, as a laptop that sleeps, and checks that nothing is lost.

    python -m benchmarks.suspended_platform --minutes 3

All processes are stopped (SIGSTOP) in the middle of a stream of ratings, and continue later: for each of them the
clocks have jumped, and all sessions, leases and timeouts have expired. Each rating is one alert, one row and one
document, from before and after; then everything declared must run, without a restart by a person.
Exit code 1 means that something was not so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import Inbox, RatingsProducer, paced, wait_for
from bifrost.clients import kafka, search

CUSTOMER = 14
RATE, COUNT = 20.0, 200
SETTLE_S = 240.0
TOPIC, INDEX = "UNHAPPY_PLATINUM_CUSTOMERS", "unhappy_platinum_customers"
_PROC = Path("/proc")


def tree_of(pid: int) -> Iterator[int]:
    """A process and all its descendants, parents first."""
    yield pid
    with suppress(OSError):
        for path in sorted((_PROC / str(pid) / "task").glob("*/children")):
            for child in path.read_text().split():
                yield from tree_of(int(child))


def suspend(platform: OwnPlatform, seconds: float) -> int:
    """Stop all processes of the platform, the supervisor first, and continue them later; returns their number."""
    pids = list(tree_of(platform.supervisor.pid()))
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        for pid in reversed(pids):
            _signal(pid, signal.SIGCONT)
    return len(pids)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def main() -> int:
    """Load, suspend, load, compare; return 1 if something is lost or does not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    args = parser.parse_args()
    with own_platform() as platform:
        platform.succeed("up", "--ports", "auto", "--no-demo")
        problems = list(problems_of_a_sleep(platform, args.minutes * 60))
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return int(bool(problems))


def problems_of_a_sleep(platform: OwnPlatform, seconds: float) -> Iterator[str]:
    """Send ratings, suspend the platform between two of them, send the rest; what is missing, doubled or stopped."""
    endpoints = platform.settings.endpoints.as_json()
    producer, inbox, run = RatingsProducer(endpoints), Inbox(endpoints), uuid.uuid4().hex[:8]
    marker = re.compile(rf"asleep-{run}-(\d+)-")
    first = first_alerts(platform, producer, inbox)
    pids_before = _pids(platform)
    for number in paced(RATE, COUNT):
        if number == COUNT // 2:
            print(f"{suspend(platform, seconds)} processes were suspended for {seconds:.0f} s", flush=True)
            woken = time.monotonic()
        producer.send(number, CUSTOMER, 1, f"asleep-{run}-{number}-")
    sent = COUNT - producer.flush() - producer.errors

    def alerts() -> Counter[str]:
        return Counter(found[0] for message in inbox.messages() if (found := marker.search(message["text"])))

    with suppress(TimeoutError):
        wait_for("the alerts", lambda: len(alerts()) >= sent, SETTLE_S, pause_s=1)
    print(
        f"{sent} ratings, {len(alerts())} alerts {time.monotonic() - woken:.0f} s after the end of the sleep",
        flush=True,
    )
    yield from _wrong_counts(platform, sent, first, alerts())
    with suppress(TimeoutError):
        wait_for("everything runs", lambda: bool(_status(platform).get("well")), SETTLE_S, pause_s=3)
    print(f"all well {time.monotonic() - woken:.0f} s after the end of the sleep", flush=True)
    found = _status(platform)
    if not found["well"]:
        yield f"{found['verdict']} {found['problems']}"
    restarted = [name for name, pid in _pids(platform).items() if pid != pids_before.get(name)]
    print(f"restarted: {', '.join(restarted) or 'nothing'}")
    for message in inbox.messages():
        if message.get("channel") == "platform":
            print(f"message: {message['text'][:200]}")


def first_alerts(platform: OwnPlatform, producer: RatingsProducer, inbox: Inbox) -> int:
    """Send ratings until the tables hold the customers; returns how many became alerts."""

    def is_alert() -> bool:
        producer.send(0, CUSTOMER, 1, "first")
        producer.flush()
        return bool(inbox.messages())

    wait_for("the first alert", is_alert, SETTLE_S, pause_s=3)
    time.sleep(5)
    return _rows(platform)


def _rows(platform: OwnPlatform) -> int:
    return sum(part.next for part in kafka.admin(platform.settings).offsets(TOPIC).values())


def _wrong_counts(platform: OwnPlatform, sent: int, first: int, alerts: Counter[str]) -> Iterator[str]:
    if len(alerts) != sent:
        yield f"{sent - len(alerts)} of {sent} ratings have no alert"
    if doubled := [text for text, count in alerts.items() if count > 1]:
        yield f"{len(doubled)} ratings have more than one alert: {doubled[:3]}"
    rows = _rows(platform) - first
    with search.from_settings(platform.settings) as engine:
        with suppress(TimeoutError):
            wait_for("the documents", lambda: engine.count(INDEX) >= first + sent, SETTLE_S, pause_s=1)
        documents = engine.count(INDEX) - first
    if (rows, documents) != (sent, sent):
        yield f"{sent} ratings have {rows} rows and {documents} documents"


def _pids(platform: OwnPlatform) -> dict[str, int | None]:
    return {status.name: status.pid for status in platform.supervisor.status()}


def _status(platform: OwnPlatform) -> dict[str, object]:
    found: dict[str, object] = json.loads(platform.run("status", "--json").stdout or "{}")
    return found


if __name__ == "__main__":
    sys.exit(main())
