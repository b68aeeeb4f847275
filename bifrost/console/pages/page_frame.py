"""What all pages share: the head, the header with links to the other pages, the security policy, the static files."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bifrost.console.page_json import page_json

STATIC = Path(__file__).parents[1] / "static"
PAGES = (
    ("/", "Overview"),
    ("/dashboards", "Dashboards"),
    ("/pipelines", "Pipelines"),
    ("/ksqldb", "ksqlDB"),
    ("/topics", "Topics"),
    ("/groups", "Groups"),
    ("/connectors", "Connectors"),
    ("/schemas", "Schemas"),
    ("/dead-letters", "Dead letters"),
    ("/figures", "Metrics"),
    ("/actions", "Actions"),
    ("/inbox", "Inbox"),
    ("/telegram", "Telegram"),
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page_template(file: str, here: str) -> Template:
    """Read the template of a page and fill in `$head` and `$top`; the page's own placeholders remain.

    Args:
        here: the address of the page among `PAGES`, which the header marks as current.
    """
    frame = {"head": _read("page_head.html"), "top": Template(_read("page_header.html")).substitute(pages=_pages(here))}
    return Template(Template(_read(file)).safe_substitute(frame))


def list_page(
    here: str, title: str, *, nothing: str, entered: str, by: str = "Filter by name", controls: str = ""
) -> str:
    """The page of a list that a person filters, which `static/<address>.js` fills.

    Args:
        here: the address of the page among `PAGES`.
        nothing: what the page says when nothing matches.
        entered: what the Enter key opens.
        by: the label of the filter.
        controls: HTML of further controls beside it.
    """
    return page_template("list_page.html", here).substitute(
        title=title, script=here.strip("/"), nothing=nothing, entered=entered, filter=by, controls=controls
    )


def thing_page(here: str, things: str, script: str, keys: str = "") -> Template:
    """The page of one thing, with `$name` left to fill in; `static/<script>.html` is its content.

    Args:
        here: the address of the page that lists all such things, among `PAGES`.
        things: what they are called there.
        script: the name of the page's content and script.
        keys: HTML that names the keys which the page knows.
    """
    parts = {"here": here, "things": things, "script": script, "keys": keys, "content": _read(f"{script}.html")}
    return Template(page_template("thing_page.html", here).safe_substitute(parts))


def data_response(body: object, status: int = 200) -> Response:
    """The JSON that a page loads; never cached."""
    return Response(page_json(body), status, {"Cache-Control": "no-store"}, "application/json")


def static_files() -> Mount:
    """The files under `/static`; browsers revalidate them at each use."""
    return Mount("/static", _Fresh(directory=STATIC))


class _Fresh(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _read(file: str) -> str:
    return (STATIC / file).read_text(encoding="utf-8")


def _pages(here: str) -> str:
    marks = {address: ' aria-current="page"' if address == here else "" for address, _ in PAGES}
    return "".join(f'<a href="{address}"{marks[address]}>{html.escape(name)}</a>' for address, name in PAGES)
