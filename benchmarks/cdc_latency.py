"""Measures the time from an UPDATE in MariaDB to the first joined rating that shows it.

    python -m benchmarks.cdc_latency --count 40

A rating of the customer is sent every 20 ms. The time runs from the commit of the UPDATE to the record of
`ratings-with-customer-data` with the new e-mail address.
"""

from __future__ import annotations

import argparse
import threading
import time
import uuid

from confluent_kafka import Consumer, TopicPartition

from benchmarks.kill_parts import UPDATED_CUSTOMER, connect
from benchmarks.platform import RatingsProducer, percentile, status

TOPIC = "ratings-with-customer-data"


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
    print(f"{len(values)} updates: p50 {percentile(values, 0.5):.0f} ms, slowest {max(values):.0f} ms")


def _measure(endpoints: dict[str, str], count: int) -> list[float]:
    group = f"cdc-{uuid.uuid4().hex}"
    consumer = Consumer({"bootstrap.servers": endpoints["kafka"], "group.id": group, "fetch.wait.max.ms": 10})
    end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=10)[1]
    consumer.assign([TopicPartition(TOPIC, 0, end)])
    values = []
    with connect(endpoints["mysql"]) as database, database.cursor() as cursor:
        for _ in range(count):
            mail = f"{uuid.uuid4().hex[:12]}@example.com"
            cursor.execute("UPDATE CUSTOMERS SET email=%s WHERE id=%s", (mail, UPDATED_CUSTOMER))
            begin = time.perf_counter()
            _await(consumer, mail.encode())
            values.append((time.perf_counter() - begin) * 1000)
    consumer.close()
    return values


def _await(consumer: Consumer, mail: bytes) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and mail in (message.value() or b""):
            return
    raise TimeoutError("the update did not reach a joined rating within 30 s")


def _send_ratings(producer: RatingsProducer, done: threading.Event) -> None:
    index = 0
    while not done.wait(0.02):
        producer.send(index, UPDATED_CUSTOMER, 5, "cdc latency")
        index += 1
    producer.flush()


if __name__ == "__main__":
    main()
