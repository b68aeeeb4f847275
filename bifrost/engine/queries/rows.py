"""The rows of a query between its thread and the client that reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bifrost.sql.types import SqlType, SqlValue

ResultRow = tuple[SqlValue, ...]


class Tombstone(tuple[SqlValue, ...]):
    """A deleted row of a table: only its key columns have values."""

    __slots__ = ()


_CAPACITY = 10_000
_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a query's result; `is_key` is set for pull queries only, as in ksqlDB."""

    name: str
    type: SqlType
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """The id and the columns of a query's result."""

    query_id: str
    columns: tuple[ResultColumn, ...]

    def __str__(self) -> str:
        """Returns the schema as ksqlDB prints it in a result's header."""
        return ", ".join(f"`{c.name}` {c.type}{' KEY' if c.is_key else ''}" for c in self.columns)


class RowBuffer:
    """A bounded buffer between a query's thread and its client.

    A slow client makes only its own query wait. `on_ready` is called on the query's thread when rows arrive in an empty
    buffer and when the buffer is closed; it must be quick.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._rows: list[ResultRow] = []
        self._closed = False
        self.on_ready: Callable[[], None] = _ignore

    def put(self, row: ResultRow) -> bool:
        """Adds a row, waiting while the buffer is full.

        Returns:
            False if the buffer is closed.
        """
        with self._changed:
            while len(self._rows) >= self._capacity and not self._closed:
                self._changed.wait(_WAIT_S)
            if self._closed:
                return False
            self._rows.append(row)
            # Readers take all rows together, so only the first one in an empty buffer has to wake them.
            first = len(self._rows) == 1
            if first:
                self._changed.notify_all()
        if first:
            self.on_ready()
        return True

    def take(self, timeout_s: float = 0.0) -> list[ResultRow]:
        """Removes and returns all rows, waiting up to `timeout_s` for the first."""
        with self._changed:
            if not self._rows and not self._closed and timeout_s > 0:
                self._changed.wait(timeout_s)
            # Taking all rows makes room, for which the query's thread may be waiting in `put`.
            rows, self._rows = self._rows, []
            self._changed.notify_all()
            return rows

    def close(self) -> None:
        """Closes the buffer: the query has ended, or the client is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.on_ready()

    @property
    def closed(self) -> bool:
        """Whether no further rows will arrive; rows in the buffer can still be taken."""
        return self._closed


def _ignore() -> None:
    """The default of `on_ready`."""
