"""Server-sent events, which update open pages."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.console.page_json import page_json

# The second header keeps nginx from buffering the events.
HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MEDIA_TYPE = "text/event-stream"
RETRY = "retry: 1000\n\n"
# A comment, which the page ignores: it keeps proxies from closing a silent connection.
KEEP_ALIVE = ": keep-alive\n\n"


def event(name: str, data: Mapping[str, object], event_id: str = "") -> str:
    """Format one event. A page that reconnects sends the last `event_id` it received."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {page_json(data).decode()}\n\n"
