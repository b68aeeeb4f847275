"""The live feed of pages that show the inbox: new messages as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bifrost.console.inbox.message_store import Inbox, is_timestamp
from bifrost.console.pages.inbox_page import MAX_SHOWN, render_messages
from bifrost.console.pages.server_events import HEADERS, KEEP_ALIVE, MEDIA_TYPE, RETRY, event

PACE_S = 0.25
"""Minimum time between two updates of a page: a flood of messages must not become a flood of redraws."""
KEEP_ALIVE_S = 15.0


def routes(inbox: Inbox) -> list[Route]:
    """The feed of one inbox."""

    async def events(request: Request) -> Response:
        """`GET /events?since=TS`: the messages after `since`, without end."""
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        feed = live_updates(inbox, since if is_timestamp(since) else "")
        return StreamingResponse(feed, headers=HEADERS, media_type=MEDIA_TYPE)

    return [Route("/events", events, methods=["GET"])]


async def live_updates(inbox: Inbox, since: str, *, pace_s: float = PACE_S) -> AsyncIterator[str]:
    """Endless server-sent events for a page that shows the messages up to `since`.

    `messages` carries the HTML of the newest messages after `since` and the counts by channel, `cleared` reports that
    all were removed. A slow reader gets fewer and larger updates.
    """
    generation = inbox.change.generation
    yield RETRY
    while True:
        # Before the look at the store: a message that arrives in between sets this event.
        changed = inbox.change.changed
        if inbox.change.generation != generation:
            generation = inbox.change.generation
            yield event("cleared", _counts(inbox))
        fresh = await run_in_threadpool(inbox.messages, since=since, limit=MAX_SHOWN)
        if fresh:
            since = fresh[-1].ts
            yield event("messages", _counts(inbox) | {"html": render_messages(fresh)}, since)
            await asyncio.sleep(pace_s)
        try:
            await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
        except TimeoutError:
            yield KEEP_ALIVE


def _counts(inbox: Inbox) -> dict[str, object]:
    return {"channels": dict(sorted(inbox.counts.items()))}
