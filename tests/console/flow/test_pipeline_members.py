"""Which parts of the graph make up which pipeline."""

from __future__ import annotations

from bifrost.console.flow.pipeline_members import REST, members

EDGES = [
    ("cdc", "customers"),
    ("customers", "rekey"),
    ("rekey", "rekeyed"),
    ("rekeyed", "join"),
    ("ratings", "join"),
    ("join", "joined"),
    ("joined", "sink"),
    ("joined", "stranger"),
    ("rekeyed", "enrich"),
    ("orders", "enrich"),
    ("enrich", "enriched"),
]
OWNER = {"cdc": "ratings", "join": "ratings", "sink": "ratings", "rekey": "customers", "enrich": "orders"}
NODES = {node for edge in EDGES for node in edge} | {"alone"}


def test_a_pipeline_is_what_it_owns_and_all_that_this_reads_from():
    found = members(NODES, EDGES, OWNER)

    assert found["orders"] == {"enrich", "enriched", "orders", "rekeyed", "rekey", "customers", "cdc"}


def test_a_pipeline_includes_unowned_nodes_downstream():
    ratings = members(NODES, EDGES, OWNER)["ratings"]

    assert {"joined", "sink", "stranger"} <= ratings
    assert "enrich" not in ratings


def test_reference_data_that_others_hold_in_full_is_no_pipeline_of_its_own():
    assert set(members(NODES, EDGES, OWNER)) == {"orders", "ratings", REST}


def test_nodes_without_a_pipeline_are_kept():
    assert members(NODES, EDGES, OWNER)[REST] == {"alone"}
    assert members(NODES, EDGES, {}) == {REST: frozenset(NODES)}
    assert members([], [], {}) == {}


def test_a_circle_comes_to_an_end():
    assert members("ab", [("a", "b"), ("b", "a")], {"a": "p"})["p"] == {"a", "b"}
