"""The pages of the dashboards and their data. The browser draws; it never talks to the search engine."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.demo_hints import DemoHints
from bifrost.console.pages.page_frame import HEADERS, data_response, page_template
from bifrost.console.panel_reader import PanelReader, layout
from bifrost.dashboards.declared import Dashboard
from bifrost.errors import DeclarationError, RemoteError
from bifrost.web.inputs import whole_number

LONGEST_S = 10 * 366 * 24 * 3600
DEFAULT_S = 900
FIRST = "ratings"
_NO_DEMO_HINTS: DemoHints = {}
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(reader: PanelReader, vega: Path, hints_by_pipeline: DemoHints = _NO_DEMO_HINTS) -> list[BaseRoute]:
    """The pages, their data, and Vega's JavaScript (the file `vega`).

    Args:
        hints_by_pipeline: how to send data through a pipeline, shown where a dashboard is empty.
    """
    pages = DashboardPages(reader, vega, hints_by_pipeline)
    return [
        Route("/dashboards", _naming_bad_files(pages.first), methods=["GET"]),
        Route("/dashboards/{pipeline}", _naming_bad_files(pages.show), methods=["GET"]),
        Route("/api/dashboards/{pipeline}", _naming_bad_files(pages.layout), methods=["GET"]),
        Route("/api/dashboards/{pipeline}/data", _naming_bad_files(pages.data), methods=["GET"]),
        Route("/vega.js", pages.vega, methods=["GET"]),
    ]


class DashboardPages:
    """The endpoints of the dashboards."""

    def __init__(self, reader: PanelReader, vega: Path, hints_by_pipeline: DemoHints) -> None:
        self._reader = reader
        self._links = hints_by_pipeline
        self._vega = vega
        self._template = page_template("dashboard.html", "/dashboards")

    async def first(self, _request: Request) -> Response:
        """`GET /dashboards`: redirect to `FIRST`, which has data from the start, else to the first dashboard."""
        found = await self._dashboards()
        name = FIRST if FIRST in found else next(iter(found), None)
        return RedirectResponse(f"/dashboards/{name}" if name else "/")

    async def show(self, request: Request) -> Response:
        """`GET /dashboards/NAME`: the page, whose script loads the panels."""
        found = await self._dashboards()
        dashboard = found.get(request.path_params["pipeline"])
        if dashboard is None:
            return data_response({"error": "no such dashboard"}, 404)
        page = self._template.substitute(
            pipeline=html.escape(dashboard.pipeline),
            title=html.escape(dashboard.title),
            last=dashboard.last_s,
            tabs=_tabs(found, dashboard),
            vega=self._vega.stem,
        )
        return HTMLResponse(page, headers=HEADERS)

    async def layout(self, request: Request) -> Response:
        """`GET /api/dashboards/NAME`: titles, positions and specs of the panels."""
        found = await self._dashboards()
        dashboard = found.get(request.path_params["pipeline"])
        if dashboard is None:
            return data_response({"error": "no such dashboard"}, 404)
        return data_response(layout(dashboard) | {"hint": self._links.get(dashboard.pipeline)})

    async def data(self, request: Request) -> Response:
        """`GET /api/dashboards/NAME/data?last=SECONDS`: the data of the panels."""
        last = whole_number(request.query_params.get("last", str(DEFAULT_S)), 1, LONGEST_S)
        if last is None:
            return data_response({"error": f"last must be a number of seconds from 1 to {LONGEST_S}"}, 400)
        dashboard = (await self._dashboards()).get(request.path_params["pipeline"])
        if dashboard is None:
            return data_response({"error": "no such dashboard"}, 404)
        try:
            return data_response(await run_in_threadpool(self._reader.read, dashboard, last))
        except RemoteError as error:
            return data_response({"error": str(error)}, 503)

    async def _dashboards(self) -> dict[str, Dashboard]:
        return await run_in_threadpool(self._reader.dashboards)

    async def vega(self, _request: Request) -> Response:
        """`GET /vega.js?v=NAME`: Vega's JavaScript. The name contains the version, so browsers may cache it."""
        keep = {"Cache-Control": "public, max-age=31536000, immutable"}
        return FileResponse(self._vega, media_type="text/javascript", headers=keep)


def _naming_bad_files(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers with the error of a file of dashboards that is malformed."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except DeclarationError as error:
            return data_response({"error": str(error)}, 500)

    return answer


def _tabs(found: dict[str, Dashboard], current: Dashboard) -> str:
    def tab(dashboard: Dashboard) -> str:
        here = ' aria-current="page"' if dashboard is current else ""
        address = f"/dashboards/{html.escape(dashboard.pipeline)}"
        return f'<a class="chip" href="{address}"{here}>{html.escape(dashboard.title)}</a>'

    return "".join(map(tab, found.values()))
