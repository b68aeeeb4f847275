"""Writes into every pipeline as its users do; each input carries a mark and is written again until it is accepted."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymysql
from confluent_kafka import Producer
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from benchmarks.faults.marks import LANES, Marks
from benchmarks.platform import QUIET, RatingsProducer
from bifrost.settings import Settings

PATIENCE_S = 300.0
"""How long an input may stay refused: longer than any part needs to come back."""
RETRY_S = 0.5
ALERTS_EVERY = 100
"""Of the ratings, every such one is an alert."""
PLATINUM, OTHER = 14, 1
ROWS_OF_FILE = 50
FIRST_ID = 1_000_000
"""Rows of this benchmark have ids from here on."""


class Load(Protocol):
    """Writes inputs by their numbers."""

    def send(self, number: int) -> None:
        """Write an input, or queue it."""

    def flush(self) -> None:
        """Return when all inputs are accepted.

        Raises:
            TimeoutError: they are not, after minutes.
        """


class Ratings:
    """Ratings of the app, in Avro; every hundredth is an alert."""

    def __init__(self, settings: Settings, marks: Marks) -> None:
        self._marks = marks
        self._producer = RatingsProducer(settings.endpoints.as_json())

    def send(self, number: int) -> None:
        """Queue a rating."""
        is_alert = is_alerting(number)
        user = PLATINUM if is_alert else OTHER + number % 5
        self._producer.send(number, user, 1 if is_alert else 5, self._marks.mark("ratings", number))

    def flush(self) -> None:
        """Wait for the broker's acknowledgements."""
        _await_acknowledgements(self._producer.flush, lambda: self._producer.errors)


class Frames:
    """Probe requests of Wi-Fi devices, in JSON, as the capture sends them."""

    def __init__(self, settings: Settings, marks: Marks) -> None:
        self._marks = marks
        bootstrap = settings.endpoints.as_json()["kafka"]
        self._producer = Producer(
            {**QUIET, "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20}
        )
        self._errors = 0

    def send(self, number: int) -> None:
        """Queue a frame; the addresses are those of a lane."""
        address = f"02:00:00:00:00:{number % LANES:02x}"
        frame = {
            "timestamp": int(time.time() * 1000),
            "wlan_fc_type_subtype": [4],
            "wlan_radio_signal_dbm": [-60.0],
            "wlan_sa": [address],
            "wlan_sa_resolved": [address],
            "wlan_da": ["ff:ff:ff:ff:ff:ff"],
            "wlan_da_resolved": ["Broadcast"],
            "wlan_ssid": [self._marks.mark("frames", number)],
        }
        value = json.dumps(frame).encode()
        while True:
            try:
                self._producer.produce("pcap", value, address.encode(), on_delivery=self._delivered)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.05)

    def flush(self) -> None:
        """Wait for the broker's acknowledgements."""
        _await_acknowledgements(lambda: int(self._producer.flush(PATIENCE_S)), lambda: self._errors)

    def _delivered(self, error: object, _message: object) -> None:
        self._errors += error is not None


class SyslogLines:
    """Lines over one TCP connection. Syslog has no acknowledgements: what the system has accepted counts as sent."""

    def __init__(self, settings: Settings, marks: Marks) -> None:
        self._marks = marks
        self._port = settings.port("syslog")
        self._connection: socket.socket | None = None

    def send(self, number: int) -> None:
        """Write a line."""
        line = f"<38>Mar 12 13:30:59 rpi-07 cron[301]: {self._marks.mark('syslog', number)}\n".encode()
        _until_accepted("a syslog line", lambda: self._write(line))

    def _write(self, line: bytes) -> bool:
        try:
            if self._connection is None:
                self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._connection.sendall(line)
        except OSError:
            self._close()
            return False
        return True

    def flush(self) -> None:
        """End the connection, so that its last lines are read."""
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None


class OrderFiles:
    """CSV files in the folder of the orders, renamed into it when they are complete."""

    def __init__(self, settings: Settings, marks: Marks) -> None:
        self._marks = marks
        self._folder = settings.orders
        self._rows: list[str] = []

    def send(self, number: int) -> None:
        """Add a row; a file has fifty."""
        customer = OTHER + number % LANES
        self._rows.append(f"{number},{customer},2018-03-09T05:26:40Z,{self._marks.mark('orders', number)},4.28")
        if len(self._rows) == ROWS_OF_FILE:
            self.flush()

    def flush(self) -> None:
        """Complete the file."""
        if self._rows:
            name = f"orders-fault-{time.time_ns()}.csv"
            unfinished = Path(self._folder) / name
            head = "order_id,customer_id,order_ts,product,order_total_usd"
            unfinished.write_text("\n".join((head, *self._rows, "")), encoding="utf-8")
            unfinished.rename(Path(self._folder) / "source" / name)
            self._rows.clear()


