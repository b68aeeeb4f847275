"""Numbers and collections as Java, and so ksqlDB, prints and parses them."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any

DECIMALS = Context(
    prec=1000,
    rounding=ROUND_HALF_UP,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""Exact decimal arithmetic: Python's own context would round to 28 digits."""

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
_EXACT_BITS = 53
_EXACT_BELOW, _LONG_BELOW = float(1 << _EXACT_BITS), float(1 << 63)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Decimals are printed without an exponent, so a larger one would make a text of many thousands of digits.
_MAX_EXPONENT = 9_999
_ENCODED_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def decode_utf8(data: bytes) -> str:
    """Decode UTF-8 as Java does: each malformed sequence becomes U+FFFD, so text is never lost as a whole."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Java replaces an encoded surrogate as one sequence, Python byte by byte.
        return _ENCODED_SURROGATE.sub(b"\xef\xbf\xbd", data).decode(errors="replace")


def double_text(value: float) -> str:
    """Return a DOUBLE's text: `1.0`, `0.001`, `1.0E10`, `1.0E-5`, `NaN`, `-Infinity`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return repr(value)
    digits, power = _digits(abs(value))
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{power}"


def _digits(value: float) -> tuple[str, int]:
    """Return the digits that Java before version 19 prints for a positive number, and the first digit's power of ten.

    They are the shortest digits that identify the number, except for large whole numbers and powers of two.
    """
    if _EXACT_BELOW <= value < _LONG_BELOW:
        return _whole_digits(int(value))
    shortest = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, shortest.digits)).rstrip("0")
    power = int(shortest.exponent) + len(shortest.digits) - 1
    # Java prints at least two digits and finds the second one from the exact value: 2.0E-3 but 4.9E-324.
    if len(text) == 1:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return mantissa.replace(".", "").rstrip("0"), int(exponent)
    if len(text) > 15 and math.frexp(value)[0] == 0.5:
        return _power_of_two_digits(value, power), power
    return text, power


def _whole_digits(value: int) -> tuple[str, int]:
    """Return the digits of a whole number beyond 2^53: Java rounds away only digits below the DOUBLE's precision."""
    spare = value.bit_length() - 1 - _EXACT_BITS - 1
    dropped = len(str(1 << spare)) - 1 if spare > 1 else 0
    unit: int = 10**dropped
    digits = str((value + unit // 2) // unit)
    return digits.rstrip("0"), len(digits) - 1 + dropped


def _power_of_two_digits(value: float, power: int) -> str:
    """Return the digits of a power of two.

    The next smaller DOUBLE is half as far away as the next larger one; Java uses the smaller distance for both sides.
    """
    exact = Fraction(value) / Fraction(10) ** power
    margin = Fraction(math.ulp(value)) / 4 / Fraction(10) ** power
    for places in range(15, 18):
        scaled = exact * 10**places
        digits = round(scaled)
        if abs(scaled - digits) < margin * 10**places:
            return str(digits).rstrip("0")
    return str(round(exact * 10**17)).rstrip("0")


def decimal_text(value: Decimal) -> str:
    """Return a DECIMAL's text, without an exponent and with all digits of its scale."""
    return format(value, "f")


def parse_integer(text: str, bits: int) -> int:
    """Parse a whole number as Java's parseInt and parseLong do; spaces around it are ignored.

    Raises:
        ValueError: the text is not a whole number, or the number needs more than `bits` bits.
    """
    trimmed = text.strip()
    if _INTEGER.fullmatch(trimmed) is None:
        raise ValueError(f'For input string: "{text}"')
    value = int(trimmed) if len(trimmed) < 64 else 1 << 64
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError(f'For input string: "{text}"')
    return value


def parse_double(text: str) -> float:
    """Parse a DOUBLE; as in ksqlDB, NaN and infinity are not numbers of SQL.

    Raises:
        ValueError: the text is not a number, or the number is too large.
    """
    trimmed = text.strip()
    if not _DECIMAL.fullmatch(trimmed):
        raise ValueError(f'For input string: "{text}"')
    number = float(trimmed)
    if math.isinf(number):
        raise ValueError(f"{text} is no DOUBLE: infinite numbers and NaN are not values of SQL")
    return number


def parse_decimal(text: str) -> Decimal:
    """Parse a number as Java's BigDecimal does.

    Raises:
        ValueError: the text is not a number, or its exponent is out of range.
    """
    trimmed = text.strip()
    if _DECIMAL.fullmatch(trimmed) is None:
        raise ValueError(f'Character array is not a number: "{text}"')
    value = Decimal(trimmed)
    if abs(value.adjusted()) > _MAX_EXPONENT:
        raise ValueError(f'Number is out of range: "{text}"')
    return value


def decimal_from_double(value: float) -> Decimal:
    """Return the decimal that a DOUBLE's text shows, as BigDecimal.valueOf does.

    Raises:
        ValueError: NaN or infinity.
    """
    if not math.isfinite(value):
        raise ValueError("Infinite or NaN")
    return Decimal(repr(value))


def value_text(value: Any) -> str:
    """Return a plain value as Java's String.valueOf prints it; dates and structs need a cast."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return double_text(value)
        case Decimal():
            return decimal_text(value)
        case list():
            return f"[{', '.join(map(value_text, value))}]"
        case dict():
            return f"{{{', '.join(f'{value_text(k)}={value_text(v)}' for k, v in value.items())}}}"
        case _:
            return str(value)
