"""Reads a long table of the running platform's MariaDB with the JDBC source and with CDC, and counts the records.

    python -m benchmarks.jdbc_source                      rows per second and per CPU second of the worker, by mode
    python -m benchmarks.jdbc_source --batch-rows 100 2000
    python -m benchmarks.jdbc_source --starts 5           start of a worker with and without the plugin

Each run has its own connector and topic, which it removes at the end. All rows exist before a connector starts; the
rate counts from the first record to the last. CDC reads them as its snapshot. A worker that is started for its time
has its own group, port and topics, and is stopped when its API answers.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import requests
from confluent_kafka import TopicPartition

from benchmarks.csv_source import load
from benchmarks.idle_cost import usage_of
from benchmarks.platform import pid_of, status, wait_for
from bifrost import settings as project_settings
from bifrost.clients import connect, kafka
from bifrost.default_settings import LOOPBACK
from bifrost.settings import PROJECT, Settings

MODES = ("bulk", "incrementing", "timestamp+incrementing", "cdc")
CDC = PROJECT / "connectors" / "ratings" / "mysql-demo-customers.json"
QUIET_S = 5.0
"""A topic that has had all rows and no new record for so long is complete."""
LONGEST_S = 1200.0
PLUGIN = "jdbc-source"


@contextmanager
def table(rows: int) -> Iterator[str]:
    """The name of a table with that many rows, which is dropped at the end."""
    name = f"polled_{uuid.uuid4().hex[:8]}"
    url = urlsplit(status()["endpoints"]["mysql"])
    connection = pymysql.connect(
        host=url.hostname or LOOPBACK,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database="demo",
        autocommit=True,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {name} (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, note VARCHAR(40) NOT NULL,"
            " price DECIMAL(10, 2) NOT NULL, changed DATETIME(3) NOT NULL, INDEX (changed, id))"
        )
        try:
            rows_of_table = "SELECT CONCAT('row ', seq), seq / 100, DATE_ADD('2020-01-01', INTERVAL seq DIV 10 SECOND)"
            cursor.execute(f"INSERT INTO {name} (note, price, changed) {rows_of_table} FROM seq_1_to_{rows}")
            yield name
        finally:
            cursor.execute(f"DROP TABLE {name}")


def config_of(mode: str, source: str, prefix: str, batch_rows: int) -> dict[str, str]:
    """The connector's configuration; its topic begins with `prefix`."""
    creation = {f"topic.creation.default.{key}": "1" for key in ("partitions", "replication.factor")}
    if mode == "cdc":
        declared: dict[str, str] = json.loads(CDC.read_text(encoding="utf-8"))
        # The declared class of the converter is the vendor's; without one, the worker's own applies.
        config = {key: value for key, value in declared.items() if "transforms" not in key and "converter" not in key}
        return {
            **config,
            **creation,
            # What the embedded target runs in place of the declared class.
            "connector.class": "io.debezium.connector.mariadb.MariaDbConnector",
            "database.ssl.mode": "disable",
            "database.server.id": str(5000 + os.getpid() % 1000),
            "topic.prefix": prefix,
            "table.include.list": f"demo.{source}",
            "include.schema.changes": "false",
            "schema.history.internal.kafka.topic": f"{prefix}-history",
            "max.batch.size": str(batch_rows),
            "max.queue.size": str(4 * batch_rows),
        }
    return {
        **creation,
        "connector.class": "bifrost.connect.jdbc.JdbcSourceConnector",
        "connection.url": "jdbc:mysql://${env:MYSQL_HOST}:${env:MYSQL_PORT}/demo",
        "connection.user": "${env:MYSQL_USER}",
        "connection.password": "${env:MYSQL_PASSWORD}",
        "table.whitelist": source,
        "mode": mode,
        "incrementing.column.name": "id",
        **({"timestamp.column.name": "changed"} if "timestamp" in mode else {}),
        "poll.interval.ms": "3600000" if mode == "bulk" else "1000",
        "batch.max.rows": str(batch_rows),
        "topic.prefix": prefix,
    }


def speed(settings: Settings, mode: str, source: str, rows: int, batch_rows: int) -> None:
    """Print how fast a connector writes all rows of the table to its topic."""
    prefix = f"jdbc-bench-{uuid.uuid4().hex[:8]}-"
    topic = f"{prefix}.demo.{source}" if mode == "cdc" else prefix + source
    admin, pid = kafka.admin(settings), pid_of("connect")
    if pid is None:
        raise RuntimeError("connect is not running")
    with connect.from_settings(settings) as client:
        try:
            client.put(prefix + "connector", config_of(mode, source, prefix, batch_rows))
            wait_for("the first records", lambda: topic in admin.topics() and _end(admin, topic) > 0, pause_s=0.05)
            started, first, before = time.monotonic(), _end(admin, topic), usage_of(pid)
            ended, used = _wait_for_all(admin, topic, rows, pid)
            found = _count(settings, topic)
        finally:
            client.delete(prefix + "connector")
            for name in admin.topics():
                if name.startswith(prefix):
                    admin.delete(name)
    took, cpu = ended - started, used - before.cpu_s
    rate, per_cpu = (rows - first) / took, (rows - first) / cpu
    print(
        f"{mode:<24} {batch_rows:>6} rows per batch: {found} of {rows} rows, {rate:>9,.0f} rows/s, {per_cpu:>9,.0f}"
        f" rows per CPU second of the worker; {load()}",
        flush=True,
    )


