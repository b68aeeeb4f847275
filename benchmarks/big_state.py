"""Measures the engine with large tables: joins, memory, and restarts after a stop, a kill and the loss of the disk.

    python -m benchmarks.big_state --customers 1000 1000000 3000000

Ratings of random customers are joined to a table of so many of them, in a server with one worker. The ratios compare
with the first number of customers, in the same run. A restart is measured from the start of the process to the joined
row of a rating that was sent meanwhile, so it includes the start of Python; `pull` is a table of as many rows, killed,
to the first answer of a pull query.
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from benchmarks.engine_latency import send
from benchmarks.engine_server import EngineServer, cpu_seconds
from benchmarks.platform import wait_for
from benchmarks.throughput.contenders import Engine
from benchmarks.throughput.workload import PARTITIONS, Loader, Workload
from bifrost.clients.kafka import TopicDescription
from bifrost.errors import BifrostError
from bifrost.settings import Settings, load

_DEADLINE_S = 1200.0
_COMMIT_S = 1.5
_TABLE = """
CREATE TABLE C (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='{customers}', VALUE_FORMAT='AVRO');
CREATE TABLE T AS SELECT * FROM C EMIT CHANGES;
"""


def main() -> None:
    """Run the measurement and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 1_000_000, 3_000_000])
    parser.add_argument("--ratings", type=int, default=500_000)
    parser.add_argument("--budget-mb", type=int, default=256)
    args = parser.parse_args()
    settings = load().with_values(KSQL_STATE_BUDGET_MB=str(args.budget_mb))
    loader = Loader(settings)
    first = 0.0
    for customers in args.customers:
        workload = loader.load(uuid.uuid4().hex[:6], args.ratings, customers)
        try:
            rate = joined(settings, loader, workload, customers)
            first = first or rate
            print(f"{customers:10,} customers: {rate / first:.2f} of the rows per second of the first", flush=True)
            pulled(settings, workload, customers)
        finally:
            loader.drop(workload)


def joined(settings: Settings, loader: Loader, workload: Workload, customers: int) -> float:
    """Measures the join and its restarts; returns rows per second."""
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    loader.admin.create(TopicDescription(topic, PARTITIONS, 1))
    rows = RowCount(settings, topic)
    with EngineServer(settings) as server, Engine(server.settings, server).query("join", workload, topic):
        loaded = wait_for("the first joined row", lambda: rows.count() > 0, _DEADLINE_S, pause_s=0.02)
        before, began, used = rows.count(), time.monotonic(), cpu_seconds(server.pid)
        wait_for("all joined rows", lambda: rows.count() >= workload.count, _DEADLINE_S, pause_s=0.02)
        seconds, cpu = time.monotonic() - began, cpu_seconds(server.pid) - used
        made = workload.count - before
        print(
            f"{customers:10,} customers: {made / seconds:9,.0f} rows/s, {made / cpu:9,.0f} rows per CPU second, "
            f"table read in {loaded:.1f} s, {memory(server.pid)}",
            flush=True,
        )
        for name, end in ENDS.items():
            time.sleep(_COMMIT_S)
            reached = rows.count()
            end(server)
            began = time.monotonic()
            server.start()
            send(server.settings, workload.ratings, 1, 1)
            wait_for("the next joined row", lambda: rows.count() > reached, _DEADLINE_S, pause_s=0.02)  # noqa: B023
            print(
                f"{customers:10,} customers: {time.monotonic() - began:5.1f} s after {name}, {memory(server.pid)}",
                flush=True,
            )
    rows.close()
    loader.admin.delete(topic)
    return made / seconds


def pulled(settings: Settings, workload: Workload, customers: int) -> None:
    """Measures how long pull queries have no answer after a kill."""
    with EngineServer(settings) as server:
        server.client.execute(_TABLE.format(customers=workload.customers), properties={"auto.offset.reset": "earliest"})
        found = 0

        def answers() -> bool:
            nonlocal found
            try:
                rows = server.client.pull(f"SELECT * FROM T WHERE ID = {random.randrange(customers)};")  # noqa: S608 - a number
            except BifrostError:
                return False
            found += len(rows)
            return bool(rows)

        for _ in range(20):
            wait_for("the table", answers, _DEADLINE_S)
        time.sleep(_COMMIT_S)
        server.kill()
        began = time.monotonic()
        server.start()
        wait_for("an answer", answers, _DEADLINE_S, pause_s=0.02)
        print(f"{customers:10,} customers: {time.monotonic() - began:5.1f} s from a kill to a pull query", flush=True)


class RowCount:
    """Counts the rows of a result from the ends of its partitions."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._consumer = Consumer({**settings.kafka_client(), "group.id": topic})
        self._topic = topic

    def count(self) -> int:
        """The number of rows so far."""
        places = (TopicPartition(self._topic, number) for number in range(PARTITIONS))
        return sum(self._consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)

    def close(self) -> None:
        """Closes the client."""
        self._consumer.close()


def memory(pid: int) -> str:
    """The memory of a process: its own, and the pages of files, which the system takes back when needed."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {
        name: int(value.split()[0]) // 1024
        for name, _, value in (line.partition(":") for line in lines)
        if "Rss" in name
    }
    return f"{found['RssAnon']} MB and {found['RssFile']} MB of files"


def _lose_disk(server: EngineServer) -> None:
    server.kill()
    server.delete_state()


ENDS: dict[str, Callable[[EngineServer], object]] = {
    "a stop": EngineServer.stop,
    "a kill": EngineServer.kill,
    "the loss of the disk": _lose_disk,
}
"""How a server ends before a restart."""


if __name__ == "__main__":
    main()
