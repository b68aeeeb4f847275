"""The aggregator of tables: subtracts old rows and adds new ones, and remembers what failed."""

from __future__ import annotations

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import KeyValueStore, Row
from bifrost.engine.topology.operators.aggregators import GroupChange
from bifrost.engine.topology.operators.fold import Fold, Values


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
        # Each fold returns a new row, so the same object means that nothing has changed.
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
        # Sorted, since a store returns its entries in any order.
        due = sorted(
            entry[-1]
            for entry, ((count,), _) in self._exceptions.entries()
            if count < 0 and entry[:-1] == key
            for _ in range(-count)
        )
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
        # Cheap test first: there are hardly ever any.
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
