"""JSON with exact numbers: orjson silently turns integers beyond 64 bits, and all decimals, into floats."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any

import orjson

_LONG_INTEGER = re.compile(rb"\d{19}")
"""The smallest integer beyond 64 bits has 19 digits."""
_LONG_DECIMAL = re.compile(rb"[\d.]{17}")
"""A double holds any decimal of up to 15 digits."""


def loads(data: bytes, *, exact_decimals: bool = False) -> Any:
    """Parse JSON in UTF-8, with or without a byte order mark; integers of any size keep their digits.

    Args:
        exact_decimals: return a number that no double holds exactly enough as `Decimal`.

    Raises:
        ValueError: the bytes are not JSON, or contain a number that no double can hold.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        found = orjson.loads(data)
        # The second parse is rare, and safe: orjson has checked syntax, surrogates and depth.
        if exact_decimals and _LONG_DECIMAL.search(data):
            return json.loads(data, parse_float=_decimal)
        return json.loads(data) if _LONG_INTEGER.search(data) else found
    except orjson.JSONDecodeError as error:
        raise ValueError(_problem(error)) from error
    except RecursionError as error:
        raise ValueError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise ValueError("not JSON: a number has too many digits") from error


def _decimal(text: str) -> float | Decimal:
    number, exact = float(text), Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def dumps(value: Any) -> bytes:
    """Return a value as JSON in UTF-8.

    Raises:
        ValueError: it is nested too deeply.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        # Integers beyond 64 bits, or more levels than orjson writes.
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except RecursionError as error:
            raise ValueError("nested too deeply for JSON") from error


def _problem(error: json.JSONDecodeError) -> str:
    message = error.msg.lower()
    if "zero-length" in message:
        return "not JSON: empty"
    if "recursion" in message or "depth" in message:
        return "not JSON: nested too deeply"
    place = f"(line {error.lineno}, column {error.colno})"
    if "infinity" in message:
        return f"not JSON: a number is too large {place}"
    if "surrogate" in message or "utf-8" in message:
        return "not JSON: a string is not valid Unicode"
    return f"not JSON {place}"
