"""Server-sent events, by which open pages hear of what is new."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MEDIA_TYPE = "text/event-stream"
RETRY = "retry: 1000\n\n"
KEEP_ALIVE = ": still here\n\n"


def event(name: str, data: Mapping[str, object], event_id: str = "") -> str:
    """One event as it is sent; a page that reconnects names the last `event_id` that it got."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {orjson.dumps(data).decode()}\n\n"
