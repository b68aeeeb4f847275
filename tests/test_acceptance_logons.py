"""The source documents' JDBC source, if present, agrees with the declared connector."""

import json
from typing import Any

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import PLACEHOLDER, for_target, substitutions, unavailable_connectors
from bifrost.settings import PROJECT, Settings

CASES_FILE = PROJECT.parent / "shared" / "acceptance.json"
CASES: list[dict[str, Any]] = json.loads(CASES_FILE.read_text()) if CASES_FILE.exists() else []
CONNECTORS = [case for case in CASES if case["kind"] == "connector" and case["system"] == "connect"]
DOCUMENTS = {"MYSQL_HOST": "localhost", "MYSQL_PORT": "3306", "MYSQL_USER": "rmoff", "MYSQL_PASSWORD": "rmoff"}
"""The documents' values of the settings that the declaration names."""
NAME = "jdbc_source_mysql_foobar_01"


def config(target: str) -> dict[str, str] | None:
    table = substitutions(Settings({"BIFROST_TARGET": target}))
    found = [item.config for item in for_target(load(PROJECT), table).connectors if item.name == NAME]
    return dict(found[0]) if found else None


def test_the_cases_are_present() -> None:
    if not CASES:
        pytest.skip("../shared/acceptance.json: not present")
    assert CONNECTORS


@pytest.mark.parametrize("case", CONNECTORS, ids=lambda case: case["id"])
def test_the_connector_is_the_documents(case: dict[str, Any]) -> None:
    for expected in case["expect"]:
        assert expected["connector"] == NAME
        declared = config("compose")
        assert declared is not None
        spelled = {
            key: PLACEHOLDER.sub(lambda found: DOCUMENTS.get(found["name"], found[0]), value)
            for key, value in declared.items()
        }
        assert {key: spelled[key] for key in expected["config_contains"]} == expected["config_contains"]


def test_it_runs_on_every_target() -> None:
    vendors, ours = config("remote"), config("embedded")
    assert vendors is not None
    assert ours is not None
    assert ours["connector.class"] == "bifrost.connect.jdbc.JdbcSourceConnector"
    assert {key: ours[key] for key in vendors if key in ours} | {"connector.class": vendors["connector.class"]} == {
        key: vendors[key] for key in ours
    }
    assert NAME not in unavailable_connectors(load(PROJECT), substitutions(Settings({})))
