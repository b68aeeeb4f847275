"""Finds the connectors whose place in the binary log of MySQL or MariaDB lies after the end of that log.

The log was reset (`RESET MASTER`), or an older backup of the database was restored. Debezium stays RUNNING, and skips
the changes until the new log reaches the old place.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymysql

from bifrost.clients.connect import ConnectClient

CONNECT_S = 5
READ_S = 10
_CLASSES = ("io.debezium.connector.mysql.MySqlConnector", "io.debezium.connector.mariadb.MariaDbConnector")
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")
_LAST_DIGITS = re.compile(r"\d+$")
_STATEMENTS = ("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS")
"""The second is that of MySQL 8.4 and newer, which lacks the first."""
_DEFAULT_PORT = "3306"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in a binary log: a file, whose name ends with its number, and a position in bytes."""

    file: str
    position: int

    def is_after(self, other: LogPosition) -> bool:
        """Whether this place was written later; false if the files do not belong to one log."""
        (name, number), (other_name, other_number) = _numbered(self.file), _numbered(other.file)
        return name == other_name and (number, self.position) > (other_number, other.position)

    def __str__(self) -> str:
        return f"{self.file}, position {self.position}"


@dataclass(frozen=True, slots=True)
class Login:
    """How a connector connects to its database."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    authority: str = ""
    """Whom to trust (PEM) where the connection uses TLS."""


def end_of_log(login: Login) -> LogPosition | None:
    """Ask a server for the end of its binary log; none if it writes no log.

    Raises:
        pymysql.MySQLError: the server does not answer, or refuses the login or the statement.
    """
    with pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        write_timeout=READ_S,
        **_tls(login.authority),
    ) as connection:
        for statement in _STATEMENTS:
            with connection.cursor() as cursor:
                try:
                    cursor.execute(statement)
                except pymysql.ProgrammingError:
                    continue
                row = cursor.fetchone()
                return LogPosition(str(row[0]), int(row[1])) if row else None
    return None


def _tls(authority: str) -> dict[str, Any]:
    return {"ssl_ca": authority, "ssl_verify_cert": True, "ssl_verify_identity": True} if authority else {}


@dataclass(frozen=True, slots=True)
class LogPositions:
    """Compares the stored offsets of connectors with the logs of their databases.

    `variables` are the values of `${env:NAME}` in configurations, as the Connect workers have them. `authorities` are
    files in PEM form with the authorities of Java's trust stores, by the path of these: whom a connector trusts.
    """

    variables: Mapping[str, str] = field(repr=False)
    end_of_log: Callable[[Login], LogPosition | None] = end_of_log
    authorities: Mapping[str, str] = field(default_factory=dict)

    def problem_of(self, client: ConnectClient, name: str, config: Mapping[str, str]) -> str:
        """Why a connector that runs misses changes; empty if it does not, or if its database does not answer.

        Raises:
            RemoteError: Connect does not return the connector's offsets.
        """
        if config.get("connector.class") not in _CLASSES:
            return ""
        # The offsets first: the log only grows.
        stored = _stored_position(client.offsets(name))
        if stored is None:
            return ""
        try:
            end = self.end_of_log(self._login(config))
        except (KeyError, ValueError, OSError, pymysql.MySQLError) as error:
            # The watcher may run where only Connect reaches the database; Connect has just validated the connection.
            _log.debug("The log of %s cannot be read: %s", name, type(error).__name__)
            return ""
        if end is None or not stored.is_after(end):
            return ""
        return (
            f"misses changes: its place in the binary log ({stored}) is after the end of the database's log ({end}); "
            "the log was reset or an older backup was restored, so take a new snapshot with "
            f"`offsets reset {name} --yes`"
        )

    def _login(self, config: Mapping[str, str]) -> Login:
        host, user, password = (self._resolved(config[f"database.{key}"]) for key in ("hostname", "user", "password"))
        port = int(self._resolved(config.get("database.port", _DEFAULT_PORT)))
        return Login(host, port, user, password, self.authorities.get(config.get("database.ssl.truststore", ""), ""))

    def _resolved(self, value: str) -> str:
        found = _VARIABLE.sub(lambda match: self.variables[match[1]], value)
        if "${" in found:
            raise ValueError("only Connect can resolve this")
        return found


def _stored_position(offsets: Sequence[Mapping[str, Any]]) -> LogPosition | None:
    for entry in offsets:
        match entry.get("offset"):
            case {"file": str(file), "pos": int(position)}:
                return LogPosition(file, position)
    return None


def _numbered(file: str) -> tuple[str, int]:
    digits = _LAST_DIGITS.search(file)
    return (file[: digits.start()], int(digits[0])) if digits else (file, 0)
