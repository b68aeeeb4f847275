"""Measures the engine with large tables: joins, memory, and restarts after a stop, a kill and the loss of the disk.

    python -m benchmarks.big_state --customers 1000 1000000 3000000

Ratings of random customers are joined to a table of so many of them, in a server with one worker. Once the table is
read and committed, the server is stopped, and started again after all ratings were sent: so only the join is measured.
The ratios compare with the first number of customers, in the same run.

A restart is measured from the start of the process to the joined row of a rating that was sent meanwhile, so it
includes the start of Python; `pull` is a table of as many rows, killed, to the first answer of a pull query. The CPU
seconds are those of the server until then: on a machine that has other work, they say more than the clock.
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
# Longer than the interval of commits, and than that of the copies of stores in memory.
_SETTLED_S = 15.0
_FIRST_RATINGS = 1_000
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
    first: tuple[float, float] | None = None
    for customers in args.customers:
        workload = loader.load(uuid.uuid4().hex[:6], _FIRST_RATINGS, customers)
        try:
            rates = joined(settings, loader, workload, customers, args.ratings)
            first = first or rates
            print(
                f"{customers:10,} customers: {rates[0] / first[0]:.2f} of the rows per second of the first, "
                f"{rates[1] / first[1]:.2f} of its rows per CPU second",
                flush=True,
            )
            pulled(settings, workload, customers)
        finally:
            loader.drop(workload)


def joined(settings: Settings, loader: Loader, workload: Workload, customers: int, ratings: int) -> tuple[float, float]:
    """Measures the join and its restarts; returns rows per second, and per CPU second of the server."""
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    loader.admin.create(TopicDescription(topic, PARTITIONS, 1))
    rows = RowCount(settings, topic)

    def reached(count: int) -> Callable[[], bool]:
        return lambda: rows.count() >= count

    with EngineServer(settings) as server, Engine(server.settings, server).query("join", workload, topic):
        loaded = wait_for("the first rows", reached(workload.count), _DEADLINE_S, pause_s=0.02)
        print(f"{customers:10,} customers: table read in {loaded:.1f} s, {memory(server.pid)}", flush=True)
        server.stop()
        loader.add_ratings(workload.ratings, ratings, customers)
        server.start()
        wait_for("a joined row", reached(workload.count + 1), _DEADLINE_S, pause_s=0.02)
        before, began, used = rows.count(), time.monotonic(), cpu_seconds(server.pid)
        wait_for("all joined rows", reached(workload.count + ratings), _DEADLINE_S, pause_s=0.02)
        seconds, cpu = time.monotonic() - began, cpu_seconds(server.pid) - used
        made = workload.count + ratings - before
        print(
            f"{customers:10,} customers: {made / seconds:9,.0f} rows/s, {made / cpu:9,.0f} rows per CPU second, "
            f"{memory(server.pid)}",
            flush=True,
        )
        for name, end in ENDS.items():
            time.sleep(_SETTLED_S)
            known = rows.count()
            end(server)
            began = time.monotonic()
            server.start()
            send(server.settings, workload.ratings, 1, 1)
            wait_for("the next joined row", reached(known + 1), _DEADLINE_S, pause_s=0.02)
            print(f"{customers:10,} customers: {since(began, server)} after {name}, {memory(server.pid)}", flush=True)
    rows.close()
    loader.admin.delete(topic)
    return made / seconds, made / cpu


def since(began: float, server: EngineServer) -> str:
    """The seconds since a start of the server, by the clock and of CPU."""
    return f"{time.monotonic() - began:5.1f} s ({cpu_seconds(server.pid):.1f} s of CPU)"


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
        time.sleep(_SETTLED_S)
        server.kill()
        began = time.monotonic()
        server.start()
        wait_for("an answer", answers, _DEADLINE_S, pause_s=0.02)
        print(f"{customers:10,} customers: {since(began, server)} from a kill to a pull query", flush=True)


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


def memory(pid: int | str = "self") -> str:
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
