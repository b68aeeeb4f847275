"""JSON with exact numbers: orjson silently turns integers beyond 64 bits into floats, which loses digits."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any

import orjson

_LONG_INTEGER = re.compile(rb"\d{19}")
"""The smallest integer beyond 64 bits has 19 digits."""


def loads(data: bytes) -> Any:
    """Parse JSON in UTF-8, with or without a byte order mark; integers of any size keep their digits.

    Raises:
        ValueError: the bytes are not JSON, or contain a number that no double can hold.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        found = orjson.loads(data)
        # The second parse is rare, and safe: orjson has checked syntax, surrogates and depth.
        return json.loads(data) if _LONG_INTEGER.search(data) else found
    except orjson.JSONDecodeError as error:
        raise ValueError(_problem(error)) from error
    except RecursionError as error:
        raise ValueError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise ValueError("not JSON: a number has too many digits") from error


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
