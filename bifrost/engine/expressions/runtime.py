"""Operations that generated code calls: Java's arithmetic, guarded evaluation, array access."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bifrost.engine.functions.java.integers import wrap_bigint, wrap_integer
from bifrost.engine.functions.java.text import DECIMALS
from bifrost.sql.types import SqlValue

EVALUATION_ERRORS = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)
"""What evaluating an expression may raise: the value becomes null and the processing log gets the error."""


def integer_quotient(left: int, right: int) -> int:
    """Divide and truncate towards zero, in 32 bits. Raises ZeroDivisionError."""
    return wrap_integer(_quotient(left, right))


def bigint_quotient(left: int, right: int) -> int:
    """Divide and truncate towards zero, in 64 bits. Raises ZeroDivisionError."""
    return wrap_bigint(_quotient(left, right))


def _quotient(left: int, right: int) -> int:
    # Without `abs`, `//` would round a negative quotient down, where Java truncates it.
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def remainder(left: int, right: int) -> int:
    """Return the remainder with the sign of `left`. Raises ZeroDivisionError."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def double_quotient(left: float, right: float) -> float:
    """Divide with infinities and NaN as in IEEE 754."""
    if right:
        return left / right
    # NaN is the only value that differs from itself.
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def double_remainder(left: float, right: float) -> float:
    """Return the remainder with the sign of `left`; NaN if it is undefined."""
    if not right or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def decimal_quotient(left: Decimal, right: Decimal, unit: Decimal) -> Decimal:
    """Divide and round half up to the scale of `unit`. Raises ZeroDivisionError."""
    return DECIMALS.quantize(DECIMALS.divide(left, right), unit)


def decimal_remainder(left: Decimal, right: Decimal, unit: Decimal) -> Decimal:
    """Return the remainder with the sign of `left`, at the scale of `unit`. Raises InvalidOperation for zero."""
    return DECIMALS.quantize(DECIMALS.remainder(left, right), unit)


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function so that it returns null if it fails."""

    def call(*arguments: SqlValue) -> SqlValue:
        try:
            return function(*arguments)
        except EVALUATION_ERRORS:
            return None

    return call


def or_null(evaluate: Callable[[], SqlValue]) -> SqlValue:
    """Call `evaluate`; return null if it fails."""
    try:
        return evaluate()
    except EVALUATION_ERRORS:
        return None


def item_at(items: list[SqlValue], index: int) -> SqlValue:
    """Return an array's element: from 1, or from -1 backwards; null outside the array."""
    if index > 0:
        return items[index - 1] if index <= len(items) else None
    return items[index] if index and -index <= len(items) else None
