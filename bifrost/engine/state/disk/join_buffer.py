"""A join buffer on disk."""

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
from bifrost.engine.state.stores import NEVER, Row


class DiskJoinBuffer:
    """Implements `JoinBuffer`. The place of a row is its time, then the number of its arrival."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "count", "rows")

    def __init__(self, recorder: ChangelogRecorder, rows: DiskMap, retention_ms: int | None) -> None:
        self._map = rows
        self._buffer = Timeline(rows)
        self._retention_ms = retention_ms
        self._record = recorder
        self._from = -NEVER  # no row is older
        self.stream_time = -1
        self.count = 0
        self.rows = 0
        read_layouts(rows, recorder)

    def put(self, key: Key, row: Row, timestamp: int) -> None:
        """See `JoinBuffer`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
            if self._retention_ms is not None:
                self.take_older(timestamp - self._retention_ms + 1)
        if self._retention_ms is not None and timestamp <= self.stream_time - self._retention_ms:
            return
        number = self.count
        self._insert(key, timestamp, number, self._record.value(row, timestamp))
        self._record.put((timestamp, number, *key), row, timestamp)

    def _insert(self, key: Key, timestamp: int, number: int, value: bytes) -> None:
        # A restored row brings its number along, and may be in the map already.
        is_new = number >= self.count or self._buffer.get(key, (timestamp, number)) is None
        self.count = max(self.count, number + 1)
        self._buffer.put(key, (timestamp, number), value, is_new=is_new)
        self.rows += is_new
        self._from = min(self._from, timestamp)

    def fetch(self, key: Key, first: int, last: int) -> list[tuple[int, Row]]:
        """See `JoinBuffer`."""
        found = self._buffer.of_key(key, first, last)
        return [(timestamp, self._record.entry(value)[0]) for (timestamp, _), value in found]

    def remove(self, key: Key, timestamp: int) -> None:
        """See `JoinBuffer`."""
        for (_, number), _ in list(self._buffer.of_key(key, timestamp, timestamp)):
            self._drop(key, timestamp, number)
            self._record.delete((timestamp, number, *key), self.stream_time)

    def _drop(self, key: Key, timestamp: int, number: int) -> Row | None:
        value = self._buffer.get(key, (timestamp, number))
        if value is None:
            return None
        self._buffer.delete(key, (timestamp, number))
        self.rows -= 1
        return self._record.entry(value)[0]

    @property
    def oldest(self) -> int:
        """See `JoinBuffer`."""
        # Begins where the last call has ended, so that it passes removed rows once.
        self._from = next((timestamp for (timestamp, _), _ in self._buffer.between(self._from, NEVER)), NEVER)
        return self._from

    def take_older(self, timestamp: int) -> list[tuple[int, Key, Row]]:
        """See `JoinBuffer`."""
        found = []
        for (at, number), key in list(self._buffer.between(self._from, timestamp - 1)):
            row = self._drop(key, at, number)
            if row is not None:
                self._record.delete((at, number, *key), self.stream_time)
                found.append((at, number, key, row))
        self._from = max(self._from, timestamp)
        found.sort(key=lambda item: (item[0], sort_key(item[2]), item[1]))
        return [(at, key, row) for at, _, key, row in found]

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        yield from layouts(self._map)
        pack = encoder()
        for (timestamp, number), key in self._buffer.between(-NEVER, NEVER):
            value = self._buffer.get(key, (timestamp, number))
            if value is not None:
                yield pack([timestamp, number, *key]), value

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = restored_key(self._map, self._record, key, value)
        if found is None:
            return
        timestamp, number, *parts = found
        self.stream_time = max(self.stream_time, timestamp)
        if value is None:
            self._drop(tuple(parts), timestamp, number)
        else:
            self._record.entry(value)  # raises if the record is not this engine's
            self._insert(tuple(parts), timestamp, number, value)

    def copy(self, key: bytes, value: bytes | None) -> None:
        """See `CopiedStore`."""
        found = restored_key(self._map, self._record, key, value)
        if found is not None:
            timestamp, number, *parts = found
            self._buffer.change(tuple(parts), (timestamp, number), value)

    def __len__(self) -> int:
        return self.rows
