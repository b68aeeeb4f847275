"""A buffer of a table's changes: of each key, only the last change before a commit is emitted."""

from __future__ import annotations

from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Row
from bifrost.engine.topology.record_problems import Reporter
from bifrost.engine.topology.task_context import Headers
from bifrost.sql.types import SqlValue

BufferedChange = tuple[Key, int | None, int | None, Row | None, Row | None, int, int, int, Headers, Reporter]
"""Key, window start and end (None: no window), new row (None: deleted), the row that was emitted last (None: none),
time (epoch ms); then partition, offset and headers of the record that caused the change, and its reporter."""

_ENTRY_BYTES = 100
"""Added to the size of each entry: about what Kafka Streams counts beside key and value."""


class ChangeBuffer:
    """Keeps the last change by key, in the order of these changes, as the cache of Kafka Streams does.

    It is full beyond `limit_bytes`. Its owner then emits everything, beginning with the change that is longest ago.
    """

    __slots__ = ("_changes", "_limit_bytes", "_size")

    def __init__(self, limit_bytes: int) -> None:
        self._changes: dict[Key, BufferedChange] = {}
        self._limit_bytes = limit_bytes
        self._size = 0

    def add(
        self,
        identity: Key,
        key: Key,
        window_start: int | None,
        window_end: int | None,
        row: Row | None,
        old: Row | None,
        timestamp: int,
        partition: int,
        offset: int,
        headers: Headers,
        report: Reporter,
    ) -> bool:
        """Takes a change, in place of an earlier one of the same key; returns whether the buffer is full."""
        before = self._changes.pop(identity, None)
        if before is not None:
            # Nobody has seen the change before, so the old row is still the one before that change.
            old = before[4]
            self._size -= _size_of(before[3])
        else:
            self._size += _ENTRY_BYTES + _size_of(key)
        self._changes[identity] = key, window_start, window_end, row, old, timestamp, partition, offset, headers, report
        self._size += _size_of(row)
        return self._size > self._limit_bytes

    def take(self) -> list[BufferedChange]:
        """Removes and returns all changes, the longest ago first."""
        changes = list(self._changes.values())
        self._changes.clear()
        self._size = 0
        return changes


def _size_of(value: SqlValue | Row) -> int:
    """Returns about as many bytes as a value has in its serialized form."""
    match value:
        case None:
            return 1
        case str() | bytes():
            return len(value)
        case dict():
            return sum(_size_of(name) + _size_of(part) for name, part in value.items())
        case list() | tuple():
            return sum(map(_size_of, value))
        case _:
            return 8
