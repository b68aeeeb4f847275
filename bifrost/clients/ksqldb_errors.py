"""Errors of statements: ksqlDB's own message, and the place in the statement that it names."""

from __future__ import annotations

import re

from bifrost.errors import BifrostError, ParseError, Refused, StatementError

_PLACES = (
    re.compile(r"\bline (\d+):(\d+):"),  # of syntax errors
    re.compile(r"\bLine: (\d+), Col: (\d+):"),  # of names and types
)


def place_in(error: BifrostError) -> tuple[int, int] | None:
    """The line and column in the statement that the error names; both count from 1."""
    match error:
        case ParseError():
            return error.line, error.column
        case Refused(system="ksqlDB"):
            found = next((place for pattern in _PLACES if (place := pattern.search(error.body))), None)
            return (int(found[1]), int(found[2])) if found else None
        case _:
            return None


def message_of(error: BifrostError) -> str:
    """ksqlDB's message without the request that carried it."""
    match error:
        case StatementError():
            return error.message
        case Refused(system="ksqlDB"):
            return error.body
        case _:
            return str(error)
