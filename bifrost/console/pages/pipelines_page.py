"""The page of the pipelines: the graph, tables of its parts, and the newest records of a topic."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients.topic_sample import SampledRecord
from bifrost.console.pages.page_frame import HEADERS, data_response, page_template
from bifrost.errors import RemoteError
from bifrost.web.inputs import whole_number

MAX_RECORDS = 100


class Flows(Protocol):
    """The part of `FlowReader` that is needed here."""

    def read(self) -> dict[str, Any]:
        """The graph."""
        ...

    def records(self, topic: str, count: int) -> list[SampledRecord]:
        """The newest records of a topic."""
        ...


def routes(flows: Flows) -> list[BaseRoute]:
    """The page, its data, and the newest records of a topic."""
    page = page_template("pipelines.html", "/pipelines").substitute()

    async def show(_request: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    async def data(_request: Request) -> Response:
        return data_response(await run_in_threadpool(flows.read))

    async def records(request: Request) -> Response:
        """`GET /api/topics/NAME/records?limit=N`."""
        limit = whole_number(request.query_params.get("limit", "20"), 1, MAX_RECORDS)
        if limit is None:
            return data_response({"error": f"limit must be a whole number from 1 to {MAX_RECORDS}"}, 400)
        try:
            found = await run_in_threadpool(flows.records, request.path_params["topic"], limit)
        except RemoteError as error:
            return data_response({"error": str(error)}, 503)
        return data_response([asdict(record) for record in found[:limit]])

    return [
        Route("/pipelines", show, methods=["GET"]),
        Route("/api/pipelines", data, methods=["GET"]),
        Route("/api/topics/{topic}/records", records, methods=["GET"]),
    ]
