"""ksqlDB's own query tests, where they are beside the project; the project holds none of them."""

import json
import sys
from pathlib import Path

import pytest

from bifrost.engine.testing.conformance import answer
from bifrost.engine.testing.sql_test_files import SqlTest, run_test
from tests.examples import sampled

CASES = Path(__file__).resolve().parents[4] / "shared" / "conformance"
FLOORS = {"qtt value": 940, "qtt error": 234, "rest value": 150, "rest error": 44}
"""How many cases passed when this was last looked at, by kind and by what they expect."""

SCRIPTS_FLOOR = 39
needs_cases = pytest.mark.skipif(not (CASES / "cases.jsonl").exists(), reason="not present: ../shared/conformance")


def test_the_result_of_a_case_has_records_sources_and_topics():
    case = {
        "id": "one",
        "kind": "qtt",
        "statements": [
            "CREATE STREAM S (K INT KEY, D DECIMAL(4, 2)) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');",
            "CREATE STREAM O AS SELECT * FROM S;",
        ],
        "properties": {},
        "topics": [],
        "inputs": [
            {"topic": "s", "key": 1, "value": {"d": 1.5}, "timestamp": 7, "window": None, "headers": None},
        ],
    }
    found = answer(case)
    assert found["error"] is None
    [record] = found["outputs"]
    assert (record["topic"], record["key"], str(record["value"]["D"]), record["timestamp"]) == ("O", 1, "1.50", 7)
    assert {source["name"]: source["type"] for source in found["sources"]} == {"S": "STREAM", "O": "STREAM"}
    assert {topic["name"] for topic in found["topics"]} == {"s", "O"}


def test_an_invalid_statement_is_reported_with_its_index_and_message():
    case = {"id": "two", "kind": "qtt", "statements": ["SELECT * FROM NOPE EMIT CHANGES;"], "properties": {}}
    found = answer({**case, "topics": [], "inputs": []})
    assert found["error"]["statement"] == 0
    assert "NOPE" in found["error"]["message"]


@pytest.fixture(scope="module")
def comparison():
    sys.path.insert(0, str(CASES))
    try:
        import qttcompare
        import qttjson
    finally:
        sys.path.remove(str(CASES))
    return qttcompare, qttjson


@needs_cases
def test_the_open_query_tests_pass(comparison):
    qttcompare, qttjson = comparison
    passed = dict.fromkeys(FLOORS, 0)
    failures = []
    lines = (CASES / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    selected = sampled(lines, every=8)
    for line in selected:
        case = qttjson.parse(line)
        response = qttjson.parse(qttjson.dumps(answer(case)))
        verdict = qttcompare.judge(case, response)
        if verdict["status"] == "pass":
            passed[f"{case['kind']} {'error' if case['expected_error'] else 'value'}"] += 1
        else:
            failures.append(f"{case['id']}: {verdict['why']}")
    if len(selected) < len(lines):
        assert len(failures) <= len(lines) - sum(FLOORS.values()), "\n".join(failures)
        return
    below = {kind: count for kind, count in passed.items() if count < FLOORS[kind]}
    assert not below, "\n".join([f"passed {passed}, expected at least {FLOORS}", *failures])


@needs_cases
def test_the_open_scripts_pass():
    failures = []
    passed = 0
    for line in (CASES / "sqltests.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        expected = case["expected_error"] or {}
        text = case.get("script") or "\n".join(case["statements"])
        test = SqlTest(case["name"], 1, text, expected.get("type"), expected.get("message"))
        result = run_test(test, base=CASES)
        passed += result.passed
        if not result.passed:
            failures.append(f"{case['id']}: {result.problem}")
    assert passed >= SCRIPTS_FLOOR, "\n".join(failures)
