"""What the topology needs of stores; `memory` has them as dicts, others may keep them on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from bifrost.engine.state.frozen import Key

Row = tuple[Any, ...]
Entry = tuple[Row, int]
"""A row and its time (epoch ms)."""

StoreKey = tuple[Any, ...]
"""What an entry is known by in a changelog: its key, behind its window, session or number."""

Encode = Callable[[StoreKey, Row | None, int], tuple[bytes, bytes | None]]
"""Makes key and value of the changelog record of a change."""

Changelog = Callable[[Encode, StoreKey, Row | None, int], None]
"""Takes each change of a store: place, row (None: deleted), time of the change in epoch ms.

Only the last change of a place counts in the end: whoever gathers changes need not encode those before it.
"""

NEVER = 1 << 63
"""A time after all others (epoch ms)."""


class StoreKind(Enum):
    """The four kinds of store."""

    KEY_VALUE = "KEY_VALUE"
    WINDOW = "WINDOW"
    SESSION = "SESSION"
    BUFFER = "BUFFER"


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store that a query needs in every task of a sub-topology.

    `retention_ms` is how long entries are kept in stream time, None for ever. `changelog` says whether its changes must
    survive the process. `columns` names what its rows hold, `missing` is what columns are that a row restored from an
    earlier version of the query does not have (None: all null).
    """

    name: str
    kind: StoreKind
    subtopology: int = 0
    changelog: bool = True
    retention_ms: int | None = None
    columns: tuple[str, ...] = ()
    missing: Row | None = None


class Store(Protocol):
    """What every store can do.

    One thread writes; look-ups may come from others meanwhile and see entries from before or after a change.
    """

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes a changelog record back in; nothing is written to the changelog."""

    @property
    def stream_time(self) -> int:
        """The highest time of its entries so far, -1 for an empty store."""

    def __len__(self) -> int:
        """Number of entries."""


class KeyValueStore(Store, Protocol):
    """The last row of every key."""

    def get(self, key: Key | None) -> Entry | None:
        """The entry of a key; None for none, and for a null key."""

    def put(self, key: Key, row: Row, timestamp: int) -> Row | None:
        """Sets the row of a key and gives the one it had."""

    def delete(self, key: Key, timestamp: int) -> Row | None:
        """Forgets a key and gives the row it had."""

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """All entries, oldest key first."""


class WindowStore(Store, Protocol):
    """Rows by key and window start. Windows older than the retention vanish."""

    def get(self, key: Key, start: int) -> Entry | None:
        """The entry of one window."""

    def put(self, key: Key, start: int, row: Row, timestamp: int) -> None:
        """Sets the row of one window; a window that is past the retention already is not kept."""

    def windows(self, key: Key) -> Iterator[tuple[int, Entry]]:
        """The windows of a key by start."""

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Entry]]:
        """All windows whose start lies in `first..last`, by start, then by key."""

    @property
    def newest(self) -> int:
        """The newest window start ever put, -1 for none."""


class SessionStore(Store, Protocol):
    """Rows by key and session. Sessions that ended before the retention vanish."""

    def find(self, key: Key, earliest_end: int, latest_start: int) -> list[tuple[int, int, Entry]]:
        """Sessions (start, end, entry) of a key that end at or after and start at or before these times, by end."""

    def put(self, key: Key, start: int, end: int, row: Row) -> None:
        """Sets the row of a session."""

    def remove(self, key: Key, start: int, end: int) -> None:
        """Forgets a session."""

    def ended(self, first: int, until: int) -> list[tuple[int, int, Key, Entry]]:
        """All sessions (start, end, key, entry) with `first <= end < until`, by end, then by start and key."""

    def sessions(self) -> Iterator[tuple[int, int, Key, Entry]]:
        """All sessions."""


class JoinBuffer(Store, Protocol):
    """Rows by key and time, several of equal time too. Rows older than the retention vanish."""

    def put(self, key: Key, row: Row, timestamp: int) -> None:
        """Adds a row."""

    def fetch(self, key: Key, first: int, last: int) -> list[tuple[int, Row]]:
        """Rows (time, row) of a key with time in `first..last`, by time, equal ones as they came."""

    def remove(self, key: Key, timestamp: int) -> None:
        """Forgets the rows of a key at a time."""

    def take_older(self, timestamp: int) -> list[tuple[int, Key, Row]]:
        """Takes out all rows (time, key, row) from before a time, by time, then by key."""

    @property
    def oldest(self) -> int:
        """The time of its oldest row, `NEVER` when it is empty."""
