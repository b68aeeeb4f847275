"""A session store on disk."""

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


class DiskSessionStore:
    """Implements `SessionStore`. The place of a session is its end, then its start."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "count")

    def __init__(self, recorder: ChangelogRecorder, rows: DiskMap, retention_ms: int | None) -> None:
        self._rows = rows
        self._sessions = Timeline(rows)
        self._retention_ms = retention_ms
        self._record = recorder
        self._expired = -NEVER  # no session ends before it
        self.stream_time = -1
        self.count = 0
        read_layouts(rows, recorder)

    def find(self, key: Key, earliest_end: int, latest_start: int) -> list[tuple[int, int, Entry]]:
        """See `SessionStore`."""
        return [
            (start, end, (self._record.entry(value)[0], end))
            for (end, start), value in self._sessions.of_key(key, earliest_end, NEVER)
            if start <= latest_start
        ]

    def put(self, key: Key, start: int, end: int, row: Row) -> None:
        """See `SessionStore`."""
        if end > self.stream_time:
            self.stream_time = end
            self._expire()
        if self._retention_ms is not None and end < self.stream_time - self._retention_ms:
            return
        self._insert(key, start, end, self._record.value(row, end))
        self._record.put((start, end, *key), row, end)

    def _insert(self, key: Key, start: int, end: int, value: bytes) -> None:
        is_new = self._sessions.get(key, (end, start)) is None
        self._sessions.put(key, (end, start), value, is_new=is_new)
        self.count += is_new

    def remove(self, key: Key, start: int, end: int) -> None:
        """See `SessionStore`."""
        if self._forget(key, start, end):
            self._record.delete((start, end, *key), self.stream_time)

    def _forget(self, key: Key, start: int, end: int) -> bool:
        if self._sessions.get(key, (end, start)) is None:
            return False
        self._sessions.delete(key, (end, start))
        self.count -= 1
        return True

    def _expire(self) -> None:
        if self._retention_ms is None:
            return
        limit = self.stream_time - self._retention_ms
        for (end, start), key in list(self._sessions.between(self._expired, limit - 1)):
            self.remove(key, start, end)
        self._expired = limit

    def ended(self, first: int, until: int) -> list[tuple[int, int, Key, Entry]]:
        """See `SessionStore`."""
        found = list(self._between(first, until - 1))
        return sorted(found, key=lambda session: (session[1], session[0], sort_key(session[2])))

    def sessions(self) -> Iterator[tuple[int, int, Key, Entry]]:
        """See `SessionStore`."""
        return self._between(-NEVER, NEVER)

    def _between(self, first: int, last: int) -> Iterator[tuple[int, int, Key, Entry]]:
        for (end, start), key in self._sessions.between(first, last):
            value = self._sessions.get(key, (end, start))
            if value is not None:
                yield start, end, key, (self._record.entry(value)[0], end)

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        yield from layouts(self._rows)
        pack = encoder()
        for (end, start), key in self._sessions.between(-NEVER, NEVER):
            value = self._sessions.get(key, (end, start))
            if value is not None:
                yield pack([start, end, *key]), value

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = restored_key(self._rows, self._record, key, value)
        if found is None:
            return
        start, end, *parts = found
        if value is None:
            self._forget(tuple(parts), start, end)
            return
        self._record.entry(value)  # raises if the record is not this engine's
        self._insert(tuple(parts), start, end, value)
        self.stream_time = max(self.stream_time, end)

    def copy(self, key: bytes, value: bytes | None) -> None:
        """See `CopiedStore`."""
        found = restored_key(self._rows, self._record, key, value)
        if found is not None:
            start, end, *parts = found
            self._sessions.change(tuple(parts), (end, start), value)

    def __len__(self) -> int:
        return self.count
