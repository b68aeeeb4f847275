"""A window store on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.codec import encoder
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.disk.stored_keys import layouts, read_layouts, restored_key
from bifrost.engine.state.disk.timeline import Timeline
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import NEVER, Entry, Row


class DiskWindowStore:
    """Implements `WindowStore`."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "newest", "count")

    def __init__(self, recorder: ChangelogRecorder, rows: DiskMap, retention_ms: int | None) -> None:
        self._rows = rows
        self._windows = Timeline(rows)
        self._retention_ms = retention_ms
        self._record = recorder
        self._expired = -NEVER  # no window starts before it
        self.stream_time = -1
        self.newest = -1
        self.count = 0
        read_layouts(rows, recorder)

    def get(self, key: Key, start: int) -> Entry | None:
        """See `WindowStore`."""
        value = self._windows.get(key, (start, 0))
        return None if value is None else self._record.entry(value)

    def put(self, key: Key, start: int, row: Row, timestamp: int) -> None:
        """See `WindowStore`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        if start > self.newest:
            self.newest = start
            self._expire(timestamp)
        if self._retention_ms is not None and start < self.newest - self._retention_ms:
            return
        self._insert(key, start, self._record.value(row, timestamp))
        self._record.put((start, *key), row, timestamp)

    def _insert(self, key: Key, start: int, value: bytes) -> None:
        is_new = self._windows.get(key, (start, 0)) is None
        self._windows.put(key, (start, 0), value, is_new=is_new)
        self.count += is_new

    def _expire(self, timestamp: int) -> None:
        if self._retention_ms is None:
            return
        limit = self.newest - self._retention_ms
        for (start, _), key in list(self._windows.between(self._expired, limit - 1)):
            self._windows.delete(key, (start, 0))
            self.count -= 1
            self._record.delete((start, *key), timestamp)
        self._expired = limit

    def windows(self, key: Key) -> Iterator[tuple[int, Entry]]:
        """See `WindowStore`."""
        for (start, _), value in self._windows.of_key(key, -NEVER, NEVER):
            yield start, self._record.entry(value)

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Entry]]:
        """See `WindowStore`."""
        same: list[Key] = []
        at = first
        for (start, _), key in self._windows.between(first, last):
            if start != at:
                yield from self._of_start(at, same)
                at, same = start, []
            same.append(key)
        yield from self._of_start(at, same)

    def _of_start(self, start: int, keys: list[Key]) -> Iterator[tuple[int, Key, Entry]]:
        for key in sorted(keys, key=sort_key):
            entry = self.get(key, start)
            # None if the task's thread has deleted the window since the keys were listed.
            if entry is not None:
                yield start, key, entry

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        yield from layouts(self._rows)
        pack = encoder()
        for (start, _), key in self._windows.between(-NEVER, NEVER):
            value = self._windows.get(key, (start, 0))
            if value is not None:
                yield pack([start, *key]), value

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = restored_key(self._rows, self._record, key, value)
        if found is None:
            return
        start, *parts = found
        window_key = tuple(parts)
        if value is not None:
            # Decoded first: a record that is not this engine's must change nothing.
            _, timestamp = self._record.entry(value)
            self._insert(window_key, start, value)
            self.newest = max(self.newest, start)
            self.stream_time = max(self.stream_time, timestamp)
        elif self._windows.get(window_key, (start, 0)) is not None:
            self._windows.delete(window_key, (start, 0))
            self.count -= 1

    def copy(self, key: bytes, value: bytes | None) -> None:
        """See `CopiedStore`."""
        found = restored_key(self._rows, self._record, key, value)
        if found is not None:
            start, *parts = found
            self._windows.change(tuple(parts), (start, 0), value)

    def __len__(self) -> int:
        return self.count
