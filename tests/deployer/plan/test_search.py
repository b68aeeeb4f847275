"""Index templates, buckets and Kibana's dashboards: made before the sinks, kept when alike, replaced when not."""

from __future__ import annotations

import json

import pytest

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import OWNER_KEY, TABLES
from bifrost.errors import DeclarationError, Refused
from tests.deployer.plan.conftest import CHART, TABLE, TEMPLATE


def test_templates_and_buckets_come_before_the_sinks_and_dashboards_after_them(dashboards, sinks):
    changes = sinks.up(dashboards)

    assert changes[-6:] == [
        "create statement ALERTS",
        "create template ratings",
        "create bucket lake",
        "create connector s3-sink",
        "create dashboard ratings",
        "create service ratings_bot",
    ]
    assert sinks.search.templates["ratings"]["_meta"] == {OWNER_KEY: "ratings"}
    assert sinks.s3.names == {"lake"}


def test_a_second_run_writes_nothing(dashboards, sinks):
    sinks.up(dashboards)
    sinks.s3.writes.clear()

    assert sinks.up(dashboards) == []
    assert sinks.s3.writes == []


@pytest.mark.parametrize(
    ("path", "content", "change"),
    [
        ("templates/ratings.json", {**TEMPLATE, "priority": 201}, "update template ratings"),
        ("templates/ratings.json", {**TEMPLATE, "template": {"settings": {}}}, "update template ratings"),
        ("counts.json", {**CHART, "mark": "line"}, "update dashboard ratings"),
    ],
)
def test_what_was_changed_in_a_file_is_brought_over(dashboards, sinks, path, content, change):
    sinks.up(dashboards)
    dashboards.write(f"dashboards/ratings/{path}", content)

    assert sinks.up(dashboards) == [change]
    assert sinks.up(dashboards) == []


def test_a_manually_changed_template_is_restored(dashboards, sinks):
    sinks.up(dashboards)
    sinks.search.templates["ratings"]["index_patterns"] = ["other"]

    assert sinks.up(dashboards) == ["update template ratings"]
    assert sinks.search.templates["ratings"]["index_patterns"] == ["ratings"]


def test_only_our_own_undeclared_templates_are_pruned(dashboards, sinks):
    sinks.up(dashboards)
    sinks.search.templates["theirs"] = {"index_patterns": ["x"]}
    (dashboards.root / "dashboards/ratings/templates/ratings.json").unlink()

    assert sinks.up(dashboards, prune=True) == ["delete template ratings"]
    assert list(sinks.search.templates) == ["theirs"]


def test_kibana_gets_the_spec_as_it_is_written_and_a_dashboard_of_all_panels(dashboards, sinks):
    sinks.up(dashboards)

    objects = sinks.kibana.objects
    chart = json.loads(objects["visualization", "bifrost-ratings-counts"]["attributes"]["visState"])
    assert chart["type"] == "vega"
    assert json.loads(chart["params"]["spec"]) == CHART
    table = objects["search", "bifrost-ratings-feed"]
    assert table["attributes"]["columns"] == ["A"]
    pattern = objects["index-pattern", table["references"][0]["id"]]
    assert pattern["attributes"] == {"title": "ratings", "timeFieldName": "TS"}
    board = objects["dashboard", "bifrost-ratings"]
    places = [(panel["type"], panel["gridData"]["x"]) for panel in json.loads(board["attributes"]["panelsJSON"])]
    assert places == [("visualization", 0), ("search", 24)]
    for reference in board["references"]:
        assert (reference["type"], reference["id"]) in objects
    assert all(headers["kbn-xsrf"] for headers in sinks.kibana.headers)


def test_an_object_that_kibana_does_not_take_is_an_error_that_names_it(dashboards, sinks):
    sinks.kibana.errors = [{"id": "bifrost-ratings-feed", "error": {"type": "conflict"}}]

    with pytest.raises(Refused, match=r"Kibana: import of saved objects: .*bifrost-ratings-feed"):
        sinks.up(dashboards)


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("counts.json", {**CHART, "data": {"values": []}}, "has no data source that is a search"),
        ("counts.json", {**CHART, "title": ""}, "expected a text 'title'"),
        ("counts.json", {**CHART, "data": {"url": {"index": "i", "body": {}, "%x%": 1}}}, "'%x%' is unknown"),
        (
            "counts.json",
            {**CHART, "data": {"url": {"%context%": True, "%timefield%": "T", "index": "i", "body": {"query": {}}}}},
            "are mutually exclusive",
        ),
        ("feed.json", {**TABLE, "columns": []}, "expected a list 'columns'"),
        ("other.json", TABLE, "other.json has no position"),
        ("dashboard.json", {"title": "x", "panels": [{"panel": "counts"}]}, "expected gridData"),
        ("templates/ratings.json", {"index_patterns": ["x"]}, 'expected an object "template"'),
        ("templates/ratings.json", "{", "is not JSON"),
        ("templates/ratings.json", '{"template": ' + "9" * 5000 + "}", "is not JSON that can be read"),
        ("feed.json", "[" * 100_000, "is not JSON that can be read"),
        ("dashboard.json", '{"title": ' + "9" * 5000 + "}", "is not JSON that can be read"),
    ],
)
def test_what_is_wrong_in_a_file_is_found_with_nothing_running(dashboards, path, content, problem):
    dashboards.write(f"dashboards/ratings/{path}", content)

    found = [str(each) for each in validate(dashboards.root, TABLES["embedded"])]

    assert any(problem in text for text in found), found


def test_a_template_is_declared_once(dashboards):
    dashboards.write("dashboards/orders/templates/ratings.json", TEMPLATE)

    with pytest.raises(DeclarationError, match=r"index template ratings is also declared in "):
        dashboards.declared()


def test_a_chosen_pipeline_brings_its_templates_and_dashboard(dashboards):
    dashboards.write("dashboards/orders/templates/orders.json", TEMPLATE)

    selected = dashboards.declared().select(["orders"])

    assert [template.name for template in selected.templates] == ["orders"]
    assert selected.dashboards == ()
