"""The inbox's own API: what was sent (`/api/messages`), what shall go wrong (`/api/faults`), the page's live feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bifrost.console.faults import Faults, parse_fault
from bifrost.console.inbox import Inbox, microseconds
from bifrost.console.inbox_page import SHOWN, render_messages
from bifrost.console.server_events import HEADERS, MEDIA_TYPE, RETRY, STILL_HERE, event

PACE_S = 0.25
"""Least time between two updates of a page: a flood of messages must not become a flood of redraws."""
KEEP_ALIVE_S = 15.0


def routes(inbox: Inbox, faults: Faults) -> list[Route]:
    """The routes of this module over one inbox."""
    own = InboxApi(inbox, faults)
    return [
        Route("/api/messages", own.list_messages, methods=["GET"]),
        Route("/api/messages", own.clear_messages, methods=["DELETE"]),
        Route("/api/faults", own.list_faults, methods=["GET"]),
        Route("/api/faults", own.plan_fault, methods=["POST"]),
        Route("/api/faults", own.clear_faults, methods=["DELETE"]),
        Route("/events", own.events, methods=["GET"]),
    ]


class InboxApi:
    """The endpoints of the inbox."""

    def __init__(self, inbox: Inbox, faults: Faults) -> None:
        self._inbox = inbox
        self._faults = faults

    async def list_messages(self, request: Request) -> Response:
        """`GET /api/messages?limit=N&since=TS`: the messages, newest last."""
        since, limit = request.query_params.get("since", ""), request.query_params.get("limit", "")
        if limit and not limit.isdigit():
            return _bad_request("limit is a whole number")
        if not _is_ts(since):
            return _bad_request("since is the ts of a message, e.g. 1528804500.000001")

        def read() -> bytes:
            found = self._inbox.messages(since=since, limit=int(limit) if limit else None)
            return orjson.dumps([message.as_json() for message in found])

        return Response(await run_in_threadpool(read), media_type="application/json")

    async def clear_messages(self, _request: Request) -> Response:
        """`DELETE /api/messages`: empty the inbox."""
        return JSONResponse({"deleted": self._inbox.clear()})

    async def list_faults(self, _request: Request) -> Response:
        """`GET /api/faults`: what is still to go wrong."""
        return JSONResponse([fault.as_json() for fault in self._faults.planned()])

    async def plan_fault(self, request: Request) -> Response:
        """`POST /api/faults`: let the next calls of a method go wrong."""
        try:
            fault = parse_fault(orjson.loads(await request.body()))
        except ValueError as error:
            return _bad_request(str(error))
        self._faults.plan(fault)
        return JSONResponse(fault.as_json(), 201)

    async def clear_faults(self, _request: Request) -> Response:
        """`DELETE /api/faults`: let nothing go wrong any more."""
        self._faults.clear()
        return JSONResponse({})

    async def events(self, request: Request) -> Response:
        """`GET /events?since=TS`: new messages as server-sent events, for the page."""
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        feed = live_updates(self._inbox, since if _is_ts(since) else "")
        return StreamingResponse(feed, headers=HEADERS, media_type=MEDIA_TYPE)


async def live_updates(inbox: Inbox, since: str, *, pace_s: float = PACE_S) -> AsyncIterator[str]:
    """What a page shows from now on, as server-sent events without end.

    `messages` carries the HTML of the newest messages after `since` and the counts by channel, `cleared` says that all
    are gone. A slow reader gets fewer and larger updates.
    """
    generation = inbox.generation
    yield RETRY
    while True:
        changed = inbox.changed
        if inbox.generation != generation:
            generation = inbox.generation
            yield event("cleared", _counts(inbox))
        fresh = await run_in_threadpool(inbox.messages, since=since, limit=SHOWN)
        if fresh:
            since = fresh[-1].ts
            yield event("messages", _counts(inbox) | {"html": render_messages(fresh)}, since)
            await asyncio.sleep(pace_s)
        try:
            await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
        except TimeoutError:
            yield STILL_HERE


def _counts(inbox: Inbox) -> dict[str, object]:
    return {"channels": dict(sorted(inbox.counts.items()))}


def _is_ts(text: str) -> bool:
    try:
        microseconds(text or "0")
    except ValueError:
        return False
    return True


def _bad_request(problem: str) -> Response:
    return JSONResponse({"error": problem}, 400)
