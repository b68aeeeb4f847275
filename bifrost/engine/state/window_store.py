"""A window store in memory: dicts of windows by key, keys by window start, and a sorted list of starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bifrost.engine.state.aging_list import AgingList
from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import Entry, Row


class MemoryWindowStore:
    """Implements `WindowStore`."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "newest")

    def __init__(self, recorder: ChangelogRecorder, retention_ms: int | None) -> None:
        self._by_key: dict[Key, dict[int, Entry]] = {}
        self._by_start: dict[int, set[Key]] = {}
        self._starts: AgingList[int] = AgingList()
        self._count = 0
        self._retention_ms = retention_ms
        self._record = recorder
        self.stream_time = -1
        self.newest = -1

    def get(self, key: Key, start: int) -> Entry | None:
        """See `WindowStore`."""
        windows = self._by_key.get(key)
        return None if windows is None else windows.get(start)

    def put(self, key: Key, start: int, row: Row, timestamp: int) -> None:
        """See `WindowStore`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        # As in Kafka Streams, the retention of windows counts from the newest window start, not from the time of a
        # row.
        if start > self.newest:
            self.newest = start
            self._expire(timestamp)
        # An expired row must not reach the changelog either: nothing would delete it there again.
        if self._retention_ms is not None and start < self.newest - self._retention_ms:
            return
        windows = self._by_key.get(key)
        if windows is not None and start in windows:
            windows[start] = row, timestamp
        else:
            self._insert(key, start, (row, timestamp))
        self._record.put((start, *key), row, timestamp)

    def _insert(self, key: Key, start: int, entry: Entry) -> None:
        windows = self._by_key.setdefault(key, {})
        self._count += start not in windows
        windows[start] = entry
        keys = self._by_start.get(start)
        if keys is None:
            keys = self._by_start[start] = set()
            self._starts.add(start)
        keys.add(key)

    def _expire(self, timestamp: int) -> None:
        if self._retention_ms is None:
            return
        for start in self._starts.drop_before(self.newest - self._retention_ms):
            for key in self._by_start.pop(start):
                self._forget(key, start)
                self._record.delete((start, *key), timestamp)

    def _forget(self, key: Key, start: int) -> None:
        windows = self._by_key[key]
        del windows[start]
        self._count -= 1
        if not windows:
            del self._by_key[key]

    def windows(self, key: Key) -> Iterator[tuple[int, Entry]]:
        """See `WindowStore`."""
        yield from sorted(self._by_key.get(key, {}).items())

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Entry]]:
        """See `WindowStore`."""
        for start in self._starts.between(first, last + 1):
            for key in sorted(self._by_start.get(start, ()), key=sort_key):
                entry = self.get(key, start)
                # None if the task's thread has deleted the window since the keys were listed: look-ups run on other
                # threads.
                if entry is not None:
                    yield start, key, entry

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        by_key = self._by_key.items()
        return self._record.records(
            ((start, *key), entry) for key, windows in by_key for start, entry in windows.items()
        )

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.store_key(key, value)
        if found is None:
            return
        start, *parts = found
        window_key = tuple(parts)
        if value is not None:
            entry = self._record.entry(value)
            self._insert(window_key, start, entry)
            self.newest = max(self.newest, start)
            self.stream_time = max(self.stream_time, entry[1])
        elif start in self._by_key.get(window_key, {}):
            self._forget(window_key, start)
            # The start stays in `_starts`, since `_expire` expects each of them in `_by_start`; an empty set does no
            # harm.
            self._by_start[start].discard(window_key)

    def __len__(self) -> int:
        return self._count
