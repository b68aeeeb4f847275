"""Feeds bad input of every kind into a running platform, while its demo load runs, and accounts for each of it.

    scripts/deploy.py up
    python -m benchmarks.bad_input --minutes 60

Ends with the states of all connectors, tasks, queries, services and components, and with an account per kind: how many
were sent, and where each was accounted for (a row, a dead letter, the processing log, an error file, an HTTP error).
Exit code 1 if something does not run or was restarted, or if an input is missing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from benchmarks.bad_input import health
from benchmarks.bad_input.databases import MariaDbRows, MongoDocuments, PostgresRows
from benchmarks.bad_input.files_and_lines import CsvFiles, Frames, SyslogLines
from benchmarks.bad_input.kafka_records import AlertRecords, KafkaRecords
from benchmarks.bad_input.ledger import Ledger
from benchmarks.bad_input.requests_and_messages import BotMessages, HttpRequests, Statements
from benchmarks.platform import status
from bifrost import settings as project_settings
from bifrost.alerts import read_alerts
from bifrost.clients import ksqldb, schema_registry
from bifrost.deployer.declared.files import read_connectors
from bifrost.deployer.declared.on_error import raise_error
from bifrost.settings import PROJECT, Settings

LAST_S = 180.0
"""How long the last inputs may take to be accounted for."""


class Feed(Protocol):
    """One place where bytes or text come in."""

    def start(self) -> None:
        """Prepare the platform for the accounts."""

    def send(self, rng: random.Random) -> None:
        """Send bad input of every kind once."""

    def collect(self) -> None:
        """Account for what has arrived since."""

    def close(self) -> None:
        """Remove what `start` and `send` left."""


def main() -> None:
    """Feed for the given time, wait for the last accounts, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two rounds of all kinds")
    parser.add_argument("--seed", type=int, default=0, help="0: random")
    parser.add_argument("--only", nargs="*", choices=sorted(FEEDS), default=list(FEEDS), help="places to feed")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    args = parser.parse_args()
    seed = args.seed or random.SystemRandom().randrange(1, 10**9)
    before = status()
    if not before["running"] or (problems := health.not_running(before)):
        raise SystemExit("\n".join(("the platform must run, and all of it be well, before", *(problems or ()))))
    ledger, settings = Ledger(), project_settings.load()
    began = time.monotonic()
    with ExitStack() as stack:
        feeds = [FEEDS[name](settings, ledger, stack) for name in args.only]
        for feed in feeds:
            stack.callback(feed.close)
            feed.start()
        rounds = _feed(feeds, random.Random(seed), args.minutes * 60, args.pause)
        _await_accounts(feeds, ledger)
    result = _result(before, status(), ledger, {"seed": seed, "rounds": rounds, "minutes": _minutes(began)})
    print(json.dumps(result) if args.json else _text(result))
    sys.exit(not result["well"])


def _feed(feeds: Sequence[Feed], rng: random.Random, seconds: float, pause_s: float) -> int:
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for feed in feeds:
            feed.send(rng)
        for feed in feeds:
            feed.collect()
        rounds += 1
        print(f"round {rounds}", file=sys.stderr, flush=True)
        time.sleep(min(pause_s, max(end - time.monotonic(), 0)))
    return rounds


def _await_accounts(feeds: Sequence[Feed], ledger: Ledger) -> None:
    end = time.monotonic() + LAST_S
    while ledger.awaited() and time.monotonic() < end:
        for feed in feeds:
            feed.collect()
        time.sleep(1)


def _minutes(began: float) -> float:
    return round((time.monotonic() - began) / 60, 1)


def _result(before: health.Status, now: health.Status, ledger: Ledger, run: dict[str, Any]) -> dict[str, Any]:
    problems = [*health.not_running(now), *health.changed_since(before, now)]
    return {
        **run,
        "well": not problems and ledger.is_complete(),
        "running": health.counts(now),
        "problems": problems,
        "kinds": {kind: account.as_json() for kind, account in sorted(ledger.kinds.items())},
    }


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['minutes']} minutes, {result['rounds']} rounds, seed {result['seed']}"]
    for kind, account in result["kinds"].items():
        where = ", ".join(f"{count} {place}" for place, count in sorted(account["accounted"].items()))
        faults = [f"{account['missing']} MISSING"] * bool(account["missing"])
        faults += [f"{account['wrong_count']} WRONG"] * bool(account["wrong_count"])
        lines.append(f"{kind:<48} {account['sent']:>7} sent: {', '.join(part for part in (where, *faults) if part)}")
        lines += [f"    {text}" for text in (*account["examples"], *account["wrong"])]
    sent = sum(account["sent"] for account in result["kinds"].values())
    missing = sum(account["missing"] for account in result["kinds"].values())
    wrong = sum(account["wrong_count"] for account in result["kinds"].values())
    lines.append(f"{sent} sent, {missing} missing, {wrong} with a wrong outcome")
    lines.append("running: " + ", ".join(f"{name} {count}" for name, count in result["running"].items()))
    return "\n".join((*lines, *(f"PROBLEM {problem}" for problem in result["problems"])))


def _kafka_records(settings: Settings, ledger: Ledger, stack: ExitStack) -> Feed:
    ksql = stack.enter_context(ksqldb.from_settings(settings))
    registry = stack.enter_context(schema_registry.from_settings(settings))
    sinks = [connector for connector in read_connectors(PROJECT / "connectors") if connector.is_sink]
    sink_topics = {topic for connector in sinks for topic in connector.topics}
    return KafkaRecords(settings.endpoints.kafka, ksql, registry, ledger, sink_topics)


def _alert_records(settings: Settings, ledger: Ledger, _stack: ExitStack) -> Feed:
    dead_letters: dict[str, list[str]] = {}
    for alert in read_alerts(PROJECT / "alerts", raise_error):
        dead_letters.setdefault(alert.topic, []).append(alert.dead_letter_topic)
    return AlertRecords(settings.endpoints.kafka, dead_letters, ledger)


FEEDS: dict[str, Callable[[Settings, Ledger, ExitStack], Feed]] = {
    "records": _kafka_records,
    "alerts": _alert_records,
    "mariadb": lambda settings, ledger, _: MariaDbRows(settings, settings.endpoints.kafka, ledger),
    "postgres": lambda settings, ledger, _: PostgresRows(settings, settings.endpoints.kafka, ledger),
    "mongodb": lambda settings, ledger, _: MongoDocuments(settings, settings.endpoints.kafka, ledger),
    "csv": lambda settings, ledger, _: CsvFiles(settings, ledger),
    "syslog": lambda settings, ledger, _: SyslogLines(settings, settings.endpoints.kafka, ledger),
    "frames": lambda settings, ledger, _: Frames(settings, ledger),
    "http": lambda settings, ledger, _: HttpRequests(settings.endpoints.as_json(), ledger),
    "statements": lambda settings, ledger, _: Statements(settings.endpoints.as_json(), ledger),
    "bot": lambda settings, ledger, _: BotMessages(settings.endpoints.as_json(), ledger),
}


if __name__ == "__main__":
    main()
