"""The JDBC source polls tables of both databases in every mode, and continues where it was."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from bifrost.clients import avro, connect, schema_registry
from bifrost.clients.connect import ConnectClient
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually, eventually_equal

OURS = "bifrost.connect.jdbc.JdbcSourceConnector"
MODES = {
    "bulk": {"mode": "bulk"},
    "new": {"mode": "incrementing"},
    "changed": {"mode": "timestamp", "timestamp.column.name": "changed"},
    "both": {"mode": "timestamp+incrementing", "timestamp.column.name": "changed,created"},
}
COLUMNS = "note VARCHAR(40), price DECIMAL(10, 2), day DATE, created {time} NOT NULL, changed {time} NOT NULL"
INSERT = (
    "INSERT INTO {table} (note, price, day, created, changed) VALUES ('{note}', 1.50, '2020-02-29', {time}, {time})"
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database of the platform, with a statement that creates the table to poll."""

    execute: Callable[[str], object]
    create: str
    url: str
    credentials: str  # the prefix of the worker's variables for them
    prefix: str  # what the full name of a table starts with in the connector's offsets

    def config(self, table: str) -> dict[str, str]:
        """What all connectors of a table have."""
        return {
            "connector.class": OURS,
            "connection.url": self.url,
            "connection.user": f"${{env:{self.credentials}_USER}}",
            "connection.password": f"${{env:{self.credentials}_PASSWORD}}",
            "table.whitelist": table,
            "incrementing.column.name": "id",
            "poll.interval.ms": "500",
            "topic.creation.default.partitions": "1",
            "topic.creation.default.replication.factor": "1",
        }


@contextmanager
def mysql(platform: Platform) -> Iterator[Database]:
    """MariaDB, with the vendor's URL of MySQL."""
    with platform.mysql() as connection, connection.cursor() as cursor:
        yield Database(
            cursor.execute,
            f"CREATE TABLE {{table}} (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, {COLUMNS})".replace(
                "{time}", "DATETIME(6)"
            ),
            "jdbc:mysql://${env:MYSQL_HOST}:${env:MYSQL_PORT}/demo",
            "MYSQL",
            "demo.",
        )


@contextmanager
def postgres(platform: Platform) -> Iterator[Database]:
    """PostgreSQL, in the schema of the connectors' rights."""
    with psycopg.connect(platform.endpoints["postgres"], autocommit=True) as connection:

        def execute(statement: str) -> None:
            connection.execute(statement.encode())

        execute("CREATE SCHEMA IF NOT EXISTS polled")
        execute("GRANT USAGE ON SCHEMA polled TO connectors")
        execute("ALTER DEFAULT PRIVILEGES IN SCHEMA polled GRANT SELECT ON TABLES TO connectors")
        execute("SET search_path TO polled")
        yield Database(
            execute,
            f"CREATE TABLE {{table}} (id BIGSERIAL PRIMARY KEY, {COLUMNS})".replace("{time}", "TIMESTAMP"),
            "jdbc:postgresql://${env:POSTGRES_HOST}:${env:POSTGRES_PORT}/demo",
            "POSTGRES",
            "demo.polled.",
        )


@pytest.fixture(scope="module")
def workers(platform: Platform) -> Iterator[ConnectClient]:
    with connect.from_settings(platform.settings) as client:
        yield client


@pytest.fixture
def table(workers: ConnectClient) -> Iterator[str]:
    """The name of a table; its connectors are deleted."""
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    for connector in workers.names():
        if connector.startswith(name):
            workers.delete(connector)


def rows_of(platform: Platform, topic: str) -> list[dict[str, Any]]:
    """The committed rows of a topic; none if it does not exist yet."""
    client = {**platform.settings.kafka_client(), "group.id": topic, "enable.partition.eof": True}
    found = []
    with (
        closing(Consumer(client)) as consumer,
        schema_registry.from_settings(platform.settings) as registry,
    ):
        if topic not in consumer.list_topics(timeout=SOON_S).topics:
            return []
        reader = avro.AvroReader(registry)
        consumer.assign([TopicPartition(topic, 0, 0)])
        while (message := consumer.poll(SOON_S)) is not None and message.error() is None:
            found.append(reader.read(bytes(message.value() or b"")))
    return found


def ids(platform: Platform, topic: str) -> list[int]:
    return [row["id"] for row in rows_of(platform, topic)]


