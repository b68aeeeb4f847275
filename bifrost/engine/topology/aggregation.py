"""Aggregates at work: plain tuples in, changes of result rows out. One object per task and aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.engine.functions.registry import ResolvedAggregate
from bifrost.engine.plan import Hopping, Session, Tumbling
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import KeyValueStore, Row, SessionStore, WindowStore
from bifrost.engine.topology.windows import grace_of, starts_of

Values = tuple[tuple[Any, ...], ...]
"""The arguments of each aggregate."""

WindowChange = tuple[Key, int, int, Row | None, int, Row | None]
"""Key, window start and end, new row (None: gone), its time, old row (None: there was none)."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The states of a group's aggregates: stored rows are the kept columns, then one state per aggregate."""

    kept: int
    parts: tuple[ResolvedAggregate, ...]

    def empty(self) -> Row:
        """States before the first row."""
        return tuple([part.initialize() for part in self.parts])

    def add(self, stored: Row | None, kept: Row, values: Values) -> Row:
        """The stored row with one more row in it, whose kept columns it takes over."""
        states = self.empty() if stored is None else stored[self.kept :]
        added = [part.add(state, *given) for part, state, given in zip(self.parts, states, values, strict=True)]
        return (*kept, *added)

    def remove(self, stored: Row, kept: Row, values: Values) -> Row:
        """The stored row without one row that was in it."""
        states = stored[self.kept :]
        left = [
            part.remove(state, *given) if part.remove is not None else state
            for part, state, given in zip(self.parts, states, values, strict=True)
        ]
        return (*kept, *left)

    def merge(self, older: Row, newer: Row) -> Row:
        """Two sessions' stored rows as one."""
        states = [
            part.merge(left, right) if part.merge is not None else right
            for part, left, right in zip(self.parts, older[self.kept :], newer[self.kept :], strict=True)
        ]
        return (*newer[: self.kept], *states)

    def result(self, stored: Row) -> Row:
        """The row that is shown: kept columns and the aggregates' results."""
        shown = [part.result(state) for part, state in zip(self.parts, stored[self.kept :], strict=True)]
        return (*stored[: self.kept], *shown)


class Aggregator:
    """Aggregates without windows, of streams and of tables."""

    def __init__(self, fold: Fold, store: KeyValueStore) -> None:
        self._fold = fold
        self._store = store

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> tuple[Row, int, Row | None]:
        """Takes a row in: the group's new result, its time, the old result."""
        entry = self._store.get(key)
        stored = None if entry is None else entry[0]
        changed = self._fold.add(stored, kept, values)
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, changed, at)
        return self._fold.result(changed), at, None if stored is None else self._fold.result(stored)

    def change(
        self, key: Key, new: tuple[Row, Values] | None, old: tuple[Row, Values] | None, timestamp: int
    ) -> tuple[Row, int, Row | None] | None:
        """Takes the old row out and the new one in; None where there is no group to take it from."""
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
        return self._fold.result(stored), at, None if before is None else self._fold.result(before)


class WindowedAggregator:
    """Aggregates by tumbling or hopping windows."""

    def __init__(self, fold: Fold, store: WindowStore, window: Tumbling | Hopping, *, final: bool) -> None:
        self._fold = fold
        self._store = store
        self._window = window
        self._size = window.size_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._stream_time: int | None = None
        self._closed: int | None = None

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Takes a row into the windows that are open for it; gives changes, or the windows that closed by it."""
        now = self._advance(timestamp)
        changes = []
        for start in starts_of(self._window, timestamp):
            if start + self._size + self._grace > now:
                changes.append(self._add(key, start, kept, values, timestamp))
        return self._closed_windows(now - self._grace) if self._final else changes

    def _advance(self, timestamp: int) -> int:
        if self._stream_time is None:
            self._stream_time = self._store.stream_time
            self._closed = self._stream_time - self._grace
        self._stream_time = max(self._stream_time, timestamp)
        return self._stream_time

    def _add(self, key: Key, start: int, kept: Row, values: Values, timestamp: int) -> WindowChange:
        entry = self._store.get(key, start)
        stored = None if entry is None else entry[0]
        changed = self._fold.add(stored, kept, values)
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, start, changed, at)
        before = None if stored is None else self._fold.result(stored)
        return key, start, start + self._size, self._fold.result(changed), at, before

    def _closed_windows(self, until: int) -> Sequence[WindowChange]:
        """Windows that end in (closed, until]: each is given once."""
        closed = self._closed if self._closed is not None else -1
        if until <= closed:
            return ()
        self._closed = until
        return [
            (key, start, start + self._size, self._fold.result(stored), at, None)
            for start, key, (stored, at) in self._store.between(closed - self._size + 1, until - self._size)
        ]


class SessionAggregator:
    """Aggregates by sessions: a row joins, extends or merges the sessions that its gap reaches."""

    def __init__(self, fold: Fold, store: SessionStore, window: Session, *, final: bool) -> None:
        self._fold = fold
        self._store = store
        self._gap = window.gap_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._stream_time: int | None = None
        self._closed: int | None = None

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Takes a row in: removed sessions, then the one that took their place; or the sessions that closed by it."""
        closed = self._advance(timestamp) - self._grace - self._gap
        # Before the row is put: the store may forget sessions by it that were not given yet.
        ended = self._closed_sessions(closed) if self._final else ()
        merged = self._store.find(key, timestamp - self._gap, timestamp + self._gap)
        start = min([timestamp, *(session[0] for session in merged)])
        end = max([timestamp, *(session[1] for session in merged)])
        changes: list[WindowChange] = []
        if end >= closed:
            changes = self._merge(key, merged, (start, end), kept, values, grown=(start, end) != (timestamp, timestamp))
        return ended if self._final else changes

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
            if grown:  # as Kafka Streams: also a session that keeps its bounds is taken back first
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
            for start, end, key, (stored, _) in self._store.ended_before(until)
            if end >= closed
        ]
