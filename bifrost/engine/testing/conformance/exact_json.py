"""JSON whose numbers keep their digits: fractions are read as Decimal and written as they were."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def read_exact(text: str | bytes) -> Any:
    """The value of a JSON text; numbers with a fraction or exponent are Decimals.

    Raises:
        ValueError: it is not JSON.
    """
    return json.loads(text, parse_float=Decimal)


def write_exact(value: Any) -> str:
    """The JSON text of a value; Decimals are written with all their digits.

    Raises:
        TypeError: a value is not one that JSON has.
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
    # A number token with neither point nor exponent would be read back as an integer.
    return text if any(mark in text for mark in ".Ee") else f"{text}E0"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
