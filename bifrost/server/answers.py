"""Responses that all endpoints share."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from bifrost.server.problems import ErrorBody


def json_response(body: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def problem_response(problem: ErrorBody) -> Response:
    """The response of an error."""
    answer = json_response(problem.body, problem.status)
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="KSQL-Server"'
    return answer


async def not_found(request: Request, error: Exception) -> Response:
    """The response to an unknown path, as ksqlDB sends it."""
    return HTMLResponse("<html><body><h1>Resource not found</h1></body></html>", 404)


async def wrong_method(request: Request, error: Exception) -> Response:
    """The response to a method that the path does not support."""
    return Response(status_code=405, headers=getattr(error, "headers", None))


async def refuse(problem: ErrorBody, scope: Scope, receive: Receive, send: Send) -> None:
    """Responds with an error; reads and discards the request's body first, so that the connection stays usable."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    await problem_response(problem)(scope, receive, send)
