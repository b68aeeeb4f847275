"""Answers that are the same for all endpoints."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from bifrost.server.problems import Problem


def json_response(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """An error's answer."""
    answer = json_response(problem.body, problem.status)
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="KSQL-Server"'
    return answer


async def not_found(request: Request, error: Exception) -> Response:
    """No such path, as ksqlDB tells it."""
    return HTMLResponse("<html><body><h1>Resource not found</h1></body></html>", 404)


async def wrong_method(request: Request, error: Exception) -> Response:
    """A path that is asked with another method than it takes."""
    return Response(status_code=405, headers=getattr(error, "headers", None))


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an error to a request whose body nobody wants; it is read all the same, so that the connection lasts."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    await problem_response(problem)(scope, receive, send)
