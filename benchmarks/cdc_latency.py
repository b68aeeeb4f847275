"""Measures the time from an UPDATE in MariaDB to the first joined rating that shows it.

    python -m benchmarks.cdc_latency --count 40

A rating of the customer is sent every 20 ms. The time runs from the commit of the UPDATE to the record of
`ratings-with-customer-data` with the new e-mail address. On the way is Debezium's record of the changed row: what
comes before it is Debezium's own lag, what comes after it is the engine's part, waiting for the next rating included.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from benchmarks.kill_parts import UPDATED_CUSTOMER, connect
from benchmarks.platform import RatingsProducer, percentile, status

CHANGES, JOINED = "asgard.demo.CUSTOMERS", "ratings-with-customer-data"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the commit of an UPDATE to Debezium's record, and to the first joined rating."""

    record_ms: float
    joined_ms: float


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    args = parser.parse_args()
    endpoints = status()["endpoints"]
    done = threading.Event()
    sender = threading.Thread(target=_send_ratings, args=(RatingsProducer(endpoints), done))
    sender.start()
    try:
        values = _measure(endpoints, args.count)
    finally:
        done.set()
        sender.join()
    print(f"{len(values)} updates")
    _print("Debezium's own lag:", [value.record_ms for value in values])
    _print("to the joined rating:", [value.joined_ms for value in values])
    _print("the engine adds", [value.joined_ms - value.record_ms for value in values])


def _measure(endpoints: dict[str, str], count: int) -> list[Latency]:
    group = f"cdc-{uuid.uuid4().hex}"
    consumer = Consumer({"bootstrap.servers": endpoints["kafka"], "group.id": group, "fetch.wait.max.ms": 10})
    places = [
        TopicPartition(topic, partition)
        for topic in (CHANGES, JOINED)
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    values = []
    with connect(endpoints["mysql"]) as database, database.cursor() as cursor:
        for _ in range(count):
            mail = f"{uuid.uuid4().hex[:12]}@example.com"
            cursor.execute("UPDATE CUSTOMERS SET email=%s WHERE id=%s", (mail, UPDATED_CUSTOMER))
            values.append(_await(consumer, mail.encode(), time.perf_counter()))
    consumer.close()
    return values


def _await(consumer: Consumer, mail: bytes, begin: float) -> Latency:
    seen: dict[str, float] = {}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and mail in (message.value() or b""):
            seen.setdefault(message.topic() or "", (time.perf_counter() - begin) * 1000)
        if len(seen) == 2:
            return Latency(seen[CHANGES], seen[JOINED])
    raise TimeoutError(f"the update reached only {', '.join(seen) or 'no topic'} within 30 s")


def _print(what: str, values: list[float]) -> None:
    print(f"{what} p50 {percentile(values, 0.5):.0f} ms, slowest {max(values):.0f} ms")


def _send_ratings(producer: RatingsProducer, done: threading.Event) -> None:
    index = 0
    while not done.wait(0.02):
        producer.send(index, UPDATED_CUSTOMER, 5, "cdc latency")
        index += 1
    producer.flush()


if __name__ == "__main__":
    main()
