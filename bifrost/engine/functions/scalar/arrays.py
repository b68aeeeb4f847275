"""Array functions."""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.functions.java.text import value_text
from bifrost.engine.functions.library import FunctionError, Library
from bifrost.sql.types import SqlArray, SqlType, SqlValue

LIBRARY = Library("ARRAY")

_ORDERED = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP")
_MAX_LENGTH = 1 << 24
"""Limit for arrays that a function creates: a wrong argument must not exhaust the memory."""


def _item_type(types: Sequence[SqlType | None]) -> SqlType:
    """Return the element type of the first argument."""
    if not isinstance(types[0], SqlArray):
        raise ValueError("the type of a null is not known")
    return types[0].item


def _distinct(values: list[SqlValue]) -> list[SqlValue]:
    """Return the distinct values in order of first occurrence."""
    try:
        return list(dict.fromkeys(values))
    # Arrays, maps and structs cannot be hashed.
    except TypeError:
        return _distinct_by_equality(values)


def _distinct_by_equality(values: list[SqlValue]) -> list[SqlValue]:
    found: list[SqlValue] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


@LIBRARY.scalar(
    "ARRAY_LENGTH",
    "array ARRAY<T> -> INTEGER",
    description="Returns the number of elements of an array.",
    total=True,
    inline="len({0})",
)
def length(values: list[SqlValue]) -> int:
    """Return the number of elements."""
    return len(values)


@LIBRARY.scalar(
    "ARRAY_CONTAINS",
    "array ARRAY<T>, val T -> BOOLEAN",
    description="Returns whether an array contains a value.",
    nulls=True,
    total=True,
)
def contains(values: list[SqlValue] | None, wanted: SqlValue) -> bool:
    """Return whether the array contains the value; false for a null array."""
    return values is not None and wanted in values


@LIBRARY.scalar(
    "ARRAY_CONCAT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Joins two arrays.",
    nulls=True,
    total=True,
)
def concat(left: list[SqlValue] | None, right: list[SqlValue] | None) -> list[SqlValue] | None:
    """Concatenate two arrays; a null array is ignored."""
    if left is None or right is None:
        return left if right is None else right
    return left + right


@LIBRARY.scalar(
    "ARRAY_DISTINCT",
    "array ARRAY<T> -> ARRAY<T>",
    description="Returns the distinct elements of an array, including null.",
    total=True,
)
def distinct(values: list[SqlValue]) -> list[SqlValue]:
    """Return each element once."""
    return _distinct(values)


@LIBRARY.scalar(
    "ARRAY_EXCEPT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Returns the distinct elements of an array that another array lacks.",
    total=True,
)
def difference(left: list[SqlValue], right: list[SqlValue]) -> list[SqlValue]:
    """Return the elements of the first array that the second lacks."""
    return [value for value in _distinct(left) if value not in right]


@LIBRARY.scalar(
    "ARRAY_INTERSECT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Returns the distinct elements that two arrays have in common.",
    total=True,
)
def intersection(left: list[SqlValue], right: list[SqlValue]) -> list[SqlValue]:
    """Return the elements that both arrays contain."""
    return [value for value in _distinct(left) if value in right]


@LIBRARY.scalar(
    "ARRAY_UNION",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Returns the distinct elements of either of two arrays.",
    total=True,
)
def union(left: list[SqlValue], right: list[SqlValue]) -> list[SqlValue]:
    """Return the elements of both arrays, each once."""
    return _distinct(left + right)


@LIBRARY.scalar(
    "ARRAY_REMOVE",
    "array ARRAY<T>, victim T -> ARRAY<T>",
    description="Returns an array without the elements equal to a value.",
    nulls=True,
    total=True,
)
def remove(values: list[SqlValue] | None, victim: SqlValue) -> list[SqlValue] | None:
    """Return the elements that differ from the value; a null value removes the nulls."""
    return None if values is None else [value for value in values if value != victim]


