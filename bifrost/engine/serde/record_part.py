"""The key or value of a topic's records: its topic, format, columns and wrapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bifrost.engine.catalog.schema import Column, FormatInfo, KeyFormat, ValueFormat
from bifrost.sql.types import SqlType, SqlValue, StructField

Row = tuple[SqlValue, ...]
Decoder = Callable[[bytes | None], Row | None]
Encoder = Callable[[Row | None], bytes | None]

_ALWAYS_BARE = frozenset({"KAFKA", "NONE", "DELIMITED"})
# A Protobuf payload is always a message.
_ALWAYS_WRAPPED = frozenset({"PROTOBUF", "PROTOBUF_NOSR"})


@dataclass(frozen=True, slots=True)
class RecordPart:
    """The key or value of a topic's records; `is_wrapped` says whether the columns are fields of a record."""

    topic: str
    is_key: bool
    format: FormatInfo
    columns: tuple[Column, ...]
    is_wrapped: bool

    @classmethod
    def of_key(cls, topic: str, key_format: KeyFormat, columns: tuple[Column, ...]) -> RecordPart:
        """Describe a key; a single column is unwrapped if the format allows it."""
        name = key_format.format.name
        is_bare = name in _ALWAYS_BARE or (len(columns) == 1 and key_format.unwrap_single)
        return cls(topic, True, key_format.format, columns, not is_bare or name in _ALWAYS_WRAPPED)

    @classmethod
    def of_value(cls, topic: str, value_format: ValueFormat, columns: tuple[Column, ...]) -> RecordPart:
        """Describe a value; it is wrapped unless the statement or the format demands otherwise."""
        name = value_format.format.name
        is_bare = name in _ALWAYS_BARE or (len(columns) == 1 and value_format.wrap_single is False)
        return cls(topic, False, value_format.format, columns, not is_bare)

    @property
    def word(self) -> str:
        """`key` or `value`."""
        return "key" if self.is_key else "value"

    @property
    def has_nothing(self) -> bool:
        """Whether the bytes are always null: no columns to write, or a format that writes none."""
        return self.format.name == "NONE" or (not self.columns and (self.is_key or self.format.name == "KAFKA"))

    @property
    def null_is_absent(self) -> bool:
        """Whether a row of one null becomes null bytes. A DELIMITED value becomes an empty line instead."""
        is_line = self.format.name == "DELIMITED" and not self.is_key
        return len(self.columns) == 1 and not self.is_wrapped and not is_line

    @property
    def subject(self) -> str:
        """The registry's subject of the schemas."""
        return f"{self.topic}-{self.word}"

    @property
    def fields(self) -> tuple[StructField, ...]:
        """The columns as fields of a record."""
        return tuple(StructField(column.name, column.type) for column in self.columns)

    def targets(self, needed: frozenset[str] | None) -> list[tuple[str, SqlType | None]]:
        """Return name and type of each column; the type is None if the column is not needed."""
        return [(c.name, c.type if needed is None or c.name in needed else None) for c in self.columns]

    def property(self, name: str) -> str | None:
        """Return a property of the format, or None."""
        return self.format.properties.get(name)