class DatabaseRows:
    """Rows of a database, each inserted once: a repeated statement finds the row and changes nothing."""

    def __init__(self, name: str, insert: Callable[[int, str], None], marks: Marks) -> None:
        self._name, self._insert, self._marks = name, insert, marks

    def send(self, number: int) -> None:
        """Insert a row, until the database has accepted it."""
        mark = self._marks.mark(self._name, number)
        _until_accepted(f"a row of {self._name}", lambda: self._accepts(number, mark))

    def _accepts(self, number: int, mark: str) -> bool:
        try:
            self._insert(FIRST_ID + number, mark)
        except (pymysql.MySQLError, psycopg.Error, PyMongoError, OSError):
            return False
        return True

    def flush(self) -> None:
        """Every row is accepted when it is sent."""


def mariadb(settings: Settings, marks: Marks) -> Load:
    """Customers of the web shop, in MariaDB."""
    open_connection: list[pymysql.Connection[Any]] = []

    def insert(number: int, mark: str) -> None:
        if not open_connection:
            open_connection.append(
                pymysql.connect(
                    host="127.0.0.1",
                    port=settings.port("mysql"),
                    user=settings.local("MYSQL_APP_USER"),
                    password=settings.local("MYSQL_APP_PASSWORD"),
                    database="demo",
                    autocommit=True,
                    connect_timeout=10,
                    read_timeout=60,
                )
            )
        try:
            with open_connection[0].cursor() as cursor:
                cursor.execute(
                    "INSERT IGNORE INTO CUSTOMERS (id, first_name, last_name, email, comments) VALUES (%s,%s,%s,%s,%s)",
                    (number, "A", "B", "a@example.com", mark),
                )
        except (pymysql.MySQLError, OSError):
            open_connection.pop()
            raise

    return DatabaseRows("mariadb", insert, marks)


def postgres(settings: Settings, marks: Marks) -> Load:
    """Customers of the order entry, in PostgreSQL."""
    open_connection: list[psycopg.Connection[Any]] = []

    def insert(number: int, mark: str) -> None:
        if not open_connection:
            open_connection.append(psycopg.connect(settings.local_postgres(), autocommit=True, connect_timeout=10))
        try:
            open_connection[0].execute(
                "INSERT INTO soe.customers (customer_id, cust_first_name, cust_last_name) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (number, mark, "B"),
            )
        except psycopg.Error:
            open_connection.pop()
            raise

    return DatabaseRows("postgres", insert, marks)


def mongodb(settings: Settings, marks: Marks) -> Load:
    """People's devices, in MongoDB."""
    client: MongoClient[dict[str, Any]] = MongoClient(settings.local_mongodb(), serverSelectionTimeoutMS=10_000)
    users = client["ace"]["user"]

    def insert(number: int, mark: str) -> None:
        document = {"mac": f"lane-{number % LANES}", "hostname": mark, "oui": "Bifrost", "is_guest": False}
        users.update_one({"_id": number}, {"$setOnInsert": document}, upsert=True)

    return DatabaseRows("mongodb", insert, marks)


LOADS: Mapping[str, Callable[[Settings, Marks], Load]] = {
    "ratings": Ratings,
    "frames": Frames,
    "syslog": SyslogLines,
    "orders": OrderFiles,
    "mariadb": mariadb,
    "postgres": postgres,
    "mongodb": mongodb,
}


RATES: Mapping[str, float] = {
    "ratings": 1000,
    "frames": 2000,
    "syslog": 1000,
    "orders": 100,
    "mariadb": 20,
    "postgres": 20,
    "mongodb": 20,
}
"""Inputs per second of each load at full rate."""
PLATFORM_SETTINGS: Mapping[str, str] = {"KSQL_KSQL_FUNCTIONS_COLLECT___SET_LIMIT": "100"}
"""A platform that the loads write into for long needs these: each frame has its mark as the name of a network, so a
device would collect more names without end."""


def is_alerting(number: int) -> bool:
    """Whether a rating is an alert."""
    return number % ALERTS_EVERY == 0


def _until_accepted(what: str, accepts: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not accepts():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what} was refused for {PATIENCE_S:.0f} s")
        time.sleep(RETRY_S)


def _await_acknowledgements(flush: Callable[[], int], errors: Callable[[], int]) -> None:
    left = flush()
    if left or errors():
        raise TimeoutError(f"Kafka has not accepted {left + errors()} records")
