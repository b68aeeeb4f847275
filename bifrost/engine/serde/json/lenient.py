"""Reads JSON texts as Jackson does for ksqlDB, where the fast parser refuses them or loses digits.

Accepted beyond the fast parser: a byte order mark, UTF-16 and UTF-32, anything after the document, numbers beyond a
DOUBLE, and single surrogates, which become U+FFFD because no UTF-8 text can hold them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from bifrost.engine.serde.errors import SerdeError

_BLANKS = " \t\r\n"
_SURROGATE = re.compile("[\ud800-\udfff]")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def exact_json(data: bytes) -> Any:
    """Parse the JSON document at the start of a payload, fractions as Decimals.

    Raises:
        SerdeError: the payload does not start with a JSON document.
        ValueError: the bytes are not text.
    """
    text = data.decode(json.detect_encoding(data)).lstrip(_BLANKS)
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise SerdeError(f"Not JSON: {_reason(error)}") from None
    # A scalar must end where other text begins; brackets and quotes end a value themselves.
    if not isinstance(value, str | list | dict) and text[end : end + 1] not in ("", *_BLANKS):
        raise SerdeError(f"Not JSON: unexpected text after a value at position {end}")
    return _without_surrogates(value) if b"\\u" in data else value


def _reason(error: Exception) -> str:
    """Return why, without any of the text, which may be confidential."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at position {error.pos}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_SURROGATE.sub("\ufffd", name): _without_surrogates(item) for name, item in value.items()}
        case _:
            return value
