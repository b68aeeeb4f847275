"""Rows wait while the database is unavailable, and are reported as a producer reports records."""

from collections.abc import Sequence
from typing import Any

import pytest

from bifrost.clients import postgres
from bifrost.clients.postgres import MAX_WAITING_ROWS, RETRY_INTERVAL_S, RowWriter
from bifrost.errors import Refused, SettingError, Unreachable
from bifrost.settings import Settings
from tests.fakes.clock import FakeClock


class Database:
    """In PostgreSQL's place: takes rows, unless it is away; `refuses` names a table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, bytes]] = []
        self.is_away = False
        self.refuses = ""
        self.connections = 0

    def connect(self, url: str) -> "Database":
        if self.is_away:
            raise Unreachable("PostgreSQL", "connect", "refused")
        self.connections += 1
        return self

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        if self.is_away:
            raise Unreachable("PostgreSQL", "insert", "gone")
        if table == self.refuses:
            raise Refused("PostgreSQL", "insert", status=0, body="no such table")
        self.rows += [(table, row) for row in rows]

    def close(self) -> None:
        return


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    found = Database()
    monkeypatch.setattr(postgres, "PostgresClient", found.connect)
    return found


def produce(writer: RowWriter, table: str, value: bytes, reports: list[Any]) -> None:
    writer.produce(table, value, None, timestamp=0, on_delivery=lambda error, row: reports.append((error, row.topic())))


def test_rows_are_written_in_their_order_when_polled(database: Database) -> None:
    writer, reports = RowWriter("url"), []
    for table, value in (("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"4")):
        produce(writer, table, value, reports)
    assert database.rows == []
    assert writer.poll(0) == 4
    assert database.rows == [("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"4")]
    assert reports == [(None, "a"), (None, "a"), (None, "b"), (None, "a")]


def test_rows_wait_while_the_database_is_unavailable_and_are_retried(database: Database) -> None:
    clock = FakeClock()
    writer, reports = RowWriter("url", clock=clock.monotonic), []
    database.is_away = True
    produce(writer, "a", b"1", reports)
    assert writer.poll(0) == 0
    database.is_away = False
    assert writer.poll(0) == 0
    clock.sleep(RETRY_INTERVAL_S)
    assert writer.poll(0) == 1
    assert (database.rows, database.connections) == ([("a", b"1")], 2)


def test_no_more_rows_wait_than_may(database: Database) -> None:
    writer, reports = RowWriter("url"), []
    for _ in range(MAX_WAITING_ROWS):
        produce(writer, "a", b"1", reports)
    with pytest.raises(BufferError):
        produce(writer, "a", b"1", reports)


def test_refused_rows_are_reported_and_do_not_block_others(database: Database) -> None:
    writer, reports = RowWriter("url"), []
    database.refuses = "a"
    produce(writer, "a", b"1", reports)
    produce(writer, "b", b"2", reports)
    assert writer.flush(1) == 0
    assert database.rows == [("b", b"2")]
    assert "no such table" in str(reports[0][0])


def test_rows_that_remain_at_the_end_are_counted(database: Database) -> None:
    writer, reports = RowWriter("url"), []
    database.is_away = True
    produce(writer, "a", b"1", reports)
    assert writer.flush(1) == 1


def test_a_remote_database_must_be_named() -> None:
    endpoints = ("KAFKA_BOOTSTRAP_SERVERS", "CONNECT_URL", "SCHEMA_REGISTRY_URL", "KSQLDB_URL")
    with pytest.raises(SettingError, match="POSTGRES_URL"):
        postgres.from_settings(Settings({"BIFROST_TARGET": "remote", **dict.fromkeys(endpoints, "x")}))


@pytest.mark.parametrize(
    "url",
    [
        "postgres:secret77@h",
        "postgresql://u:secret77@[::1/db",
        "postgresql://u:secret77@127.0.0.1:1/db",
        "postgresql://u:secret77@h:port/db",
        "dbname='x password=secret77",
        "postgresql://u:secret77@127.0.0.1:1/db?secret77=1",
        "secret77",
    ],
)
def test_an_error_of_the_connection_does_not_show_the_password(url: str):
    with pytest.raises((Refused, Unreachable), match="PostgreSQL: connect: ") as caught:
        postgres.PostgresClient(url)

    assert "secret77" not in str(caught.value)
