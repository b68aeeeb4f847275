"""JSON with exact numbers: fractions are read as Decimal and written with the same digits."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def read_exact(text: str | bytes) -> Any:
    """The value of a JSON text; numbers with a fraction or exponent are Decimals.

    Raises:
        ValueError: the text is not JSON.
    """
    return json.loads(text, parse_float=Decimal)


def write_exact(value: Any) -> str:
    """The JSON text of a value; Decimals are written with all their digits.

    Raises:
        TypeError: JSON has no such value.
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{_text(str(name))}: {write_exact(item)}" for name, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(write_exact(item) for item in value) + "]"
        case Decimal():
            return _number(value)
        case _:
            return _text(value)


def _number(value: Decimal) -> str:
    text = str(value)
    # Without point or exponent, the number would be parsed as an integer.
    return text if any(mark in text for mark in ".Ee") else f"{text}E0"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
