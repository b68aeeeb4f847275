"""Table functions: EXPLODE and CUBE_EXPLODE."""

from __future__ import annotations

from itertools import product

from bifrost.engine.functions.library import Library
from bifrost.sql.types import SqlValue

LIBRARY = Library("TABLE")


@LIBRARY.table("EXPLODE", "list ARRAY<T> -> T", description="Returns a row for each element of an array.")
def explode(values: list[SqlValue] | None) -> list[SqlValue]:
    """Return the elements; none for null."""
    return values if values is not None else []


@LIBRARY.table(
    "CUBE_EXPLODE",
    "columns ARRAY<T> -> ARRAY<T>",
    description="Returns a row for each combination of the array's elements with nulls in their places.",
)
def cube(values: list[SqlValue] | None) -> list[list[SqlValue]]:
    """Return all combinations, those with null first elements first; an element that is null already adds none."""
    if values is None:
        return []
    choices = [[None] if value is None else [None, value] for value in values]
    return [list(row) for row in product(*choices)]
