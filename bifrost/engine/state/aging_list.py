"""A sorted list that grows at its end and loses its first items, as stores do by time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# Short lists are not worth a move.
_SPARE = 64


class AgingList(Generic[T]):
    """Dropping the first items costs a constant time per item on average.

    `moved` counts the items that were moved to close gaps. Limits are items or, for items that are tuples, shorter
    tuples that sort before all items that begin with them. Dropped items stay in memory for a while: no more than are
    left, and twice `spare`.
    """

    def __init__(self, spare: int = _SPARE) -> None:
        self._spare = spare
        self._items: list[T] = []
        self._head = 0  # the items before it were dropped
        self.moved = 0

    def add(self, item: T) -> None:
        """Adds an item in its order."""
        insort(self._items, item, self._head)  # type: ignore[call-overload]  # T is comparable

    def drop_before(self, limit: Any) -> list[T]:
        """Drops and returns the items before a limit."""
        end = bisect_left(self._items, limit, self._head)
        dropped = self._items[self._head : end]
        self._head = end
        # Only when most of the list is gap: so each item is moved once at most per item that was dropped.
        if self._head > len(self._items) // 2 + self._spare:
            self.moved += len(self._items) - self._head
            del self._items[: self._head]
            self._head = 0
        return dropped

    def take(self, first: Any, until: Any) -> list[T]:
        """Removes and returns the items with `first <= item < until`."""
        begin = bisect_left(self._items, first, self._head)
        if begin == self._head:
            return self.drop_before(until)
        end = bisect_left(self._items, until, begin)
        taken = self._items[begin:end]
        self.moved += len(self._items) - end
        del self._items[begin:end]
        return taken

    def between(self, first: Any, until: Any) -> list[T]:
        """Returns the items with `first <= item < until`."""
        begin = bisect_left(self._items, first, self._head)
        return self._items[begin : bisect_left(self._items, until, begin)]

    def keep(self, is_kept: Callable[[T], bool]) -> None:
        """Drops the items for which a function is false."""
        self._items = [item for item in self if is_kept(item)]
        self._head = 0

    def __iter__(self) -> Iterator[T]:
        return iter(self._items[self._head :])

    def __len__(self) -> int:
        return len(self._items) - self._head
