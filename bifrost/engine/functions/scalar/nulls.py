"""COALESCE, IFNULL, NULLIF, AS_VALUE."""

from __future__ import annotations

from typing import Any

from bifrost.engine.functions.library import Library

LIBRARY = Library("CONDITIONAL")


@LIBRARY.scalar(
    "COALESCE",
    "first T, others T... -> T",
    description="Gives the first argument that is not null.",
    nulls=True,
    total=True,
)
def coalesce(*values: Any) -> Any:
    """The first value that is not null."""
    for value in values:
        if value is not None:
            return value
    return None


@LIBRARY.scalar(
    "IFNULL",
    "expression T, altValue T -> T",
    description="Gives the expression, or the alternative where it is null.",
    nulls=True,
    total=True,
)
def if_null(value: Any, alternative: Any) -> Any:
    """The value, or the alternative for null."""
    return alternative if value is None else value


@LIBRARY.scalar(
    "NULLIF",
    "expression1 T, expression2 T -> T",
    description="Gives null where both arguments are equal, else the first.",
    nulls=True,
    total=True,
)
def null_if(value: Any, other: Any) -> Any:
    """Null where both are equal, else the first."""
    return None if value == other else value
