"""The pages of the topics: the list, and the records of one topic, by pages or live."""

from __future__ import annotations

import html
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.operated.endpoints import InvalidParameter, reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, list_page, thing_page
from bifrost.console.pages.topic_feed import OpenTail, TopicFeed
from bifrost.console.pages.topic_parameters import browse_query, number_in
from bifrost.operations.record_text import RecordText
from bifrost.operations.topic_browser import browse, read_record
from bifrost.operations.topic_catalog import read_catalog

_KEYS = (
    "<kbd>/</kbd> filter <kbd>n</kbd> <kbd>p</kbd> next, previous page <kbd>l</kbd> live "
    "<kbd>j</kbd> <kbd>k</kbd> next, previous record <kbd>Enter</kbd> details"
)


def routes(pool: TargetPool, open_tail: OpenTail) -> list[BaseRoute]:
    """The pages and their data."""
    listing = list_page(
        "/topics",
        "Topics",
        nothing="No topic matches.",
        entered="records of the topic",
        controls='<label class="check"><input type="checkbox" id="internal"> Internal topics</label>',
    )
    one = thing_page("/topics", "topics", "topic", _KEYS)
    feed = TopicFeed(pool, open_tail)

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        name = html.escape(request.path_params["topic"])
        return HTMLResponse(one.substitute(name=name), headers=HEADERS)

    return [
        Route("/topics", show, methods=["GET"]),
        Route("/topics/{topic}", show_one, methods=["GET"]),
        Route("/api/topics", reading(pool, _catalog), methods=["GET"]),
        Route("/api/topics/{topic}/browse", reading(pool, _browse), methods=["GET"]),
        Route("/api/topics/{topic}/record", reading(pool, _record), methods=["GET"]),
        Route("/api/topics/{topic}/live", feed.live, methods=["GET"]),
    ]


def _catalog(target: OperatedTarget, _request: Request) -> Any:
    found = read_catalog(target.platform, target.alerts, target.services(), target.log_folder)
    return asdict(found) | {"at": target.now()}


def _browse(target: OperatedTarget, request: Request) -> Any:
    query = browse_query(request, target.now_ms())
    reader = RecordText(target.platform.registry)
    page = browse(target.platform.kafka, target.records, reader, query)
    cursor = "" if page.cursor is None else ",".join(f"{number}:{at}" for number, at in sorted(page.cursor.items()))
    return {
        "records": [asdict(record) for record in page.records],
        "cursor": cursor,
        "scanned": page.scanned,
        "complete": page.is_complete,
        "partitions": [
            {"partition": number, "first": part.first, "next": part.next}
            for number, part in sorted(page.ranges.items())
        ],
    }


def _record(target: OperatedTarget, request: Request) -> Any:
    """`GET /api/topics/NAME/record?partition=N&offset=N`: one record, whole."""
    partition, offset = number_in(request, "partition"), number_in(request, "offset")
    if partition is None or offset is None:
        raise InvalidParameter("partition and offset are needed")
    reader = RecordText(target.platform.registry)
    topic = request.path_params["topic"]
    return asdict(read_record(target.platform.kafka, target.records, reader, topic, partition, offset))
