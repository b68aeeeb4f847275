"""Declared Debezium connectors: tables that nobody captures cannot stop them, and a null stays a null."""

import json

import pytest

from bifrost.settings import PROJECT

CONNECTORS = {path.stem: json.loads(path.read_text()) for path in (PROJECT / "connectors").glob("*/*.json")}
WITH_HISTORY = {
    name: config
    for name, config in CONNECTORS.items()
    if config["connector.class"].startswith(("io.debezium.connector.mysql.", "io.debezium.connector.mariadb."))
}


@pytest.mark.parametrize("name", WITH_HISTORY)
def test_the_schema_history_ignores_tables_that_are_not_captured(name):
    config = WITH_HISTORY[name]
    assert config["table.include.list"]
    assert config["schema.history.internal.store.only.captured.tables.ddl"] == "true"
    assert config["schema.history.internal.skip.unparseable.ddl"] == "true"


@pytest.mark.parametrize("name", WITH_HISTORY)
def test_inserted_fields_do_not_replace_a_null_by_the_default_of_its_column(name):
    config = WITH_HISTORY[name]
    for transform in config["transforms"].split(","):
        if config[f"transforms.{transform}.type"].startswith("org.apache.kafka.connect.transforms.InsertField$"):
            assert config[f"transforms.{transform}.replace.null.with.default"] == "false", transform


def test_there_is_a_connector_with_a_schema_history():
    assert WITH_HISTORY