def _wait_for_all(admin: kafka.KafkaAdmin, topic: str, rows: int, pid: int) -> tuple[float, float]:
    """When the last record arrived, and the worker's CPU seconds until then."""
    end, changed, used = 0, time.monotonic(), 0.0
    begin = changed
    while end < rows or time.monotonic() - changed < QUIET_S:
        if time.monotonic() - begin > LONGEST_S:
            raise TimeoutError(f"{topic}: {end} of {rows} rows after {LONGEST_S:.0f} s")
        if (now := _end(admin, topic)) != end:
            end, changed, used = now, time.monotonic(), usage_of(pid).cpu_s
        time.sleep(0.1)
    return changed, used


def _end(admin: kafka.KafkaAdmin, topic: str) -> int:
    """The end of the topic's only partition; the marker of each transaction counts, too."""
    return sum(found.next for found in admin.offsets(topic).values())


def _count(settings: Settings, topic: str) -> int:
    """The committed records of the topic."""
    options: dict[str, Any] = {"isolation.level": "read_committed", "enable.partition.eof": True}
    with closing(kafka.consumer(settings.kafka_client(), topic, **options)) as reader:
        reader.assign([TopicPartition(topic, 0, 0)])
        found = 0
        while True:
            messages = reader.consume(10_000, timeout=10.0)
            found += sum(message.error() is None for message in messages)
            if not messages or any(message.error() is not None for message in messages):
                return found


def starts(count: int) -> None:
    """Print how long a worker takes until its API answers, with and without the plugin, one after the other."""
    pid = pid_of("connect")
    if pid is None:
        raise RuntimeError("connect is not running")
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    environment = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    admin = kafka.admin(project_settings.load())
    # The platform's own topics name its connectors, which this worker must not start.
    topics = {f"{kind}.storage.topic": f"jdbc-bench-{uuid.uuid4().hex[:8]}" for kind in ("config", "offset", "status")}
    try:
        _start(command, environment, topics, with_plugin=True)  # creates the topics, fills the file cache
        for number in range(2 * count):
            times[number % 2 == 0].append(_start(command, environment, topics, with_plugin=number % 2 == 0))
    finally:
        for name in topics.values():
            admin.delete(name)
    for with_plugin, found in times.items():
        took, cpu = (statistics.median(values) for values in zip(*found, strict=True))
        what = "with" if with_plugin else "without"
        print(f"{what:<8} the plugin: {took:.2f} s, {cpu:.2f} CPU seconds (median of {count}); {load()}", flush=True)


def _start(
    command: list[str], environment: Mapping[str, str], topics: Mapping[str, str], *, with_plugin: bool
) -> tuple[float, float]:
    """Seconds by the clock and of CPU from the start of a worker until its API answers."""
    with tempfile.TemporaryDirectory(prefix="bifrost-worker-") as folder:
        plugins, properties = Path(folder) / "plugins", Path(folder) / "worker.properties"
        plugins.mkdir()
        with socket.create_server((LOOPBACK, 0)) as listener:
            port = listener.getsockname()[1]
        lines = Path(command[-1]).read_text(encoding="utf-8").splitlines()
        given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        for root in given["plugin.path"].split(","):
            for plugin in Path(root).iterdir():
                if with_plugin or plugin.name != PLUGIN:
                    (plugins / plugin.name).symlink_to(plugin)
        name = f"jdbc-bench-{uuid.uuid4().hex[:8]}"
        own = {"plugin.path": str(plugins), "group.id": name, "listeners": f"http://{LOOPBACK}:{port}", **topics}
        text = "\n".join(f"{key}={value}" for key, value in {**given, **own}.items())
        properties.write_text(text + "\n", encoding="utf-8")
        began = time.monotonic()
        worker = [*command[:-1], str(properties)]
        with subprocess.Popen(worker, env=dict(environment), cwd=folder, stdout=subprocess.DEVNULL) as process:
            try:
                wait_for("the worker", lambda: _answers(port), pause_s=0.02)
                return time.monotonic() - began, usage_of(process.pid).cpu_s
            finally:
                process.send_signal(signal.SIGKILL)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://{LOOPBACK}:{port}/connectors", timeout=5).ok
    except requests.RequestException:
        return False


def main() -> None:
    """Measure the modes, or the starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--batch-rows", nargs="+", type=int, default=[100, 2000], help="batch.max.rows")
    parser.add_argument("--starts", type=int, default=0, help="starts with and without the plugin instead")
    args = parser.parse_args()
    if args.starts:
        starts(args.starts)
        return
    settings = project_settings.load()
    with table(args.rows) as source:
        for mode in args.modes:
            for batch_rows in args.batch_rows:
                speed(settings, mode, source, args.rows, batch_rows)


if __name__ == "__main__":
    main()
