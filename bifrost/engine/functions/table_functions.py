"""Table functions: EXPLODE and CUBE_EXPLODE."""

from __future__ import annotations

from itertools import product
from typing import Any

from bifrost.engine.functions.library import Library

LIBRARY = Library("TABLE")


@LIBRARY.table("EXPLODE", "list ARRAY<T> -> T", description="Gives a row for each element of an array.")
def explode(values: list[Any] | None) -> list[Any]:
    """The elements; none of null."""
    return values if values is not None else []


@LIBRARY.table(
    "CUBE_EXPLODE",
    "columns ARRAY<T> -> ARRAY<T>",
    description="Gives a row for each combination of the array's elements with null in their places.",
)
def cube(values: list[Any] | None) -> list[list[Any]]:
    """All combinations, those with the first elements null first; what is null already is not repeated."""
    if values is None:
        return []
    choices = [[None] if value is None else [None, value] for value in values]
    return [list(row) for row in product(*choices)]
