"""Number functions: absolute values, rounding, signs, random numbers, GREATEST and LEAST."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any

from bifrost.engine.functions.java.integers import wrap_bigint, wrap_integer
from bifrost.engine.functions.java.text import DECIMALS, decimal_from_double
from bifrost.engine.functions.library import CallContext, Library
from bifrost.engine.functions.overloads import decimal_of, wider_decimal
from bifrost.sql.types import INTEGER, SqlDecimal, SqlType, SqlValue

LIBRARY = Library("MATHEMATICAL")

_WHOLE_UNIT = Decimal(1)
_LONG_MIN, _LONG_MAX = -(1 << 63), (1 << 63) - 1


def _same(types: Sequence[SqlType | None]) -> SqlType:
    """Return the type of the first argument."""
    if types[0] is None:
        raise ValueError("the type of a null is not known")
    return types[0]


def _bounded(value: float) -> int:
    """Convert a DOUBLE to BIGINT like Java's cast: NaN becomes 0, other values are clamped to the type's range."""
    if math.isnan(value):
        return 0
    return (
        max(_LONG_MIN, min(_LONG_MAX, int(value))) if math.isfinite(value) else (_LONG_MAX if value > 0 else _LONG_MIN)
    )


@LIBRARY.scalar(
    "ABS",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Returns the absolute value of a number.",
    made=True,
    total=True,
)
def make_absolute(context: CallContext) -> Callable[[int], int]:
    """Make ABS for the argument's type; the smallest number of a type is its own absolute value, as in Java."""
    wrap = wrap_integer if context.types[0] == INTEGER else wrap_bigint
    return lambda value: wrap(abs(value))


@LIBRARY.scalar(
    "ABS", "val DOUBLE -> DOUBLE", description="Returns the absolute value of a number.", total=True, inline="abs({0})"
)
def absolute_double(value: float) -> float:
    """Return the absolute value."""
    return abs(value)


@LIBRARY.scalar(
    "ABS", "val DECIMAL -> DECIMAL", description="Returns the absolute value of a number.", total=True, result=_same
)
def absolute_decimal(value: Decimal) -> Decimal:
    """Return the absolute value."""
    return DECIMALS.abs(value)


@LIBRARY.scalar(
    "CEIL",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Returns the smallest whole number that is not below the argument.",
    total=True,
)
@LIBRARY.scalar(
    "FLOOR",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Returns the largest whole number that is not above the argument.",
    total=True,
)
def whole(value: int) -> int:
    """Return the number: a whole number is its own ceiling and floor."""
    return value


@LIBRARY.scalar(
    "CEIL",
    "val DOUBLE -> DOUBLE",
    description="Returns the smallest whole number that is not below the argument.",
    total=True,
)
def ceiling(value: float) -> float:
    """Return the ceiling as a DOUBLE; -0.5 gives -0.0."""
    return math.copysign(float(math.ceil(value)), value) if math.isfinite(value) else value


@LIBRARY.scalar(
    "FLOOR",
    "val DOUBLE -> DOUBLE",
    description="Returns the largest whole number that is not above the argument.",
    total=True,
)
def floor(value: float) -> float:
    """Return the floor as a DOUBLE; -0.0 stays -0.0."""
    return math.copysign(float(math.floor(value)), value) if math.isfinite(value) else value


def _at_scale(value: Decimal, places: int, rounding: str) -> Decimal:
    """Round the value to `places` decimal places and keep its scale."""
    if places >= -int(value.as_tuple().exponent):
        return value
    rounded = value.quantize(Decimal((0, (1,), -places)), rounding, DECIMALS)
    return DECIMALS.quantize(rounded, value)


@LIBRARY.scalar(
    "CEIL",
    "val DECIMAL -> DECIMAL",
    description="Returns the smallest whole number that is not below the argument.",
    total=True,
    result=_same,
)
def ceiling_decimal(value: Decimal) -> Decimal:
    """Return the ceiling at the value's scale."""
    return _at_scale(value, 0, ROUND_CEILING)


@LIBRARY.scalar(
    "FLOOR",
    "val DECIMAL -> DECIMAL",
    description="Returns the largest whole number that is not above the argument.",
    total=True,
    result=_same,
)
def floor_decimal(value: Decimal) -> Decimal:
    """Return the floor at the value's scale."""
    return _at_scale(value, 0, ROUND_FLOOR)


# As Java's Math.round.
def _half(value: Decimal) -> str:
    """Return the rounding mode that rounds halves towards positive infinity."""
    return ROUND_HALF_UP if value > 0 else ROUND_HALF_DOWN


def _whole_type(types: Sequence[SqlType | None]) -> SqlType:
    kind = decimal_of(_same(types))
    return SqlDecimal(max(1, kind.precision - kind.scale), 0)


@LIBRARY.scalar(
    "ROUND",
    "val BIGINT -> BIGINT",
    description="Rounds to a whole number; halves are rounded up.",
    total=True,
    inline="{0}",
)
def round_whole(value: int) -> int:
    """Return the number unchanged."""
    return value


@LIBRARY.scalar(
    "ROUND", "val DOUBLE -> BIGINT", description="Rounds to a whole number; halves are rounded up.", total=True
)
def round_double(value: float) -> int:
    """Return the nearest whole number."""
    if not math.isfinite(value):
        return _bounded(value)
    below = math.floor(value)
    # Adding 0.5 first would round 0.49999999999999994 up.
    return _bounded(below + (value - below >= 0.5))


@LIBRARY.scalar(
    "ROUND",
    "val DECIMAL -> DECIMAL",
    description="Rounds to a whole number; halves are rounded up.",
    total=True,
    result=_whole_type,
)
def round_decimal(value: Decimal) -> Decimal:
    """Return the nearest whole number."""
    return value.quantize(_WHOLE_UNIT, _half(value), DECIMALS)


