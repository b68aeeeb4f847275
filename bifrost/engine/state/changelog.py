"""What stores write to their changelogs: rows that say which columns they have.

The columns that a store keeps follow from what its query uses. When a query is replaced by another version of itself,
its stores are restored from rows of the old columns: each row carries a tag of its layout, and a record of its own says
once what the tag stands for.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.stores import Changelog, Entry, Row, StoreKey
from bifrost.errors import StateError

# No key in the codec's encoding begins with this byte.
_LAYOUT = b"\xc1"


class ChangelogRecorder:
    """Turns changes of one store into changelog records and back; writes nothing without a changelog.

    `missing` holds the values of columns that a restored row does not have.
    """

    def __init__(self, changelog: Changelog | None, columns: tuple[str, ...], missing: Row | None) -> None:
        self._changelog = changelog
        self._columns = columns
        self._missing = missing if missing is not None else (None,) * len(columns)
        self._tag = crc32("\0".join(columns).encode())
        self._layouts: dict[int, tuple[str, ...]] = {}
        self._pack = encoder()
        self._encode, self._encode_layout = self._encoded, self._encoded_layout

    def put(self, place: StoreKey, row: Row, timestamp: int) -> None:
        """Records a row."""
        if self._changelog is None:
            return
        if self._tag not in self._layouts:
            self._layouts[self._tag] = self._columns
            self._changelog(self._encode_layout, (_LAYOUT, self._tag), self._columns, max(timestamp, 0))
        self._changelog(self._encode, place, row, timestamp)

    def delete(self, place: StoreKey, timestamp: int) -> None:
        """Records that a row is gone."""
        if self._changelog is not None:
            self._changelog(self._encode, place, None, max(timestamp, 0))

    def _encoded(self, place: StoreKey, row: Row | None, timestamp: int) -> tuple[bytes, bytes | None]:
        return self._pack(list(place)), None if row is None else self._pack([timestamp, self._tag, *row])

    def _encoded_layout(self, place: StoreKey, row: Row | None, timestamp: int) -> tuple[bytes, bytes | None]:
        return _LAYOUT + self._pack(place[1]), self._pack(list(row or ()))

    def place(self, key: bytes, value: bytes | None) -> list[Any] | None:
        """The place that a record is about; None for one that is about a layout, which is taken note of."""
        if not key.startswith(_LAYOUT):
            found: list[Any] = decode(key)
            return found
        if value is not None:
            self._layouts[decode(key[1:])] = tuple(decode(value))
        return None

    def entry(self, value: bytes) -> Entry:
        """The row of a record, in this store's columns, and its time.

        Raises:
            StateError: the record's layout is not known.
        """
        timestamp, tag, *row = decode(value)
        if tag == self._tag:
            return tuple(row), timestamp
        if tag not in self._layouts:
            raise StateError(
                "a changelog has rows of an unknown layout; delete the query's internal topics to begin anew"
            )
        found = dict(zip(self._layouts[tag], row, strict=True))
        pairs = zip(self._columns, self._missing, strict=True)
        return tuple(found.get(name, missing) for name, missing in pairs), timestamp
