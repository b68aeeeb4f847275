"""Stores as dicts, each with a hook that sees every change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from heapq import heappop, heappush

from bifrost.engine.state.changelog import Recorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import NEVER, Changelog, Entry, Row, Store, StoreKind, StoreSpec


def new_store(spec: StoreSpec, changelog: Changelog | None) -> Store:
    """An empty store of that kind in memory."""
    recorder = Recorder(changelog, spec.columns, spec.missing)
    match spec.kind:
        case StoreKind.KEY_VALUE:
            return MemoryKeyValueStore(recorder)
        case StoreKind.WINDOW:
            return MemoryWindowStore(recorder, spec.retention_ms)
        case StoreKind.SESSION:
            return MemorySessionStore(recorder, spec.retention_ms)
        case StoreKind.BUFFER:
            return MemoryJoinBuffer(recorder, spec.retention_ms)


class MemoryKeyValueStore:
    """A `KeyValueStore`."""

    def __init__(self, recorder: Recorder) -> None:
        self._entries: dict[Key | None, Entry] = {}
        self._record = recorder
        self.stream_time = -1
        # Bound to the dict itself: this is the look-up of every stream-table join.
        self.get = self._entries.get

    def put(self, key: Key, row: Row, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        old = self._entries.get(key)
        self._entries[key] = (row, timestamp)
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        self._record.put(key, row, timestamp)
        return None if old is None else old[0]

    def delete(self, key: Key, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        old = self._entries.pop(key, None)
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        if old is None:
            return None
        self._record.delete(key, timestamp)
        return old[0]

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """See `KeyValueStore`."""
        for key, entry in list(self._entries.items()):
            if key is not None:
                yield key, entry

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        parts = self._record.place(key, value)
        if parts is None:
            return
        place = tuple(parts)
        if value is None:
            self._entries.pop(place, None)
            return
        entry = self._entries[place] = self._record.entry(value)
        self.stream_time = max(self.stream_time, entry[1])

    def __len__(self) -> int:
        return len(self._entries)


class MemoryWindowStore:
    """A `WindowStore`."""

    def __init__(self, recorder: Recorder, retention_ms: int | None) -> None:
        self._by_key: dict[Key, dict[int, Entry]] = {}
        self._by_start: dict[int, set[Key]] = {}
        self._starts: list[int] = []
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
        if start > self.newest:
            self.newest = start
            self._expire(timestamp)
        if self._retention_ms is not None and start < self.newest - self._retention_ms:
            return
        self._insert(key, start, (row, timestamp))
        self._record.put((start, *key), row, timestamp)

    def _insert(self, key: Key, start: int, entry: Entry) -> None:
        self._by_key.setdefault(key, {})[start] = entry
        keys = self._by_start.get(start)
        if keys is None:
            keys = self._by_start[start] = set()
            insort(self._starts, start)
        keys.add(key)

    def _expire(self, timestamp: int) -> None:
        if self._retention_ms is None:
            return
        gone = bisect_left(self._starts, self.newest - self._retention_ms)
        for start in self._starts[:gone]:
            for key in self._by_start.pop(start):
                self._forget(key, start)
                self._record.delete((start, *key), timestamp)
        del self._starts[:gone]

    def _forget(self, key: Key, start: int) -> None:
        windows = self._by_key[key]
        del windows[start]
        if not windows:
            del self._by_key[key]

    def windows(self, key: Key) -> Iterator[tuple[int, Entry]]:
        """See `WindowStore`."""
        yield from sorted(self._by_key.get(key, {}).items())

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Entry]]:
        """See `WindowStore`."""
        for start in self._starts[bisect_left(self._starts, first) : bisect_right(self._starts, last)]:
            for key in sorted(self._by_start[start], key=sort_key):
                yield start, key, self._by_key[key][start]

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.place(key, value)
        if found is None:
            return
        start, *parts = found
        place = tuple(parts)
        if value is not None:
            entry = self._record.entry(value)
            self._insert(place, start, entry)
            self.newest = max(self.newest, start)
            self.stream_time = max(self.stream_time, entry[1])
        elif start in self._by_key.get(place, {}):
            self._forget(place, start)
            self._by_start[start].discard(place)

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))


class MemorySessionStore:
    """A `SessionStore`."""

    def __init__(self, recorder: Recorder, retention_ms: int | None) -> None:
        self._by_key: dict[Key, dict[tuple[int, int], Row]] = {}
        self._oldest_end = 0
        self._retention_ms = retention_ms
        self._record = recorder
        self.stream_time = -1

    def find(self, key: Key, earliest_end: int, latest_start: int) -> list[tuple[int, int, Entry]]:
        """See `SessionStore`."""
        sessions = self._by_key.get(key)
        if not sessions:
            return []
        found = [
            (start, end, (row, end))
            for (start, end), row in sessions.items()
            if end >= earliest_end and start <= latest_start
        ]
        return sorted(found, key=lambda session: (session[1], session[0]))

    def put(self, key: Key, start: int, end: int, row: Row) -> None:
        """See `SessionStore`."""
        if end > self.stream_time:
            self.stream_time = end
            self._expire()
        if self._retention_ms is not None and end < self.stream_time - self._retention_ms:
            return
        self._by_key.setdefault(key, {})[start, end] = row
        self._oldest_end = min(self._oldest_end, end)
        self._record.put((start, end, *key), row, end)

    def remove(self, key: Key, start: int, end: int) -> None:
        """See `SessionStore`."""
        sessions = self._by_key.get(key, {})
        if sessions.pop((start, end), None) is not None:
            self._record.delete((start, end, *key), self.stream_time)
        if not sessions:
            self._by_key.pop(key, None)

    def _expire(self) -> None:
        """Looks through the sessions only when the one that ended first is due."""
        if self._retention_ms is None or self._oldest_end >= self.stream_time - self._retention_ms:
            return
        for start, end, key, _ in self.ended_before(self.stream_time - self._retention_ms):
            self.remove(key, start, end)
        self._oldest_end = min((end for _, end, _, _ in self.sessions()), default=self.stream_time)

    def ended_before(self, end: int) -> list[tuple[int, int, Key, Entry]]:
        """See `SessionStore`."""
        found = [session for session in self.sessions() if session[1] < end]
        return sorted(found, key=lambda session: (session[1], session[0], sort_key(session[2])))

    def sessions(self) -> Iterator[tuple[int, int, Key, Entry]]:
        """See `SessionStore`."""
        for key, sessions in list(self._by_key.items()):
            for (start, end), row in list(sessions.items()):
                yield start, end, key, (row, end)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.place(key, value)
        if found is None:
            return
        start, end, *parts = found
        place = tuple(parts)
        if value is None:
            self._by_key.get(place, {}).pop((start, end), None)
            return
        self._by_key.setdefault(place, {})[start, end] = self._record.entry(value)[0]
        self._oldest_end = min(self._oldest_end, end)
        self.stream_time = max(self.stream_time, end)

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))


class MemoryJoinBuffer:
    """A `JoinBuffer`."""

    def __init__(self, recorder: Recorder, retention_ms: int | None) -> None:
        self._by_key: dict[Key, list[tuple[int, int, Row]]] = {}
        self._oldest: list[tuple[int, int, Key]] = []
        self._count = 0
        self._retention_ms = retention_ms
        self._record = recorder
        self.stream_time = -1

    def put(self, key: Key, row: Row, timestamp: int) -> None:
        """See `JoinBuffer`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
            self._expire()
        if self._retention_ms is not None and timestamp <= self.stream_time - self._retention_ms:
            return
        number = self._insert(key, row, timestamp, self._count)
        self._record.put((timestamp, number, *key), row, timestamp)

    def _insert(self, key: Key, row: Row, timestamp: int, number: int) -> int:
        self._count = max(self._count, number) + 1
        # Numbers are unique, so that rows themselves are never compared.
        insort(self._by_key.setdefault(key, []), (timestamp, number, row))
        heappush(self._oldest, (timestamp, number, key))
        return number

    def _expire(self) -> None:
        if self._retention_ms is None:
            return
        limit = self.stream_time - self._retention_ms
        while self._oldest and self._oldest[0][0] <= limit:
            timestamp, number, key = heappop(self._oldest)
            self._drop(key, timestamp, number)

    def _drop(self, key: Key, timestamp: int, number: int) -> None:
        rows = self._by_key.get(key, [])
        place = bisect_left(rows, (timestamp, number))
        if place < len(rows) and rows[place][:2] == (timestamp, number):
            del rows[place]
            self._record.delete((timestamp, number, *key), self.stream_time)
        if not rows:
            self._by_key.pop(key, None)

    def fetch(self, key: Key, first: int, last: int) -> list[tuple[int, Row]]:
        """See `JoinBuffer`."""
        rows = self._by_key.get(key)
        if rows is None:
            return []
        found = rows[bisect_left(rows, (first,)) : bisect_left(rows, (last + 1,))]
        return [(timestamp, row) for timestamp, _, row in found]

    def remove(self, key: Key, timestamp: int) -> None:
        """See `JoinBuffer`."""
        rows = self._by_key.get(key)
        if rows is None:
            return
        found = rows[bisect_left(rows, (timestamp,)) : bisect_left(rows, (timestamp + 1,))]
        for _, number, _ in found:
            self._drop(key, timestamp, number)

    @property
    def oldest(self) -> int:
        """See `JoinBuffer`."""
        return min((rows[0][0] for rows in self._by_key.values()), default=NEVER)

    def older_than(self, timestamp: int) -> list[tuple[int, Key, Row]]:
        """See `JoinBuffer`."""
        found = [
            (at, number, key, row)
            for key, rows in self._by_key.items()
            for at, number, row in rows[: bisect_left(rows, (timestamp,))]
        ]
        found.sort(key=lambda item: (item[0], sort_key(item[2]), item[1]))
        return [(at, key, row) for at, _, key, row in found]

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.place(key, value)
        if found is None:
            return
        timestamp, number, *parts = found
        place = tuple(parts)
        self.stream_time = max(self.stream_time, timestamp)
        if value is not None:
            self._insert(place, self._record.entry(value)[0], timestamp, number)
            return
        rows = self._by_key.get(place, [])
        at = bisect_left(rows, (timestamp, number))
        if at < len(rows) and rows[at][:2] == (timestamp, number):
            del rows[at]

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))
