"""Reads which records of a topic a request wants, by pages or live."""

from __future__ import annotations

import re

from starlette.requests import Request

from bifrost.console.operated.endpoints import InvalidParameter
from bifrost.operations.moments import parse_moment
from bifrost.operations.record_filter import RecordFilter, parse_filter
from bifrost.operations.record_text import ValueForm
from bifrost.operations.topic_browser import MAX_PAGE, BrowseQuery, BrowseStart
from bifrost.web.inputs import MAX_INTEGER, whole_number

MAX_FILTER = 500
"""Characters of a filter."""
_CURSOR = re.compile(r"\d{1,9}:\d{1,19}(?:,\d{1,9}:\d{1,19}){0,9999}")


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
        number_in(request, "partition"),
        filter_in(request),
        form_in(request),
        limit,
        {int(number): int(offset) for number, offset in places} or None,
    )


def filter_in(request: Request) -> RecordFilter:
    """The filter in a request.

    Raises:
        InvalidParameter: it is too long.
    """
    text = request.query_params.get("filter", "")
    if len(text) > MAX_FILTER:
        raise InvalidParameter(f"filter must not be longer than {MAX_FILTER} characters")
    return parse_filter(text)


def form_in(request: Request) -> ValueForm:
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


def number_in(request: Request, name: str) -> int | None:
    """A whole number in a request; `None` if it has none.

    Raises:
        InvalidParameter: it is no such number.
    """
    text = request.query_params.get(name, "")
    if not text:
        return None
    number = whole_number(text, 0)
    if number is None:
        raise InvalidParameter(f"{name} must be a whole number from 0 to {MAX_INTEGER}")
    return number
