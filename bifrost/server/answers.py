"""Answers that are the same for all endpoints."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bifrost.server.problems import Problem


def json_response(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """An error's answer."""
    return json_response(problem.body, problem.status)


async def not_found(request: Request, error: Exception) -> Response:
    """No such path, as ksqlDB tells it."""
    return HTMLResponse("<html><body><h1>Resource not found</h1></body></html>", 404)


async def wrong_method(request: Request, error: Exception) -> Response:
    """A path that is asked with another method than it takes."""
    return Response(status_code=405, headers=getattr(error, "headers", None))
