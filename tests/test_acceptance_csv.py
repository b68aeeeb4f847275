"""The source documents' cases of orders without a platform: connector configurations, status lines, DESCRIBE.

Statements over records are run by `test_acceptance.py`; files, S3 and MySQL by `live/test_orders.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from bifrost.cli.commands.status import connector_lines
from bifrost.server.app import create_app
from bifrost.settings import PROJECT
from tests.engine.runtime.engines import World
from tests.server.conftest import IDENTITY, Api
from tests.server.serving import served
from tests.test_acceptance import CASES

CSV = {case["id"]: case for case in CASES if case["system"] == "csv"}
pytestmark = pytest.mark.skipif(not CASES, reason="../shared/acceptance.json: not present")

NEW_NAMES = {
    "database.server.name": "topic.prefix",
    "table.whitelist": "table.include.list",
    "database.history.kafka.bootstrap.servers": "schema.history.internal.kafka.bootstrap.servers",
    "database.history.kafka.topic": "schema.history.internal.kafka.topic",
}
"""Debezium 2's names of older keys."""

NEW_VALUES = {
    "io.debezium.transforms.UnwrapFromEnvelope": "io.debezium.transforms.ExtractNewRecordState",
    "demo.customers": "demo.CUSTOMERS",  # the table that all pipelines share
}
OF_THE_PLACE = re.compile(r"database\.(hostname|port|user|password)|.*bootstrap\.servers")
"""Keys whose values depend on the machine; the declaration takes them from the environment."""


@pytest.fixture
def api() -> Iterator[Api]:
    with closing(World()) as world:
        engine = world.engine()
        with (
            served(create_app(engine, IDENTITY)) as url,
            httpx.Client(base_url=url, verify=False, timeout=10) as client,
        ):
            yield Api(world, engine, client)


def test_the_database_connector_is_configured_as_the_documents_have_it() -> None:
    (expected,) = CSV["C04"]["expect"]
    (path,) = PROJECT.glob(f"connectors/*/{expected['connector']}.json")
    declared = json.loads(path.read_text(encoding="utf-8"))
    for old, value in expected["config_contains"].items():
        key = NEW_NAMES.get(old, old)
        if OF_THE_PLACE.fullmatch(key):
            assert re.fullmatch(r"\$\{env:\w+\}", declared[key]), key
        else:
            assert declared[key] == NEW_VALUES.get(value, value), key


def test_status_lines() -> None:
    case = CSV["C16"]
    connectors = [
        {"name": status["name"], "state": status["connector"]["state"], "tasks": status["tasks"]}
        for status in case["inputs"][0]["connect_status"]
    ]

    assert connector_lines(connectors) == case["expect"][0]["stdout_lines"]


def test_describe_of_the_enriched_stream(api: Api) -> None:
    case = CSV["C17"]
    (expected,) = case["expect"]
    for topic in ("orders", "asgard.demo.customers"):
        api.world.topic(topic)
    api.run("\n".join(case["setup_statements"]))

    described = api.run(expected["statement"])[0]["sourceDescription"]

    fields = [[field["name"], field["schema"]["type"].replace("STRING", "VARCHAR")] for field in described["fields"]]
    assert [field for field in expected["fields_include"] if field not in fields] == []
    assert described["topic"] == expected["topic"]
    assert [query["id"].startswith(expected["write_query_prefix"]) for query in described["writeQueries"]] == [True]
    assert described["errorStats"] == ""
    assert expected["failed_messages"] == 0
