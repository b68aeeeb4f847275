"""Functions of numbers: absolute values, rounding, roots and logarithms, extremes, series."""

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
from bifrost.sql.types import INTEGER, SqlDecimal, SqlType

LIBRARY = Library("MATHEMATICAL")

_WHOLE_UNIT = Decimal(1)
_LONG_MIN, _LONG_MAX = -(1 << 63), (1 << 63) - 1


def _same(types: Sequence[SqlType | None]) -> SqlType:
    """The type of the first argument."""
    if types[0] is None:
        raise ValueError("the type of a null is not known")
    return types[0]


def _bounded(value: float) -> int:
    """A DOUBLE as a BIGINT, as Java's cast: NaN is 0, the rest is held in bounds."""
    if math.isnan(value):
        return 0
    return (
        max(_LONG_MIN, min(_LONG_MAX, int(value))) if math.isfinite(value) else (_LONG_MAX if value > 0 else _LONG_MIN)
    )


@LIBRARY.scalar(
    "ABS",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Gives the absolute value of a number.",
    made=True,
    total=True,
)
def make_absolute(context: CallContext) -> Callable[[int], int]:
    """The absolute value; the least number of a type is its own, as in Java."""
    wrap = wrap_integer if context.types[0] == INTEGER else wrap_bigint
    return lambda value: wrap(abs(value))


@LIBRARY.scalar(
    "ABS", "val DOUBLE -> DOUBLE", description="Gives the absolute value of a number.", total=True, inline="abs({0})"
)
def absolute_double(value: float) -> float:
    """The absolute value."""
    return abs(value)


@LIBRARY.scalar(
    "ABS", "val DECIMAL -> DECIMAL", description="Gives the absolute value of a number.", total=True, result=_same
)
def absolute_decimal(value: Decimal) -> Decimal:
    """The absolute value."""
    return DECIMALS.abs(value)


@LIBRARY.scalar(
    "CEIL",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Gives the least whole number that is not below the argument.",
    total=True,
)
@LIBRARY.scalar(
    "FLOOR",
    "val INTEGER -> INTEGER",
    "val BIGINT -> BIGINT",
    description="Gives the greatest whole number that is not above the argument.",
    total=True,
)
def whole(value: int) -> int:
    """A whole number is its own ceiling and floor."""
    return value


@LIBRARY.scalar(
    "CEIL",
    "val DOUBLE -> DOUBLE",
    description="Gives the least whole number that is not below the argument.",
    total=True,
)
def ceiling(value: float) -> float:
    """The ceiling as a DOUBLE."""
    return math.copysign(float(math.ceil(value)), value) if math.isfinite(value) else value


@LIBRARY.scalar(
    "FLOOR",
    "val DOUBLE -> DOUBLE",
    description="Gives the greatest whole number that is not above the argument.",
    total=True,
)
def floor(value: float) -> float:
    """The floor as a DOUBLE."""
    return math.copysign(float(math.floor(value)), value) if math.isfinite(value) else value


def _at_scale(value: Decimal, places: int, rounding: str) -> Decimal:
    """The value rounded to so many places, written at its own scale where that is wider."""
    if places >= -int(value.as_tuple().exponent):
        return value
    rounded = value.quantize(Decimal((0, (1,), -places)), rounding, DECIMALS)
    return DECIMALS.quantize(rounded, value)


@LIBRARY.scalar(
    "CEIL",
    "val DECIMAL -> DECIMAL",
    description="Gives the least whole number that is not below the argument.",
    total=True,
    result=_same,
)
def ceiling_decimal(value: Decimal) -> Decimal:
    """The ceiling at the value's scale."""
    return _at_scale(value, 0, ROUND_CEILING)


@LIBRARY.scalar(
    "FLOOR",
    "val DECIMAL -> DECIMAL",
    description="Gives the greatest whole number that is not above the argument.",
    total=True,
    result=_same,
)
def floor_decimal(value: Decimal) -> Decimal:
    """The floor at the value's scale."""
    return _at_scale(value, 0, ROUND_FLOOR)


def _half(value: Decimal) -> str:
    """Halves go up, towards positive infinity."""
    return ROUND_HALF_UP if value > 0 else ROUND_HALF_DOWN


def _whole_type(types: Sequence[SqlType | None]) -> SqlType:
    kind = decimal_of(_same(types))
    return SqlDecimal(max(1, kind.precision - kind.scale), 0)


@LIBRARY.scalar(
    "ROUND", "val BIGINT -> BIGINT", description="Rounds to a whole number; halves go up.", total=True, inline="{0}"
)
def round_whole(value: int) -> int:
    """A whole number stays as it is."""
    return value


@LIBRARY.scalar("ROUND", "val DOUBLE -> BIGINT", description="Rounds to a whole number; halves go up.", total=True)
def round_double(value: float) -> int:
    """The nearest whole number."""
    return _bounded(math.floor(value + 0.5)) if math.isfinite(value) else _bounded(value)


