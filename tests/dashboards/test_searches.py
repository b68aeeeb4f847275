"""Panels' requests get their time range as Kibana's Vega panels do; the project's own panels are sound."""

from __future__ import annotations

import json

import pytest

from bifrost.dashboards.declared import Chart, GridPosition, Table, dashboard_files, read_dashboard, template_files
from bifrost.dashboards.searches import (
    TimeRange,
    auto_interval,
    chart_requests,
    rows_at,
    search_problems,
    spec_with_named_data,
    table_request,
)
from bifrost.settings import PROJECT

QUARTER = TimeRange(1_528_804_500_000, 1_528_805_400_000)
PLACE = GridPosition(0, 0, 1, 1)
IN_RANGE = {
    "range": {
        "TS": {
            "gte": "2018-06-12T11:55:00.000Z",
            "lte": "2018-06-12T12:10:00.000Z",
            "format": "strict_date_optional_time",
        }
    }
}


def chart(*data: dict, **more: object) -> Chart:
    spec = {"$schema": "x", "title": "t", "data": list(data), **more}
    return Chart("c", "t", "", PLACE, spec)


def request(**more: object) -> dict:
    return {"%context%": True, "%timefield%": "TS", "index": "i", "body": {"size": 0, **more}}


def test_the_context_narrows_a_search_to_the_time_range():
    (found,) = chart_requests(chart({"url": request()}), QUARTER).values()

    assert found.index == "i"
    assert found.body == {"size": 0, "query": {"bool": {"filter": [IN_RANGE]}}}


def test_without_context_a_request_stays_as_it_is():
    body = {"size": 0, "query": {"match_all": {}}}
    (found,) = chart_requests(chart({"url": {"index": "i", "body": body}}), QUARTER).values()

    assert found.body == body


def test_bounds_and_intervals_are_filled_in_wherever_they_stand():
    histogram = {
        "fixed_interval": {"%autointerval%": True},
        "extended_bounds": {"min": {"%timefilter%": "min"}, "max": {"%timefilter%": "max"}},
    }
    (found,) = chart_requests(chart({"url": request(aggs={"a": [histogram]})}), QUARTER).values()

    assert found.body["aggs"]["a"] == [
        {"fixed_interval": "30s", "extended_bounds": {"min": QUARTER.first, "max": QUARTER.last}}
    ]


@pytest.mark.parametrize(
    ("minutes", "interval"), [(1, "1s"), (15, "30s"), (60, "1m"), (24 * 60, "30m"), (7 * 24 * 60, "3h"), (10**8, "30d")]
)
def test_intervals_are_those_of_kibana(minutes: int, interval: str):
    assert auto_interval(minutes * 60_000 / 50) == interval


def test_every_data_source_of_a_spec_is_asked_and_named():
    two = chart({"name": "own", "url": request()}, {"url": request()}, {"values": [1]}, mark="bar")

    assert list(chart_requests(two, QUARTER)) == ["own", "panel_data_1"]
    assert spec_with_named_data(two) == {
        "$schema": "x",
        "data": [{"name": "own"}, {"name": "panel_data_1"}, {"values": [1]}],
        "mark": "bar",
    }


def test_a_table_asks_for_its_columns_in_its_order():
    table = Table("t", "t", "", PLACE, "i", "TS", ("A", "B"), (("TS", "desc"),), 5)
    found = table_request(table, QUARTER)

    assert (found.index, found.body["size"], found.body["_source"]) == ("i", 5, ["TS", "A", "B"])
    assert found.body["query"] == {"bool": {"filter": [IN_RANGE]}}
    assert found.body["sort"] == [{"TS": {"order": "desc", "unmapped_type": "date"}}]


@pytest.mark.parametrize(
    ("path", "rows"), [("a.b", [1, 2]), ("a.c", []), ("x.y.z", []), ("a", [{"b": [1, 2], "c": None}])]
)
def test_rows_are_found_by_their_path(path: str, rows: list):
    assert rows_at({"a": {"b": [1, 2], "c": None}}, path) == rows


@pytest.mark.parametrize("path", dashboard_files(PROJECT), ids=lambda path: path.parent.name)
def test_the_projects_dashboards_are_sound(path):
    dashboard = read_dashboard(path)

    assert list(search_problems(dashboard)) == []
    assert all(panel.title and panel.description for panel in dashboard.panels)
    covered = {(x, y) for panel in dashboard.panels for x, y in _cells(panel.position)}
    assert len(covered) == sum(panel.position.w * panel.position.h for panel in dashboard.panels), "panels overlap"


@pytest.mark.parametrize("path", dashboard_files(PROJECT), ids=lambda path: path.parent.name)
def test_every_index_of_a_dashboard_has_a_template_with_its_time_field(path):
    dates = {
        index: {name for name, mapping in body["template"]["mappings"]["properties"].items() if _is_date(mapping)}
        for body in (json.loads(file.read_text()) for file in template_files(PROJECT))
        for index in (*body["index_patterns"], *body["template"].get("aliases", ()))
    }
    for panel in read_dashboard(path).panels:
        if isinstance(panel, Table):
            assert panel.time_field in dates[panel.index]
        else:
            assert {request.index for request in chart_requests(panel, QUARTER).values()} <= dates.keys()


def _is_date(mapping: dict) -> bool:
    return mapping.get("type") in ("date", "date_nanos")


def _cells(position: GridPosition):
    return (
        (x, y) for x in range(position.x, position.x + position.w) for y in range(position.y, position.y + position.h)
    )
