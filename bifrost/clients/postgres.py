"""PostgreSQL: runs scripts and writes rows. Connect reads the database."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from bifrost.errors import Refused, Unreachable
from bifrost.redaction import redact_text
from bifrost.settings import Settings

SYSTEM = "PostgreSQL"
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 60
KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT = 15, 5, 3
MAX_WAITING_ROWS = 1000
RETRY_INTERVAL_S = 1.0

_log = logging.getLogger("postgres")


class PostgresClient:
    """One connection to one database.

    Every method raises `Unreachable` if the server does not answer and `Refused` if it refuses; the transaction is then
    rolled back.
    """

    def __init__(self, url: str) -> None:
        """Connect.

        Args:
            url: `postgresql://user:password@host:port/database`.
        """
        with _raising_remote_errors("connect"):
            try:
                self._connection = psycopg.connect(
                    url,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    application_name="bifrost",
                    options=f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
                    # The statement's timeout is the server's: these end the wait for a server that is gone.
                    tcp_user_timeout=STATEMENT_TIMEOUT_S * 1000,
                    keepalives_idle=KEEPALIVE_IDLE_S,
                    keepalives_interval=KEEPALIVE_INTERVAL_S,
                    keepalives_count=KEEPALIVE_COUNT,
                )
            except psycopg.ProgrammingError as error:
                # libpq quotes the text, which contains the password.
                problem = "the URL is malformed; it must be like postgresql://user:password@host:port/database"
                raise Refused(SYSTEM, "connect", status=0, body=problem) from error

    def run_script(self, text: str) -> None:
        """Run the statements of a script in one transaction."""
        with _raising_remote_errors("run a script"), self._connection.transaction():
            # Without parameters, psycopg sends several statements in one request.
            self._connection.execute(text)

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Insert rows in one transaction; rows with an existing primary key are skipped.

        Args:
            table: `schema.table`.
            rows: JSON objects by column; a missing column becomes null.
        """
        statement = sql.SQL(
            "INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s) ON CONFLICT DO NOTHING"
        ).format(table=sql.Identifier(*table.split(".")))
        with _raising_remote_errors(f"insert into {table}"), self._connection.transaction():
            self._connection.execute(statement, (f"[{b','.join(rows).decode()}]",))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Row:
    """A queued row; like a Kafka message, it knows its topic: the table."""

    table: str
    value: bytes
    on_delivery: Callable[[Any, Any], None]

    def topic(self) -> str:
        return self.table


class RowWriter:
    """Writes rows through the interface of a Kafka producer.

    While the database is unavailable, rows wait; afterwards, rows that may have been lost are written again.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Connect; `clock` gives seconds.

        Raises:
            RemoteError: the database does not answer, or refuses.
        """
        self._url = url
        self._clock = clock
        self._waiting: deque[_Row] = deque()
        self._client: PostgresClient | None = PostgresClient(url)
        self._retry_at = 0.0

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        """Queue a row of a table (`topic`); raises `BufferError` if too many rows are waiting."""
        if len(self._waiting) >= MAX_WAITING_ROWS:
            raise BufferError
        self._waiting.append(_Row(topic, value, on_delivery))

    def poll(self, timeout: float) -> int:
        """Write the queued rows if the database is available; return how many left the queue."""
        before = len(self._waiting)
        if before and self._clock() >= self._retry_at:
            try:
                self._write()
            except Unreachable as error:
                _log.warning("waiting: %s", error)
                self.close()
                self._retry_at = self._clock() + RETRY_INTERVAL_S
        return before - len(self._waiting)

    def flush(self, timeout: float) -> int:
        """Write the queued rows; return how many remain."""
        self._retry_at = 0.0
        self.poll(timeout)
        return len(self._waiting)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _write(self) -> None:
        self._client = self._client or PostgresClient(self._url)
        # Only neighbours share a statement, so that rows are written in their order.
        for table, group in groupby(list(self._waiting), key=_Row.topic):
            rows = list(group)
            refused = None
            try:
                self._client.insert(table, [row.value for row in rows])
            except Refused as error:
                refused = error
            for row in rows:
                self._waiting.popleft()
                row.on_delivery(refused, row)


def from_settings(settings: Settings) -> RowWriter:
    """Return a writer to the target's database.

    Raises:
        SettingError: the target is `remote` and POSTGRES_URL is not set.
        RemoteError: the database does not answer, or refuses.
    """
    return RowWriter(
        settings.endpoints.postgres or settings.require("POSTGRES_URL", "the generator writes rows to that database")
    )


@contextmanager
def _raising_remote_errors(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        text = redact_text(" ".join(str(error).split()))
        # Answers of the server have a code; 57P means that it is shutting down or starting.
        if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "57P").startswith("57P"):
            raise Unreachable(SYSTEM, what, text or "does not answer") from error
        raise Refused(SYSTEM, what, status=0, body=text) from error
