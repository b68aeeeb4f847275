"""A session store in memory: dicts of sessions by key, and a sorted list of sessions by end."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import Entry, Row

StoredSession = tuple[int, int, Key, Entry]


class MemorySessionStore:
    """Implements `SessionStore`."""

    def __init__(self, recorder: ChangelogRecorder, retention_ms: int | None) -> None:
        self._by_key: dict[Key, dict[tuple[int, int], Row]] = {}
        # Sorted (end, start, number, key), removed sessions included; unique numbers, so keys are never compared.
        self._ends: list[tuple[int, int, int, Key]] = []
        self._count = 0
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
            for (start, end), row in list(sessions.items())
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
        self._insert(key, start, end, row)
        self._record.put((start, end, *key), row, end)

    def _insert(self, key: Key, start: int, end: int, row: Row) -> None:
        sessions = self._by_key.setdefault(key, {})
        if (start, end) not in sessions:
            self._count += 1
            insort(self._ends, (end, start, self._count, key))
        sessions[start, end] = row

    def remove(self, key: Key, start: int, end: int) -> None:
        """See `SessionStore`."""
        if self._forget(key, start, end):
            self._record.delete((start, end, *key), self.stream_time)

    def _forget(self, key: Key, start: int, end: int) -> bool:
        sessions = self._by_key.get(key, {})
        found = sessions.pop((start, end), None) is not None
        if not sessions:
            self._by_key.pop(key, None)
        return found

    def _expire(self) -> None:
        if self._retention_ms is None:
            return
        gone = bisect_left(self._ends, (self.stream_time - self._retention_ms,))
        for end, start, _, key in self._ends[:gone]:
            self.remove(key, start, end)
        del self._ends[:gone]

    def ended(self, first: int, until: int) -> list[StoredSession]:
        """See `SessionStore`."""
        found: dict[tuple[int, int, Key], StoredSession] = {}
        for end, start, _, key in self._ends[bisect_left(self._ends, (first,)) : bisect_left(self._ends, (until,))]:
            row = self._by_key.get(key, {}).get((start, end))
            if row is not None:
                found[start, end, key] = (start, end, key, (row, end))
        return sorted(found.values(), key=lambda session: (session[1], session[0], sort_key(session[2])))

    def sessions(self) -> Iterator[StoredSession]:
        """See `SessionStore`."""
        for key, sessions in list(self._by_key.items()):
            for (start, end), row in list(sessions.items()):
                yield start, end, key, (row, end)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.store_key(key, value)
        if found is None:
            return
        start, end, *parts = found
        place = tuple(parts)
        if value is None:
            self._forget(place, start, end)
            return
        self._insert(place, start, end, self._record.entry(value)[0])
        self.stream_time = max(self.stream_time, end)

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))
