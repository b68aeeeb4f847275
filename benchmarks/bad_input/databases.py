"""Strange rows, tables and documents in MariaDB, PostgreSQL and MongoDB.

A captured row or document carries a mark, and is accounted for when its change arrives in its topic; what the database
itself refuses is accounted for by its error. Tables that no connector captures must not disturb the ones that are.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
import pymysql
from bson import Decimal128, Int64, MaxKey, Regex
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from benchmarks.bad_input.ledger import ROW, Ledger
from benchmarks.bad_input.topic_tail import TopicTail
from bifrost.settings import Settings

TEXTS = (
    "\U0001f600 emoji",
    "quote ' \" ` \\ --",
    "tab\tline\nfeed\r",
    "\x01\x02\x1b[31m",
    "NULL",
    "ünïcödé \u202e right to left",
    '{"json": [1]}',
    "${env:HOME}",
    " ",
    "%s {} $1",
)
MYSQL_TABLES = (
    "id INT PRIMARY KEY, u UUID, ip INET6, v4 INET4",
    "id INT PRIMARY KEY, g GEOMETRY, j JSON, b BIT(9), y YEAR, s SET('a','b'), e ENUM('x','y')",
    "id INT, total INT AS (id + 1) PERSISTENT, KEY (id)",
    "`we ird``name` VARCHAR(9) CHARACTER SET latin1, `select` DECIMAL(65, 30), `` INT",
    "id BIGINT UNSIGNED, t TIME(6), d DATETIME(6), z TIMESTAMP(6) NULL, l LONGBLOB, x VARBINARY(300)",
)
MYSQL_CHANGES = (
    "ALTER TABLE {} ADD COLUMN more UUID DEFAULT UUID()",
    "ALTER TABLE {} COMMENT 'it''s \\\\ strange', ENGINE=Aria",
    "CREATE OR REPLACE VIEW {}_view AS SELECT 1 AS `1`",
    "DROP VIEW IF EXISTS {}_view",
    "RENAME TABLE {} TO {}_moved",
)


POSTGRES_COLUMNS = "id UUID, ip INET, r INT4RANGE, j JSONB, x XML, i INTERVAL, p POINT, b BIT VARYING, a TEXT[][]"
POSTGRES_TIMES = ("0001-01-01", "9999-12-31 23:59:59", "1969-12-31 23:59:59", "2020-02-29", "4713-01-01 BC", None)


class MariaDbRows:
    """Rows of the captured table, and tables that nobody captures."""

    def __init__(self, settings: Settings, kafka: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tail = TopicTail(kafka, ["asgard.demo.CUSTOMERS"])
        self._connection = pymysql.connect(
            host="127.0.0.1",
            port=settings.port("mysql"),
            user=settings.local("MYSQL_APP_USER"),
            password=settings.local("MYSQL_APP_PASSWORD"),
            database="demo",
            autocommit=True,
            charset="utf8mb4",
        )

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Create, change and drop a table with strange columns, then write and delete rows of the captured table."""
        name = f"bad_{uuid.uuid4().hex[:8]}"
        for statement in (
            f"CREATE TABLE {name} ({rng.choice(MYSQL_TABLES)})",
            rng.choice(MYSQL_CHANGES).replace("{}", name),
            f"DROP TABLE IF EXISTS {name}, {name}_moved",
        ):
            error = self._execute(statement)
            self._ledger.settled("MariaDB: table that nobody captures", error or "executed")
        mark = uuid.uuid4().hex[:12]
        text = rng.choice(TEXTS)
        number = rng.choice((-(2**31), -1, 2**31 - 1, rng.randrange(10**6, 10**9)))
        row = (number, text, None, rng.choice(("", "no address", text)), f"{mark} {text}", rng.choice(_TIMES))
        kind = "MariaDB: strange row"
        error = self._execute(
            "REPLACE INTO CUSTOMERS (id, first_name, last_name, email, comments, create_ts) VALUES (%s,%s,%s,%s,%s,%s)",
            row,
        )
        if error:
            self._ledger.settled(kind, error)
        else:
            self._ledger.expect(kind, mark.encode(), repr(row))
            self._execute("DELETE FROM CUSTOMERS WHERE id=%s", (number,))

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> str:
        try:
            self._connection.ping(reconnect=True)
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
        except pymysql.MySQLError as error:
            return f"refused by the database: {type(error).__name__}"
        return ""

    def collect(self) -> None:
        """Settle the rows whose change arrived."""
        settle_marks(self._tail, self._ledger)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._tail.close()


