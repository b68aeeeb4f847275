"""The live tail of a topic: new records as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bifrost.clients.topic_records import StoredRecord
from bifrost.console.operated.endpoints import InvalidParameter, problem
from bifrost.console.operated.target_pool import TargetPool
from bifrost.console.pages.server_events import HEADERS, KEEP_ALIVE, MEDIA_TYPE, RETRY, event
from bifrost.errors import BifrostError, Refused
from bifrost.operations.record_filter import RecordFilter, parse_filter
from bifrost.operations.record_text import RecordText, ValueForm
from bifrost.operations.topic_browser import ShownRecord, shown_if
from bifrost.web.inputs import whole_number

MAX_TAILS = 6
"""Open tails of all pages: each reads its topic on its own."""
LONGEST_S = 900.0
"""A page that someone left open must not read forever."""
MAX_BATCH = 100
_WAIT_S = 1.0
_MAX_TEXT = 4_000


class Tail(Protocol):
    """Follows a topic (`TopicTail`)."""

    skipped: int

    def read(self, most: int, timeout_s: float) -> list[StoredRecord]:
        """The records that arrived; waits for the first one."""
        ...

    def close(self) -> None:
        """End reading."""
        ...


OpenTail = Callable[[str, int | None], Tail]
"""Opens the tail of a topic, or of one of its partitions."""


class TopicFeed:
    """Feeds pages with the records that arrive in a topic."""

    def __init__(self, pool: TargetPool, open_tail: OpenTail) -> None:
        self._pool = pool
        self._open_tail = open_tail
        self._open = 0

    async def live(self, request: Request) -> Response:
        """`GET /api/topics/NAME/live?filter=...&partition=N&as=...`: `records` events, at last one `ended`."""
        given = request.query_params
        partition = whole_number(given.get("partition", ""), 0)
        if self._open >= MAX_TAILS:
            return problem(InvalidParameter(f"{MAX_TAILS} pages follow topics already; close one of them"))
        try:
            form = ValueForm(given.get("as", ValueForm.AUTO))
        except ValueError:
            return problem(InvalidParameter(f"as must be one of {', '.join(ValueForm)}"))
        self._open += 1
        try:
            tail = await run_in_threadpool(self._open_tail, request.path_params["topic"], partition)
        except BifrostError as error:
            self._open -= 1
            return problem(error)
        feed = self._events(tail, parse_filter(given.get("filter", "")[:500]), form)
        return StreamingResponse(feed, headers=HEADERS, media_type=MEDIA_TYPE)

    async def _events(self, tail: Tail, wanted: RecordFilter, form: ValueForm) -> AsyncIterator[str]:
        ends = time.monotonic() + LONGEST_S
        seen = 0
        try:
            with self._pool.target() as target:
                reader = RecordText(target.platform.registry)
                yield RETRY + event("records", {"records": [], "seen": 0, "skipped": 0})
                while time.monotonic() < ends:
                    count, shown = await run_in_threadpool(_read, tail, reader, wanted, form)
                    seen += count
                    if count:
                        records = [asdict(record) for record in shown]
                        yield event("records", {"records": records, "seen": seen, "skipped": tail.skipped})
                    else:
                        yield KEEP_ALIVE
            yield event("ended", {"reason": f"the live tail ends after {LONGEST_S / 60:.0f} minutes"})
        except Refused as error:
            yield event("ended", {"reason": str(error)})
        finally:
            self._open -= 1
            tail.close()


def _read(tail: Tail, reader: RecordText, wanted: RecordFilter, form: ValueForm) -> tuple[int, list[ShownRecord]]:
    records = tail.read(MAX_BATCH, _WAIT_S)
    shown = [shown_if(record, reader, form, wanted, max_text=_MAX_TEXT) for record in records]
    return len(records), [record for record in shown if record is not None]
