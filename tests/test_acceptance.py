"""The source documents' acceptance cases, if present: statements on the driver, user functions, texts for Slack."""

import json
from pathlib import Path
from typing import Any

import pytest

from bifrost.engine.expressions import evaluate
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.testing.conformance.cases import CaseRun
from bifrost.errors import BifrostError
from bifrost.sql.parser import parse_expression_text
from services.delivery.slack import SlackMessage
from tests.services.project_alerts import message_for

ROOT = Path(__file__).parents[1]
CASES_FILE = ROOT.parent / "shared" / "acceptance.json"
CASES: list[dict[str, Any]] = json.loads(CASES_FILE.read_text()) if CASES_FILE.exists() else []
KSQL = [case for case in CASES if case["kind"] == "ksql"]
UDF = [case for case in CASES if case["kind"] == "udf"]
SLACK = [case for case in CASES if case["kind"] == "notification" and case["system"] == "ratings"]


def test_the_cases_are_present() -> None:
    if not CASES:
        pytest.skip("../shared/acceptance.json: not present")
    assert KSQL and UDF and SLACK


@pytest.mark.parametrize("case", KSQL, ids=lambda case: case["id"])
def test_statements(case: dict[str, Any]) -> None:
    queries = list(dict.fromkeys(expected["query"] for expected in case["expect"] if "query" in expected))
    run = CaseRun(
        {
            "kind": "rest",
            "statements": [*case["setup_statements"], *queries],
            "properties": {},
            "topics": declared_topics(case),
            "inputs": [record for given in case["inputs"] for record in repeated(given)],
        }
    )
    run.run()
    outputs = list(run.outputs())
    answers = [response["query"] for response in run.responses if "query" in response]
    rows = {query: rows_of(answer) for query, answer in zip(queries, answers, strict=True)}
    for expected in case["expect"]:
        if "query" in expected:
            check_rows(expected, rows[expected["query"]])
        else:
            check_topic(expected, [record for record in outputs if record["topic"] == expected["topic"]])


def declared_topics(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Add the topics whose schemas the statements infer, from the project's declared schemas."""
    if any("(K STRUCT<ID INT> KEY)" in text for text in case["setup_statements"]):
        schemas = ROOT / "topics" / "schemas"
        read = {path.stem: json.loads(path.read_text()) for path in schemas.glob("*.avsc")}
        return [
            {
                "name": "asgard.demo.CUSTOMERS",
                "keySchema": read["asgard.demo.CUSTOMERS-key"],
                "keyFormat": "AVRO",
                "valueSchema": read["asgard.demo.CUSTOMERS-value"],
                "valueFormat": "AVRO",
            },
            {"name": "ratings", "valueSchema": read["ratings-value"], "valueFormat": "AVRO"},
        ]
    # As in the documents, the topic has one partition, like that of the table.
    return [{"name": "ratings"}] if case["system"] == "ratings" else []


def repeated(record: dict[str, Any]) -> list[dict[str, Any]]:
    step = record.get("step_ms", 0)
    made = []
    for number in range(record.get("repeat", 1)):
        copy = {"window": None, "headers": None, "key": None, **record}
        if copy.get("timestamp") is not None:
            copy["timestamp"] += number * step
        value = copy["value"]
        if number and isinstance(value, dict) and "timestamp" in value and record.get("timestamp") is None:
            copy["value"] = {**value, "timestamp": str(int(value["timestamp"]) + number * step)}
        copy.setdefault("timestamp", 0)
        made.append(copy)
    return made


def rows_of(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in order, as values by column name."""
    names = [part.split("`")[1] for part in split_columns(answer[0]["header"]["schema"])]
    return [dict(zip(names, entry["row"]["columns"], strict=True)) for entry in answer[1:] if "row" in entry]


def split_columns(schema: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for at, sign in enumerate(schema):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            parts.append(schema[begin:at])
            begin = at + 1
    return [*parts, schema[begin:]] if schema else []


def check_rows(expected: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    if "count" in expected:
        assert len(rows) == expected["count"]
    if "value" in expected:
        assert any(holds(row, expected["value"]) for row in rows), f"{expected['value']} is not among {rows}"
    if "columns" in expected:
        assert any(same(list(row.values()), expected["columns"]) for row in rows), (
            f"{expected['columns']} not in {rows}"
        )


def check_topic(expected: dict[str, Any], records: list[dict[str, Any]]) -> None:
    if "raw_key" in expected:
        records = [record for record in records if json.dumps(record["key"]) == expected["raw_key"]]
    if "value" not in expected:
        assert len(records) == expected["count"]
        return
    if expected.get("last"):
        records = list({json.dumps([record["key"], record["window"]]): record for record in records}.values())
    if "window" in expected:
        records = [record for record in records if window_holds(record["window"], expected["window"])]
    if "timestamp" in expected:
        records = [record for record in records if record["timestamp"] == expected["timestamp"]]
    found = [
        record for record in records if record["value"] is not None and holds(columns_of(record), expected["value"])
    ]
    assert found, f"{expected['value']} is not among {records}"
    if "key" in expected and expected["key"] is not None and not isinstance(expected["key"], dict):
        assert any(same(record["key"], expected["key"]) for record in found)
    if "count" in expected:
        assert len(found) == expected["count"]


def window_holds(window: dict[str, Any] | None, expected: dict[str, Any]) -> bool:
    return window is not None and all(window[name] == value for name, value in expected.items() if name in window)


def columns_of(record: dict[str, Any]) -> dict[str, Any]:
    keys = record["key"] if isinstance(record["key"], dict) else {"": record["key"]}
    return {**keys, **record["value"]}


def holds(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether all expected columns have their values; a column that the value lacks may be the key."""
    return all(same(row.get(name, row.get("")), value) for name, value in expected.items())


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(same(one, other) for one, other in zip(found, expected, strict=True))
    if isinstance(expected, float) and not isinstance(found, str) and found is not None:
        return abs(float(found) - expected) < 1e-9
    return bool(found == expected)


@pytest.mark.parametrize("case", UDF, ids=lambda case: case["id"])
def test_user_functions(case: dict[str, Any]) -> None:
    functions = registry_of(ROOT / "ksql" / "udf")
    for given in case["inputs"]:
        call = given["call"]
        if given.get("timezone"):
            call = f"{call[:-1]}, '{given['timezone']}')"
        error = case.get("real_ksqldb", {}).get("error_contains")
        refused = error is not None or any("error" in expected for expected in case["expect"])
        logged = [text for expected in case["expect"] for text in expected.get("log_contains", ())]
        if refused or logged:
            with pytest.raises((BifrostError, ValueError)) as caught:
                evaluate(parse_expression_text(call), functions)
            texts = [error] if error else [expected["error"] for expected in case["expect"] if "error" in expected]
            assert any(text.lower() in str(caught.value).lower() for text in texts or logged)
        else:
            assert evaluate(parse_expression_text(call), functions) == case["expect"][0]["value"]


@pytest.mark.parametrize("case", SLACK, ids=lambda case: case["id"])
def test_notifications(case: dict[str, Any]) -> None:
    expected = case["expect"][0]["notification"]
    note = message_for("ratings_unhappy_platinum", json.dumps(case["inputs"][0]["value"]).encode())
    assert isinstance(note, SlackMessage)
    sent = {name: getattr(note, name) for name in ("channel", "username", "icon_emoji", "text")}
    assert sent == {name: expected[name] for name in sent}
