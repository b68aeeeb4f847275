"""Aggregators: take rows as plain tuples, return changes of result rows. One object per task and aggregation.

An aggregator computes every new state and result of a row before it writes the first of them. So a row that cannot be
added (`RowRejected`) changes nothing, and an error of a store is never mistaken for a problem of the row.
"""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.plan.steps import Hopping, Session, Tumbling
from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import KeyValueStore, Row, SessionStore, WindowStore
from bifrost.engine.topology.operators.fold import Fold, Values
from bifrost.engine.topology.operators.windows import grace_of, starts_of

WindowChange = tuple[Key, int, int, Row | None, int, Row | None]
"""Key, window start and end, new row (None: deleted), its time, old row (None: none). Times are epoch ms."""

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

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> GroupChange:
        """Adds a row.

        Raises:
            RowRejected: the row cannot be added; the group stays as it was.
        """
        entry = self._store.get(key)
        stored = None if entry is None else entry[0]
        try:
            changed = self._fold.add(stored, kept, values)
            result = self._fold.result(changed)
        except EVALUATION_ERRORS as error:
            raise RowRejected from error
        at = timestamp if entry is None else max(timestamp, entry[1])
        self._store.put(key, changed, at)
        return result, at, self._fold.result(stored) if self._wants_old and stored is not None else None


