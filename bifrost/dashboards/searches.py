"""Converts a panel to its searches and fills in the time range, as Kibana does for Vega panels.

In a chart's spec every `data` whose `url` is an object is a search:

    {"url": {"%context%": true, "%timefield%": "TS", "index": "i", "body": {...}}, "format": {"property": "a.b"}}

`%context%` narrows it to the time range. In the body, `{"%timefilter%": "min"}` (or `"max"`) is a bound of the range,
`{"%timefilter%": true}` the range itself, and `{"%autointerval%": 60}` an interval of which about 60 fill the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bifrost.clients.search import SearchRequest
from bifrost.dashboards.declared import Chart, Dashboard, Table
from bifrost.errors import DeclarationError

Json = Mapping[str, Any]

CONTEXT, TIME_FIELD = "%context%", "%timefield%"
TIME_FILTER, AUTO_INTERVAL = "%timefilter%", "%autointerval%"
DEFAULT_BUCKETS = 50
_INTERVALS = (
    (500, "100ms"),
    (5_000, "1s"),
    (7_500, "5s"),
    (15_000, "10s"),
    (45_000, "30s"),
    (180_000, "1m"),
    (450_000, "5m"),
    (1_200_000, "10m"),
    (2_700_000, "30m"),
    (7_200_000, "1h"),
    (21_600_000, "3h"),
    (86_400_000, "12h"),
    (604_800_000, "24h"),
    (1_814_400_000, "7d"),
)
"""The maximum time per bucket in milliseconds, and the interval that Kibana rounds it to."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time range in milliseconds since the epoch, both ends included."""

    first: int
    last: int

    def query(self, field: str) -> Json:
        """The filter for documents whose time is in the range."""
        bounds = {"gte": _iso(self.first), "lte": _iso(self.last), "format": "strict_date_optional_time"}
        return {"range": {field: bounds}}


@dataclass(frozen=True, slots=True)
class PanelData:
    """One data source of a chart: `name` is unique in its spec, `property` the path of its rows in the answer."""

    name: str
    request: Json
    property: str


def table_request(table: Table, time: TimeRange) -> SearchRequest:
    """The search for a table's rows."""
    # An index without documents has no mapping, and a sort by an unmapped field fails.
    sort = [{field: {"order": direction, "unmapped_type": "date"}} for field, direction in table.sort]
    body = {
        "size": table.size,
        "query": {"bool": {"filter": [time.query(table.time_field)]}},
        "sort": sort,
        "_source": [table.time_field, *table.columns],
        "track_total_hits": True,
    }
    return SearchRequest(table.index, body)


def chart_requests(chart: Chart, time: TimeRange) -> dict[str, SearchRequest]:
    """The searches of a chart, by the name of the data source."""
    return {data.name: _search(data.request, time) for data in chart_data(chart)}


def chart_data(chart: Chart) -> list[PanelData]:
    """The data sources of a chart that are searches, in the order of the spec."""
    return [
        PanelData(_name(data, number), data["url"], _property(data.get("format")))
        for number, data in enumerate(_sources(chart.spec))
    ]


def spec_with_named_data(chart: Chart) -> Json:
    """The spec with a name in place of each search; the page supplies the rows under these names."""
    names = iter(data.name for data in chart_data(chart))

    def named(node: Any) -> Any:
        if isinstance(node, list):
            return [named(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        if _is_source(node):
            return {key: value for key, value in node.items() if key not in ("url", "format")} | {"name": next(names)}
        return {key: named(value) for key, value in node.items()}

    # The page shows title and description itself.
    return {key: named(value) for key, value in chart.spec.items() if key not in ("title", "description")}


def rows_at(answer: Json, path: str) -> list[Any]:
    """The rows at the path `a.b.c` of a search response; empty if the path does not exist."""
    found: Any = answer
    for part in path.split(".") if path else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    match found:
        case None:
            return []
        case list():
            return found
        case _:
            return [found]


def search_problems(dashboard: Dashboard) -> Iterator[DeclarationError]:
    """Check the searches in a dashboard's charts and yield what is wrong."""
    for panel in dashboard.panels:
        if isinstance(panel, Chart):
            path = dashboard.path.with_name(f"{panel.name}.json")
            if not chart_data(panel):
                yield DeclarationError(path, "has no data source that is a search")
            for data in chart_data(panel):
                yield from _request_problems(path, data.request)


def _request_problems(path: Path, request: Json) -> Iterator[DeclarationError]:
    known = {CONTEXT, TIME_FIELD, "index", "body"}
    for key in sorted(request.keys() - known):
        yield DeclarationError(path, f"data.url: {key!r} is unknown; known are {', '.join(sorted(known))}")
    if not isinstance(request.get("index"), str) or not isinstance(request.get("body"), Mapping):
        yield DeclarationError(path, "data.url: expected a text index and an object body")
        return
    for count in _wrong_counts(request["body"]):
        yield DeclarationError(path, f"data.url: %autointerval% is true or a number above 0, not {count!r:.80}")
    if request.get(CONTEXT) and not isinstance(request.get(TIME_FIELD), str):
        yield DeclarationError(path, f"data.url: {CONTEXT} needs a {TIME_FIELD}")
    if request.get(CONTEXT) and "query" in request["body"]:
        yield DeclarationError(
            path, f"data.url: as in Kibana, {CONTEXT} and a query in the body are mutually exclusive"
        )


def _search(request: Json, time: TimeRange) -> SearchRequest:
    body = dict(_filled_in(request["body"], time))
    if request.get(CONTEXT):
        body["query"] = {"bool": {"filter": [time.query(str(request[TIME_FIELD]))]}}
    return SearchRequest(str(request["index"]), body)


def _filled_in(node: Any, time: TimeRange) -> Any:
    match node:
        case {"%autointerval%": count}:
            buckets = count if _is_count(count) else DEFAULT_BUCKETS
            return auto_interval((time.last - time.first) / buckets)
        case {"%timefilter%": "min"}:
            return time.first
        case {"%timefilter%": "max"}:
            return time.last
        case {"%timefilter%": _}:
            return {"gte": _iso(time.first), "lte": _iso(time.last), "format": "strict_date_optional_time"}
        case Mapping():
            return {key: _filled_in(value, time) for key, value in node.items()}
        case list():
            return [_filled_in(item, time) for item in node]
        case _:
            return node


def _is_count(value: object) -> bool:
    return type(value) in (int, float) and value > 0  # type: ignore[operator]


def _wrong_counts(node: Any) -> Iterator[Any]:
    match node:
        case {"%autointerval%": count}:
            if count is not True and not _is_count(count):
                yield count
        case Mapping():
            for value in node.values():
                yield from _wrong_counts(value)
        case list():
            for item in node:
                yield from _wrong_counts(item)


def auto_interval(milliseconds: float) -> str:
    """The interval that Kibana uses for buckets of about this length."""
    return next((interval for longest, interval in _INTERVALS if milliseconds <= longest), "30d")


def _sources(node: Any) -> Iterator[Json]:
    if isinstance(node, list):
        for item in node:
            yield from _sources(item)
    elif isinstance(node, Mapping):
        if _is_source(node):
            yield node
            return
        for value in node.values():
            yield from _sources(value)


def _is_source(node: Json) -> bool:
    url = node.get("url")
    return isinstance(url, Mapping) and "index" in url


def _name(data: Json, number: int) -> str:
    return str(data.get("name") or f"panel_data_{number}")


def _property(form: object) -> str:
    return str(form.get("property", "")) if isinstance(form, Mapping) else ""


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
