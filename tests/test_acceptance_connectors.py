"""The source documents' Elasticsearch, S3 and BigQuery sinks agree with the declared ones; no platform needed.

What they do with records is shown by `live/test_sinks.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.declared.files import load, read_connectors
from bifrost.deployer.targets import TABLES, config_for_target, unavailable_connectors
from bifrost.settings import PROJECT
from tests.test_acceptance import CASES

SINKS = [case for case in CASES if case["id"] in ("R18", "R19", "C13")]
pytestmark = pytest.mark.skipif(not CASES, reason="../shared/acceptance.json: not present")
DECLARED = {connector.name: connector for connector in read_connectors(PROJECT / "connectors")}
OURS = ("bifrost.connect.s3.S3SinkConnector", "bifrost.connect.elasticsearch.ElasticsearchSinkConnector")


@pytest.mark.parametrize("case", SINKS, ids=lambda case: case["id"])
def test_a_sink_is_declared_as_the_documents_have_it(case: dict[str, Any]) -> None:
    (expected,) = case["expect"]
    config = DECLARED[expected["connector"]].config
    assert {key: config.get(key) for key in expected["config_contains"]} == expected["config_contains"]


def test_the_vendors_keys_reach_our_sinks_as_they_stand() -> None:
    """The embedded target changes the class and the converter, and nothing else."""
    for name in ("s3-sink-ratings", "s3-sink-orders", "es_sink_ratings-with-customer-data"):
        declared = DECLARED[name]
        run = config_for_target(declared, TABLES["embedded"])
        assert run["connector.class"] in OURS
        changed = {key for key, value in declared.config.items() if run.get(key) != value}
        assert changed == {"connector.class", "value.converter", "value.converter.schema.registry.url"}


@pytest.mark.parametrize("target", ["compose", "remote"])
def test_bigquery_is_valid_where_it_can_be(target: str) -> None:
    assert [problem for problem in validate(PROJECT, TABLES[target]) if "gbq" in str(problem)] == []


def test_bigquery_is_known_to_be_absent_from_the_embedded_target() -> None:
    assert "gbq-sink-ratings" in unavailable_connectors(load(PROJECT), TABLES["embedded"])
