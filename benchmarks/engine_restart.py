"""Measures a restart of the engine with a large table: from a kill to the next joined row.

    scripts/deploy.py up ratings
    python -m benchmarks.engine_restart --customers 1000000

A stream is joined to a table of this many customers. Once the table is loaded, the program kills the engine with -9,
sends one more rating and waits for its joined row. The log of `ksqldb` shows the progress of the restore.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import time
import uuid

from confluent_kafka import Consumer, TopicPartition

from benchmarks.engine_latency import send
from benchmarks.platform import pid_of, wait_for
from benchmarks.throughput.contenders import Engine
from benchmarks.throughput.workload import PARTITIONS, Loader
from bifrost.clients.kafka import TopicDescription
from bifrost.settings import load

RATINGS = 1_000


def main() -> None:
    """Run the measurement and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    settings, args = load(), parser.parse_args()
    loader = Loader(settings)
    workload = loader.load(uuid.uuid4().hex[:6], RATINGS, args.customers)
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    loader.admin.create(TopicDescription(topic, PARTITIONS, 1))
    reader = Consumer({**settings.kafka_client(), "group.id": topic, "enable.auto.commit": False})
    reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    seen = 0

    def arrived(count: int) -> bool:
        nonlocal seen
        seen += sum(message.error() is None for message in reader.consume(RATINGS, 0.1))
        return seen >= count

    with Engine(settings).query("join", workload, topic):
        first = wait_for("the table and the ratings", lambda: arrived(RATINGS))
        print(f"first start, {args.customers:,} customers: {first:.1f} s to {RATINGS:,} joined rows", flush=True)
        time.sleep(1)  # wait for a commit after the last row
        os.kill(pid_of("ksqldb") or 0, signal.SIGKILL)
        started = time.monotonic()
        multiprocessing.Process(target=send, args=(settings, workload.ratings, 1, 1)).start()
        wait_for("the row of a rating sent after the kill", lambda: arrived(RATINGS + 1))
        print(f"restart after a kill: {time.monotonic() - started:.1f} s to the next joined row", flush=True)
        wait_for("the engine's process", lambda: pid_of("ksqldb") is not None)
    loader.drop(workload)
    reader.close()


if __name__ == "__main__":
    main()
