"""Columns and schemas of sources, steps and sinks, and their formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from bifrost.sql.types import BIGINT, BYTES, INTEGER, SqlType

NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})


class Namespace(Enum):
    """The part of a record that a column is stored in."""

    KEY = "KEY"
    VALUE = "VALUE"
    HEADERS = "HEADERS"


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column; `header` is the header's name for a `HEADER('x')` column."""

    name: str
    type: SqlType
    namespace: Namespace = Namespace.VALUE
    header: str | None = None


ROWTIME, ROWPARTITION, ROWOFFSET = "ROWTIME", "ROWPARTITION", "ROWOFFSET"
WINDOWSTART, WINDOWEND = "WINDOWSTART", "WINDOWEND"
PSEUDO_COLUMNS: Mapping[str, SqlType] = MappingProxyType({ROWTIME: BIGINT, ROWPARTITION: INTEGER, ROWOFFSET: BIGINT})
WINDOW_BOUNDS: Mapping[str, SqlType] = MappingProxyType({WINDOWSTART: BIGINT, WINDOWEND: BIGINT})


@dataclass(frozen=True, slots=True)
class LogicalSchema:
    """An ordered set of columns. Names are unique within a namespace."""

    columns: tuple[Column, ...]

    @classmethod
    def of(
        cls,
        *,
        key: tuple[tuple[str, SqlType], ...] = (),
        value: tuple[tuple[str, SqlType], ...] = (),
    ) -> LogicalSchema:
        """A schema from (name, type) pairs of key and value columns."""
        keys = tuple(Column(name, kind, Namespace.KEY) for name, kind in key)
        return cls(keys + tuple(Column(name, kind) for name, kind in value))

    @property
    def key(self) -> tuple[Column, ...]:
        """The key columns, in order."""
        return tuple(column for column in self.columns if column.namespace is Namespace.KEY)

    @property
    def value(self) -> tuple[Column, ...]:
        """The value columns, in order, without header columns."""
        return tuple(column for column in self.columns if column.namespace is Namespace.VALUE)

    @property
    def headers(self) -> tuple[Column, ...]:
        """The columns filled from record headers."""
        return tuple(column for column in self.columns if column.namespace is Namespace.HEADERS)

    def find(self, name: str) -> Column | None:
        """The column of that name, value columns first, or None."""
        # Between a source and its query, key columns occur twice: as key and as value
        # (`with_pseudo_columns`).
        found = None
        for column in self.columns:
            if column.name == name:
                if column.namespace is not Namespace.KEY:
                    return column
                found = column
        return found

    def types(self) -> dict[str, SqlType]:
        """Type by name of all columns."""
        return {column.name: column.type for column in self.columns}

    def with_pseudo_columns(self, *, windowed: bool) -> LogicalSchema:
        """The columns that a source step offers: also pseudo columns, window bounds, and key columns as values.

        ksqlDB adds the same columns when it reads a source.
        """
        pseudo = tuple(Column(name, kind) for name, kind in PSEUDO_COLUMNS.items())
        keys = tuple(replace(column, namespace=Namespace.VALUE) for column in self.key)
        bounds = tuple(Column(name, kind) for name, kind in WINDOW_BOUNDS.items()) if windowed else ()
        return LogicalSchema(self.columns + pseudo + keys + bounds)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __str__(self) -> str:
        """As ksqlDB prints it: ``` `ID` STRING KEY, `N` BIGINT ```."""
        return ", ".join(f"`{column.name}` {column.type}{_suffix(column)}" for column in self.columns)


def _suffix(column: Column) -> str:
    match column.namespace:
        case Namespace.KEY:
            return " KEY"
        case Namespace.HEADERS:
            return f" HEADER('{column.header}')" if column.header is not None else " HEADERS"
        case Namespace.VALUE:
            return ""


HEADERS_ITEM_FIELDS = (("KEY", "STRING"), ("VALUE", str(BYTES)))
"""The fields of the structs in a HEADERS column."""


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A serialization format by its ksqlDB name (`JSON`, `AVRO`, ...) and its properties.

    Properties are ksqlDB's: `delimiter`, `fullSchemaName`, `schemaId`, `unwrapPrimitives`, ...
    """

    name: str
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES, hash=False)


class WindowKind(Enum):
    """How the key of a windowed source is windowed."""

    TUMBLING = "TUMBLING"
    HOPPING = "HOPPING"
    SESSION = "SESSION"


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """The window in a source's key; `size_ms` (milliseconds) is None for session windows."""

    kind: WindowKind
    size_ms: int | None = None
    emit_final: bool = False


@dataclass(frozen=True, slots=True)
class KeyFormat:
    """How keys are written: the format, whether a single key column is unwrapped, and the window in the key."""

    format: FormatInfo
    unwrap_single: bool = True
    window: WindowInfo | None = None


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """How values are written; `wrap_single` is None for the format's default."""

    format: FormatInfo
    wrap_single: bool | None = None


@dataclass(frozen=True, slots=True)
class Formats:
    """Key and value format of a topic or store."""

    key: KeyFormat
    value: ValueFormat


@dataclass(frozen=True, slots=True)
class TimestampColumn:
    """The column that event time comes from; `pattern` is the `DateTimeFormatter` pattern of a text column."""

    column: str
    pattern: str | None = None
