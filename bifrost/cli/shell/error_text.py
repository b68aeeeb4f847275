"""Errors of statements as a shell shows them: ksqlDB's message, and the place in the statement."""

from __future__ import annotations

import re

from bifrost.errors import BifrostError, ParseError, Refused, StatementError

_PLACE = re.compile(r"line (\d+):(\d+):")


def error_text(error: BifrostError, statement: str) -> str:
    """ksqlDB's message without the request that carried it; below it the line of the statement with a mark.

    Args:
        statement: the text that the position in the message counts in.
    """
    match error:
        case ParseError():
            return error.message + marked(statement, error.line, error.column)
        case StatementError():
            return error.message
        case Refused(system="ksqlDB"):
            place = _PLACE.search(error.body)
            return error.body + (marked(statement, int(place[1]), int(place[2])) if place else "")
        case _:
            return str(error)


def marked(statement: str, line: int, column: int) -> str:
    """The line of a statement with `^` below the word at `column`; both count from 1. Empty if out of range."""
    lines = statement.splitlines()
    if not 0 < line <= len(lines):
        return ""
    # One column per character, so that the mark stands below its word.
    text = lines[line - 1].replace("\t", " ")
    start = min(max(column, 1), len(text) + 1) - 1
    word = re.match(r"[\w`'\"]+", text[start:])
    return f"\n  {text}\n  {' ' * start}{'^' * (len(word[0]) if word else 1)}"
