"""The page of the inbox: rendered here, updated in the browser by `static/inbox.js`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from string import Template

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bifrost.console.inbox.message_store import Inbox, Message, microseconds
from bifrost.console.pages.icons import avatar
from bifrost.console.pages.mrkdwn import to_html
from bifrost.console.pages.page_frame import HEADERS, page_template

MAX_SHOWN = 200
"""How many messages a page shows; the API returns all."""

_MESSAGE = """<article class="message" id="m{ts}" tabindex="0" data-channel="{channel}">
<span class="avatar" aria-hidden="true">{icon}</span>
<header><b class="name">{username}</b><span class="app">{app}</span>
<span class="channel">#{channel}</span><time datetime="{iso}" title="{iso}">{clock}</time></header>
<div class="text">{text}</div>
</article>
"""


def routes(inbox: Inbox) -> list[Route]:
    """The page."""
    template = page_template("inbox.html", "/inbox")

    async def show(_request: Request) -> Response:
        newest = await run_in_threadpool(inbox.messages, limit=MAX_SHOWN)
        return HTMLResponse(render_page(template, newest, inbox), headers=HEADERS)

    return [Route("/inbox", show, methods=["GET"])]


def render_page(template: Template, messages: list[Message], inbox: Inbox) -> str:
    """Render the page with these messages of an inbox."""
    return template.substitute(
        messages=render_messages(messages),
        channels=_channel_list(inbox.counts),
        total=sum(inbox.counts.values()),
        since=messages[-1].ts if messages else "0",
        shown=MAX_SHOWN,
        kept=f"{inbox.max_kept:,}",
    )


def render_messages(messages: Iterable[Message]) -> str:
    """Render messages given oldest first as HTML, newest first."""
    return "".join(_render(message) for message in reversed(list(messages)))


def _render(message: Message) -> str:
    sent = datetime.fromtimestamp(microseconds(message.ts) / 1_000_000, UTC)
    is_plain = message.via == "telegram"
    return _MESSAGE.format(
        ts=message.ts,
        channel=html.escape(message.channel),
        icon=avatar(message.icon_emoji, message.username),
        username=html.escape(message.username),
        app="Telegram" if is_plain else "app",
        iso=sent.isoformat(timespec="milliseconds"),
        clock=f"{sent:%H:%M:%S}",
        text=html.escape(message.text) if is_plain else to_html(message.text),
    )


def _channel_list(counts: Mapping[str, int]) -> str:
    return "".join(
        f'<button type="button" class="chip" data-channel="{html.escape(channel)}" aria-pressed="false">'
        f"#{html.escape(channel)} <span>{count}</span></button>"
        for channel, count in sorted(counts.items())
    )