@LIBRARY.scalar(
    "ARRAY_MAX",
    *(f"array ARRAY<{kind}> -> {kind}" for kind in _ORDERED),
    description="Returns the largest element of an array of primitive values.",
    total=True,
    result=_item_type,
)
def greatest(values: list[SqlValue]) -> SqlValue:
    """Return the largest element; null if all are null."""
    return max((value for value in values if value is not None), default=None)


@LIBRARY.scalar(
    "ARRAY_MIN",
    *(f"array ARRAY<{kind}> -> {kind}" for kind in _ORDERED),
    description="Returns the smallest element of an array of primitive values.",
    total=True,
    result=_item_type,
)
def least(values: list[SqlValue]) -> SqlValue:
    """Return the smallest element; null if all are null."""
    return min((value for value in values if value is not None), default=None)


@LIBRARY.scalar(
    "ARRAY_SORT",
    "input ARRAY<T> -> ARRAY<T>",
    "input ARRAY<T>, direction STRING -> ARRAY<T>",
    description="Sorts an array of primitive values, ASC or DESC; nulls come last.",
)
def sort(values: list[SqlValue], direction: str = "ASC") -> list[SqlValue] | None:
    """Sort the elements; null for an unknown direction."""
    word = direction.strip().upper()
    if word not in ("ASC", "ASCENDING", "DESC", "DESCENDING"):
        return None
    present = sorted((value for value in values if value is not None), reverse=word.startswith("DESC"))
    # Nulls come last in both directions.
    return present + [None] * (len(values) - len(present))


@LIBRARY.scalar(
    "ARRAY_JOIN",
    "array ARRAY<T> -> STRING",
    "array ARRAY<T>, delimiter STRING -> STRING",
    description="Joins the elements of an array of primitive values, separated by a delimiter.",
    nulls=True,
)
def join(values: list[SqlValue] | None, delimiter: str | None = ",") -> str | None:
    """Join the elements as text; a null delimiter counts as empty."""
    if values is None:
        return None
    if any(isinstance(value, list | dict) for value in values):
        raise FunctionError("array_join: only arrays of primitive values can be joined")
    return (delimiter or "").join([value_text(value) for value in values])


@LIBRARY.scalar(
    "SLICE",
    "in ARRAY<T>, from INTEGER, to INTEGER -> ARRAY<T>",
    description="Returns the elements from one position to another, both included and counted from 1.",
    nulls=True,
)
def cut(values: list[SqlValue] | None, first: int | None, last: int | None) -> list[SqlValue] | None:
    """Return the elements between two positions; a null position means the array's end. Positions outside give null."""
    if values is None:
        return None
    start = 0 if first is None else first - 1
    end = len(values) if last is None else last
    return values[start:end] if 0 <= start <= end <= len(values) else None


@LIBRARY.scalar(
    "GENERATE_SERIES",
    "start INTEGER, end INTEGER -> ARRAY<INTEGER>",
    "start BIGINT, end BIGINT -> ARRAY<BIGINT>",
    "start INTEGER, end INTEGER, step INTEGER -> ARRAY<INTEGER>",
    "start BIGINT, end BIGINT, step INTEGER -> ARRAY<BIGINT>",
    description="Returns the numbers from start to end, both included, in steps of 1 or of `step`.",
)
def generate_series(start: int, end: int, step: int | None = None) -> list[int]:
    """Return the series; without a step it counts up or down as needed."""
    by = step if step is not None else (1 if end >= start else -1)
    if by == 0:
        raise FunctionError("GENERATE_SERIES step cannot be zero")
    if (end - start) * by < 0:
        raise FunctionError("GENERATE_SERIES step has wrong sign")
    if (end - start) // by >= _MAX_LENGTH:
        raise FunctionError(f"GENERATE_SERIES: the series must have at most {_MAX_LENGTH} numbers")
    return list(range(start, end + (1 if by > 0 else -1), by))
