"""PostgreSQL: scripts and rows. What is read of it, Connect reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from bifrost.errors import Refused, Unreachable

SYSTEM = "PostgreSQL"
TIMEOUT_S = 10
STATEMENT_S = 60


class PostgresClient:
    """One connection to one database.

    Every method raises `Unreachable` when the server does not answer and `Refused` when it says no; what was begun is
    undone then.
    """

    def __init__(self, url: str) -> None:
        """Connect.

        Args:
            url: `postgresql://user:password@host:port/database`.
        """
        with _telling("connect"):
            self._connection = psycopg.connect(
                url,
                connect_timeout=TIMEOUT_S,
                application_name="bifrost",
                options=f"-c statement_timeout={STATEMENT_S}s",
            )

    def run_script(self, text: str) -> None:
        """Run the statements of a script in one transaction."""
        with _telling("run a script"), self._connection.transaction():
            # Without parameters, so that several statements may come at once.
            self._connection.execute(text)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows in one transaction; one whose primary key is there already is left out.

        Args:
            table: `schema.table`.
            rows: values in the order of `columns`.
        """
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        )
        with (
            _telling(f"insert into {table}"),
            self._connection.transaction(),
            self._connection.cursor() as cursor,
        ):
            cursor.executemany(statement, rows)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _telling(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        # The server's own answers have a code; 57P is that of one that goes down or comes up.
        if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "57P").startswith("57P"):
            raise Unreachable(SYSTEM, what, text or "does not answer") from error
        raise Refused(SYSTEM, what, status=0, body=text) from error
