"""Aggregators: take rows as plain tuples, return changes of result rows. One object per task and aggregation.

An aggregator computes every new state and result of a row before it writes the first of them. So a row that cannot be
added (`RowRejected`) changes nothing, and an error of a store is never mistaken for a problem of the row.
"""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.plan.steps import Hopping, Session, Tumbling
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import KeyValueStore, Row, SessionStore, WindowStore
from bifrost.engine.topology.operators.fold import Fold, Values
from bifrost.engine.topology.operators.windows import grace_of, starts_of

WindowChange = tuple[Key, int, int, Row | None, int, Row | None]
"""Key, window start and end, new row (None: deleted), its time, old row (None: none). Times are epoch ms."""

SessionOfKey = tuple[int, int, tuple[Row, int]]
"""Start and end of a session, and its entry."""

GroupChange = tuple[Row, int, Row | None]
"""A group's new result, its time (epoch ms), its old result (None: none, or not wanted)."""


_UNKNOWN = -2
"""Marks a stream time that was not read from the store yet; it is before the -1 of an empty store.

A store is restored after its aggregator is created, so its stream time is valid only from the first row on.
"""


class RowRejected(Exception):
    """An aggregate cannot add a row (its sum overflows, say); the cause is `__cause__`."""


class GroupAggregator:
    """Aggregates of streams without windows. Old results are None unless `wants_old`."""

    def __init__(self, fold: Fold, store: KeyValueStore, *, wants_old: bool) -> None:
        self._fold = fold
        self._store = store
        self._wants_old = wants_old

    def add(self, key: Key, group_columns: Row, values: Values, timestamp: int) -> GroupChange:
        """Adds a row.

        Raises:
            RowRejected: the row cannot be added; the group stays as it was.
        """
        entry = self._store.get(key)
        stored = None if entry is None else entry[0]
        try:
            changed = self._fold.add(stored, group_columns, values)
            result = self._fold.result(changed)
        except EVALUATION_ERRORS as error:
            raise RowRejected from error
        # As in Kafka Streams, a result has the time of its latest row, not of the row that arrived last.
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, changed, at)
        return result, at, self._fold.result(stored) if self._wants_old and stored is not None else None


