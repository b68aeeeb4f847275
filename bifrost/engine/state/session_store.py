"""A session store in memory: dicts of sessions by key, and a sorted list of sessions by end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from bifrost.engine.state.aging_list import AgingList
from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import Entry, Row

StoredSession = tuple[int, int, Key, Entry]
"""Start, end, key, entry."""

# Small stores do not compact at every second removal.
_SPARE_ENTRIES = 64


class MemorySessionStore:
    """Implements `SessionStore`."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time",)

    def __init__(self, recorder: ChangelogRecorder, retention_ms: int | None) -> None:
        # Rows with the numbers of their entries in `_ends`.
        self._by_key: dict[Key, dict[tuple[int, int], tuple[Row, int]]] = {}
        # Sorted (end, start, number, key); unique numbers, so keys are never compared. A session that grows is removed
        # with every row, and taking it out of the middle of a list is slow: its entry stays, and `_compact` drops all
        # such entries together once they outnumber the sessions.
        self._ends: AgingList[tuple[int, int, int, Key]] = AgingList()
        self._live = 0
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
            for (start, end), (row, _) in list(sessions.items())
            if end >= earliest_end and start <= latest_start
        ]
        return sorted(found, key=lambda session: (session[1], session[0]))

    def put(self, key: Key, start: int, end: int, row: Row) -> None:
        """See `SessionStore`."""
        if end > self.stream_time:
            self.stream_time = end
            self._expire()
        # An expired row must not reach the changelog either: only `_expire` deletes there, and it never saw this
        # session.
        if self._retention_ms is not None and end < self.stream_time - self._retention_ms:
            return
        self._insert(key, start, end, row)
        self._record.put((start, end, *key), row, end)

    def _insert(self, key: Key, start: int, end: int, row: Row) -> None:
        sessions = self._by_key.setdefault(key, {})
        known = sessions.get((start, end))
        if known is not None:
            sessions[start, end] = row, known[1]
            return
        self._count += 1
        self._live += 1
        sessions[start, end] = row, self._count
        self._ends.add((end, start, self._count, key))

    def remove(self, key: Key, start: int, end: int) -> None:
        """See `SessionStore`."""
        if self._forget(key, start, end):
            self._record.delete((start, end, *key), self.stream_time)
            self._compact()

    def _forget(self, key: Key, start: int, end: int) -> bool:
        sessions = self._by_key.get(key, {})
        found = sessions.pop((start, end), None) is not None
        if not sessions:
            self._by_key.pop(key, None)
        self._live -= found
        return found

    def _compact(self) -> None:
        if len(self._ends) > 2 * self._live + _SPARE_ENTRIES:
            self._ends.keep(self._is_live)

    def _is_live(self, entry: tuple[int, int, int, Key]) -> bool:
        end, start, number, key = entry
        session = self._by_key.get(key, {}).get((start, end))
        # A session that was removed and put again has the same bounds but a new number; its first entry is dead.
        return session is not None and session[1] == number

    def _expire(self) -> None:
        if self._retention_ms is None:
            return
        # A shorter tuple sorts before the longer ones that begin with it: a session that ends at the limit stays, as
        # in `put`.
        expired = self._ends.drop_before((self.stream_time - self._retention_ms,))
        for end, start, _, key in filter(self._is_live, expired):
            self._forget(key, start, end)
            self._record.delete((start, end, *key), self.stream_time)

    def ended(self, first: int, until: int) -> list[StoredSession]:
        """See `SessionStore`."""
        between = self._ends.between((first,), (until,))
        found = [
            (start, end, key, (self._by_key[key][start, end][0], end))
            for end, start, _, key in filter(self._is_live, between)
        ]
        return sorted(found, key=lambda session: (session[1], session[0], sort_key(session[2])))

    def sessions(self) -> Iterator[StoredSession]:
        """See `SessionStore`."""
        # Copies: other threads look up sessions while the task's thread changes the dicts.
        for key, sessions in list(self._by_key.items()):
            for (start, end), (row, _) in list(sessions.items()):
                yield start, end, key, (row, end)

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        return self._record.records(((start, end, *key), entry) for start, end, key, entry in self.sessions())

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        found = self._record.store_key(key, value)
        if found is None:
            return
        start, end, *parts = found
        session_key = tuple(parts)
        if value is None:
            self._forget(session_key, start, end)
            self._compact()
            return
        self._insert(session_key, start, end, self._record.entry(value)[0])
        self.stream_time = max(self.stream_time, end)

    def __len__(self) -> int:
        return self._live
