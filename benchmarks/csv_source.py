"""Loads a long CSV file through the running Connect worker into a separate topic, and counts the records.

    python -m benchmarks.csv_source              rows per second, and the cores that each process uses
    python -m benchmarks.csv_source --kills 5    kill the worker with -9 while it reads, five rounds

Each run has its own folder, connector and topic, which it removes at the end; the connector is that of the orders with
another folder and topic. Delivery is exactly once if a read_committed consumer finds each row once, in the file's
order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.platform import pid_of, status, wait_for
from bifrost import settings as project_settings
from bifrost.clients import connect
from bifrost.errors import RemoteError
from bifrost.generators.orders import orders, write_file
from bifrost.settings import PROJECT

DECLARED = PROJECT / "connectors" / "orders" / "csv-source-orders.json"
PARTS = ("connect", "broker", "schema_registry")
KEY_HEAD = 5
"""Number of bytes that precede a record's Avro in Confluent's wire format."""


@dataclass(frozen=True, slots=True)
class Run:
    """A connector with its own folder and topic."""

    name: str
    folder: Path
    bootstrap: str

    def drop(self, rows: int) -> int:
        """Drop a file with this many rows, written elsewhere before; return its size in bytes."""
        path = write_file(self.folder, "orders.csv", islice(orders(seed=1), rows))
        size = path.stat().st_size
        path.rename(self.folder / "source" / path.name)
        return size

    def count(self) -> int:
        """The end offset of the topic's committed records; transaction markers count too."""
        consumer = self._consumer()
        try:
            return int(consumer.get_watermark_offsets(TopicPartition(self.name, 0), timeout=10)[1])
        except KafkaException:
            return 0  # the broker does not answer
        finally:
            consumer.close()

    def is_finished(self) -> bool:
        """Whether the file was moved, which happens after its last commit."""
        return (self.folder / "finished" / "orders.csv").exists()

    def ids(self) -> Iterator[int]:
        """The order ids of all committed records, in the topic's order."""
        consumer = self._consumer()
        consumer.assign([TopicPartition(self.name, 0, 0)])
        while True:
            for message in consumer.consume(10_000, timeout=1.0):
                if message.error() is not None:  # end of the topic
                    consumer.close()
                    return
                yield zigzag((message.key() or b"")[KEY_HEAD:])

    def _consumer(self) -> Consumer:
        options = {"bootstrap.servers": self.bootstrap, "group.id": self.name, "auto.offset.reset": "earliest"}
        return Consumer({**options, "isolation.level": "read_committed", "enable.partition.eof": True})


def zigzag(encoded: bytes) -> int:
    """Read an Avro long."""
    number = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(encoded))
    return (number >> 1) ^ -(number & 1)


@contextmanager
def connector(batch_size: int | None) -> Iterator[Run]:
    """A run with a running connector; removes everything that it created."""
    settings = project_settings.load()
    name = f"csv-bench-{uuid.uuid4().hex[:8]}"
    run = Run(name, Path(tempfile.mkdtemp(prefix=name)), status()["endpoints"]["kafka"])
    for part in ("source", "finished", "error"):
        (run.folder / part).mkdir()
    config = json.loads(DECLARED.read_text(encoding="utf-8"))
    # The declared class is the vendor's; the embedded target replaces it with this one.
    config["connector.class"] = "bifrost.connect.spooldir.SpoolDirCsvSourceConnector"
    config |= {"topic": name, **{f"{part}.path": str(run.folder / part) for part in ("finished", "error")}}
    config["input.path"] = str(run.folder / "source")
    if batch_size:
        config["batch.size"] = str(batch_size)
    admin = AdminClient({"bootstrap.servers": run.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    with connect.from_settings(settings) as client:
        try:
            client.put(name, config)
            wait_for("the connector", lambda: is_running(client, name))
            yield run
        finally:
            client.delete(name)
            admin.delete_topics([name])[name].result()
            shutil.rmtree(run.folder)


def is_running(client: connect.ConnectClient, name: str) -> bool:
    """Whether the connector's only task runs."""
    try:
        found = client.status(name)
    except RemoteError:
        return False
    return found is not None and [task.state for task in found.tasks] == ["RUNNING"]


def speed(rows: int, batch_size: int | None) -> None:
    """Print how fast the rows of one file become committed records."""
    with connector(batch_size) as run:
        run.drop(20_000)  # warm-up: the JVM compiles the code
        wait_for("the first file", run.is_finished)
        (run.folder / "finished" / "orders.csv").unlink()
        processes = {part: pid_of(part) or 0 for part in PARTS}
        before = run.count()
        size = run.drop(rows)
        wait_for("the first rows", lambda: run.count() > before)
        started, busy = time.monotonic(), cpu_s(processes)
        first = run.count() - before
        wait_for("the last row", run.is_finished, 600)
        took = time.monotonic() - started
        used = {part: (now - busy[part]) / took for part, now in cpu_s(processes).items()}
    cores = ", ".join(f"{part} {share:.2f} cores" for part, share in used.items())
    rate = (rows - first) / took
    print(
        f"{rows} rows ({size / 1e6:.0f} MB): {rate:,.0f} rows/s, {rate * size / rows / 1e6:.1f} MB/s; {cores}; {load()}"
    )


def killed(rows: int) -> str:
    """Kill the worker once while it reads a file of this many rows; return what a consumer finds afterwards."""
    with connector(None) as run:
        pid = pid_of("connect")
        if pid is None:
            raise RuntimeError("connect is not running")
        run.drop(rows)
        at = random.uniform(0.05, 0.95) * rows
        wait_for("the rows before the kill", lambda: run.count() >= at, 600)
        os.kill(pid, signal.SIGKILL)
        reached, was_finished = run.count(), run.is_finished()
        took = wait_for("the end of the file", run.is_finished, 600)
        found = list(run.ids())
    lost, duplicated = rows - len(set(found)), len(found) - len(set(found))
    order = "in order" if found == sorted(found) else "NOT in order"
    late = ", after its end" if was_finished else ""
    counts = f"{rows} rows, {lost} lost, {duplicated} duplicated, {order}"
    return f"killed at row {reached}{late}; {counts}; done {took:.0f} s later; {load()}"


def cpu_s(processes: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds of each process, by component."""

    def used(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    return {part: used(pid) for part, pid in processes.items()}


def load() -> str:
    """The machine's load average, which is printed with each figure."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def main() -> None:
    """Measure the speed, or run the rounds with kills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch-size", type=int, help="overrides the declared batch.size")
    parser.add_argument("--kills", type=int, default=0, help="rounds with a kill; 0 measures the speed")
    args = parser.parse_args()
    if args.kills:
        for number in range(1, args.kills + 1):
            print(f"round {number}: {killed(args.rows)}", flush=True)
    else:
        speed(args.rows, args.batch_size)


if __name__ == "__main__":
    main()