class WindowedAggregator:
    """Aggregates by tumbling or hopping windows.

    With EMIT FINAL (`final`), a row that moves stream time far ahead closes windows that are past their retention at
    that moment. ksqlDB loses their results; `drops_expired` does the same.
    """

    def __init__(
        self,
        fold: Fold,
        store: WindowStore,
        window: Tumbling | Hopping,
        *,
        final: bool,
        wants_old: bool,
        drops_expired: bool,
    ) -> None:
        self._fold = fold
        self._store = store
        self._size = window.size_ms
        self._advance_ms = window.advance_ms if isinstance(window, Hopping) else window.size_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._wants_old = wants_old
        self._drops_expired = drops_expired
        self._stream_time = _UNKNOWN
        self._closed = -1

    def add(self, key: Key, group_columns: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row to its open windows; returns the changes or, with EMIT FINAL, the windows that it closed.

        Raises:
            RowRejected: the row cannot be added to one of them, and was added to none.
        """
        now, store = self._stream_time, self._store
        if timestamp > now:
            now = self._first_time(timestamp) if now == _UNKNOWN else timestamp
        closed_start = now - self._grace - self._size
        states: list[tuple[int, Row, int]] = []
        changes: list[WindowChange] = []
        for start in starts_of(timestamp, self._size, self._advance_ms):
            # As in Kafka Streams, a window takes rows while its end lies after stream time less grace.
            if start > closed_start:
                entry = store.get(key, start)
                stored = None if entry is None else entry[0]
                try:
                    changed = self._fold.add(stored, group_columns, values)
                    result = self._fold.result(changed)
                except EVALUATION_ERRORS as error:
                    raise RowRejected from error
                at = timestamp if entry is None else max(timestamp, entry[1])
                before = self._fold.result(stored) if self._wants_old and stored is not None else None
                states.append((start, changed, at))
                changes.append((key, start, start + self._size, result, at, before))
        # Only now: a rejected row must not move time, since a restart would not know of it.
        self._stream_time = now
        # To put the row may delete windows older than their retention, so those that it closes are read before.
        closed = self._closed_windows(now - self._grace) if self._final and not self._drops_expired else ()
        for start, changed, at in states:
            store.put(key, start, changed, at)
        if not self._final:
            return changes
        return self._closed_windows(now - self._grace) if self._drops_expired else closed

    def _first_time(self, timestamp: int) -> int:
        """Returns the stream time at the first row, and sets which windows had closed before it."""
        restored = self._store.stream_time
        self._closed = max(restored - self._grace, -1)
        return max(restored, timestamp)

    def _closed_windows(self, until: int) -> Sequence[WindowChange]:
        """Returns the windows that end in (closed, until], each once."""
        closed = self._closed
        if until <= closed:
            return ()
        self._closed = until
        # The ends of windows lie in (closed, until], so their starts lie in (closed - size, until - size].
        return [
            (key, start, start + self._size, self._fold.result(stored), at, None)
            for start, key, (stored, at) in self._store.between(closed - self._size + 1, until - self._size)
        ]


class TumblingAggregator:
    """Aggregates by tumbling windows and emits every change: a row has one window. Half the cost of the general form.

    Old results are None unless `wants_old`.
    """

    def __init__(self, fold: Fold, store: WindowStore, window: Tumbling, *, wants_old: bool) -> None:
        self._add, self._result = fold.add, fold.result
        self._store = store
        self._size = window.size_ms
        self._open = window.size_ms + grace_of(window, emit_final=False)  # from the start of a window to its close
        self._wants_old = wants_old
        self._stream_time = _UNKNOWN
        self._closed_start = -1  # no window starts before the epoch

    def add(self, key: Key, group_columns: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row to its window; returns the change, or nothing if the window has closed.

        Raises:
            RowRejected: the row cannot be added; its window stays as it was.
        """
        now, closed_start = self._stream_time, self._closed_start
        if timestamp > now:
            now = timestamp if now != _UNKNOWN else max(self._store.stream_time, timestamp)
            closed_start = max(now - self._open, -1)
        start = timestamp - timestamp % self._size
        if start <= closed_start:
            self._stream_time, self._closed_start = now, closed_start
            return ()
        entry = self._store.get(key, start)
        stored, at = (None, timestamp) if entry is None else entry
        try:
            changed = self._add(stored, group_columns, values)
            result = self._result(changed)
        except EVALUATION_ERRORS as error:
            raise RowRejected from error
        if timestamp > at:
            at = timestamp
        before = self._result(stored) if self._wants_old and stored is not None else None
        # Only now: a rejected row must not move time, since a restart would not know of it.
        self._stream_time, self._closed_start = now, closed_start
        self._store.put(key, start, changed, at)
        return ((key, start, start + self._size, result, at, before),)


class SessionAggregator:
    """Aggregates by session windows: a row joins, extends or merges the sessions within its gap.

    `buffered` says that the changes go to a buffer, which needs every old result. Otherwise, as in Kafka Streams, the
    result of a session that stays a single moment is passed on without its old one.
    """

    def __init__(self, fold: Fold, store: SessionStore, window: Session, *, final: bool, buffered: bool) -> None:
        self._fold = fold
        self._store = store
        self._gap = window.gap_ms
        self._grace = grace_of(window, emit_final=final)
        self._final = final
        self._buffered = buffered
        self._stream_time: int | None = None
        self._closed = -1

    def add(self, key: Key, group_columns: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row; returns the merged sessions, then the new one; with EMIT FINAL, the sessions that it closed.

        Raises:
            RowRejected: the row cannot be added; its sessions stay as they were.
        """
        now = max(self._time(), timestamp)
        # A session ends at its last row, so it stays open for the gap, too: until then a row may extend it.
        closed = now - self._grace - self._gap
        merged = self._store.find(key, timestamp - self._gap, timestamp + self._gap)
        start = min([timestamp, *(session[0] for session in merged)])
        end = max([timestamp, *(session[1] for session in merged)])
        is_late = end < closed
        changed = None if is_late else self._merged(merged, group_columns, values)
        # Only now: a rejected row must not move time, since a restart would not know of it. But before the row is put:
        # that may delete sessions that it closes.
        self._stream_time = now
        due = self._closed_sessions(closed) if self._final else ()
        changes = [] if changed is None else self._replace(key, merged, (start, end), changed, timestamp)
        return due if self._final else changes

    def _time(self) -> int:
        if self._stream_time is None:
            self._stream_time = self._store.stream_time
            # What closed before a restart was emitted before it.
            self._closed = self._stream_time - self._grace - self._gap
        return self._stream_time

    def _merged(self, merged: Sequence[SessionOfKey], group_columns: Row, values: Values) -> tuple[Row, Row]:
        """Returns the new session's state and result."""
        stored: Row | None = None
        try:
            for _, _, (row, _) in merged:
                stored = row if stored is None else self._fold.merge(stored, row)
            changed = self._fold.add(stored, group_columns, values)
            return changed, self._fold.result(changed)
        except EVALUATION_ERRORS as error:
            raise RowRejected from error

    def _replace(
        self,
        key: Key,
        merged: Sequence[SessionOfKey],
        bounds: tuple[int, int],
        changed: tuple[Row, Row],
        timestamp: int,
    ) -> list[WindowChange]:
        changes: list[WindowChange] = []
        old: Row | None = None
        if bounds == (timestamp, timestamp):
            if self._buffered and merged:
                old = self._fold.result(merged[0][2][0])
        else:
            # As in Kafka Streams: also a session that keeps its bounds is deleted first.
            for start, end, (row, _) in merged:
                self._store.remove(key, start, end)
                changes.append((key, start, end, None, end, self._fold.result(row)))
        state, result = changed
        self._store.put(key, *bounds, state)
        changes.append((key, *bounds, result, bounds[1], old))
        return changes

    def _closed_sessions(self, until: int) -> Sequence[WindowChange]:
        closed = self._closed
        if until <= closed:
            return ()
        self._closed = until
        return [
            (key, start, end, self._fold.result(stored), end, None)
            for start, end, key, (stored, _) in self._store.ended(closed, until)
        ]
