"""The changelog records of stores: rows that say which columns they have.

The columns of a store follow from what its query uses. When a query is replaced by another version of itself, its
stores are restored from rows with the old columns. So each row carries a tag of its column list, and a separate record
defines each tag once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.stores import Changelog, Entry, Row, StoreKey
from bifrost.errors import StateError
from bifrost.sql.types import SqlValue

# Begins the key of a record that defines a tag: no key in the codec's encoding begins with this byte.
_LAYOUT = b"\xc1"


class ChangelogRecorder:
    """Converts changes of one store to changelog records and back; without a changelog it writes nothing.

    `missing` holds the values of columns that a restored row lacks.
    """

    def __init__(self, changelog: Changelog | None, columns: tuple[str, ...], missing: Row | None) -> None:
        self._changelog = changelog
        self._columns = columns
        self._missing = missing if missing is not None else (None,) * len(columns)
        # A checksum is short, and the same in every process; Python's `hash` of a text is not.
        self._tag = crc32("\0".join(columns).encode())
        self._layouts: dict[int, tuple[str, ...]] = {}
        self._pack = encoder()
        self._encode, self._encode_layout = self._encoded, self._encoded_layout

    def put(self, key: StoreKey, row: Row, timestamp: int) -> None:
        """Records a row."""
        if self._changelog is None:
            return
        if self._tag not in self._layouts:
            self._layouts[self._tag] = self._columns
            self._changelog(self._encode_layout, (_LAYOUT, self._tag), self._columns, max(timestamp, 0))
        self._changelog(self._encode, key, row, timestamp)

    def delete(self, key: StoreKey, timestamp: int) -> None:
        """Records the deletion of a row."""
        if self._changelog is not None:
            # -1 is the stream time of an empty store, and no valid time of a Kafka record.
            self._changelog(self._encode, key, None, max(timestamp, 0))

    def records(self, entries: Iterable[tuple[StoreKey, Entry]]) -> Iterator[tuple[bytes, bytes]]:
        """Returns the changelog records of entries."""
        for key, (row, timestamp) in entries:
            yield self._pack(list(key)), self.value(row, timestamp)

    def value(self, row: Row, timestamp: int) -> bytes:
        """Returns the value of a row's changelog record; only the task's thread may call it."""
        return self._pack([timestamp, self._tag, *row])

    def _encoded(self, key: StoreKey, row: Row | None, timestamp: int) -> tuple[bytes, bytes | None]:
        return self._pack(list(key)), None if row is None else self._pack([timestamp, self._tag, *row])

    def _encoded_layout(self, key: StoreKey, row: Row | None, timestamp: int) -> tuple[bytes, bytes | None]:
        return _LAYOUT + self._pack(key[1]), self._pack(list(row or ()))

    def store_key(self, key: bytes, value: bytes | None) -> list[SqlValue] | None:
        """Returns the store key of a record; None for a record that defines a tag, which is remembered."""
        if not key.startswith(_LAYOUT):
            found: list[SqlValue] = decode(key)
            return found
        if value is not None:
            self._layouts[decode(key[1:])] = tuple(decode(value))
        return None

    def entry(self, value: bytes) -> Entry:
        """Returns the row of a record, with this store's columns, and its time.

        Raises:
            StateError: the record's columns are unknown.
        """
        found = decode(value)
        # Every look-up in a store on disk comes this way, and hardly any other tag.
        if found[1] == self._tag:
            return tuple(found[2:]), found[0]
        timestamp, tag, *row = found
        if tag not in self._layouts:
            raise StateError(
                "a changelog has rows with unknown columns; delete the query's internal topics to rebuild its state"
            )
        values = dict(zip(self._layouts[tag], row, strict=True))
        pairs = zip(self._columns, self._missing, strict=True)
        return tuple(values.get(name, missing) for name, missing in pairs), timestamp