@LIBRARY.scalar(
    "ROUND",
    "val DECIMAL -> DECIMAL",
    description="Rounds to a whole number; halves go up.",
    total=True,
    result=_whole_type,
)
def round_decimal(value: Decimal) -> Decimal:
    """The nearest whole number."""
    return value.quantize(_WHOLE_UNIT, _half(value), DECIMALS)


@LIBRARY.scalar(
    "ROUND",
    "val BIGINT, decimalPlaces INTEGER -> BIGINT",
    description="Rounds to so many decimal places; halves go up.",
)
def round_whole_to(value: int, places: int) -> int:
    """The number rounded to a power of ten where `places` is negative."""
    return int(_rounded(Decimal(value), places))


@LIBRARY.scalar(
    "ROUND",
    "val DOUBLE, decimalPlaces INTEGER -> DOUBLE",
    description="Rounds to so many decimal places; halves go up.",
)
def round_double_to(value: float, places: int) -> float:
    """The number rounded to so many places."""
    return float(_rounded(decimal_from_double(value), places)) if math.isfinite(value) else value


@LIBRARY.scalar(
    "ROUND",
    "val DECIMAL, decimalPlaces INTEGER -> DECIMAL",
    description="Rounds to so many decimal places; halves go up.",
    result=_same,
)
def round_decimal_to(value: Decimal, places: int) -> Decimal:
    """The number rounded to so many places, written at its own scale."""
    return _at_scale(value, places, _half(value))


def _rounded(value: Decimal, places: int) -> Decimal:
    if places >= -int(value.as_tuple().exponent):
        return value
    return value.quantize(Decimal((0, (1,), -places)), _half(value), DECIMALS)


@LIBRARY.scalar("TRUNC", "val BIGINT -> BIGINT", description="Cuts off the decimal places.", total=True, inline="{0}")
def truncate_whole(value: int) -> int:
    """A whole number stays as it is."""
    return value


@LIBRARY.scalar("TRUNC", "val DOUBLE -> BIGINT", description="Cuts off the decimal places.", total=True)
def truncate_double(value: float) -> int:
    """The whole part."""
    return _bounded(value)


@LIBRARY.scalar(
    "TRUNC", "val DECIMAL -> DECIMAL", description="Cuts off the decimal places.", total=True, result=_whole_type
)
def truncate_decimal(value: Decimal) -> Decimal:
    """The whole part."""
    return value.quantize(_WHOLE_UNIT, ROUND_DOWN, DECIMALS)


@LIBRARY.scalar(
    "TRUNC", "val BIGINT, decimalPlaces INTEGER -> BIGINT", description="Cuts off after so many decimal places."
)
def truncate_whole_to(value: int, places: int) -> int:
    """The number cut to a power of ten where `places` is negative."""
    return int(Decimal(value).quantize(Decimal((0, (1,), -places)), ROUND_DOWN, DECIMALS))


@LIBRARY.scalar(
    "TRUNC", "val DOUBLE, decimalPlaces INTEGER -> DOUBLE", description="Cuts off after so many decimal places."
)
def truncate_double_to(value: float, places: int) -> float:
    """The number cut after so many places."""
    if not math.isfinite(value):
        return value
    exact = decimal_from_double(value)
    if places >= -int(exact.as_tuple().exponent):
        return value
    return float(exact.quantize(Decimal((0, (1,), -places)), ROUND_DOWN, DECIMALS))


@LIBRARY.scalar(
    "TRUNC",
    "val DECIMAL, decimalPlaces INTEGER -> DECIMAL",
    description="Cuts off after so many decimal places.",
    result=_same,
)
def truncate_decimal_to(value: Decimal, places: int) -> Decimal:
    """The number cut after so many places, written at its own scale."""
    return _at_scale(value, places, ROUND_DOWN)


@LIBRARY.scalar(
    "SIGN",
    *(f"val {kind} -> INTEGER" for kind in ("INTEGER", "BIGINT", "DOUBLE")),
    description="Gives -1, 0 or 1 for a negative number, zero or a positive number.",
    total=True,
)
def sign(value: float) -> int:
    """The sign of the number."""
    return (value > 0) - (value < 0)


@LIBRARY.scalar(
    "RANDOM", "-> DOUBLE", description="Gives a random number from 0.0 up to, not including, 1.0.", total=True
)
def random_number() -> float:
    """A random number."""
    return random.random()


_COMPARED = ("INTEGER", "BIGINT", "DOUBLE", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP")


def _widest(types: Sequence[SqlType | None]) -> SqlType:
    return reduce(wider_decimal, [decimal_of(kind) for kind in types if kind is not None])


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
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


_declare_extreme("GREATEST", max, "Gives the greatest of its arguments; nulls do not count.")
_declare_extreme("LEAST", min, "Gives the least of its arguments; nulls do not count.")
