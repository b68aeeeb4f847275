"""The pages of the topics: the list, and the records of one topic, by pages or live."""

from __future__ import annotations

import html
import re
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.console.operated.endpoints import InvalidParameter, reading
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages.page_frame import HEADERS, list_page, page_template
from bifrost.console.pages.topic_feed import OpenTail, TopicFeed
from bifrost.operations.moments import parse_moment
from bifrost.operations.record_filter import parse_filter
from bifrost.operations.record_text import RecordText, ValueForm
from bifrost.operations.topic_browser import MAX_PAGE, BrowseQuery, BrowseStart, browse, read_record
from bifrost.operations.topic_catalog import read_catalog
from bifrost.web.inputs import MAX_INTEGER, whole_number

MAX_FILTER = 500
"""Characters of a filter."""
_CURSOR = re.compile(r"\d{1,9}:\d{1,19}(?:,\d{1,9}:\d{1,19}){0,9999}")


def routes(pool: TargetPool, open_tail: OpenTail) -> list[BaseRoute]:
    """The pages and their data."""
    listing = list_page(
        "/topics",
        "Topics",
        nothing="No topic matches.",
        entered="records of the topic",
        controls='<label class="check"><input type="checkbox" id="internal"> Internal topics</label>',
    )
    one = page_template("topic.html", "/topics")
    feed = TopicFeed(pool, open_tail)

    async def show(_request: Request) -> Response:
        return HTMLResponse(listing, headers=HEADERS)

    async def show_one(request: Request) -> Response:
        name = html.escape(request.path_params["topic"])
        return HTMLResponse(one.substitute(topic=name), headers=HEADERS)

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
    partition, offset = _number(request, "partition"), _number(request, "offset")
    if partition is None or offset is None:
        raise InvalidParameter("partition and offset are needed")
    reader = RecordText(target.platform.registry)
    topic = request.path_params["topic"]
    return asdict(read_record(target.platform.kafka, target.records, reader, topic, partition, offset))


def browse_query(request: Request, now_ms: int) -> BrowseQuery:
    """`?from=newest|beginning|time|offset&at=...&partition=N&filter=...&as=...&limit=N&cursor=...`.

    Raises:
        InvalidParameter: a parameter is invalid.
    """
    given = request.query_params
    try:
        start = BrowseStart(given.get("from", BrowseStart.NEWEST))
    except ValueError as error:
        raise InvalidParameter(f"from must be one of {', '.join(BrowseStart)}") from error
    limit = whole_number(given.get("limit", "50"), 1, MAX_PAGE)
    if limit is None:
        raise InvalidParameter(f"limit must be a whole number from 1 to {MAX_PAGE}")
    cursor = given.get("cursor", "")
    if cursor and not _CURSOR.fullmatch(cursor):
        raise InvalidParameter("cursor must be what the page before returned")
    places = (pair.split(":") for pair in cursor.split(",")) if cursor else ()
    return BrowseQuery(
        request.path_params["topic"],
        start,
        _at(start, given.get("at", ""), now_ms),
        _number(request, "partition"),
        parse_filter(filter_text(request)),
        value_form(request),
        limit,
        {int(number): int(offset) for number, offset in places} or None,
    )


def filter_text(request: Request) -> str:
    """The filter in a request.

    Raises:
        InvalidParameter: it is too long.
    """
    text = request.query_params.get("filter", "")
    if len(text) > MAX_FILTER:
        raise InvalidParameter(f"filter must not be longer than {MAX_FILTER} characters")
    return text


def value_form(request: Request) -> ValueForm:
    """How to show values (`as`).

    Raises:
        InvalidParameter: it is no such form.
    """
    try:
        return ValueForm(request.query_params.get("as", ValueForm.AUTO))
    except ValueError as error:
        raise InvalidParameter(f"as must be one of {', '.join(ValueForm)}") from error


def _at(start: BrowseStart, text: str, now_ms: int) -> int:
    match start:
        case BrowseStart.TIME:
            try:
                return parse_moment(text, now_ms)
            except (ValueError, OverflowError) as error:
                raise InvalidParameter(f"at: {error}") from error
        case BrowseStart.OFFSET:
            offset = whole_number(text, 0)
            if offset is None:
                raise InvalidParameter(f"at must be an offset: a whole number from 0 to {MAX_INTEGER}")
            return offset
        case _:
            return 0


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    number = whole_number(text, 0)
    if number is None:
        raise InvalidParameter(f"{name} must be a whole number from 0 to {MAX_INTEGER}")
    return number