@LIBRARY.scalar(
    "ROUND",
    "val BIGINT, decimalPlaces INTEGER -> BIGINT",
    description="Rounds to a number of decimal places; halves are rounded up.",
)
def round_whole_to(value: int, places: int) -> int:
    """Round to a power of ten if `places` is negative."""
    return int(_rounded(Decimal(value), places))


@LIBRARY.scalar(
    "ROUND",
    "val DOUBLE, decimalPlaces INTEGER -> DOUBLE",
    description="Rounds to a number of decimal places; halves are rounded up.",
)
def round_double_to(value: float, places: int) -> float:
    """Round to `places` decimal places; NaN and infinity are errors, since they have no decimal places."""
    return float(_rounded(decimal_from_double(value), places))


@LIBRARY.scalar(
    "ROUND",
    "val DECIMAL, decimalPlaces INTEGER -> DECIMAL",
    description="Rounds to a number of decimal places; halves are rounded up.",
    result=_same,
)
def round_decimal_to(value: Decimal, places: int) -> Decimal:
    """Round to `places` decimal places and keep the scale."""
    return _at_scale(value, places, _half(value))


def _rounded(value: Decimal, places: int) -> Decimal:
    if places >= -int(value.as_tuple().exponent):
        return value
    return value.quantize(Decimal((0, (1,), -places)), _half(value), DECIMALS)


@LIBRARY.scalar("TRUNC", "val BIGINT -> BIGINT", description="Truncates to a whole number.", total=True, inline="{0}")
def truncate_whole(value: int) -> int:
    """Return the number unchanged."""
    return value


@LIBRARY.scalar("TRUNC", "val DOUBLE -> BIGINT", description="Truncates to a whole number.", total=True)
def truncate_double(value: float) -> int:
    """Return the whole part."""
    return _bounded(value)


@LIBRARY.scalar(
    "TRUNC", "val DECIMAL -> DECIMAL", description="Truncates to a whole number.", total=True, result=_whole_type
)
def truncate_decimal(value: Decimal) -> Decimal:
    """Return the whole part."""
    return value.quantize(_WHOLE_UNIT, ROUND_DOWN, DECIMALS)


@LIBRARY.scalar(
    "TRUNC", "val BIGINT, decimalPlaces INTEGER -> BIGINT", description="Truncates after a number of decimal places."
)
def truncate_whole_to(value: int, places: int) -> int:
    """Truncate to a power of ten if `places` is negative."""
    return int(Decimal(value).quantize(Decimal((0, (1,), -places)), ROUND_DOWN, DECIMALS))


@LIBRARY.scalar(
    "TRUNC", "val DOUBLE, decimalPlaces INTEGER -> DOUBLE", description="Truncates after a number of decimal places."
)
def truncate_double_to(value: float, places: int) -> float:
    """Truncate after `places` decimal places; NaN and infinity are errors."""
    exact = decimal_from_double(value)
    if places >= -int(exact.as_tuple().exponent):
        return value
    return float(exact.quantize(Decimal((0, (1,), -places)), ROUND_DOWN, DECIMALS))


@LIBRARY.scalar(
    "TRUNC",
    "val DECIMAL, decimalPlaces INTEGER -> DECIMAL",
    description="Truncates after a number of decimal places.",
    result=_same,
)
def truncate_decimal_to(value: Decimal, places: int) -> Decimal:
    """Truncate after `places` decimal places and keep the scale."""
    return _at_scale(value, places, ROUND_DOWN)


@LIBRARY.scalar(
    "SIGN",
    *(f"val {kind} -> INTEGER" for kind in ("INTEGER", "BIGINT", "DOUBLE")),
    description="Returns -1, 0 or 1 for a negative number, zero or a positive number.",
    total=True,
)
def sign(value: float) -> int:
    """Return the sign of the number."""
    return (value > 0) - (value < 0)


@LIBRARY.scalar(
    "RANDOM", "-> DOUBLE", description="Returns a random number from 0.0 up to, not including, 1.0.", total=True
)
def random_number() -> float:
    """Return a random number."""
    return random.random()


_COMPARED = ("INTEGER", "BIGINT", "DOUBLE", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP")


def _widest(types: Sequence[SqlType | None]) -> SqlType:
    return reduce(wider_decimal, [decimal_of(kind) for kind in types if kind is not None])


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*values: SqlValue) -> SqlValue:
        return choose((value for value in values if value is not None), default=None)

    return extreme


def _decimal_extreme(choose: Callable[..., Any], context: CallContext) -> Callable[..., Any]:
    kind = decimal_of(_widest(context.types))
    unit = Decimal((0, (1,), -kind.scale))
    extreme = _extreme(choose)

    def decimal_extreme(*values: Decimal | None) -> Decimal | None:
        found = extreme(*values)
        return None if found is None else DECIMALS.quantize(found, unit)

    return decimal_extreme


def _declare_extreme(name: str, choose: Callable[..., Any], description: str) -> None:
    signatures = (f"val {kind}, vals {kind}... -> {kind}" for kind in _COMPARED)
    LIBRARY.scalar(name, *signatures, description=description, nulls=True, total=True)(_extreme(choose))
    LIBRARY.scalar(
        name,
        "val DECIMAL, vals DECIMAL... -> DECIMAL",
        description=description,
        nulls=True,
        total=True,
        made=True,
        result=_widest,
    )(lambda context: _decimal_extreme(choose, context))


_declare_extreme("GREATEST", max, "Returns the largest of its arguments; nulls do not count.")
_declare_extreme("LEAST", min, "Returns the smallest of its arguments; nulls do not count.")
