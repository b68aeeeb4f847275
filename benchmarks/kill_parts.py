"""Kills a part of the platform with -9 at a random moment under load; counts lost and duplicated records.

    python -m benchmarks.kill_parts --rounds 5 --rate 500 ksqldb connect alerts broker

Every rating has an id in its MESSAGE and causes an alert, which is counted in the inbox. For Connect, rows of
CUSTOMERS are updated meanwhile and counted on the rekeyed topic.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pymysql
from confluent_kafka import Consumer, TopicPartition

from benchmarks.platform import Inbox, RatingsProducer, paced, pid_of, status, wait_for
from benchmarks.sink_trial import SinkTrial
from bifrost import settings as project_settings

PLATINUM_USER = 14
UPDATED_CUSTOMER = 19
LOAD_S = 20.0
SINK_PARTS = ("connect", "search", "s3")


@dataclass(frozen=True)
class Round:
    """The result of one round."""

    sent: int
    lost: int
    duplicated: int
    recovered_s: float


@dataclass(frozen=True)
class SinkRound:
    """The result of one round of both sinks."""

    sent: int
    documents: int
    objects: int
    same_objects: int
    other_objects: int
    recovered_s: float


def main() -> None:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=500)
    args = parser.parse_args()
    for part in args.parts:
        for number in range(1, args.rounds + 1):
            for result in rounds(part, args.rate):
                print(f"{part} round {number}: {result}", flush=True)


def rounds(part: str, rate: float) -> Iterator[Round | SinkRound]:
    """The rounds that show the effect of killing a part."""
    if part in SINK_PARTS:
        yield sink_round(part, rate)
    if part == "connect":
        yield cdc_round(part)
    elif part not in SINK_PARTS:
        yield alert_round(part, rate)


def alert_round(part: str, rate: float) -> Round:
    """Kill a part while ratings flow, and wait for every alert."""
    endpoints = status()["endpoints"]
    producer, inbox = RatingsProducer(endpoints), Inbox(endpoints)
    run, count = uuid.uuid4().hex[:8], int(rate * LOAD_S)
    killer = kill_later(part, random.uniform(0.2, 0.8) * LOAD_S)
    for index in paced(rate, count):
        producer.send(index, PLATINUM_USER, 1, f"kill-{run}-{index}-")
    killer.join()
    unsent = producer.flush() + producer.errors
    pattern = re.compile(rf"kill-{run}-(\d+)-")

    def arrived() -> Counter[int]:
        found = (pattern.search(message["text"]) for message in inbox.messages())
        return Counter(int(match[1]) for match in found if match)

    took = settle(lambda: len(arrived()) >= count - unsent)
    seen = arrived()
    return Round(count - unsent, count - unsent - len(seen), sum(seen.values()) - len(seen), took)


def cdc_round(part: str) -> Round:
    """Kill Connect while rows change, and wait for every change on the rekeyed topic."""
    endpoints = status()["endpoints"]
    run, count = uuid.uuid4().hex[:8], int(100 * LOAD_S)
    consumer = Consumer(
        {"bootstrap.servers": endpoints["kafka"], "group.id": f"kill-{run}", "enable.auto.commit": False}
    )
    end = consumer.get_watermark_offsets(TopicPartition("CUSTOMERS_SRC_REKEY", 0), timeout=10)[1]
    consumer.assign([TopicPartition("CUSTOMERS_SRC_REKEY", 0, end)])
    killer = kill_later(part, random.uniform(0.2, 0.8) * LOAD_S)
    with connect(endpoints["mysql"]) as database, database.cursor() as cursor:
        for index in paced(100, count):
            cursor.execute("UPDATE CUSTOMERS SET comments=%s WHERE id=%s", (f"k-{run}-{index}-", UPDATED_CUSTOMER))
    killer.join()
    pattern = re.compile(rb"k-" + run.encode() + rb"-(\d+)-")
    seen: Counter[int] = Counter()

    def arrived() -> bool:
        for message in consumer.consume(5000, 0.2):
            match = pattern.search(message.value() or b"")
            if match:
                seen[int(match[1])] += 1
        return len(seen) >= count

    took = settle(arrived)
    consumer.close()
    return Round(count, count - len(seen), sum(seen.values()) - len(seen), took)


def sink_round(part: str, rate: float) -> SinkRound:
    """Kill a part while ratings flow through both sinks, and count the contents of index and bucket."""
    count = int(rate * LOAD_S)
    with SinkTrial(project_settings.load()) as trial:
        trial.both_sinks()
        killer = kill_later(part, random.uniform(0.2, 0.8) * LOAD_S)
        for number in paced(rate, count):
            trial.send([number])
        trial.flush()
        killer.join()
        expected = trial.expected_objects(count)
        took = settle(
            lambda: trial.documents() >= count and trial.object_count() >= len(expected) and trial.objects() == expected
        )
        found = trial.objects()
        same = sum(found.get(name) == rows for name, rows in expected.items())
        return SinkRound(count, trial.documents(), len(expected), same, len(found) - same, took)


def connect(url: str) -> pymysql.Connection:
    """A connection to the database of an endpoint `mysql://user:password@host:port/database`."""
    match = re.fullmatch(r"mysql://([^:]+):([^@]+)@([^:]+):(\d+)/(\w+)", url)
    if match is None:
        raise ValueError(f"not a mysql URL: {url}")
    user, password, host, port, database = match.groups()
    return pymysql.connect(host=host, port=int(port), user=user, password=password, database=database, autocommit=True)


def settle(condition) -> float:  # type: ignore[no-untyped-def]
    """Seconds until the condition holds; the deadline if it never does, and the round then shows a loss."""
    try:
        return wait_for("everything at the far end", condition, 180)
    except TimeoutError:
        return 180.0


def kill_later(part: str, delay_s: float) -> threading.Timer:
    """Kill the part's process with -9 after a random time."""
    pid = pid_of(part)
    if pid is None:
        raise RuntimeError(f"{part} is not running")
    timer = threading.Timer(delay_s, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer


if __name__ == "__main__":
    main()
