"""AS_VALUE."""

from __future__ import annotations

from bifrost.engine.functions.library import Library
from bifrost.sql.types import SqlValue

LIBRARY = Library("OTHER")


@LIBRARY.scalar(
    "AS_VALUE",
    "keyColumn T -> T",
    description="Copies a key column into the value.",
    nulls=True,
    total=True,
)
def as_value(value: SqlValue) -> SqlValue:
    """Return the value unchanged."""
    return value