class PostgresRows:
    """Rows of the captured tables, and tables that nobody captures."""

    def __init__(self, settings: Settings, kafka: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tail = TopicTail(kafka, ["ora-ogg-SOE-CUSTOMERS-avro", "ora-ogg-SOE-ORDERS-avro"])
        self._connection = psycopg.connect(settings.local_postgres(), autocommit=True)

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Create and drop a table with strange columns, then write rows at the limits of the captured tables."""
        name = f"bad_{uuid.uuid4().hex[:8]}"
        for statement in (f"CREATE TABLE soe.{name} ({POSTGRES_COLUMNS})", f"DROP TABLE IF EXISTS soe.{name}"):
            self._ledger.settled("PostgreSQL: table that nobody captures", self._execute(statement) or "executed")
        number = rng.randrange(10**15, 9 * 10**17)
        mark = uuid.uuid4().hex[:12]
        at = rng.choice(POSTGRES_TIMES)
        values = (number, rng.choice(TEXTS), mark, rng.choice((None, -9999999.99, 0, "NaN")), at, at)
        self._write(
            "PostgreSQL: strange row",
            "INSERT INTO soe.customers "
            "(customer_id, cust_first_name, cust_last_name, credit_limit, customer_since, dob) "
            "VALUES (%s, %s, %s, %s, %s::timestamp, %s::timestamp)",
            values,
            mark.encode(),
        )
        self._execute("DELETE FROM soe.customers WHERE customer_id = %s", (number,))

    def _write(self, kind: str, statement: str, values: tuple[Any, ...], mark: bytes) -> None:
        error = self._execute(statement, values)
        if error:
            self._ledger.settled(kind, error)
        else:
            self._ledger.expect(kind, mark, repr(values))

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> str:
        try:
            self._connection.execute(statement.encode(), values)
        except (psycopg.Error, ValueError) as error:
            return f"refused by the database: {type(error).__name__}"
        return ""

    def collect(self) -> None:
        """Settle the rows whose change arrived."""
        settle_marks(self._tail, self._ledger)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._tail.close()


class MongoDocuments:
    """Documents with strange field names and values, in captured and in other collections."""

    def __init__(self, settings: Settings, kafka: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tail = TopicTail(kafka, ["unifi.ace.device", "unifi.ace.user"])
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            settings.local_mongodb(), serverSelectionTimeoutMS=10_000
        )

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Write a document of each kind, update it, and delete it."""
        for kind, make in _DOCUMENTS.items():
            mark = uuid.uuid4().hex[:12]
            database, collection = rng.choice((("ace", "device"), ("ace", "user"), ("other", "things")))
            document = {"mac": mark, **make(rng)}
            name = f"MongoDB: {kind}"
            try:
                target = self._client[database][collection]
                found = target.insert_one(document).inserted_id
            except (PyMongoError, OverflowError, ValueError) as error:
                self._ledger.settled(name, f"refused by the database: {type(error).__name__}")
                continue
            if database == "ace":
                self._ledger.expect(name, mark.encode(), f"{database}.{collection} {kind}")
            else:
                self._ledger.settled(name, "written where nobody captures")
            with suppress(PyMongoError):  # the server may refuse to update such a document, but not to delete it
                target.update_one({"_id": found}, {"$set": {"name": f"updated {mark}"}})
            target.delete_one({"_id": found})

    def collect(self) -> None:
        """Settle the documents whose change arrived."""
        settle_marks(self._tail, self._ledger)

    def close(self) -> None:
        """Close the client."""
        self._client.close()
        self._tail.close()


def settle_marks(tail: TopicTail, ledger: Ledger) -> None:
    """Settle every mark (bytes) that stands in a value that arrived."""
    values = [message.value() or b"" for message in tail.read()]
    if not values:
        return
    for mark in ledger.awaited():
        if isinstance(mark, bytes) and any(mark in value for value in values):
            ledger.settle(mark, ROW)


def _nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"x": 1}
    for _ in range(depth):
        found = {"inner": found}
    return found


_TIMES = ("1970-01-01 00:00:01", "2038-01-19 03:14:07", "0000-00-00", "2020-02-30", None)
_DOCUMENTS: Mapping[str, Callable[[random.Random], dict[str, Any]]] = {
    "field named like an operator": lambda rng: {"$c": 1, "$set": {"x": 1}, "$expr": []},
    "field name with dots": lambda rng: {"a.b": 1, "a.b.c": {"": 2}, ".": 3},
    "nested document": lambda rng: _nested(rng.choice((20, 60, 90))),
    "large document": lambda rng: {"text": "x" * rng.choice((100_000, 700_000))},
    "strange values": lambda rng: {
        "name": rng.choice(TEXTS),
        "hostname": {"not": "a text"},
        "is_guest": "perhaps",
        "oui": [None],
        "n": [Decimal128("NaN"), float("nan"), float("inf"), Int64(-(2**63)), MaxKey(), Regex("a("), b"\0\xff"],
    },
    "no text where one is expected": lambda rng: {"name": 7, "hostname": True, "ip": {}, "oui": -1.5},
}
