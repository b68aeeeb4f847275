"""The memory that the stores of a process may take, estimated from the numbers and the encoded sizes of their rows."""

from __future__ import annotations

import threading

DEFAULT_BYTES = 256 * 1024 * 1024
# Of a row in memory, measured: the objects of key, row and entry with their places in dicts, and how much larger values
# are than their encoded forms.
_BYTES_PER_ROW, _BYTES_PER_ENCODED_BYTE = 260, 3.5
_CACHE_SHARE = 4
_LEAST_CACHED = 500


class StateBudget:
    """Adds up the stores of all tasks of a process; any thread may call it."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._largest: dict[object, int] = {}
        self._sizes: dict[object, int] = {}

    def must_move(self, owner: object, sizes: list[int]) -> bool:
        """Takes the sizes of an owner's stores in memory (bytes); returns whether its largest one must move to disk.

        That is so if all stores together exceed the budget, and no owner has a larger one.
        """
        with self._lock:
            self._sizes[owner], self._largest[owner] = sum(sizes), max(sizes, default=0)
            largest = max(self._largest.values())
            return sum(self._sizes.values()) > self.limit and 0 < largest == self._largest[owner]

    def leave(self, owner: object) -> None:
        """Forgets the stores of an owner."""
        with self._lock:
            self._sizes.pop(owner, None)
            self._largest.pop(owner, None)

    def cached_rows(self, encoded: float) -> int:
        """Returns how many decoded rows a store on disk may hold in memory; `encoded` is the mean size of one, bytes.

        The stores of one query share a quarter of the budget, whatever the number of its partitions.
        """
        return max(int(self.limit / _CACHE_SHARE / size_of(1, encoded) / _CACHE_SHARE), _LEAST_CACHED)


def size_of(rows: int, encoded: float) -> int:
    """Returns the estimated bytes of rows in memory; `encoded` is the mean size of one in a changelog, bytes."""
    return int(rows * (_BYTES_PER_ROW + _BYTES_PER_ENCODED_BYTE * encoded))
