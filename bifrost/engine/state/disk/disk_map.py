"""An ordered map of bytes: the part on disk contains whole commits, later changes are in memory.

So what a killed process leaves on disk is always the state at a commit, whose place in the changelog is known.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice

from bifrost.engine.state.disk.database import StateDatabase
from bifrost.errors import NotReady

_CHUNK = 256
# So few new keys are inserted into the sorted list one by one; more are sorted together.
_FEW = 8
_DIGEST = 32
_LENGTH = 4
_ABSENT = object()


class DiskMap:
    """The map of one store. One thread writes; other threads may read meanwhile.

    Keys of any length are allowed. Beyond the limit of LMDB a digest replaces the end of a key, so such keys are
    ordered by their first 450 bytes alone.
    """

    def __init__(self, database: StateDatabase, store: str) -> None:
        self._database = database
        self._store = store
        self._map = database.map(store)
        self._longest = database.largest_key
        self._pending: dict[bytes, bytes | None] = {}
        # The keys of `_pending`: sorted ones, and those that came since.
        self._sorted: list[bytes] = []
        self._unsorted: list[bytes] = []
        self._committing: dict[bytes, bytes | None] = {}
        self._is_closed = False
        self.lock = database.lock

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key, or None."""
        with self.lock:
            return self.found(key)

    def found(self, key: bytes) -> bytes | None:
        """Returns the value of a key, or None, for a caller that holds `lock`."""
        # One function for all steps: a join calls it for nearly every record if its table is large.
        stored = key if len(key) < self._longest else self._stored_key(key)
        value = self._pending.get(stored, _ABSENT)
        if value is _ABSENT:
            if self._is_closed:
                raise NotReady("ksqlDB", f"read store {self._store}", "its query is stopping; try again")
            value = self._database.reader.get(stored, None, self._map)
        if value is None or stored is key:
            return value  # type: ignore[return-value]  # `_ABSENT` is excluded
        return value[_LENGTH + len(key) :]  # type: ignore[index, no-any-return]

    def put(self, key: bytes, value: bytes) -> None:
        """Sets the value of a key."""
        stored = self._stored_key(key)
        if stored is not key:
            # So that `between` can return the whole key.
            value = len(key).to_bytes(_LENGTH, "big") + key + value
        self._change(stored, value)

    def delete(self, key: bytes) -> None:
        """Removes a key."""
        self._change(self._stored_key(key), None)

    def change(self, key: bytes, value: bytes | None) -> None:
        """Sets the value of a key, or removes it (None)."""
        if value is None:
            self.delete(key)
        else:
            self.put(key, value)

    def _change(self, stored: bytes, value: bytes | None) -> None:
        with self.lock:
            if stored not in self._pending:
                self._unsorted.append(stored)
            self._pending[stored] = value

    def _stored_key(self, key: bytes) -> bytes:
        if len(key) < self._longest:
            return key
        return key[: self._longest - _DIGEST] + blake2b(key, digest_size=_DIGEST).digest()

    def between(self, first: bytes, until: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Returns the entries with `first <= key < until` by key; entries changed meanwhile may be old or new."""
        # Long keys are stored cut off, so limits are cut off as well, and the whole keys are compared in the end.
        start: bytes | None = first[: self._longest - _DIGEST]
        end = (
            until
            if len(until) < self._longest - _DIGEST
            else until[: self._longest - _DIGEST] + b"\xff" * (_DIGEST + 1)
        )
        while start is not None:
            with self.lock:
                entries, start = self._chunk(start, end)
            for stored, value in entries:
                if value is not None:
                    key, row = self._entry(stored, value)
                    if first <= key < until:
                        yield key, row

    def _entry(self, stored: bytes, value: bytes) -> tuple[bytes, bytes]:
        if len(stored) < self._longest:
            return stored, value
        end = _LENGTH + int.from_bytes(value[:_LENGTH], "big")
        return value[_LENGTH:end], value[end:]

    def _chunk(self, first: bytes, until: bytes) -> tuple[list[tuple[bytes, bytes | None]], bytes | None]:
        """Returns some entries, deleted ones included, and the key from which to continue, None at the end."""
        if self._is_closed:
            raise NotReady("ksqlDB", f"read store {self._store}", "its query is stopping; try again")
        cursor = self._database.reader.cursor(db=self._map)
        on_disk = list(islice(cursor, _CHUNK)) if cursor.set_range(first) else []
        cursor.close()
        rest = on_disk[-1][0] + b"\0" if len(on_disk) == _CHUNK and on_disk[-1][0] < until else None
        changed = self._changed_keys(first, min(until, rest) if rest is not None else until)
        if not changed:
            return [entry for entry in on_disk if entry[0] < until], rest
        found: dict[bytes, bytes | None] = {key: value for key, value in on_disk if key < until}
        found.update((key, self._pending[key]) for key in changed)
        return sorted(found.items()), rest

    def _changed_keys(self, first: bytes, until: bytes) -> list[bytes]:
        fresh = self._unsorted
        if len(fresh) <= _FEW:
            for key in fresh:
                insort(self._sorted, key)
        else:
            self._sorted.extend(fresh)
            self._sorted.sort()
        fresh.clear()
        return self._sorted[bisect_left(self._sorted, first) : bisect_left(self._sorted, until)]

    def __len__(self) -> int:
        """The number of changes that are not on disk."""
        return len(self._pending)

    # --- commits

    def begin_commit(self) -> None:
        """Marks the changes so far: `committing` returns these."""
        with self.lock:
            self._committing = self._pending.copy()

    @property
    def committing(self) -> list[tuple[bytes, bytes | None]]:
        """The changes before the last `begin_commit` that are not on disk, by key."""
        return sorted(self._committing.items())

    def written(self) -> None:
        """Forgets the changes that `committing` returned: the database has them, and `reader` was renewed."""
        with self.lock:
            for key, value in self._committing.items():
                if self._pending.get(key, _ABSENT) is value:
                    del self._pending[key]
            self._committing = {}
            self._sorted, self._unsorted = sorted(self._pending), []

    def close(self) -> None:
        """Ends reading; the database is about to be closed."""
        with self.lock:
            self._is_closed = True