@pytest.mark.parametrize("connected", [mysql, postgres])
def test_each_mode_finds_its_rows_once(
    platform: Platform, workers: ConnectClient, table: str, connected: Callable[[Platform], Any]
) -> None:
    with connected(platform) as database:

        def insert(note: str, time: str) -> None:
            database.execute(INSERT.format(table=table, note=note, time=f"'2020-01-{time}'"))

        database.execute(database.create.format(table=table))
        for number in (1, 2, 3):
            insert(f"row {number}", f"01 00:00:0{number}.000001")
        for mode, keys in MODES.items():
            workers.put(f"{table}-{mode}", {**database.config(table), **keys, "topic.prefix": f"{mode}-"})
        for mode in ("new", "changed", "both"):
            eventually_equal(partial(ids, platform, f"{mode}-{table}"), [1, 2, 3])
        eventually(lambda: ids(platform, f"bulk-{table}")[:6] == [1, 2, 3, 1, 2, 3], "every poll reads all rows")
        workers.delete(f"{table}-bulk")
        assert rows_of(platform, f"new-{table}")[0] == {
            "id": 1,
            "note": "row 1",
            "price": Decimal("1.50"),
            "day": date(2020, 2, 29),
            "created": datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC),
            "changed": datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC),
        }

        database.execute(f"UPDATE {table} SET note = 'later', changed = '2020-01-02' WHERE id = 2")
        database.execute(f"DELETE FROM {table} WHERE id = 1")
        database.execute(f"ALTER TABLE {table} ADD COLUMN extra INT")
        insert("row 4", "03 00:00:00")
        eventually_equal(lambda: ids(platform, f"new-{table}"), [1, 2, 3, 4])
        eventually_equal(lambda: ids(platform, f"changed-{table}"), [1, 2, 3, 2, 4])
        eventually_equal(lambda: ids(platform, f"both-{table}"), [1, 2, 3, 2, 4])
        assert "extra" in rows_of(platform, f"new-{table}")[3]
        assert rows_of(platform, f"changed-{table}")[3]["note"] == "later"

        for mode in ("new", "changed", "both"):
            workers.restart(f"{table}-{mode}")
        insert("row 5", "04 00:00:00")
        eventually_equal(lambda: ids(platform, f"new-{table}"), [1, 2, 3, 4, 5])
        eventually_equal(lambda: ids(platform, f"changed-{table}"), [1, 2, 3, 2, 4, 5])
        eventually_equal(lambda: ids(platform, f"both-{table}"), [1, 2, 3, 2, 4, 5])

        partition = {"protocol": "1", "table": database.prefix + table}
        name = f"{table}-new"
        eventually_equal(
            lambda: workers.offsets(name), [{"partition": partition, "offset": {"incrementing": 5}}], SOON_S
        )
        workers.stop(name)
        workers.set_offsets(name, [{"partition": partition, "offset": {"incrementing": 4}}])
        workers.resume(name)
        eventually_equal(lambda: ids(platform, f"new-{table}"), [1, 2, 3, 4, 5, 5])
        database.execute(f"DROP TABLE {table}")


@pytest.mark.parametrize("connected", [mysql, postgres])
def test_what_the_database_refuses_is_reported_by_validate(
    platform: Platform, workers: ConnectClient, table: str, connected: Callable[[Platform], Any]
) -> None:
    with connected(platform) as database:
        database.execute(database.create.format(table=table))
        config = {**database.config(table), "name": table, "mode": "incrementing", "topic.prefix": "x-"}

        def problems(**changed: str) -> dict[str, tuple[str, ...]]:
            report = workers.validate(OURS, {**config, **changed})
            return {key.name: key.errors for key in report.keys if key.errors}

        assert problems() == {}
        (message,) = problems(**{"incrementing.column.name": "number"})["incrementing.column.name"]
        assert message.endswith(f"{table} has no column number; its columns are id, note, price, day, created, changed")
        (message,) = problems(**{"incrementing.column.name": "price"}).get("incrementing.column.name", ("",))
        assert "price" in message
        assert "may be null" in message
        (message,) = problems(**{"connection.password": "hunter22"})["connection.url"]
        assert "SQLSTATE 28" in message
        assert "hunter22" not in message
        database.execute(f"DROP TABLE {table}")
