"""The page of the metrics: which programs answer, what they use, and the key figures with their rates."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.metrics_reader import MetricsReader
from bifrost.console.pages.page_frame import HEADERS, data_response, page_template

ADDRESS = "/figures"
"""`/metrics` is for Prometheus."""


def routes(reader: MetricsReader) -> list[BaseRoute]:
    """The page and its data."""
    page = page_template("metrics.html", ADDRESS).substitute()

    async def show(_request: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    async def figures(_request: Request) -> Response:
        return data_response(await run_in_threadpool(reader.read))

    return [Route(ADDRESS, show, methods=["GET"]), Route("/api/figures", figures, methods=["GET"])]
