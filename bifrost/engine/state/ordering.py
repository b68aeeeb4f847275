"""Orders entries of equal time by key, whatever types the key has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bifrost.engine.state.frozen import FrozenDict, Key
from bifrost.sql.types import SqlValue


def sort_key(key: Key) -> tuple[Any, ...]:
    """Returns a comparable form of any key: nulls first, then numbers, texts, bytes, nested values."""
    return tuple(_rank(part) for part in key)


def _rank(part: SqlValue) -> tuple[int, Any]:
    match part:
        case None:
            return 0, 0
        case bool() | int() | float() | Decimal():
            return 1, part
        case str():
            return 2, part
        case bytes():
            return 3, part
        # Before `tuple`, its base class.
        case FrozenDict():
            # Equal maps rank equally, whatever the order of their entries.
            return 4, tuple(sorted((_rank(name), _rank(item)) for name, item in part))
        case tuple():
            return 5, tuple(map(_rank, part))
        case _:
            return 6, repr(part)
