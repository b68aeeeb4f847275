"""The start page: the overall state, what each pipeline does, and the newest messages."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bifrost.console.inbox.message_store import Inbox
from bifrost.console.pages.inbox_page import render_messages
from bifrost.console.pages.page_frame import HEADERS, page_template

NEWEST = 5


def routes(inbox: Inbox) -> list[Route]:
    """The page; its script loads the state of the pipelines."""
    template = page_template("overview.html", "/")

    async def show(_request: Request) -> Response:
        newest = await run_in_threadpool(inbox.messages, limit=NEWEST)
        since = newest[-1].ts if newest else "0"
        page = template.substitute(messages=render_messages(newest), since=since, newest=NEWEST)
        return HTMLResponse(page, headers=HEADERS)

    return [Route("/", show, methods=["GET"])]
