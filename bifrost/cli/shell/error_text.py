"""Errors of statements as a shell shows them: ksqlDB's message, and the place in the statement or script."""

from __future__ import annotations

import re

from bifrost.clients.ksqldb_errors import message_of, place_in
from bifrost.errors import BifrostError, StatementError

_LEADING_PLACE = re.compile(r"\Aline \d+:\d+: ?")


class ShownError(StatementError):
    """An error with its text for the shell; `line` and `column` count from 1 in the text that was run.

    `column` is `None` if only the line of the statement's beginning is known.
    """

    def __init__(self, message: str, line: int, column: int | None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class ScriptError(StatementError):
    """An error in a script, which begins with `<script>:<line>:`, and the column if it is known."""

    def __init__(self, script: str, first_line: int, error: BifrostError) -> None:
        """An error of the text that begins in `first_line` of the script."""
        place, message = f"{script}:{first_line}", str(error)
        if isinstance(error, ShownError):
            place = f"{script}:{first_line + error.line - 1}"
            if error.column is not None:
                # ksqlDB's own place counts in the statement, and two line numbers would contradict each other.
                place, message = f"{place}:{error.column}", _LEADING_PLACE.sub("", message)
        super().__init__(f"{place}: {message}")


def shown_error(error: BifrostError, statement: str, *, line: int = 1, column: int = 1) -> ShownError:
    """The error with its text for the shell.

    Args:
        error: the error, whose position counts in `statement`.
        statement: the text that was run.
        line: the line of the statement's beginning in the text that was entered.
        column: its column there.
    """
    match place_in(error):
        case (error_line, error_column):
            found = column + error_column - 1 if error_line == 1 else error_column
            return ShownError(error_text(error, statement), line + error_line - 1, found)
        case _:
            return ShownError(error_text(error, statement), line + _lines_before(error, statement), None)


def _lines_before(error: BifrostError, text: str) -> int:
    """How many lines of a text are before the statement that the error is about."""
    found = text.find(error.statement) if isinstance(error, StatementError) else 0
    return text.count("\n", 0, max(found, 0))


def error_text(error: BifrostError, statement: str) -> str:
    """ksqlDB's message without the request that carried it; below it the line of the statement with a mark.

    Args:
        statement: the text that the position in the message counts in.
    """
    place = place_in(error)
    return message_of(error) + (marked(statement, *place) if place else "")


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
