"""What a changed template means for an index that exists."""

import pytest

from bifrost.clients.search_indices import SearchIndex
from bifrost.deployer.plan.index_changes import changes_of
from bifrost.errors import Refused
from tests.deployer.plan.conftest import TEMPLATE

TS = {"TS": {"type": "date"}}
SETTINGS = {"index.number_of_replicas": "0", "index.refresh_interval": "500ms", "index.number_of_shards": "1"}
SINK = {"connector.class": "x.ElasticsearchSinkConnector", "topics": "RATINGS"}


def changes(properties, settings, live_properties, live_settings=SETTINGS, **mappings):
    template = {"settings": settings, "mappings": {"properties": properties, **mappings}}
    index = SearchIndex("ratings", 5, {"properties": live_properties}, live_settings)
    return changes_of(template, index)


@pytest.mark.parametrize(
    ("properties", "settings", "live", "mapping", "changed", "fixed"),
    [
        (TS, {"number_of_replicas": 0}, TS, {}, {}, ()),
        ({}, {}, TS, {}, {}, ()),
        ({**TS, "A": {"type": "keyword"}}, {}, TS, {"properties": {"A": {"type": "keyword"}}}, {}, ()),
        (TS, {"refresh_interval": "1s"}, TS, {}, {"index.refresh_interval": "1s"}, ()),
        (TS, {"index": {"refresh_interval": "1s"}}, TS, {}, {"index.refresh_interval": "1s"}, ()),
        (TS, {"number_of_shards": 3}, TS, {}, {}, ("index.number_of_shards is 1",)),
        (
            TS,
            {"analysis": {"analyzer": {"a": {"type": "x"}}}},
            TS,
            {},
            {},
            ("index.analysis.analyzer.a.type is the default",),
        ),
        (TS, {}, {"TS": {"type": "text"}}, {}, {}, ("TS is text, not date",)),
        (
            {"P": {"type": "scaled_float", "scaling_factor": 100, "coerce": True, "doc_values": False}},
            {},
            {"P": {"type": "scaled_float", "scaling_factor": 100.0, "coerce": "true", "doc_values": "false"}},
            {},
            {},
            (),
        ),
        (
            {"P": {"type": "scaled_float", "scaling_factor": 100}},
            {},
            {"P": {"type": "scaled_float", "scaling_factor": "10.0"}},
            {"properties": {"P": {"type": "scaled_float", "scaling_factor": 100}}},
            {},
            ("P has another scaling_factor",),
        ),
        (
            {"N": {"properties": {"x": {"type": "long"}, "y": {"type": "long"}}}},
            {},
            {"N": {"properties": {"x": {"type": "long"}}}},
            {"properties": {"N": {"properties": {"y": {"type": "long"}}}}},
            {},
            (),
        ),
        (
            {"N": {"properties": {"x": {"type": "long"}}}},
            {},
            {"N": {"properties": {"x": {"type": "text"}}}},
            {},
            {},
            ("N.x is text, not long",),
        ),
        (
            {"K": {"type": "keyword", "ignore_above": 10}},
            {},
            {"K": {"type": "keyword", "ignore_above": 20}},
            {"properties": {"K": {"type": "keyword", "ignore_above": 10}}},
            {},
            (),
        ),
        (
            {"K": {"type": "date", "format": "epoch_millis"}},
            {},
            {"K": {"type": "date"}},
            {"properties": {"K": {"type": "date", "format": "epoch_millis"}}},
            {},
            ("K has another format",),
        ),
        ({"K": {"type": "keyword", "index": False}}, {}, {"K": {"type": "keyword", "index": "false"}}, {}, {}, ()),
    ],
)
def test_what_is_changed_in_place_and_what_needs_a_copy(properties, settings, live, mapping, changed, fixed):
    found = changes(properties, settings, live)

    assert (dict(found.mapping), dict(found.settings), found.fixed) == (mapping, changed, fixed)


def test_rules_for_new_fields_are_changed_in_place():
    rule = [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}]

    assert dict(changes(TS, {}, TS, dynamic_templates=rule).mapping) == {"dynamic_templates": rule}


def with_template(**parts):
    return {**TEMPLATE, "template": {**TEMPLATE["template"], **parts}}


@pytest.fixture
def filled(dashboards, sinks):
    """The sink's index with seven documents."""
    dashboards.write("connectors/ratings/es.json", SINK)
    sinks.up(dashboards)
    sinks.search.add_index("ratings", dict(TS), 7, dict(SETTINGS))
    return sinks


def test_a_new_field_reaches_an_existing_index(dashboards, filled):
    fields = {**TS, "CHANNEL": {"type": "keyword"}}
    dashboards.write("dashboards/ratings/templates/ratings.json", with_template(mappings={"properties": fields}))

    assert filled.up(dashboards) == ["update template ratings"]

    assert filled.search.indices["ratings"]["mappings"]["properties"] == fields
    assert filled.up(dashboards) == []


def changed_type(dashboards):
    fields = {"TS": {"type": "keyword"}}
    dashboards.write("dashboards/ratings/templates/ratings.json", with_template(mappings={"properties": fields}))


def test_another_type_copies_the_index_behind_the_same_name(dashboards, filled):
    changed_type(dashboards)
    plan = filled.plan(dashboards)
    (loss,) = next(action for action in plan.actions if action.name == "ratings" and action.loss).loss
    assert loss.flag == "reindex"
    assert loss.what == (
        "TS is date, not keyword in the index ratings, which cannot be changed in place: its 7 documents are copied to "
        "a new index that takes over the name, while es is stopped"
    )

    assert filled.up(dashboards) == ["replace template ratings"]

    (name,) = filled.search.indices
    assert (name, filled.search.indices[name]["documents"]) == ("ratings-000002", 7)
    assert list(filled.search.indices[name]["aliases"]) == ["ratings"]
    assert filled.fakes.connect.states["es"] == "RUNNING"
    assert filled.up(dashboards) == []


def test_a_copy_is_copied_again(dashboards, filled):
    changed_type(dashboards)
    filled.up(dashboards)
    dashboards.write("dashboards/ratings/templates/ratings.json", TEMPLATE)

    filled.up(dashboards)

    assert {name: list(entry["aliases"]) for name, entry in filled.search.indices.items()} == {
        "ratings-000003": ["ratings"]
    }


def test_a_document_that_does_not_fit_leaves_everything_as_it_was(dashboards, filled):
    changed_type(dashboards)
    filled.search.misfits = 1

    with pytest.raises(Refused, match=r"copy of ratings to ratings-000002: 400 .*failed to parse field"):
        filled.up(dashboards)

    assert list(filled.search.indices) == ["ratings"]
    assert filled.fakes.connect.states["es"] == "RUNNING"
    filled.search.misfits = 0
    assert filled.up(dashboards) == ["replace template ratings"]
