"""Reads what the body of an action says; a wrong type is an error of the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.console.operated.endpoints import InvalidParameter

MAX_TEXT = 1_000


def text_in(body: Mapping[str, Any], name: str, default: str | None = None, most: int = MAX_TEXT) -> str:
    """A text of the body.

    Raises:
        InvalidParameter: it is missing and has no default, is no text, or is too long.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or (not value and default is None) or len(value) > most:
        raise InvalidParameter(f"{name} must be a text of 1 to {most} characters")
    return value


def flag_in(body: Mapping[str, Any], name: str) -> bool:
    """A flag of the body, by default false.

    Raises:
        InvalidParameter: it is neither true nor false.
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidParameter(f"{name} must be true or false")
    return value


def texts_in(body: Mapping[str, Any], name: str, most: int) -> tuple[str, ...]:
    """A list of texts of the body, by default empty.

    Raises:
        InvalidParameter: it is no list of texts, or has more than `most`.
    """
    value = body.get(name, [])
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, str) for item in value):
        raise InvalidParameter(f"{name} must be a list of up to {most} texts")
    return tuple(value)
