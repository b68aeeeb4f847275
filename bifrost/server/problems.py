"""Errors in ksqlDB's JSON: the only place that maps an error to an HTTP status and an error code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bifrost.engine.serde import RegistryUnavailable, SerdeError
from bifrost.errors import (
    AssertionMissed,
    BifrostError,
    MissingTopic,
    NotAQuery,
    NotReady,
    ParseError,
    PropertyError,
    QueryElsewhere,
    StatementError,
    Unreachable,
)

BAD_REQUEST, BAD_STATEMENT, QUERY_ENDPOINT, HTTP2_ONLY = 40000, 40001, 40002, 40004
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, ASSERTION, SERVER_ERROR, UNAVAILABLE = 40100, 40300, 40400, 41700, 50000, 50300
COMMAND_TIMEOUT = 50301


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An HTTP status and its body."""

    status: int
    body: dict[str, Any]


def generic(status: int, code: int, message: str) -> ErrorBody:
    """A `generic_error`."""
    return ErrorBody(status, {"@type": "generic_error", "error_code": code, "message": message})


def statement_problem(status: int, code: int, message: str, statement: str) -> ErrorBody:
    """A `statement_error`."""
    body = {"@type": "statement_error", "error_code": code, "message": message, "statementText": statement}
    return ErrorBody(status, {**body, "entities": []})


def problem_of(error: BifrostError, text: str) -> ErrorBody:
    """The response to an error; `text` is the statement that was sent, for errors that do not carry one."""
    match error:
        # The order matters: the first errors are special cases of StatementError.
        case QueryElsewhere():
            return statement_problem(400, QUERY_ENDPOINT, error.message, error.statement or text)
        case NotAQuery() | MissingTopic():
            return generic(400, BAD_REQUEST, error.message)
        case PropertyError():
            return statement_problem(500, SERVER_ERROR, error.message, error.statement or text)
        case AssertionMissed():
            return generic(417, ASSERTION, error.message)
        case StatementError():
            return statement_problem(400, BAD_STATEMENT, error.message, error.statement or text)
        case SerdeError():
            return statement_problem(400, BAD_STATEMENT, str(error), text)
        case NotReady() | RegistryUnavailable() | Unreachable():
            return statement_problem(503, UNAVAILABLE, str(error), text)
        case _:
            return statement_problem(500, SERVER_ERROR, str(error), text)


def query_problem_of(error: BifrostError, text: str) -> ErrorBody:
    """The response of /query to an error. As ksqlDB, a syntax error comes with its cause."""
    if not isinstance(error, ParseError):
        return problem_of(error, text)
    message = f"{error}\nStatement: {error.statement or text}\nCaused by: {error.summary}"
    return statement_problem(400, BAD_STATEMENT, message, error.statement or text)
