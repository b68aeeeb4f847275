"""A key-value store on disk, with a cache of decoded rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import ClassVar

from bifrost.engine.state.changelog import ChangelogRecorder
from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.disk.stored_keys import canonical, layouts, read_layouts, restored_key
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.key_value_store import Rows
from bifrost.engine.state.stores import Entry, Row
from bifrost.sql.types import SqlValue

_ROW, _AFTER_ROWS = b"r", b"s"
_PAIR = b"\x92"
# Nearly all keys are one number or text: encoded without the steps that others need, to the same bytes.
_ROW_OF_ONE, _PLAIN = _ROW + b"\x91", frozenset((int, str))
_EVICTED_SHARE = 16
_ADMITTED = 1 / 8
# Larger than the encoding of any value: only that of -1 begins with this byte, and it is one byte long.
_AFTER_PAIRS = b"\xff\xff"


class DiskKeyValueStore:
    """Implements `KeyValueStore`. `cache` holds up to `cached` entries, and None for keys without one."""

    figures: ClassVar[tuple[str, ...]] = ("stream_time", "count")

    def __init__(self, recorder: ChangelogRecorder, rows: DiskMap, cache: Rows, cached: int) -> None:
        self._rows = rows
        self._record = recorder
        self._cache = cache
        self.cached = cached
        self._pack = encoder()
        self._is_full = False
        self.stream_time = -1
        self.count = 0
        self.get = cache.__getitem__
        cache.__missing__ = self._new_read()
        read_layouts(rows, recorder)

    def _new_read(self) -> Callable[[Key | None], Entry | None]:
        """Returns the function that reads a missing row; a closure, since a join with a large table lives by it."""
        lock, pack, found, entry_of = self._rows.lock, self._pack, self._rows.found, self._record.entry
        chance = Random().random

        def read(key: Key | None) -> Entry | None:
            if key is None:
                return None
            # A look-up on another thread must not cache a row that the task's thread replaces meanwhile.
            with lock:
                is_plain = len(key) == 1 and type(key[0]) in _PLAIN  # as in `_stored`
                value = found(_ROW_OF_ONE + pack(key[0]) if is_plain else self._stored(key))
                entry = None if value is None else entry_of(value)
                # Replacing a row in a full cache takes as long as reading one, so only some misses do it: a key that
                # is often needed is soon among them. At random, since records may look up keys in a regular order.
                if not self._is_full or chance() < _ADMITTED:
                    self._remember(key, entry)
            return entry

        return read

    def _remember(self, key: Key, entry: Entry | None) -> None:
        self._cache[key] = entry
        excess = len(self._cache) - self.cached
        if excess > 0:
            self._is_full = True
            # Many together, since to find the first entry of a dict takes longer the more were deleted before it.
            for old in list(islice(self._cache, excess + self.cached // _EVICTED_SHARE)):
                del self._cache[old]

    def _replace(self, key: Key, entry: Entry | None) -> None:
        # What is read decides which rows a full cache has; a table that is filled must not replace them all.
        if key in self._cache or not self._is_full:
            self._remember(key, entry)

    def _stored(self, key: Key) -> bytes:
        if len(key) == 1 and type(key[0]) in _PLAIN:
            return _ROW_OF_ONE + self._pack(key[0])
        return _ROW + self._pack(canonical(key))

    def put(self, key: Key, row: Row, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        with self._rows.lock:
            old = self._cache[key]
            self._replace(key, (row, timestamp))
            self._rows.put(self._stored(key), self._record.value(row, timestamp))
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        self._record.put(key, row, timestamp)
        if old is None:
            self.count += 1
            return None
        return old[0]

    def delete(self, key: Key, timestamp: int) -> Row | None:
        """See `KeyValueStore`."""
        if timestamp > self.stream_time:
            self.stream_time = timestamp
        with self._rows.lock:
            old = self._cache[key]
            if old is None:
                return None
            self._replace(key, None)
            self._rows.delete(self._stored(key))
        self.count -= 1
        self._record.delete(key, timestamp)
        return old[0]

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """See `KeyValueStore`."""
        for key, value in self._rows.between(_ROW, _AFTER_ROWS):
            yield tuple(decode(key[len(_ROW) :])), self._record.entry(value)

    def pairs_of(self, first: SqlValue) -> list[tuple[Key, Entry]]:
        """See `KeyValueStore`."""
        # The encoding of a pair begins with that of its first part, and no encoding is a prefix of another one.
        begin = _ROW + _PAIR + self._pack(canonical((first,)))[1:]
        found = self._rows.between(begin, begin + _AFTER_PAIRS)
        return [(tuple(decode(key[len(_ROW) :])), self._record.entry(value)) for key, value in found]

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Store`."""
        yield from layouts(self._rows)
        for key, value in self._rows.between(_ROW, _AFTER_ROWS):
            yield key[len(_ROW) :], value

    def restore(self, key: bytes, value: bytes | None) -> None:
        """See `Store`."""
        parts = restored_key(self._rows, self._record, key, value)
        if parts is None:
            return
        # Decoded first: a record that is not this engine's must change nothing.
        entry = None if value is None else self._record.entry(value)
        stored = self._stored(tuple(parts))
        with self._rows.lock:
            self.count += (value is not None) - (self._rows.get(stored) is not None)
            self._cache.pop(tuple(parts), None)
            if value is None:
                self._rows.delete(stored)
            else:
                self._rows.put(stored, value)
        if entry is not None:
            self.stream_time = max(self.stream_time, entry[1])

    def copy(self, key: bytes, value: bytes | None) -> None:
        """See `CopiedStore`."""
        parts = restored_key(self._rows, self._record, key, value)
        if parts is not None:
            self._rows.change(_ROW + self._pack(canonical(tuple(parts))), value)

    def __len__(self) -> int:
        return self.count
