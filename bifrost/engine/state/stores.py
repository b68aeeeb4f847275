"""The stores that the topology uses, as protocols; this package implements them in memory and on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

from bifrost.engine.state.frozen import Key
from bifrost.sql.types import SqlValue

Row = tuple[SqlValue, ...]
Entry = tuple[Row, int]
"""A row and its time (epoch ms)."""

StoreKey = tuple[SqlValue, ...]
"""Identifies an entry in a changelog: its key, preceded by window start, session bounds, or time and number."""

Encode = Callable[[StoreKey, Row | None, int], tuple[bytes, bytes | None]]
"""Encodes a change as key and value of a changelog record."""

Changelog = Callable[[Encode, StoreKey, Row | None, int], None]
"""Receives each change of a store: encoder, store key, row (None: deleted), time of the change (epoch ms).

Only the last change of a key matters, so a receiver that gathers changes need not encode the ones before it.
"""

NEVER = 1 << 63
"""A time after all others (epoch ms)."""


class StoreKind(Enum):
    """The kinds of store."""

    KEY_VALUE = "KEY_VALUE"
    WINDOW = "WINDOW"
    SESSION = "SESSION"
    BUFFER = "BUFFER"


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store that a query needs in every task of a sub-topology.

    `retention_ms` is how long entries stay in stream time, None without limit. `changelog` says whether changes must
    survive the process. `columns` names the columns of its rows, `missing` are the values of columns that a row written
    by an earlier version of the query lacks (None: all null).
    """

    name: str
    kind: StoreKind
    subtopology: int = 0
    changelog: bool = True
    retention_ms: int | None = None
    columns: tuple[str, ...] = ()
    missing: Row | None = None


class Store(Protocol):
    """The methods of every store.

    One thread writes; others may look up rows meanwhile, and see each entry before or after a change.
    """

    figures: ClassVar[tuple[str, ...]]
    """The attributes that a copy of the store needs beside its entries."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Applies a changelog record without writing it to the changelog again."""

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Returns the entries as changelog records; only the task's thread may call it."""

    @property
    def stream_time(self) -> int:
        """The highest time of an entry so far (epoch ms), -1 for an empty store."""

    def __len__(self) -> int:
        """The number of entries."""


class CopiedStore(Store, Protocol):
    """A store on disk."""

    def copy(self, key: bytes, value: bytes | None) -> None:
        """Applies a record of this engine's changelog, as `restore` does, to a copy of a store in memory.

        It takes less time, since it keeps no count of the entries: the figures of the copy are set in the end.
        """


class KeyValueStore(Store, Protocol):
    """The last row of every key."""

    def get(self, key: Key | None) -> Entry | None:
        """Returns the entry of a key, or None; None for a null key."""

    def put(self, key: Key, row: Row, timestamp: int) -> Row | None:
        """Sets the row of a key and returns the row before, or None."""

    def delete(self, key: Key, timestamp: int) -> Row | None:
        """Deletes a key and returns the row before, or None."""

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """Returns all entries, in any order."""

    def pairs_of(self, first: SqlValue) -> list[tuple[Key, Entry]]:
        """Returns the entries whose keys are pairs that begin with a value, in any order.

        Only the task's thread may call it.
        """


class WindowStore(Store, Protocol):
    """Rows by key and window start. Windows older than the retention are deleted."""

    def get(self, key: Key, start: int) -> Entry | None:
        """Returns the entry of one window, or None."""

    def put(self, key: Key, start: int, row: Row, timestamp: int) -> None:
        """Sets the row of one window, unless the window is older than the retention."""

    def windows(self, key: Key) -> Iterator[tuple[int, Entry]]:
        """Returns the windows of a key by start."""

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Entry]]:
        """Returns all windows with `first <= start <= last`, by start, then by key."""

    @property
    def newest(self) -> int:
        """The latest window start ever put, -1 for none."""


class SessionStore(Store, Protocol):
    """Rows by key and session. Sessions that ended before the retention are deleted."""

    def find(self, key: Key, earliest_end: int, latest_start: int) -> list[tuple[int, int, Entry]]:
        """Returns the sessions (start, end, entry) of a key that overlap these times (inclusive), by end."""

    def put(self, key: Key, start: int, end: int, row: Row) -> None:
        """Sets the row of a session."""

    def remove(self, key: Key, start: int, end: int) -> None:
        """Deletes a session."""

    def ended(self, first: int, until: int) -> list[tuple[int, int, Key, Entry]]:
        """Returns all sessions (start, end, key, entry) with `first <= end < until`, by end, then by start and key."""

    def sessions(self) -> Iterator[tuple[int, int, Key, Entry]]:
        """Returns all sessions."""


class JoinBuffer(Store, Protocol):
    """Rows by key and time, also several of equal time. Rows older than the retention are deleted."""

    def put(self, key: Key, row: Row, timestamp: int) -> None:
        """Adds a row."""

    def fetch(self, key: Key, first: int, last: int) -> list[tuple[int, Row]]:
        """Returns the rows (time, row) of a key with `first <= time <= last`, by time, then in order of arrival."""

    def remove(self, key: Key, timestamp: int) -> None:
        """Deletes the rows of a key at a time."""

    def take_older(self, timestamp: int) -> list[tuple[int, Key, Row]]:
        """Removes and returns all rows (time, key, row) from before a time, by time, then by key."""

    @property
    def oldest(self) -> int:
        """The time of the oldest row, `NEVER` if the buffer is empty."""
