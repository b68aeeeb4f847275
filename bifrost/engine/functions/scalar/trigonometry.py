"""Functions of real numbers, with infinities and NaN as in Java."""

from __future__ import annotations

import math
from collections.abc import Callable

from bifrost.engine.functions.java import math as java_math
from bifrost.engine.functions.library import Library

LIBRARY = Library("MATHEMATICAL")

_NUMERIC = ("INTEGER", "BIGINT", "DOUBLE")


def _real(function: Callable[[float], float], value: float) -> float:
    """Return the function's value; NaN outside its domain."""
    try:
        return function(value)
    # Python raises where Java returns NaN.
    except ValueError:
        return math.nan


def _natural_log(value: float) -> float:
    if value > 0:
        return math.log(value)
    return -math.inf if value == 0 else math.nan


def _cotangent(value: float) -> float:
    """Divide as ksqlDB does: the inverse of the tangent would differ in the last digit."""
    sine, cosine = math.sin(value), math.cos(value)
    return cosine / sine if sine else math.copysign(math.inf, sine)


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


_FUNCTIONS: tuple[tuple[str, Callable[[float], float], str], ...] = (
    ("SQRT", math.sqrt, "Returns the square root."),
    ("CBRT", java_math.cube_root, "Returns the cube root."),
    ("EXP", _exponential, "Returns e to the power of the argument."),
    ("LN", _natural_log, "Returns the natural logarithm."),
    ("SIN", math.sin, "Returns the sine of an angle in radians."),
    ("COS", math.cos, "Returns the cosine of an angle in radians."),
    ("TAN", math.tan, "Returns the tangent of an angle in radians."),
    ("COT", _cotangent, "Returns the cotangent of an angle in radians."),
    ("ASIN", java_math.arc_sine, "Returns the arc sine in radians."),
    ("ACOS", java_math.arc_cosine, "Returns the arc cosine in radians."),
    ("ATAN", java_math.arc_tangent, "Returns the arc tangent in radians."),
    ("SINH", java_math.hyperbolic_sine, "Returns the hyperbolic sine."),
    ("COSH", java_math.hyperbolic_cosine, "Returns the hyperbolic cosine."),
    ("TANH", math.tanh, "Returns the hyperbolic tangent."),
    ("DEGREES", math.degrees, "Converts radians to degrees."),
    ("RADIANS", math.radians, "Converts degrees to radians."),
)


def _declare(name: str, function: Callable[[float], float], description: str) -> None:
    def evaluate(value: float) -> float:
        return _real(function, value)

    evaluate.__name__ = name.lower()
    signatures = (f"value {kind} -> DOUBLE" for kind in _NUMERIC)
    LIBRARY.scalar(name, *signatures, description=description, total=True)(evaluate)


for _name, _function, _description in _FUNCTIONS:
    _declare(_name, _function, _description)


@LIBRARY.scalar("PI", "-> DOUBLE", description="Returns the number pi.", total=True)
def pi() -> float:
    """Return pi."""
    return math.pi


@LIBRARY.scalar(
    "ATAN2",
    *(f"y {kind}, x {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the angle, in radians, of the point (x, y) seen from the origin.",
    total=True,
)
def arc_tangent(y: float, x: float) -> float:
    """Return the angle of the point."""
    return java_math.angle_of(y, x)


@LIBRARY.scalar(
    "LOG",
    *(f"value {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the natural logarithm.",
    total=True,
)
def natural_log(value: float) -> float:
    """Return the natural logarithm; LOG without a base equals LN."""
    return _natural_log(value)


@LIBRARY.scalar(
    "LOG",
    *(f"base {kind}, value {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the logarithm to a base.",
    total=True,
)
def log_to_base(base: float, value: float) -> float:
    """Return the logarithm to the base; NaN for a base that has no logarithm."""
    if base <= 0 or base == 1:
        return math.nan
    return _natural_log(value) / math.log(base)


@LIBRARY.scalar(
    "POWER",
    *(f"base {kind}, exponent {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Raises a number to a power.",
    total=True,
)
def power(base: float, exponent: float) -> float:
    """Raise the base to the exponent, as Java's Math.pow does."""
    if math.isnan(exponent) or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan
    try:
        return math.pow(base, exponent)
    except OverflowError:
        # Python raises where Java returns infinity; only an odd power of a negative base is negative.
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base != 0:
            return math.nan
        odd = exponent % 2 == 1
        return math.copysign(math.inf, base) if odd else math.inf
