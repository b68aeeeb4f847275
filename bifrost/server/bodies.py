"""Request bodies: JSON objects with a statement or query, properties and variables."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from bifrost.engine.statements.client_session import ClientSession
from bifrost.server.problems import BAD_REQUEST, SERVER_ERROR, ErrorBody, generic

_log = logging.getLogger(__name__)
# ksqlDB's messages of malformed requests are those of its JSON parser (Jackson), with names of Java
# classes.
_CLASSES = {"ksql": "KsqlRequest", "sql": "QueryStreamArgs", "queryId": "CloseQueryArgs", "target": "InsertsStreamArgs"}
_TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class BadRequest(Exception):
    """The request is malformed; `problem` is the response."""

    def __init__(self, problem: ErrorBody) -> None:
        super().__init__(problem.body.get("message"))
        self.problem = problem


async def read_body(request: Request, required: str) -> Mapping[str, Any]:
    """Parse the body of a request, a JSON object with the string member `required`.

    Raises:
        BadRequest: the body is not JSON or not an object, or the member is missing.
    """
    return parse_body(await request.body(), required)


def parse_body(data: bytes, required: str) -> Mapping[str, Any]:
    """See `read_body`."""
    body = parse_object(data)
    if not isinstance(body.get(required), str):
        raise BadRequest(generic(400, BAD_REQUEST, _missing(data, required)))
    return body


def parse_object(data: bytes) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        BadRequest: it is not one.
    """
    if not data:
        # ksqlDB responds with this internal error too.
        message = 'Cannot invoke "io.vertx.core.buffer.Buffer.getBytes()" because "<parameter1>" is null'
        raise BadRequest(generic(500, SERVER_ERROR, message))
    try:
        body = loaded_json(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(generic(400, BAD_REQUEST, f"Invalid JSON in request: {_reason(data, error)}")) from error
    if not isinstance(body, dict):
        raise BadRequest(generic(400, BAD_REQUEST, "Invalid JSON in request: not an object"))
    return body


def loaded_json(data: bytes) -> Any:
    """Parse JSON; half of a surrogate pair, which UTF-8 cannot encode, becomes U+FFFD, so that answers can quote it."""
    body = json.loads(data)
    if data.isascii() and b"\\u" not in data:
        return body
    text = json.dumps(body, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def topic_patterns(body: Mapping[str, Any]) -> list[str]:
    """The regular expressions of `deleteTopicList`, which name the topics to delete.

    Raises:
        BadRequest: it is not a list of strings, or one of them is not a regular expression.
    """
    listed = body.get("deleteTopicList") or []
    if not isinstance(listed, list) or not all(isinstance(pattern, str) for pattern in listed):
        message = "Invalid JSON in request: deleteTopicList must be a list of strings"
        raise BadRequest(generic(400, BAD_REQUEST, message))
    for pattern in listed:
        try:
            re.compile(pattern)
        except re.error as error:
            message = f"Invalid pattern in deleteTopicList: {pattern}: {error}. Nothing was terminated"
            raise BadRequest(generic(400, BAD_REQUEST, message)) from error
    return list(listed)


def _reason(data: bytes, error: ValueError | RecursionError) -> str:
    text = data.decode(errors="replace")
    if not isinstance(error, json.JSONDecodeError):
        return f"{error}\n at [Source: (byte[]){_quoted(text)}]"
    rest = text[error.pos :].strip()
    if not rest:
        problem = "Unexpected end-of-input within/between Object entries"
    else:
        problem = f"Unrecognized token '{rest.split()[0][:50]}': was expecting {_TOKENS}"
    return (
        f"{problem}\n at [Source: (byte[]){_quoted(text)}; line: {error.lineno}, column: {error.colno + len(rest[:1])}]"
    )


def _missing(data: bytes, required: str) -> str:
    text = data.decode(errors="replace")
    return (
        f"Invalid JSON in request: Missing required creator property '{required}' (index 0)\n"
        f" at [Source: (byte[]){_quoted(text)}; line: 1, column: {len(text)}] (through reference chain: "
        f'io.confluent.ksql.rest.entity.{_CLASSES[required]}["{required}"])'
    )


def _quoted(text: str) -> str:
    # Jackson quotes up to 500 characters of its input.
    return f'"{text}"' if len(text) <= 500 else f'"{text[:500]}"[truncated {len(text) - 500} bytes]'


def session_of(body: Mapping[str, Any], properties: str) -> ClientSession:
    """The session of a request: its properties and variables.

    Raises:
        BadRequest: properties or variables are not objects.
        PropertyError, AnalysisError: a property is unknown or may not be set.
    """
    given = body.get(properties) or {}
    variables = body.get("sessionVariables") or {}
    if not isinstance(given, dict) or not isinstance(variables, dict):
        raise BadRequest(generic(400, BAD_REQUEST, f"Invalid JSON in request: {properties} must be an object"))
    return ClientSession.of(given, variables)


def query_session_of(body: Mapping[str, Any], properties: str) -> ClientSession:
    """As `session_of`, for a query. Answers to queries have no place for warnings, so they go to the server's log."""
    session = session_of(body, properties)
    for warning in session.warnings():
        _log.warning("A query's request: %s", warning)
    return session
