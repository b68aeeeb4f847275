"""TOPK and TOPKDISTINCT."""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.functions.aggregates.basic import first_type, result
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import SqlArray, SqlStruct, SqlType, SqlValue, StructField

LIBRARY = Library("AGGREGATE")

_ORDERED = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "STRING", "BYTES")
_SORT = "sort_col"


def _array_of_first(types: Sequence[SqlType | None]) -> SqlType:
    return SqlArray(first_type(types))


def _array_of_rows(types: Sequence[SqlType | None]) -> SqlType:
    columns = (StructField(f"col{i}", kind) for i, kind in enumerate(types[1:]) if kind is not None)
    return SqlArray(SqlStruct((StructField(_SORT, first_type(types)), *columns)))


@LIBRARY.aggregate(
    "TOPK",
    *(f"val {kind}; k INTEGER -> ARRAY<{kind}>" for kind in _ORDERED),
    description="Returns the k largest values of each key, largest first.",
    result=_array_of_first,
)
def top(context: AggregateContext) -> Aggregator:
    """Return the k largest values; nulls do not count."""
    size: int = context.literals[0]

    def merge(first: list[SqlValue], second: list[SqlValue]) -> list[SqlValue]:
        return sorted(first + second, reverse=True)[:size]

    def add(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        if value is None or (len(state) >= size and value <= state[-1]):
            return state
        return merge(state, [value])

    return Aggregator(list, add, result, None, merge)


@LIBRARY.aggregate(
    "TOPK",
    *(f"val {kind}, others ANY...; k INTEGER -> ARRAY<{kind}>" for kind in _ORDERED),
    description="Returns the rows of the k largest values of each key, as structs of sort_col, col0, col1, ...",
    result=_array_of_rows,
)
def top_rows(context: AggregateContext) -> Aggregator:
    """Return the rows of the k largest values; among equal values, the rows that arrived first."""
    size: int = context.literals[0]

    def add(state: list[SqlValue], value: SqlValue, *others: SqlValue) -> list[SqlValue]:
        if value is None or (len(state) >= size and value <= state[-1][_SORT]):
            return state
        row = {_SORT: value} | {f"col{i}": other for i, other in enumerate(others)}
        return merge(state, [row])

    def merge(first: list[SqlValue], second: list[SqlValue]) -> list[SqlValue]:
        return sorted(first + second, key=lambda row: row[_SORT], reverse=True)[:size]

    return Aggregator(list, add, result, None, merge)


@LIBRARY.aggregate(
    "TOPKDISTINCT",
    *(f"val {kind}; k INTEGER -> ARRAY<{kind}>" for kind in _ORDERED),
    description="Returns the k largest distinct values of each key, largest first.",
    result=_array_of_first,
)
def top_distinct(context: AggregateContext) -> Aggregator:
    """Return the k largest distinct values; nulls do not count."""
    size: int = context.literals[0]

    def add(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        if value is None or value in state or (len(state) >= size and value < state[-1]):
            return state
        return merge(state, [value])

    def merge(first: list[SqlValue], second: list[SqlValue]) -> list[SqlValue]:
        distinct = first + [value for value in second if value not in first]
        return sorted(distinct, reverse=True)[:size]

    return Aggregator(list, add, result, None, merge)
