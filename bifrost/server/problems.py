"""Errors in ksqlDB's JSON: the one place where an error becomes an HTTP status and an error code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bifrost.engine.refusals import NotAQuery, PropertyError, QueryElsewhere
from bifrost.engine.serde import RegistryUnavailable, SerdeError
from bifrost.errors import BifrostError, NotReady, StatementError, UnsupportedError

BAD_REQUEST, BAD_STATEMENT, QUERY_ENDPOINT, HTTP2_ONLY = 40000, 40001, 40002, 40004
NOT_FOUND, SERVER_ERROR = 40400, 50000


@dataclass(frozen=True, slots=True)
class Problem:
    """An HTTP status and the body that goes with it."""

    status: int
    body: dict[str, Any]


def generic(status: int, code: int, message: str) -> Problem:
    """A `generic_error`."""
    return Problem(status, {"@type": "generic_error", "error_code": code, "message": message})


def statement_problem(status: int, code: int, message: str, statement: str) -> Problem:
    """A `statement_error`."""
    body = {"@type": "statement_error", "error_code": code, "message": message, "statementText": statement}
    return Problem(status, {**body, "entities": []})


def problem_of(error: BifrostError, text: str) -> Problem:
    """The answer to an error; `text` is the statement text that was sent, for errors that do not carry their own."""
    match error:
        case QueryElsewhere():
            return statement_problem(400, QUERY_ENDPOINT, error.message, error.statement or text)
        case NotAQuery():
            return generic(400, BAD_REQUEST, error.message)
        case PropertyError():
            return statement_problem(500, SERVER_ERROR, error.message, error.statement or text)
        case UnsupportedError() | StatementError():
            return statement_problem(400, BAD_STATEMENT, error.message, error.statement or text)
        case SerdeError():
            return statement_problem(400, BAD_STATEMENT, str(error), text)
        case NotReady() | RegistryUnavailable():
            return generic(503, 50300, str(error))
        case _:
            return statement_problem(500, SERVER_ERROR, str(error), text)
