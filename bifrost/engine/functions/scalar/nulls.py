"""COALESCE, IFNULL, NULLIF."""

from __future__ import annotations

from bifrost.engine.functions.library import Library
from bifrost.sql.types import SqlValue

LIBRARY = Library("CONDITIONAL")


@LIBRARY.scalar(
    "COALESCE",
    "first T, others T... -> T",
    description="Returns the first argument that is not null.",
    nulls=True,
    total=True,
)
def coalesce(*values: SqlValue) -> SqlValue:
    """Return the first value that is not null."""
    for value in values:
        if value is not None:
            return value
    return None


@LIBRARY.scalar(
    "IFNULL",
    "expression T, altValue T -> T",
    description="Returns the expression, or the alternative if it is null.",
    nulls=True,
    total=True,
)
def if_null(value: SqlValue, alternative: SqlValue) -> SqlValue:
    """Return the value, or the alternative if it is null."""
    return alternative if value is None else value


@LIBRARY.scalar(
    "NULLIF",
    "expression1 T, expression2 T -> T",
    description="Returns null if both arguments are equal, else the first.",
    nulls=True,
    total=True,
)
def null_if(value: SqlValue, other: SqlValue) -> SqlValue:
    """Return null if both are equal, else the first."""
    return None if value == other else value
