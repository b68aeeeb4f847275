"""Random columns and rows for property tests, and short ways to make readers and writers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from bifrost.engine.catalog.schema import Column, FormatInfo, KeyFormat, LogicalSchema, ValueFormat
from bifrost.engine.serde import Serdes
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    StructField,
)

INTS = st.integers(-(2**31), 2**31 - 1)
LONGS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True)
DECIMALS = st.integers(1, 20).flatmap(lambda p: st.builds(SqlDecimal, st.just(p), st.integers(0, p)))
SCALARS = st.one_of(st.sampled_from([BOOLEAN, INTEGER, BIGINT, DOUBLE, STRING, BYTES, DATE, TIME, TIMESTAMP]), DECIMALS)
FLAT = st.one_of(st.sampled_from([BOOLEAN, INTEGER, BIGINT, DOUBLE, STRING, BYTES, DATE, TIME, TIMESTAMP]), DECIMALS)


def structs(inner: st.SearchStrategy[SqlType]) -> st.SearchStrategy[SqlType]:
    return st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda pairs: SqlStruct(tuple(StructField(name, kind) for name, kind in pairs))
    )


def nested(keys: st.SearchStrategy[SqlType]) -> st.SearchStrategy[SqlType]:
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(inner.map(SqlArray), st.builds(SqlMap, keys, inner), structs(inner)),
        max_leaves=4,
    )


def columns_of(kinds: st.SearchStrategy[SqlType]) -> st.SearchStrategy[tuple[Column, ...]]:
    return st.lists(st.tuples(NAMES, kinds), min_size=1, max_size=4, unique_by=lambda pair: pair[0]).map(
        lambda pairs: tuple(Column(name, kind) for name, kind in pairs)
    )


def values_of(kind: SqlType, *, nulls: bool = True) -> st.SearchStrategy[Any]:
    """Values of a type, None among them where `nulls`."""
    made = _values(kind, nulls)
    return st.one_of(st.none(), made) if nulls else made


def _values(kind: SqlType, nulls: bool) -> st.SearchStrategy[Any]:
    match kind:
        case SqlDecimal(precision, scale):
            limit = 10**precision - 1
            return st.integers(-limit, limit).map(lambda n: Decimal(n).scaleb(-scale))
        case SqlArray(item):
            return st.lists(values_of(item, nulls=nulls), max_size=3)
        case SqlMap(key, value):
            return st.dictionaries(_values(key, False), values_of(value, nulls=nulls), max_size=3)
        case SqlStruct(fields):
            return st.fixed_dictionaries({field.name: values_of(field.type, nulls=nulls) for field in fields})
        case _:
            return _SCALAR_VALUES[kind]


_SCALAR_VALUES: dict[SqlType, st.SearchStrategy[Any]] = {
    BOOLEAN: st.booleans(),
    INTEGER: INTS,
    BIGINT: LONGS,
    DOUBLE: st.floats(allow_nan=False),
    STRING: TEXTS,
    BYTES: st.binary(max_size=6),
    DATE: st.integers(-700_000, 2_900_000),
    TIME: st.integers(0, 86_399_999),
    TIMESTAMP: st.integers(-62_000_000_000_000, 250_000_000_000_000),
}


@st.composite
def rows(draw: st.DrawFn, columns: st.SearchStrategy[tuple[Column, ...]], *, nulls: bool = True) -> Any:
    """Columns and a row that fits them."""
    made = draw(columns)
    return made, tuple(draw(values_of(column.type, nulls=nulls)) for column in made)


def values(*pairs: tuple[str, SqlType]) -> tuple[Column, ...]:
    """Value columns from names and types."""
    return LogicalSchema.of(value=pairs).value


def keys(*pairs: tuple[str, SqlType]) -> tuple[Column, ...]:
    """Key columns from names and types."""
    return LogicalSchema.of(key=pairs).key


def value_format(name: str, wrap: bool | None = None, **properties: str) -> ValueFormat:
    return ValueFormat(FormatInfo(name, properties), wrap)


def key_format(name: str, **properties: str) -> KeyFormat:
    return KeyFormat(FormatInfo(name, properties))


def write(serdes: Serdes, name: str, columns: Sequence[Column], row: Any, **options: Any) -> bytes | None:
    return serdes.value_serializer("t", value_format(name, **options), columns)(row)


def read(serdes: Serdes, name: str, columns: Sequence[Column], data: bytes | None, **options: Any) -> Any:
    return serdes.value_deserializer("t", value_format(name, **options), columns)(data)
