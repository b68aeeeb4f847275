"""Rows by key and place in time, listed in both orders: the base of window, session and join stores on disk."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.disk.disk_map import DiskMap
from bifrost.engine.state.disk.stored_keys import canonical
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import NEVER

Place = tuple[int, int]
"""Where an entry is in time: window start and 0, end and start of a session, or time (epoch ms) and number of a row."""

# The first bytes of the keys in the map: rows by key, keys by place.
_ROW, _PLACE = b"r", b"t"
_LONGEST_KEY = 300
_BYTES = 8
# Makes negative numbers sort before positive ones.
_OFFSET = 1 << 63
_LAST = (1 << 64) - 1


class Timeline:
    """Encoded rows by key and place. Only the thread of the task may change it."""

    def __init__(self, rows: DiskMap) -> None:
        self._rows = rows
        self._pack = encoder()

    def get(self, key: Key, place: Place) -> bytes | None:
        """Returns the row at a place of a key, or None."""
        return self._rows.get(self._row(key, place))

    def put(self, key: Key, place: Place, row: bytes, *, is_new: bool) -> None:
        """Sets the row at a place of a key; `is_new` says that it has none."""
        self._rows.put(self._row(key, place), row)
        if is_new:
            self._rows.put(self._by_place(key, place), b"")

    def delete(self, key: Key, place: Place) -> None:
        """Removes a row."""
        self._rows.delete(self._row(key, place))
        self._rows.delete(self._by_place(key, place))

    def change(self, key: Key, place: Place, row: bytes | None) -> None:
        """Sets or removes (None) the row at a place, whether it has one or not."""
        if row is None:
            self.delete(key, place)
        else:
            self.put(key, place, row, is_new=True)

    def of_key(self, key: Key, first: int, last: int) -> Iterator[tuple[Place, bytes]]:
        """Returns the rows of a key whose places begin with `first` to `last`, by place."""
        begin = self._key_bytes(key)
        skipped = len(begin)
        for found, row in self._rows.between(begin + _number(first), begin + _after(last)):
            yield _place(found, skipped), row

    def between(self, first: int, last: int) -> Iterator[tuple[Place, Key]]:
        """Returns the places that begin with `first` to `last`, in order, with their keys."""
        skipped = len(_PLACE) + 2 * _BYTES
        for found, _ in self._rows.between(_PLACE + _number(first), _PLACE + _after(last)):
            yield _place(found, len(_PLACE)), tuple(decode(found[skipped:]))

    def _row(self, key: Key, place: Place) -> bytes:
        return self._key_bytes(key) + _number(place[0]) + _number(place[1])

    def _by_place(self, key: Key, place: Place) -> bytes:
        return _PLACE + _number(place[0]) + _number(place[1]) + self._packed(key)

    def _packed(self, key: Key) -> bytes:
        with self._rows.lock:
            return bytes(self._pack(canonical(key)))

    def _key_bytes(self, key: Key) -> bytes:
        packed = self._packed(key)
        # Places follow the key, and must not be cut off; encoded keys are no prefixes of each other.
        if len(packed) > _LONGEST_KEY:
            packed = b"\xc1" + blake2b(packed, digest_size=32).digest()
        return _ROW + packed


def _number(value: int) -> bytes:
    return min(max(value + _OFFSET, 0), _LAST).to_bytes(_BYTES, "big")


def _after(last: int) -> bytes:
    return _number(last) + b"\xff" * (_BYTES + 1) if last < NEVER else b"\xff" * (_BYTES + 1)


def _place(found: bytes, skipped: int) -> Place:
    first = int.from_bytes(found[skipped : skipped + _BYTES], "big")
    second = int.from_bytes(found[skipped + _BYTES : skipped + 2 * _BYTES], "big")
    return first - _OFFSET, second - _OFFSET
