"""A key-value store in memory: the last row of every key in a dict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Entry, Row
from bifrost.sql.types import SqlValue


def _no_row(_key: Key | None) -> Entry | None:
    """The default of `Rows.__missing__`."""


class Rows(dict[Key | None, Entry | None]):
    """The entries of a store by key. A missing one is read from elsewhere once the store has moved to disk.

    `__missing__` is an attribute, not a method that calls one: a look-up then costs one call less.
    """

    __slots__ = ("__missing__",)
    __missing__: Callable[[Key | None], Entry | None]

    def __init__(self) -> None:
        super().__init__()
        self.__missing__ = _no_row


class MemoryKeyValueStore:
    """Implements `KeyValueStore`."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time",)

    def __init__(self, recorder: ChangelogRecorder, rows: Rows) -> None:
        self._entries = rows
        self._record = recorder
        # The keys by their first parts, once `pairs_of` was called.
        self._by_first: dict[SqlValue, set[Key]] | None = None
        self.stream_time = -1
        # The method of the dict itself, since every record of a stream-table join calls it.
        self.get: Callable[[Key | None], Entry | None] = self._entries.__getitem__

    def put(self, key: Key, row: Row, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        old = self._entries.get(key)
        self._entries[key] = (row, timestamp)
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        self._record.put(key, row, timestamp)
        if old is not None:
            return old[0]
        if self._by_first is not None:
            self._by_first.setdefault(key[0], set()).add(key)
        return None

    def delete(self, key: Key, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        old = self._entries.pop(key, None)
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        if old is None:
            # Nothing to delete, so nothing for the changelog.
            return None
        self._record.delete(key, timestamp)
        if self._by_first is not None:
            self._forget_pair(self._by_first, key)
        return old[0]

    def _forget_pair(self, by_first: dict[SqlValue, set[Key]], key: Key) -> None:
        by_first[key[0]].discard(key)
        if not by_first[key[0]]:
            del by_first[key[0]]

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """See `KeyValueStore`."""
        # A copy: other threads list the entries while the task's thread changes them.
        for key, entry in list(self._entries.items()):
            if key is not None and entry is not None:
                yield key, entry

    def pairs_of(self, first: SqlValue) -> list[tuple[Key, Entry]]:
        """See `KeyValueStore`."""
        if self._by_first is None:
            # Built on first use: the store is restored after its operators are created.
            self._by_first = {}
            for key, _ in self.entries():
                self._by_first.setdefault(key[0], set()).add(key)
        found = ((key, self._entries[key]) for key in self._by_first.get(first, ()))
        return [(key, entry) for key, entry in found if entry is not None]

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        return self._record.records(self.entries())

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        parts = self._record.store_key(key, value)
        if parts is None:
            return
        store_key = tuple(parts)
        self._by_first = None
        if value is None:
            self._entries.pop(store_key, None)
            return
        entry = self._entries[store_key] = self._record.entry(value)
        self.stream_time = max(self.stream_time, entry[1])

    def __len__(self) -> int:
        return len(self._entries)
