"""The dashboards' pages and the endpoints that fill them. The browser draws; it never sees the search engine."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.demo_hints import DemoHints
from bifrost.console.pages.page_frame import HEADERS, page_template
from bifrost.console.panel_reader import PanelReader, layout
from bifrost.dashboards.declared import Dashboard
from bifrost.errors import DeclarationError, RemoteError

LONGEST_S = 10 * 366 * 24 * 3600
DEFAULT_S = 900
FIRST = "ratings"
_NO_DEMO_HINTS: DemoHints = {}


def routes(reader: PanelReader, vega: Path, hints_by_pipeline: DemoHints = _NO_DEMO_HINTS) -> list[BaseRoute]:
    """The pages, their data, and Vega's JavaScript (the file `vega`).

    Args:
        hints_by_pipeline: how each pipeline is set in motion, told where a dashboard has nothing to show.
    """
    own = DashboardPages(reader, vega, hints_by_pipeline)
    return [
        Route("/dashboards", own.first, methods=["GET"]),
        Route("/dashboards/{pipeline}", own.show, methods=["GET"]),
        Route("/api/dashboards/{pipeline}", own.layout, methods=["GET"]),
        Route("/api/dashboards/{pipeline}/data", own.data, methods=["GET"]),
        Route("/vega.js", own.vega, methods=["GET"]),
    ]


class DashboardPages:
    """The endpoints of the dashboards."""

    def __init__(self, reader: PanelReader, vega: Path, hints_by_pipeline: DemoHints) -> None:
        self._reader = reader
        self._links = hints_by_pipeline
        self._vega = vega
        self._template = page_template("dashboard.html", "/dashboards")

    async def first(self, _request: Request) -> Response:
        """`GET /dashboards`: on to the one that has something to show from the start, else to the first."""
        found = await run_in_threadpool(self._reader.dashboards)
        name = FIRST if FIRST in found else next(iter(found), None)
        return RedirectResponse(f"/dashboards/{name}" if name else "/")

    async def show(self, request: Request) -> Response:
        """`GET /dashboards/NAME`: the page, which asks for its panels itself."""
        found = await run_in_threadpool(self._reader.dashboards)
        dashboard = found.get(request.path_params["pipeline"])
        if dashboard is None:
            return _answer({"error": "there is no such dashboard"}, 404)
        page = self._template.substitute(
            pipeline=html.escape(dashboard.pipeline),
            title=html.escape(dashboard.title),
            last=dashboard.last_s,
            tabs=_tabs(found, dashboard),
            vega=self._vega.stem,
        )
        return HTMLResponse(page, headers=HEADERS)

    async def layout(self, request: Request) -> Response:
        """`GET /api/dashboards/NAME`: titles, places and specs of the panels."""
        try:
            found = await run_in_threadpool(self._reader.dashboards)
        except DeclarationError as error:
            return _answer({"error": str(error)}, 500)
        dashboard = found.get(request.path_params["pipeline"])
        if dashboard is None:
            return _answer({"error": "there is no such dashboard"}, 404)
        return _answer(layout(dashboard) | {"hint": self._links.get(dashboard.pipeline)})

    async def data(self, request: Request) -> Response:
        """`GET /api/dashboards/NAME/data?last=SECONDS`: what the panels show."""
        last = request.query_params.get("last", str(DEFAULT_S))
        if not last.isdigit() or not 0 < int(last) <= LONGEST_S:
            return _answer({"error": f"last is a number of seconds up to {LONGEST_S}"}, 400)
        try:
            found = await run_in_threadpool(self._reader.dashboards)
            dashboard = found.get(request.path_params["pipeline"])
            if dashboard is None:
                return _answer({"error": "there is no such dashboard"}, 404)
            return _answer(await run_in_threadpool(self._reader.read, dashboard, int(last)))
        except DeclarationError as error:
            return _answer({"error": str(error)}, 500)
        except RemoteError as error:
            return _answer({"error": str(error)}, 503)

    async def vega(self, _request: Request) -> Response:
        """`GET /vega.js?v=NAME`: Vega's JavaScript; under another name it is another one, so browsers may keep it."""
        keep = {"Cache-Control": "public, max-age=31536000, immutable"}
        return FileResponse(self._vega, media_type="text/javascript", headers=keep)


def _tabs(found: dict[str, Dashboard], current: Dashboard) -> str:
    def tab(dashboard: Dashboard) -> str:
        here = ' aria-current="page"' if dashboard is current else ""
        address = f"/dashboards/{html.escape(dashboard.pipeline)}"
        return f'<a class="chip" href="{address}"{here}>{html.escape(dashboard.title)}</a>'

    return "".join(map(tab, found.values()))


def _answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")
