"""Files of dashboards that are wrong are refused with their path and the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bifrost.dashboards.declared import read_dashboard
from bifrost.dashboards.searches import TimeRange, chart_requests, search_problems
from bifrost.errors import DeclarationError

TABLE = {
    "title": "Lines",
    "index": "lines",
    "timeFieldName": "AT",
    "columns": ["TEXT"],
    "sort": [["AT", "desc"]],
    "sampleSize": 50,
}
LAYOUT = {
    "title": "All",
    "timeFrom": "now-15m",
    "refreshInterval": {"pause": False, "value": 5000},
    "panels": [{"panel": "lines", "gridData": {"x": 0, "y": 0, "w": 48, "h": 10}}],
}


def written(folder: Path, panel: dict[str, Any], layout: dict[str, Any]) -> Path:
    (folder / "lines.json").write_text(json.dumps(panel), encoding="utf-8")
    path = folder / "dashboard.json"
    path.write_text(json.dumps(layout), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("panel", "layout", "problem"),
    [
        ({"sampleSize": "("}, {}, "sampleSize"),
        ({"sampleSize": {}}, {}, "sampleSize"),
        ({"sampleSize": -1}, {}, "sampleSize"),
        ({"sort": ["AT"]}, {}, "sort"),
        ({"sort": [1.5]}, {}, "sort"),
        ({"sort": [["AT", "down"]]}, {}, "sort"),
        ({}, {"refreshInterval": "5s"}, "refreshInterval"),
        ({}, {"refreshInterval": {"pause": False, "value": "/*"}}, "value"),
        ({}, {"panels": ["lines"]}, "panels"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, panel: dict[str, Any], layout: dict[str, Any], problem: str) -> None:
    path = written(tmp_path, {**TABLE, **panel}, {**LAYOUT, **layout})
    with pytest.raises(DeclarationError, match=problem):
        read_dashboard(path)


def test_a_time_range_of_endless_digits_is_the_default(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE, {**LAYOUT, "timeFrom": f"now-{'9' * 5000}m"})
    assert read_dashboard(path).last_s == 900


@pytest.mark.parametrize("count", ["x", 0, -1, None, [], False])
def test_a_wrong_number_of_buckets_is_reported_and_drawn_as_by_default(tmp_path: Path, count: object) -> None:
    url = {"index": "lines", "body": {"aggs": {"interval": {"%autointerval%": count}}}}
    chart = {"$schema": "vega", "title": "Lines", "data": {"url": url, "format": "json"}}
    dashboard = read_dashboard(written(tmp_path, chart, LAYOUT))
    (problem,) = search_problems(dashboard)
    assert "%autointerval%" in str(problem)
    (request,) = chart_requests(dashboard.panels[0], TimeRange(0, 900_000)).values()  # type: ignore[arg-type]
    assert request.body["aggs"]["interval"] == "30s"
