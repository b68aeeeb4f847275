"""Functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bifrost.engine.functions.java.text import value_text
from bifrost.engine.functions.library import FunctionError, Library
from bifrost.sql.types import SqlArray, SqlType

LIBRARY = Library("ARRAY")

_ORDERED = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP")
_MAX_LENGTH = 1 << 24
"""Of what is made, not read: a slip in an argument must not take all memory."""


def _item_type(types: Sequence[SqlType | None]) -> SqlType:
    """The type of the elements of the first argument."""
    if not isinstance(types[0], SqlArray):
        raise ValueError("the type of a null is not known")
    return types[0].item


def _distinct(values: list[Any]) -> list[Any]:
    """The distinct values in the order of their first occurrence."""
    try:
        return list(dict.fromkeys(values))
    except TypeError:
        return _distinct_by_equality(values)


def _distinct_by_equality(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


@LIBRARY.scalar(
    "ARRAY_LENGTH",
    "array ARRAY<T> -> INTEGER",
    description="Gives the number of elements of an array.",
    total=True,
    inline="len({0})",
)
def length(values: list[Any]) -> int:
    """How many elements there are."""
    return len(values)


@LIBRARY.scalar(
    "ARRAY_CONTAINS",
    "array ARRAY<T>, val T -> BOOLEAN",
    description="Tells whether an array contains a value.",
    nulls=True,
    total=True,
)
def contains(values: list[Any] | None, wanted: Any) -> bool:
    """Whether the value is among the elements; false where there is no array."""
    return values is not None and wanted in values


@LIBRARY.scalar(
    "ARRAY_CONCAT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Joins two arrays.",
    nulls=True,
    total=True,
)
def concat(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    """One array after the other; a null array does not count."""
    if left is None or right is None:
        return left if right is None else right
    return left + right


@LIBRARY.scalar(
    "ARRAY_DISTINCT",
    "array ARRAY<T> -> ARRAY<T>",
    description="Gives the distinct elements of an array, null among them.",
    total=True,
)
def distinct(values: list[Any]) -> list[Any]:
    """Each element once."""
    return _distinct(values)


@LIBRARY.scalar(
    "ARRAY_EXCEPT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Gives the distinct elements of an array that another does not have.",
    total=True,
)
def difference(left: list[Any], right: list[Any]) -> list[Any]:
    """The elements of the first array without those of the second."""
    return [value for value in _distinct(left) if value not in right]


@LIBRARY.scalar(
    "ARRAY_INTERSECT",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Gives the distinct elements that two arrays share.",
    total=True,
)
def intersection(left: list[Any], right: list[Any]) -> list[Any]:
    """The elements of the first array that the second has too."""
    return [value for value in _distinct(left) if value in right]


@LIBRARY.scalar(
    "ARRAY_UNION",
    "left ARRAY<T>, right ARRAY<T> -> ARRAY<T>",
    description="Gives the distinct elements of two arrays.",
    total=True,
)
def union(left: list[Any], right: list[Any]) -> list[Any]:
    """The elements of both arrays, each once."""
    return _distinct(left + right)


@LIBRARY.scalar(
    "ARRAY_REMOVE",
    "array ARRAY<T>, victim T -> ARRAY<T>",
    description="Gives an array without the elements equal to a value.",
    nulls=True,
    total=True,
)
def remove(values: list[Any] | None, victim: Any) -> list[Any] | None:
    """The other elements; a null value removes the nulls."""
    return None if values is None else [value for value in values if value != victim]


@LIBRARY.scalar(
    "ARRAY_MAX",
    *(f"array ARRAY<{kind}> -> {kind}" for kind in _ORDERED),
    description="Gives the greatest element of an array of primitive values.",
    total=True,
    result=_item_type,
)
def greatest(values: list[Any]) -> Any:
    """The greatest element; null where there are only nulls."""
    return max((value for value in values if value is not None), default=None)


@LIBRARY.scalar(
    "ARRAY_MIN",
    *(f"array ARRAY<{kind}> -> {kind}" for kind in _ORDERED),
    description="Gives the least element of an array of primitive values.",
    total=True,
    result=_item_type,
)
def least(values: list[Any]) -> Any:
    """The least element; null where there are only nulls."""
    return min((value for value in values if value is not None), default=None)


@LIBRARY.scalar(
    "ARRAY_SORT",
    "input ARRAY<T> -> ARRAY<T>",
    "input ARRAY<T>, direction STRING -> ARRAY<T>",
    description="Sorts an array of primitive values, ASC or DESC; nulls come last.",
)
def sort(values: list[Any], direction: str = "ASC") -> list[Any] | None:
    """The elements in order; null for an unknown direction."""
    word = direction.strip().upper()
    if word not in ("ASC", "ASCENDING", "DESC", "DESCENDING"):
        return None
    present = sorted((value for value in values if value is not None), reverse=word.startswith("DESC"))
    return present + [None] * (len(values) - len(present))


@LIBRARY.scalar(
    "ARRAY_JOIN",
    "array ARRAY<T> -> STRING",
    "array ARRAY<T>, delimiter STRING -> STRING",
    description="Writes the elements of an array of primitive values one after the other, with a delimiter between.",
    nulls=True,
)
def join(values: list[Any] | None, delimiter: str | None = ",") -> str | None:
    """The elements as text; a null delimiter counts as empty."""
    if values is None:
        return None
    if any(isinstance(value, list | dict) for value in values):
        raise FunctionError("array_join: only arrays of primitive values can be joined")
    return (delimiter or "").join([value_text(value) for value in values])


@LIBRARY.scalar(
    "SLICE",
    "in ARRAY<T>, from INTEGER, to INTEGER -> ARRAY<T>",
    description="Gives the elements from one place to another, both included and counted from 1.",
    nulls=True,
)
def cut(values: list[Any] | None, first: int | None, last: int | None) -> list[Any] | None:
    """The elements between the places; a null place means the array's end on that side, null outside of it."""
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
    description="Gives the numbers from start to end, both included, in steps of 1 or of `step`.",
)
def generate_series(start: int, end: int, step: int | None = None) -> list[int]:
    """The series; without a step it counts up or down as needed."""
    by = step if step is not None else (1 if end >= start else -1)
    if by == 0:
        raise FunctionError("GENERATE_SERIES step cannot be zero")
    if (end - start) * by < 0:
        raise FunctionError("GENERATE_SERIES step has wrong sign")
    if (end - start) // by >= _MAX_LENGTH:
        raise FunctionError(f"GENERATE_SERIES gives no more than {_MAX_LENGTH} numbers")
    return list(range(start, end + (1 if by > 0 else -1), by))
