"""Faults of the sources that capture the changes of databases, and of the JDBC sink."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pymysql

from benchmarks.own_platform import OwnPlatform
from benchmarks.watch_faults.fault import Fault, stopped, suspended
from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings

MARIADB, POSTGRES, MONGODB = "mysql-demo-customers", "postgres-soe", "SOURCE_MONGODB_01"
JDBC = "jdbc_sink_pcap_stats"
_CHANGED = "changed-by-the-benchmark"
_SLOT = "order_entry"
_PAUSE_S = 0.002


class MariaDbFaults:
    """What the account of the connectors may do is enough to break its connector."""

    def __init__(self, platform: OwnPlatform) -> None:
        self._platform = platform
        self._settings: Settings = platform.settings

    def all(self) -> Iterator[Fault]:
        """Four ways to break the connector of MariaDB."""
        lane, subject = "mariadb", f"connector {MARIADB}"
        yield stopped(self._platform, lane, "mariadb")
        yield suspended(self._platform, lane, "mariadb", subject)
        yield Fault(lane, "password changed", subject, MARIADB, self._change_password, self._restore_password)
        again = ("offsets", "reset", MARIADB, "--yes")
        yield Fault(lane, "binary log removed", subject, MARIADB, self._remove_log, lambda: None, command=again)

    def _connect(self, password: str = "", account: str = "MYSQL") -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host=LOOPBACK,
            port=self._settings.port("mysql"),
            user=self._settings.local(f"{account}_USER"),
            password=password or self._settings.local(f"{account}_PASSWORD"),
            autocommit=True,
        )

    def _change_password(self) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET PASSWORD = PASSWORD(%s)", (_CHANGED,))
            self._end_others(connection)

    def _restore_password(self) -> None:
        with self._connect(_CHANGED) as connection, connection.cursor() as cursor:
            cursor.execute("SET PASSWORD = PASSWORD(%s)", (self._settings.local("MYSQL_PASSWORD"),))

    def _remove_log(self) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            self._end_others(connection)
            cursor.execute("RESET MASTER")
            self._end_others(connection)
        # Debezium fails on a log without any transaction.
        with self._connect(account="MYSQL_APP") as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE demo.CUSTOMERS SET comments = UUID() LIMIT 1")

    @staticmethod
    def _end_others(connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            threads = [row[0] for row in cursor.fetchall()]
            cursor.execute("SELECT CONNECTION_ID()")
            own = cursor.fetchone()
            for thread in [thread for thread in threads if (thread,) != own]:
                try:
                    cursor.execute("KILL %s", (thread,))
                except pymysql.MySQLError:
                    continue  # it has ended, or belongs to the application


class PostgresFaults:
    """Faults of the source and of the JDBC sink, which use one server."""

    def __init__(self, platform: OwnPlatform) -> None:
        self._platform = platform
        self._settings: Settings = platform.settings

    def all(self) -> Iterator[Fault]:
        """Four ways to break the connector of PostgreSQL, and three for the sink."""
        lane, subject = "postgres", f"connector {POSTGRES}"
        yield stopped(self._platform, lane, "postgres")
        yield suspended(self._platform, lane, "postgres", subject)
        yield Fault(lane, "rights revoked", subject, POSTGRES, self._refuse, self._admit)
        again = ("offsets", "reset", POSTGRES, "--yes")
        yield Fault(lane, "replication slot removed", subject, POSTGRES, self._drop_slot, lambda: None, command=again)
        for name, broken, repaired in (
            (
                "table missing",
                "ALTER TABLE wifi.pcap_stats RENAME TO moved",
                "ALTER TABLE wifi.moved RENAME TO pcap_stats",
            ),
            (
                "rights revoked",
                "REVOKE ALL ON wifi.pcap_stats FROM connectors",
                "GRANT ALL ON wifi.pcap_stats TO connectors",
            ),
            (
                "rows refused",
                "ALTER TABLE wifi.pcap_stats ADD CONSTRAINT none CHECK (false) NOT VALID",
                "ALTER TABLE wifi.pcap_stats DROP CONSTRAINT none",
            ),
        ):
            yield Fault(
                "jdbc sink",
                name,
                f"connector {JDBC}",
                JDBC,
                lambda text=broken: self._as_owner(text),  # type: ignore[misc]  # bound in the loop
                lambda text=repaired: self._as_owner(text),  # type: ignore[misc]
            )

    def _as_owner(self, text: str) -> None:
        with psycopg.connect(self._settings.local_postgres(), autocommit=True) as connection:
            connection.execute(text.encode())

    def _as_connector(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOOPBACK,
            port=self._settings.port("postgres"),
            dbname="demo",
            user=self._settings.local("POSTGRES_USER"),
            password=self._settings.local("POSTGRES_PASSWORD"),
            autocommit=True,
        )

    def _refuse(self) -> None:
        with self._as_connector() as connection:
            self._as_owner("REVOKE CONNECT ON DATABASE demo FROM PUBLIC")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND pid <> pg_backend_pid()"
            )

    def _admit(self) -> None:
        self._as_owner("GRANT CONNECT ON DATABASE demo TO PUBLIC")

    def _drop_slot(self) -> None:
        with self._as_connector() as connection:
            for _ in range(2000):
                connection.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
                try:
                    connection.execute("SELECT pg_drop_replication_slot(%s)", (_SLOT,))
                except psycopg.errors.ObjectInUse:
                    time.sleep(_PAUSE_S)
                else:
                    return
        raise RuntimeError("the slot stays in use")


def mongodb_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Three ways to break the connector of MongoDB."""
    lane, subject = "mongodb", f"connector {MONGODB}"
    supervisor = platform.supervisor
    file = platform.settings.data / "mongodb" / "documents.mv"

    def lose() -> None:
        supervisor.stop("mongodb")
        file.unlink()
        supervisor.start("mongodb", wait_s=60)

    yield stopped(platform, lane, "mongodb")
    yield suspended(platform, lane, "mongodb", subject)
    again = ("offsets", "reset", MONGODB, "--yes")
    yield Fault(lane, "its log lost", subject, MONGODB, lose, lambda: None, command=again)
