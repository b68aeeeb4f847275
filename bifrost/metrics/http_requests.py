"""Counts the requests to the HTTP servers of the project, and serves `/metrics` beside their other routes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bifrost.metrics.families import Counter, Histogram

REQUESTS = Counter("bifrost_http_requests_total", "HTTP requests by route and status", "method", "route", "status")
DURATIONS = Histogram(
    "bifrost_http_request_seconds", "Time until the response to an HTTP request began", "method", "route"
)
NO_ROUTE = "(none)"
"""The route of a request that matches none: its path is data of the client."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Counts each request when its response begins: a stream may last for hours. ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_counted = False

        async def counted(message: Message) -> None:
            nonlocal is_counted
            if message["type"] == "http.response.start":
                is_counted = True
                _count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            # Starlette responds outside of all middleware.
            if not is_counted:
                _count(scope, HTTPStatus.INTERNAL_SERVER_ERROR, time.perf_counter() - began)
            raise


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the path of a request with the names of its parameters in place of their values."""
    match scope.get("route"):
        case Route() as route:
            return f"{scope.get('root_path', '')}{route.path_format}"
        case Mount() as mount:
            return f"{mount.path}/"
        case _:
            return NO_ROUTE


def metrics_route() -> Route:
    """Return the route of `GET /metrics`."""
    return Route("/metrics", _metrics, methods=["GET"])


def _count(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = route_of(scope)
    REQUESTS.add(method, route, str(status))
    DURATIONS.observe(seconds, method, route)


async def _metrics(request: Request) -> Response:
    from bifrost.metrics.exposition import exposition  # here, so that a start does not wait for the import

    body, media_type = await run_in_threadpool(exposition, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": media_type})
