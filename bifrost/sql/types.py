"""SQL types: immutable values, compared and hashed by structure, and printed as ksqlDB prints them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class SqlPrimitive(Enum):
    """A type without parameters. Members are singletons; the module names them `BOOLEAN`, `INTEGER`, ..."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"

    def __str__(self) -> str:
        return self.value


BOOLEAN = SqlPrimitive.BOOLEAN
INTEGER = SqlPrimitive.INTEGER
BIGINT = SqlPrimitive.BIGINT
DOUBLE = SqlPrimitive.DOUBLE
STRING = SqlPrimitive.STRING
BYTES = SqlPrimitive.BYTES
DATE = SqlPrimitive.DATE
TIME = SqlPrimitive.TIME
TIMESTAMP = SqlPrimitive.TIMESTAMP


@dataclass(frozen=True, slots=True)
class SqlDecimal:
    """DECIMAL(precision, scale)."""

    precision: int
    scale: int

    def __str__(self) -> str:
        return f"DECIMAL({self.precision}, {self.scale})"


@dataclass(frozen=True, slots=True)
class SqlArray:
    """ARRAY<item>."""

    item: SqlType

    def __str__(self) -> str:
        return render_type(self, quoted)


@dataclass(frozen=True, slots=True)
class SqlMap:
    """MAP<key, value>."""

    key: SqlType
    value: SqlType

    def __str__(self) -> str:
        return render_type(self, quoted)


@dataclass(frozen=True, slots=True)
class StructField:
    """A named field of a struct; the name as stored, without quotes."""

    name: str
    type: SqlType

    def __str__(self) -> str:
        return f"{quoted(self.name)} {self.type}"


@dataclass(frozen=True, slots=True)
class SqlStruct:
    """STRUCT<name type, ...>."""

    fields: tuple[StructField, ...]

    def field(self, name: str) -> StructField | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)

    def __str__(self) -> str:
        return render_type(self, quoted)


@dataclass(frozen=True, slots=True)
class SqlCustom:
    """The name of a type that CREATE TYPE made, as a statement writes it.

    Only unresolved trees contain it: `bifrost.sql.tree.resolve_types` replaces it with the type.
    """

    name: str

    def __str__(self) -> str:
        return quoted(self.name)


SqlType = SqlPrimitive | SqlDecimal | SqlArray | SqlMap | SqlStruct | SqlCustom

SqlValue = Any
"""A value of a SQL type, or None for null: bool, int, float, Decimal, str, bytes, list (ARRAY), dict (MAP, STRUCT).

DATE is days and TIMESTAMP milliseconds since 1970-01-01, TIME is milliseconds of the day. The type is dynamic, because
the SQL type, not Python's type checker, decides which values may occur.
"""


def quoted(name: str) -> str:
    """The name in back quotes, as ksqlDB prints names in schemas and types."""
    return "`" + name.replace("`", "``") + "`"


def render_type(sql_type: SqlType, name_of: Callable[[str], str]) -> str:
    """The type's text; `name_of` writes the names of struct fields and custom types."""
    match sql_type:
        case SqlArray(item):
            return f"ARRAY<{render_type(item, name_of)}>"
        case SqlMap(key, value):
            return f"MAP<{render_type(key, name_of)}, {render_type(value, name_of)}>"
        case SqlStruct(fields):
            inner = ", ".join(f"{name_of(field.name)} {render_type(field.type, name_of)}" for field in fields)
            return f"STRUCT<{inner}>" if fields else "STRUCT< >"
        case SqlCustom(name):
            return name_of(name)
        case _:
            return str(sql_type)


def map_type(sql_type: SqlType, change: Callable[[SqlType], SqlType]) -> SqlType:
    """The type with `change` applied to each of its parts, innermost first."""
    match sql_type:
        case SqlArray(item):
            return change(SqlArray(map_type(item, change)))
        case SqlMap(key, value):
            return change(SqlMap(map_type(key, change), map_type(value, change)))
        case SqlStruct(fields):
            return change(SqlStruct(tuple(StructField(f.name, map_type(f.type, change)) for f in fields)))
        case _:
            return change(sql_type)
