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
    """Adds up the stores of all tasks of a process; any thread may call it.

    The cached rows of stores on disk share what the stores in memory leave of `limit` (bytes), at least a quarter.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._largest: dict[object, int] = {}
        self._sizes: dict[object, int] = {}
        self._on_disk: dict[object, int] = {}

    def must_move(self, owner: object, sizes: list[int], on_disk: int = 0) -> bool:
        """Takes the sizes of an owner's stores in memory (bytes), and how many of its stores on disk cache rows.

        Returns whether its largest store in memory must move to disk. That is so if all stores together exceed what
        they may take, and no owner has a larger one.
        """
        with self._lock:
            self._sizes[owner], self._largest[owner] = sum(sizes), max(sizes, default=0)
            self._on_disk[owner] = on_disk
            largest = max(self._largest.values())
            caches = self.limit // _CACHE_SHARE if any(self._on_disk.values()) else 0
            is_exceeded = sum(self._sizes.values()) + caches > self.limit
            return is_exceeded and 0 < largest == self._largest[owner]

    def leave(self, owner: object) -> None:
        """Forgets the stores of an owner."""
        with self._lock:
            for known in (self._sizes, self._largest, self._on_disk):
                known.pop(owner, None)

    def cached_rows(self, encoded: float) -> int:
        """Returns how many rows a store on disk may cache; `encoded` is the mean size of one in a changelog, bytes."""
        with self._lock:
            room = max(self.limit - sum(self._sizes.values()), self.limit // _CACHE_SHARE)
            stores = max(sum(self._on_disk.values()), 1)
        return max(int(room / stores / size_of(1, encoded)), _LEAST_CACHED)


def size_of(rows: int, encoded: float) -> int:
    """Returns the estimated bytes of rows in memory; `encoded` is the mean size of one in a changelog, bytes."""
    return int(rows * (_BYTES_PER_ROW + _BYTES_PER_ENCODED_BYTE * encoded))
