"""Joiners: take rows as plain tuples, return joined pairs. One object per task and join."""

from __future__ import annotations

from typing import Literal

from bifrost.engine.state.frozen import Key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import JoinBuffer, KeyValueStore, Row
from bifrost.sql.tree import JoinKind

Pair = tuple[Row | None, Row | None]
"""The left and the right part of a joined row."""

Side = Literal["left", "right"]

# The kind of a join as its right table sees it.
_MIRRORED = {JoinKind.INNER: JoinKind.INNER, JoinKind.OUTER: JoinKind.OUTER}
_MIRRORED |= {JoinKind.LEFT: JoinKind.RIGHT, JoinKind.RIGHT: JoinKind.LEFT}


class TableJoiner:
    """Joins the rows of two tables that have the same key."""

    def __init__(self, kind: JoinKind, left: KeyValueStore, right: KeyValueStore) -> None:
        self._kind = kind
        self._left = left
        self._right = right

    def left(self, key: Key, row: Row | None, timestamp: int) -> tuple[Pair | None, Pair | None, int] | None:
        """Changes the left row of a key (None: deleted); returns new pair, old pair and time, None for no change."""
        return _changed(self._kind, self._left, self._right, key, row, timestamp)

    def right(self, key: Key, row: Row | None, timestamp: int) -> tuple[Pair | None, Pair | None, int] | None:
        """Like `left`, for the right table."""
        change = _changed(_MIRRORED[self._kind], self._right, self._left, key, row, timestamp)
        if change is None:
            return None
        new, old, at = change
        return new and (new[1], new[0]), old and (old[1], old[0]), at


def _changed(
    kind: JoinKind, this: KeyValueStore, other: KeyValueStore, key: Key, row: Row | None, timestamp: int
) -> tuple[Pair | None, Pair | None, int] | None:
    """Changes `this` side and returns its view of the pairs, as Kafka Streams' table-table joins do."""
    before = this.delete(key, timestamp) if row is None else this.put(key, row, timestamp)
    entry = other.get(key)
    partner, at = (None, timestamp) if entry is None else (entry[0], max(timestamp, entry[1]))
    match kind:
        # Without a partner these joins show nothing of this side, neither before the change nor after it.
        case JoinKind.INNER | JoinKind.RIGHT if partner is None:
            return None
        case JoinKind.OUTER if partner is None and row is None and before is None:
            return None
    shows = kind in (JoinKind.RIGHT, JoinKind.OUTER) and partner is not None
    new = (row, partner) if row is not None or shows else None
    old = (before, partner) if before is not None or shows else None
    return new, old, at


class StreamJoiner:
    """Joins rows of two streams that have the same key and lie close in time.

    A left row at t joins right rows from t - before to t + after. `unmatched` holds rows of outer sides until nothing
    can match them; it is None for joins without GRACE, which emit unmatched rows immediately.
    """

    def __init__(
        self,
        kind: JoinKind,
        buffers: dict[Side, JoinBuffer],
        unmatched: dict[Side, JoinBuffer] | None,
        *,
        before_ms: int,
        after_ms: int,
        grace_ms: int,
    ) -> None:
        self._buffers = buffers
        self._unmatched = unmatched
        self._outer: dict[Side, bool] = {
            "left": kind in (JoinKind.LEFT, JoinKind.OUTER),
            "right": kind in (JoinKind.RIGHT, JoinKind.OUTER),
        }
        self._back: dict[Side, int] = {"left": before_ms, "right": after_ms}
        self._ahead: dict[Side, int] = {"left": after_ms, "right": before_ms}
        self._grace = grace_ms
        self._stream_time: int | None = None
        # 0 makes the first row look into the buffers, which are restored after the joiner is created.
        self._oldest_unmatched = 0

    def left(self, key: Key, row: Row, timestamp: int) -> list[tuple[Key, Row | None, Row | None, int]]:
        """Takes a row of the left stream; returns joined rows as (key, left, right, time)."""
        return [(at_key, mine, other, at) for at_key, mine, other, at in self._arrived("left", key, row, timestamp)]

    def right(self, key: Key, row: Row, timestamp: int) -> list[tuple[Key, Row | None, Row | None, int]]:
        """Takes a row of the right stream; returns joined rows as (key, left, right, time)."""
        return self._arrived("right", key, row, timestamp)

    def _arrived(self, side: Side, key: Key, row: Row, timestamp: int) -> list[tuple[Key, Row | None, Row | None, int]]:
        self._buffers[side].put(key, row, timestamp)
        now = self._advance(timestamp)
        # Only a row that moves stream time closes windows. As in Kafka Streams, unmatched rows come before its matches.
        results = self._expired(now) if timestamp == now else []
        other: Side = "right" if side == "left" else "left"
        first, last = max(0, timestamp - self._back[side]), max(0, timestamp + self._ahead[side])
        partners = self._buffers[other].fetch(key, first, last)
        for at, partner in partners:
            if self._unmatched is not None and self._outer[other]:
                self._unmatched[other].remove(key, at)
            results.append((key, *_pair(side, row, partner), max(timestamp, at)))
        if not partners and self._outer[side]:
            # As in Kafka Streams: a late row whose window ends before stream time is not held back.
            if self._unmatched is None or last < now:
                results.append((key, *_pair(side, row, None), timestamp))
            else:
                self._unmatched[side].put(key, row, timestamp)
                self._oldest_unmatched = min(self._oldest_unmatched, timestamp)
        return results

    def _advance(self, timestamp: int) -> int:
        if self._stream_time is None:
            # Not in the constructor: the buffers are restored after it.
            self._stream_time = max(buffer.stream_time for buffer in self._buffers.values())
        self._stream_time = max(self._stream_time, timestamp)
        return self._stream_time

    def _expired(self, now: int) -> list[tuple[Key, Row | None, Row | None, int]]:
        """Returns unmatched rows whose window has closed: by time, at equal times right before left, then by key."""
        # Cheap test first: most rows close nothing.
        if self._unmatched is None or self._oldest_unmatched >= now - self._grace - min(self._ahead.values()):
            return []
        found = []
        sides: tuple[Side, Side] = ("right", "left")
        for rank, side in enumerate(sides):
            for at, key, row in self._unmatched[side].take_older(now - self._grace - self._ahead[side]):
                found.append((at, rank, sort_key(key), (key, *_pair(side, row, None), at)))
        found.sort(key=lambda item: item[:3])
        self._oldest_unmatched = min(buffer.oldest for buffer in self._unmatched.values())
        return [result for *_, result in found]


def _pair(side: Side, mine: Row, other: Row | None) -> Pair:
    return (mine, other) if side == "left" else (other, mine)
