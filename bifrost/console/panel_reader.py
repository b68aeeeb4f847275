"""Reads what the panels of a dashboard show now: runs all their searches in one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bifrost.clients.search import SearchRequest
from bifrost.dashboards.declared import Chart, Dashboard, Panel, Table, dashboard_files, read_dashboard
from bifrost.dashboards.searches import (
    TimeRange,
    chart_data,
    chart_requests,
    rows_at,
    spec_with_named_data,
    table_request,
)

Json = dict[str, Any]

FRESH_S = 0.3
"""How long a result is reused: many open pages cost the search engine no more than one."""

MAX_PARALLEL_READS = 4
"""How many dashboards are read in parallel: a slow one must not delay the others."""


class Searches(Protocol):
    """The part of `SearchClient` that is needed here."""

    def search_all(self, requests: list[SearchRequest]) -> list[Any]:
        """Run searches and return their responses in the order of the requests."""
        ...


def layout(dashboard: Dashboard) -> Json:
    """A dashboard as JSON for its page: titles, positions, and specs without their searches."""
    return {
        "pipeline": dashboard.pipeline,
        "title": dashboard.title,
        "description": dashboard.description,
        "refresh_ms": dashboard.refresh_ms,
        "panels": [_panel(panel) for panel in dashboard.panels],
    }


@dataclass(frozen=True, slots=True)
class _PendingRead:
    """A read of a dashboard's panels, started `at` seconds since the epoch."""

    at: float
    answer: Future[Json]

    def is_fresh(self, now: float) -> bool:
        # Not before `at`: the clock may have been set back.
        return not self.answer.done() or 0 <= now - self.at < FRESH_S


class PanelReader:
    """Reads panels for any number of pages, from any thread."""

    def __init__(self, project: Path, search: Searches, now: Callable[[], float] = time.time) -> None:
        self._project = project
        self._search = search
        self._now = now
        self._lock = threading.Lock()
        self._reads: dict[tuple[str, int], _PendingRead] = {}
        self._executor = ThreadPoolExecutor(MAX_PARALLEL_READS, "read")

    def dashboards(self) -> dict[str, Dashboard]:
        """The declared dashboards by pipeline, read from their files at every call.

        Raises:
            DeclarationError: a file is malformed.
        """
        return {found.pipeline: found for found in map(read_dashboard, dashboard_files(self._project))}

    def read(self, dashboard: Dashboard, last_s: int) -> Json:
        """Read the panels' data of the last `last_s` seconds.

        Raises:
            RemoteError: the search engine does not answer.
        """
        key = (dashboard.pipeline, last_s)
        with self._lock:
            now = self._now()
            self._reads = {name: read for name, read in self._reads.items() if read.is_fresh(now)}
            if key not in self._reads:
                time_range = TimeRange(int((now - last_s) * 1000), int(now * 1000))
                self._reads[key] = _PendingRead(now, self._executor.submit(self._run_searches, dashboard, time_range))
            read = self._reads[key]
        # Outside the lock, so that pages of other dashboards do not wait for this answer.
        return read.answer.result()

    def _run_searches(self, dashboard: Dashboard, time_range: TimeRange) -> Json:
        requests = {panel.name: _requests(panel, time_range) for panel in dashboard.panels}
        answers = iter(self._search.search_all([request for each in requests.values() for request in each]))
        panels = {
            panel.name: _shown(panel, [next(answers) for _ in requests[panel.name]]) for panel in dashboard.panels
        }
        return {"from": time_range.first, "to": time_range.last, "panels": panels}


def _requests(panel: Panel, time_range: TimeRange) -> list[SearchRequest]:
    match panel:
        case Table():
            return [table_request(panel, time_range)]
        case Chart():
            # The page shows the exact number of documents; the aggregations read all of them in any case.
            requests = chart_requests(panel, time_range).values()
            return [SearchRequest(each.index, {"track_total_hits": True, **each.body}) for each in requests]


def _panel(panel: Panel) -> Json:
    position = panel.position
    own: Json = {
        "name": panel.name,
        "title": panel.title,
        "description": panel.description,
        "place": {"x": position.x, "y": position.y, "w": position.w, "h": position.h},
    }
    match panel:
        case Table():
            return {**own, "columns": list(panel.columns)}
        case Chart():
            return {**own, "spec": spec_with_named_data(panel)}


def _shown(panel: Panel, answers: list[Mapping[str, Any]]) -> Json:
    failed = next((answer["error"] for answer in answers if "error" in answer), None)
    if failed is not None:
        return {"error": _reason(failed)}
    total = max((_total(answer) for answer in answers), default=0)
    match panel:
        case Table():
            return {"total": total, "rows": [_row(panel, hit) for hit in answers[0]["hits"]["hits"]]}
        case Chart():
            sources = zip(chart_data(panel), answers, strict=True)
            return {"total": total, "data": {data.name: rows_at(answer, data.property) for data, answer in sources}}


def _total(answer: Mapping[str, Any]) -> int:
    return int(answer["hits"]["total"]["value"])


def _row(table: Table, hit: Mapping[str, Any]) -> Json:
    source = hit.get("_source") or {}
    return {
        "id": hit["_id"],
        "time": _at(source, table.time_field),
        "values": [_at(source, column) for column in table.columns],
    }


def _at(source: Mapping[str, Any], path: str) -> Any:
    """The value of a field; `a.b` is a field of that name, or the field `b` of the object `a`."""
    if path in source:
        return source[path]
    outer, _, inner = path.partition(".")
    within = source.get(outer)
    return _at(within, inner) if inner and isinstance(within, Mapping) else None


def _reason(error: Any) -> str:
    """The innermost reason in an error of the search engine."""
    if not isinstance(error, Mapping):
        return str(error)
    causes = error.get("root_cause") or [error]
    return str(causes[0].get("reason") or causes[0].get("type") or error)
