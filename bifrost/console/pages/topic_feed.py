"""The live tail of a topic: new records as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import asdict
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bifrost.clients.topic_records import StoredRecord
from bifrost.console.closing_response import ClosingResponse
from bifrost.console.operated.endpoints import InvalidParameter, problem
from bifrost.console.operated.target_pool import TargetPool
from bifrost.console.pages.server_events import HEADERS, KEEP_ALIVE, MEDIA_TYPE, RETRY, event
from bifrost.console.pages.topic_parameters import filter_in, form_in, number_in
from bifrost.errors import BifrostError, OperationRefused, Refused
from bifrost.operations.record_filter import RecordFilter
from bifrost.operations.record_text import RecordText, ValueForm
from bifrost.operations.topic_browser import ShownRecord, existing_ranges, shown_if

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
        topic = request.path_params["topic"]
        try:
            partition, wanted, form = number_in(request, "partition"), filter_in(request), form_in(request)
            if self._open >= MAX_TAILS:
                raise OperationRefused(f"{MAX_TAILS} pages follow topics already; close one of them")
            with ExitStack() as opened:
                self._open += 1
                opened.callback(self._release)
                tail, reader = await run_in_threadpool(self._opened, opened, topic, partition)
                close = opened.pop_all().close
        except (InvalidParameter, BifrostError) as error:
            return problem(error)
        return ClosingResponse(_events(tail, reader, wanted, form), close, HEADERS, MEDIA_TYPE)

    def _opened(self, opened: ExitStack, topic: str, partition: int | None) -> tuple[Tail, RecordText]:
        target = opened.enter_context(self._pool.target())
        existing_ranges(target.platform.kafka, topic, partition)
        tail = self._open_tail(topic, partition)
        opened.callback(tail.close)
        return tail, RecordText(target.platform.registry)

    def _release(self) -> None:
        self._open -= 1


async def _events(tail: Tail, reader: RecordText, wanted: RecordFilter, form: ValueForm) -> AsyncIterator[str]:
    ends = time.monotonic() + LONGEST_S
    seen = 0
    yield RETRY + event("records", {"records": [], "seen": 0, "skipped": 0})
    try:
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


def _read(tail: Tail, reader: RecordText, wanted: RecordFilter, form: ValueForm) -> tuple[int, list[ShownRecord]]:
    records = tail.read(MAX_BATCH, _WAIT_S)
    shown = [shown_if(record, reader, form, wanted, max_text=_MAX_TEXT) for record in records]
    return len(records), [record for record in shown if record is not None]
