"""Turns functions that operate the target into endpoints: runs them in a thread, and reports errors as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import data_response
from bifrost.errors import BifrostError, OperationRefused, Refused, RemoteError
from bifrost.web.inputs import read_body

Endpoint = Callable[[Request], Any]


class InvalidParameter(ValueError):
    """A request says something that the endpoint does not understand; the message says what."""


def reading(pool: TargetPool, read: Callable[[OperatedTarget, Request], Any]) -> Endpoint:
    """An endpoint that answers with what `read` returns, in JSON."""

    async def answer(request: Request) -> Response:
        def work() -> Any:
            with pool.target() as target:
                return read(target, request)

        try:
            return data_response(await run_in_threadpool(work))
        except (InvalidParameter, BifrostError) as error:
            return problem(error)

    return answer


async def posted(request: Request) -> dict[str, Any]:
    """The JSON object in the body of a request.

    Raises:
        InvalidParameter: it has none.
    """
    try:
        body = orjson.loads(await read_body(request))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidParameter("the body must be a JSON object")
    return body


def problem(error: InvalidParameter | BifrostError) -> Response:
    """The answer to a request that failed: status and a sentence."""
    match error:
        case InvalidParameter():
            status = 400
        case OperationRefused():
            status = 409
        case Refused(status=404):
            status = 404
        case RemoteError():
            status = 503
        case _:
            status = 500
    return data_response({"error": str(error)}, status)
