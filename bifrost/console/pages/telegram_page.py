"""The page that plays a Telegram client: chats with the bot, and a field to write to it."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from string import Template
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bifrost.console.inbox.chat_store import Chat, ChatLine, TelegramChats
from bifrost.console.inbox.telegram_api import BotApiError, chat_id_of
from bifrost.console.pages.icons import avatar
from bifrost.console.pages.page_frame import HEADERS as PAGE_HEADERS
from bifrost.console.pages.page_frame import page_template
from bifrost.console.pages.server_events import HEADERS, KEEP_ALIVE, MEDIA_TYPE, RETRY, event
from bifrost.web.inputs import read_body, whole_number

MAX_SHOWN = 300
"""How many lines of a chat the page shows; the API returns all."""
FIRST_CHAT = 4242
"""The chat shown while none exists; alerts of the embedded platform go there too."""
MAX_TEXT_CHARS = 100_000
PACE_S = 0.1
KEEP_ALIVE_S = 15.0

_LINE = (
    '<article class="line {author}" id="n{number}"><div class="bubble">{text}'
    '<time datetime="{iso}">{clock}</time></div></article>\n'
)
_CHAT = (
    '<a class="chat" href="/telegram?chat={chat_id}"{current}><b>Chat {chat_id}</b>'
    '<time datetime="{iso}">{clock}</time><span>{newest}</span></a>'
)


def routes(chats: TelegramChats) -> list[Route]:
    """The page, its live feed, and the API that the page uses."""
    page = TelegramPage(chats)
    return [
        Route("/telegram", page.show, methods=["GET"]),
        Route("/telegram/events", page.events, methods=["GET"]),
        Route("/api/telegram/messages", page.list_lines, methods=["GET"]),
        Route("/api/telegram/messages", page.write, methods=["POST"]),
        Route("/api/telegram/messages", page.clear, methods=["DELETE"]),
    ]


class TelegramPage:
    """The endpoints of the page."""

    def __init__(self, chats: TelegramChats) -> None:
        self._chats = chats
        self._template = page_template("telegram.html", "/telegram")

    async def show(self, request: Request) -> Response:
        """`GET /telegram?chat=ID`: one chat, by default the most recent."""
        known = self._chats.chats()
        chat_id = _requested_chat(request)
        if chat_id is None:
            chat_id = known[0].chat_id if known else FIRST_CHAT
        return HTMLResponse(_page(self._template, chat_id, known, self._chats), headers=PAGE_HEADERS)

    async def events(self, request: Request) -> Response:
        """`GET /telegram/events?chat=ID&since=N`: new lines as server-sent events, for the page."""
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        feed = live_lines(self._chats, _requested_chat(request) or FIRST_CHAT, whole_number(since, 0) or 0)
        return StreamingResponse(feed, headers=HEADERS, media_type=MEDIA_TYPE)

    async def list_lines(self, request: Request) -> Response:
        """`GET /api/telegram/messages?chat_id=ID&since=MESSAGE_ID`: both sides of the chats, oldest first."""
        since = whole_number(request.query_params.get("since", "0"), 0)
        if since is None:
            return _bad_request("since is the message_id of a message")
        lines = self._chats.lines(_requested_chat(request, "chat_id"), since=since)
        return JSONResponse([_as_json(line) for line in lines])

    async def write(self, request: Request) -> Response:
        """`POST /api/telegram/messages {"chat_id": 4242, "text": "/help"}`: write to the bot as a person does."""
        # Forms of other sites cannot send this type, which protects clients that send no Origin.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _bad_request("send application/json")
        try:
            chat_id, text = _written(orjson.loads(await read_body(request)))
        except ValueError as error:
            return _bad_request(str(error))
        return JSONResponse(_as_json(self._chats.add(chat_id, "person", text)), 201)

    async def clear(self, _request: Request) -> Response:
        """`DELETE /api/telegram/messages`: empty all chats."""
        return JSONResponse({"deleted": self._chats.clear()})


async def live_lines(chats: TelegramChats, chat_id: int, since: int, *, pace_s: float = PACE_S) -> AsyncIterator[str]:
    """Endless server-sent events for a page that shows a chat up to line `since`.

    `lines` carries the HTML of the chat's new lines and of the list of chats, `cleared` reports that all were removed.
    """
    generation = chats.change.generation
    yield RETRY
    while True:
        # Before the look at the store: a line that arrives in between sets this event.
        changed = chats.change.changed
        if chats.change.generation != generation:
            generation = chats.change.generation
            yield event("cleared", {})
        fresh = chats.lines(since=since, limit=MAX_SHOWN)
        if fresh:
            since = fresh[-1].number
            ours = render_lines([line for line in fresh if line.chat_id == chat_id])
            yield event("lines", {"html": ours, "chats": _render_chats(chats.chats(), chat_id)}, str(since))
            await asyncio.sleep(pace_s)
        try:
            await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
        except TimeoutError:
            yield KEEP_ALIVE


def render_lines(lines: list[ChatLine]) -> str:
    """Render lines as HTML, oldest first; their text is plain, without markup."""
    return "".join(
        _LINE.format(author=line.author, number=line.number, text=html.escape(line.text), **_time(line.at_us))
        for line in lines
    )


def _page(template: Template, chat_id: int, known: list[Chat], chats: TelegramChats) -> str:
    # Of all chats: the feed starts after it.
    newest = chats.lines(limit=1)
    return template.substitute(
        avatar=avatar("satellite_antenna", "bot"),
        chat=chat_id,
        chats=_render_chats(known, chat_id),
        lines=render_lines(chats.lines(chat_id, limit=MAX_SHOWN)),
        since=newest[-1].number if newest else 0,
    )


def _render_chats(known: list[Chat], current: int) -> str:
    if current not in {chat.chat_id for chat in known}:
        known = [Chat(current, 0, "", 0), *known]
    return "".join(
        _CHAT.format(
            chat_id=chat.chat_id,
            current=' aria-current="true"' if chat.chat_id == current else "",
            newest=html.escape(chat.newest[:80]) or "Nothing written yet",
            **(_time(chat.at_us) if chat.at_us else {"iso": "", "clock": ""}),
        )
        for chat in known
    )


def _time(at_us: int) -> dict[str, str]:
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return {"iso": at.isoformat(timespec="milliseconds"), "clock": f"{at:%H:%M}"}


def _written(found: Any) -> tuple[int, str]:
    if not isinstance(found, dict):
        raise ValueError("send a JSON object with chat_id and text")
    try:
        chat_id = chat_id_of(found.get("chat_id", FIRST_CHAT))
    except BotApiError:
        raise ValueError("chat_id must be a whole number") from None
    text = found.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text must be what you write to the bot")
    if len(text) > MAX_TEXT_CHARS:
        raise ValueError(f"text has more than {MAX_TEXT_CHARS} characters")
    return chat_id, text


def _as_json(line: ChatLine) -> dict[str, Any]:
    return {
        "message_id": line.number,
        "chat_id": line.chat_id,
        "from": line.author,
        "at": line.at_us / 1_000_000,
        "text": line.text,
    }


def _requested_chat(request: Request, name: str = "chat") -> int | None:
    try:
        return chat_id_of(request.query_params.get(name))
    except BotApiError:
        return None


def _bad_request(problem: str) -> Response:
    return JSONResponse({"error": problem}, 400)
