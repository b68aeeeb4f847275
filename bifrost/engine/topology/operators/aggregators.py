"""Aggregators: take rows as plain tuples, return changes of result rows. One object per task and aggregation."""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.plan.steps import Hopping, Session, Tumbling
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import KeyValueStore, Row, SessionStore, WindowStore
from bifrost.engine.topology.operators.fold import Fold, Values
from bifrost.engine.topology.operators.windows import grace_of, starts_of

WindowChange = tuple[Key, int, int, Row | None, int, Row | None]
"""Key, window start and end, new row (None: deleted), its time, old row (None: none). Times are epoch ms."""


_UNKNOWN = -2
"""Marks a stream time that was not read from the store yet; it is before the -1 of an empty store.

A store is restored after its aggregator is created, so its stream time is valid only from the first row on.
"""


class GroupAggregator:
    """Aggregates without windows, of streams and of tables. Old results are None unless `wants_old`."""

    def __init__(self, fold: Fold, store: KeyValueStore, *, wants_old: bool) -> None:
        self._fold = fold
        self._store = store
        self._wants_old = wants_old

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> tuple[Row, int, Row | None]:
        """Adds a row; returns the group's new result, its time, the old result."""
        entry = self._store.get(key)
        stored = None if entry is None else entry[0]
        changed = self._fold.add(stored, kept, values)
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, changed, at)
        return self._fold.result(changed), at, self._old(stored)

    def change(
        self, key: Key, new: tuple[Row, Values] | None, old: tuple[Row, Values] | None, timestamp: int
    ) -> tuple[Row, int, Row | None] | None:
        """Removes the old row and adds the new one; returns None if the group does not exist."""
        entry = self._store.get(key)
        stored = before = None if entry is None else entry[0]
        if stored is not None and old is not None:
            stored = self._fold.remove(stored, *old)
        if new is not None:
            stored = self._fold.add(stored, *new)
        if stored is None:
            return None
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, stored, at)
        return self._fold.result(stored), at, self._old(before)

    def _old(self, stored: Row | None) -> Row | None:
        return self._fold.result(stored) if self._wants_old and stored is not None else None


class WindowedAggregator:
    """Aggregates by tumbling or hopping windows."""

    def __init__(
        self, fold: Fold, store: WindowStore, window: Tumbling | Hopping, *, final: bool, wants_old: bool
    ) -> None:
        self._fold = fold
        self._store = store
        self._size = window.size_ms
        self._advance_ms = window.advance_ms if isinstance(window, Hopping) else window.size_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._wants_old = wants_old
        self._stream_time = _UNKNOWN
        self._closed = -1

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row to its open windows; returns the changes or, with EMIT FINAL, the windows that it closed."""
        if timestamp > self._stream_time:
            self._advance(timestamp)
        now = self._stream_time
        closed_start = now - self._grace - self._size
        changes = [
            self._add(key, start, kept, values, timestamp)
            for start in starts_of(timestamp, self._size, self._advance_ms)
            if start > closed_start
        ]
        # After the row is put, as in ksqlDB: that may delete windows older than their retention.
        return self._closed_windows(now - self._grace) if self._final else changes

    def _advance(self, timestamp: int) -> None:
        if self._stream_time == _UNKNOWN:
            self._stream_time = self._store.stream_time
            self._closed = max(self._stream_time - self._grace, -1)
        self._stream_time = max(self._stream_time, timestamp)

    def _add(self, key: Key, start: int, kept: Row, values: Values, timestamp: int) -> WindowChange:
        entry = self._store.get(key, start)
        stored = None if entry is None else entry[0]
        changed = self._fold.add(stored, kept, values)
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, start, changed, at)
        before = self._fold.result(stored) if self._wants_old and stored is not None else None
        return key, start, start + self._size, self._fold.result(changed), at, before

    def _closed_windows(self, until: int) -> Sequence[WindowChange]:
        """Returns the windows that end in (closed, until], each once."""
        closed = self._closed
        if until <= closed:
            return ()
        self._closed = until
        return [
            (key, start, start + self._size, self._fold.result(stored), at, None)
            for start, key, (stored, at) in self._store.between(closed - self._size + 1, until - self._size)
        ]


class SessionAggregator:
    """Aggregates by session windows: a row joins, extends or merges the sessions within its gap."""

    def __init__(self, fold: Fold, store: SessionStore, window: Session, *, final: bool) -> None:
        self._fold = fold
        self._store = store
        self._gap = window.gap_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._stream_time: int | None = None
        self._closed: int | None = None
        # If the row that closes sessions cannot be added, they are returned with the next row.
        self._due: list[WindowChange] = []

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row; returns the merged sessions, then the new one; with EMIT FINAL, the sessions that it closed."""
        closed = self._advance(timestamp) - self._grace - self._gap
        # Before the row is put: that may delete sessions that were not returned yet.
        if self._final:
            self._due += self._closed_sessions(closed)
        merged = self._store.find(key, timestamp - self._gap, timestamp + self._gap)
        start = min([timestamp, *(session[0] for session in merged)])
        end = max([timestamp, *(session[1] for session in merged)])
        changes: list[WindowChange] = []
        if end >= closed:
            changes = self._merge(key, merged, (start, end), kept, values, grown=(start, end) != (timestamp, timestamp))
        return self._taken_due() if self._final else changes

    def _advance(self, timestamp: int) -> int:
        if self._stream_time is None:
            self._stream_time = self._store.stream_time
            self._closed = self._stream_time - self._grace - self._gap
        self._stream_time = max(self._stream_time, timestamp)
        return self._stream_time

    def _merge(
        self,
        key: Key,
        merged: Sequence[tuple[int, int, tuple[Row, int]]],
        bounds: tuple[int, int],
        kept: Row,
        values: Values,
        *,
        grown: bool,
    ) -> list[WindowChange]:
        stored: Row | None = None
        changes: list[WindowChange] = []
        for start, end, (row, _) in merged:
            stored = row if stored is None else self._fold.merge(stored, row)
            if grown:  # as in Kafka Streams: also a session that keeps its bounds is deleted first
                self._store.remove(key, start, end)
                changes.append((key, start, end, None, end, self._fold.result(row)))
        changed = self._fold.add(stored, kept, values)
        self._store.put(key, *bounds, changed)
        changes.append((key, *bounds, self._fold.result(changed), bounds[1], None))
        return changes

    def _closed_sessions(self, until: int) -> Sequence[WindowChange]:
        closed = self._closed if self._closed is not None else -1
        if until <= closed:
            return ()
        self._closed = until
        return [
            (key, start, end, self._fold.result(stored), end, None)
            for start, end, key, (stored, _) in self._store.ended(closed, until)
        ]

    def _taken_due(self) -> Sequence[WindowChange]:
        due, self._due = self._due, []
        return due