class TableAggregator:
    """Aggregates of tables: a change removes the old row from its group and adds the new one.

    `exceptions` remembers the rows for which that failed: a row that was never added must not be removed later, and a
    row that could not be removed must not be added twice. It counts by group and values, which is exact, since rows of
    equal values have equal effects on a group. Removals that failed are tried again with each change of their group.
    """

    def __init__(self, fold: Fold, store: KeyValueStore, exceptions: KeyValueStore, *, wants_old: bool) -> None:
        self._fold = fold
        self._store = store
        self._exceptions = exceptions
        self._wants_old = wants_old
        self._pack = encoder()

    def change(
        self, key: Key, new: tuple[Row, Values] | None, old: tuple[Row, Values] | None, timestamp: int
    ) -> tuple[GroupChange | None, Exception | None]:
        """Removes the old row and adds the new one.

        Returns:
            the group's change, None if the group does not exist or has not changed; and the error of a row that could
            not be removed or added, if any.
        """
        entry = self._store.get(key)
        before = None if entry is None else entry[0]
        removed, not_removed = self._removed(key, before, old, timestamp)
        stored, not_added = self._added(key, removed, new, timestamp)
        if stored is not None and len(self._exceptions):
            stored = self._removed_later(key, stored, timestamp)
        problem = not_added or not_removed
        if stored is None or stored is before:
            return None, problem
        at = timestamp if entry is None else max(timestamp, entry[1])
        result = self._fold.result(stored)
        self._store.put(key, stored, at)
        old_result = self._fold.result(before) if self._wants_old and before is not None else None
        return (result, at, old_result), problem

    def _removed(
        self, key: Key, stored: Row | None, old: tuple[Row, Values] | None, timestamp: int
    ) -> tuple[Row | None, Exception | None]:
        if old is None or self._is_settled(key, old, 1, timestamp) or stored is None:
            return stored, None
        try:
            changed = self._fold.remove(stored, *old)
            self._fold.result(changed)
        except EVALUATION_ERRORS as error:
            self._count(key, old, -1, timestamp)
            return stored, error
        return changed, None

    def _added(
        self, key: Key, stored: Row | None, new: tuple[Row, Values] | None, timestamp: int
    ) -> tuple[Row | None, Exception | None]:
        if new is None or self._is_settled(key, new, -1, timestamp):
            return stored, None
        try:
            changed = self._fold.add(stored, *new)
            self._fold.result(changed)
        except EVALUATION_ERRORS as error:
            self._count(key, new, 1, timestamp)
            return stored, error
        return changed, None

    def _removed_later(self, key: Key, stored: Row, timestamp: int) -> Row:
        """Removes rows that could not be removed before, as far as that works now."""
        due = [
            entry[-1]
            for entry, ((count,), _) in self._exceptions.entries()
            if count < 0 and entry[:-1] == key
            for _ in range(-count)
        ]
        tried = len(due) + 1
        while len(due) < tried:
            # Each removal may make room for another one.
            tried, left = len(due), []
            for packed in due:
                row = decode(packed)
                try:
                    changed = self._fold.remove(stored, *row)
                    self._fold.result(changed)
                except EVALUATION_ERRORS:
                    left.append(packed)
                    continue
                self._count(key, row, 1, timestamp)
                stored = changed
            due = left
        return stored

    def _is_settled(self, key: Key, row: tuple[Row, Values], sign: int, timestamp: int) -> bool:
        """Whether an exception of this sign (1: not added, -1: not removed) covers the row; it is used up then."""
        if not len(self._exceptions):
            return False
        entry = self._exceptions.get(self._exception_key(key, row))
        if entry is None or entry[0][0] * sign <= 0:
            return False
        self._count(key, row, -sign, timestamp)
        return True

    def _count(self, key: Key, row: tuple[Row, Values], change: int, timestamp: int) -> None:
        exception = self._exception_key(key, row)
        entry = self._exceptions.get(exception)
        count = change if entry is None else entry[0][0] + change
        if count:
            self._exceptions.put(exception, (count,), timestamp)
        else:
            self._exceptions.delete(exception, timestamp)

    def _exception_key(self, key: Key, row: tuple[Row, Values]) -> Key:
        # The bytes of the values: exact, also for arrays and for NaN, which is not equal to itself.
        return (*key, self._pack(list(row)))


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

    def add(self, key: Key, kept: Row, values: Values, timestamp: int) -> Sequence[WindowChange]:
        """Adds a row to its open windows; returns the changes or, with EMIT FINAL, the windows that it closed.

        Raises:
            RowRejected: the row cannot be added to one of them, and was added to none.
        """
        if timestamp > self._stream_time:
            self._advance(timestamp)
        now, store = self._stream_time, self._store
        closed_start = now - self._grace - self._size
        states: list[tuple[int, Row, int]] = []
        changes: list[WindowChange] = []
        for start in starts_of(timestamp, self._size, self._advance_ms):
            if start > closed_start:
                entry = store.get(key, start)
                stored = None if entry is None else entry[0]
                try:
                    changed = self._fold.add(stored, kept, values)
                    result = self._fold.result(changed)
                except EVALUATION_ERRORS as error:
                    raise RowRejected from error
                at = timestamp if entry is None else max(timestamp, entry[1])
                before = self._fold.result(stored) if self._wants_old and stored is not None else None
                states.append((start, changed, at))
                changes.append((key, start, start + self._size, result, at, before))
        # To put the row may delete windows older than their retention, so those that it closes are read before.
        closed = self._closed_windows(now - self._grace) if self._final and not self._drops_expired else ()
        for start, changed, at in states:
            store.put(key, start, changed, at)
        if not self._final:
            return changes
        return self._closed_windows(now - self._grace) if self._drops_expired else closed

    def _advance(self, timestamp: int) -> None:
        if self._stream_time == _UNKNOWN:
            self._stream_time = self._store.stream_time
            self._closed = max(self._stream_time - self._grace, -1)
        self._stream_time = max(self._stream_time, timestamp)

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
        """Adds a row; returns the merged sessions, then the new one; with EMIT FINAL, the sessions that it closed.

        Raises:
            RowRejected: the row cannot be added; its sessions stay as they were.
        """
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
        fold = self._fold
        stored: Row | None = None
        try:
            for _, _, (row, _) in merged:
                stored = row if stored is None else fold.merge(stored, row)
            changed = fold.add(stored, kept, values)
            result = fold.result(changed)
        except EVALUATION_ERRORS as error:
            raise RowRejected from error
        changes: list[WindowChange] = []
        if grown:  # as in Kafka Streams: also a session that keeps its bounds is deleted first
            for start, end, (row, _) in merged:
                self._store.remove(key, start, end)
                changes.append((key, start, end, None, end, fold.result(row)))
        self._store.put(key, *bounds, changed)
        changes.append((key, *bounds, result, bounds[1], None))
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
