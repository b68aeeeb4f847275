"""A join buffer in memory: sorted lists of rows by key, and a heap of all rows by time."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import ClassVar

from bifrost.engine.state.aging_list import AgingList
from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import NEVER, Row


class MemoryJoinBuffer:
    """Implements `JoinBuffer`."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "count")

    def __init__(self, recorder: ChangelogRecorder, retention_ms: int | None) -> None:
        # Rows as (time, number, row); the numbers are unique, so sorting never compares rows.
        self._by_key: dict[Key, AgingList[tuple[int, int, Row]]] = {}
        # A heap of (time, number, key); removed rows stay in it until they are the oldest.
        self._oldest: list[tuple[int, int, Key]] = []
        self.count = 0
        self._rows = 0
        self._retention_ms = retention_ms
        self._record = recorder
        self.stream_time = -1

    def put(self, key: Key, row: Row, timestamp: int) -> None:
        """See `JoinBuffer`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
            if self._retention_ms is not None:
                self.take_older(timestamp - self._retention_ms + 1)
        if self._retention_ms is not None and timestamp <= self.stream_time - self._retention_ms:
            return
        number = self.count
        self._insert(key, row, timestamp, number)
        self._record.put((timestamp, number, *key), row, timestamp)

    def _insert(self, key: Key, row: Row, timestamp: int, number: int) -> None:
        # A restored row brings its number along, and new rows must sort after all restored ones.
        self.count = max(self.count, number) + 1
        self._rows += 1
        rows = self._by_key.get(key)
        if rows is None:
            rows = self._by_key[key] = AgingList(spare=0)  # many lists of few rows
        rows.add((timestamp, number, row))
        heappush(self._oldest, (timestamp, number, key))

    def fetch(self, key: Key, first: int, last: int) -> list[tuple[int, Row]]:
        """See `JoinBuffer`."""
        rows = self._by_key.get(key)
        if rows is None:
            return []
        return [(timestamp, row) for timestamp, _, row in rows.between((first,), (last + 1,))]

    def remove(self, key: Key, timestamp: int) -> None:
        """See `JoinBuffer`."""
        rows = self._by_key.get(key)
        if rows is None:
            return
        for _, number, _ in rows.between((timestamp,), (timestamp + 1,)):
            self._drop(key, timestamp, number)
            self._record.delete((timestamp, number, *key), self.stream_time)

    def _drop(self, key: Key, timestamp: int, number: int) -> Row | None:
        """Removes and returns a row, if it exists."""
        rows = self._by_key.get(key)
        if rows is None:
            return None
        taken = rows.take((timestamp, number), (timestamp, number + 1))
        if not taken:
            return None
        self._rows -= 1
        if not rows:
            del self._by_key[key]
        return taken[0][2]

    @property
    def oldest(self) -> int:
        """See `JoinBuffer`."""
        # Drops entries of removed rows on the way, so that each is passed once.
        while self._oldest:
            timestamp, number, key = self._oldest[0]
            rows = self._by_key.get(key)
            if rows is not None and rows.between((timestamp, number), (timestamp, number + 1)):
                return timestamp
            heappop(self._oldest)
        return NEVER

    def take_older(self, timestamp: int) -> list[tuple[int, Key, Row]]:
        """See `JoinBuffer`."""
        found = []
        while self._oldest and self._oldest[0][0] < timestamp:
            at, number, key = heappop(self._oldest)
            row = self._drop(key, at, number)
            if row is not None:
                self._record.delete((at, number, *key), self.stream_time)
                found.append((at, number, key, row))
        found.sort(key=lambda item: (item[0], sort_key(item[2]), item[1]))
        return [(at, key, row) for at, _, key, row in found]

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        return self._record.records(
            ((timestamp, number, *key), (row, timestamp))
            for key, rows in self._by_key.items()
            for timestamp, number, row in rows
        )

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.store_key(key, value)
        if found is None:
            return
        timestamp, number, *parts = found
        self.stream_time = max(self.stream_time, timestamp)
        # A copy of the store may include the first records that are read after it.
        self._drop(tuple(parts), timestamp, number)
        if value is not None:
            self._insert(tuple(parts), self._record.entry(value)[0], timestamp, number)

    def __len__(self) -> int:
        return self._rows
