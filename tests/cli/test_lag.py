"""`lag` and `top` as a person or a script uses them."""

import json

import pytest

from bifrost.cli.commands.lag import age_text

UP = ("up", "--no-demo")
QUERY = "_confluent-ksql-default_query_CSAS_ALERTS_2"


@pytest.fixture
def behind(run, fakes):
    run(*UP)
    for number in range(5):
        fakes.records.put("ratings", b"%d" % number, time_ms=1000)
    fakes.kafka.committed = {QUERY: {"ratings": {0: 2}}}
    return fakes


def test_lag_of_all_and_of_one(run, behind):
    found = run("lag")
    assert found.code == 0
    assert found.out.splitlines()[1].startswith("query CSAS_ALERTS_2  ratings  2         5    3")
    assert found.out.splitlines()[-1] == "1 groups; 1 behind, by 3 records."
    assert "ratings-0" in run("lag", "CSAS_ALERTS_2").out

    result = json.loads(run("lag", "query:*", "--json").out)
    (group,) = result["groups"]
    assert (result["lag"], group["owner"]) == (3, {"kind": "query", "name": "CSAS_ALERTS_2"})
    (part,) = group["partitions"]
    assert (part["topic"], part["committed"], part["end"], part["lag"]) == ("ratings", 2, 5, 3)
    assert part["behind_s"] > 0


def test_lag_of_what_has_no_group_is_an_error(run, behind):
    found = run("lag", "mysql-demo-customers")
    assert found.code == 1
    assert "no consumer group belongs to 'mysql-demo-customers'" in found.err


def test_top_prints_once_where_nobody_watches(run, behind):
    found = run("top")
    assert found.code == 0
    assert found.out.splitlines()[0].split() == ["part", "state", "read/s", "written/s", "lag"]
    parts = {part["name"]: part for part in json.loads(run("top", "--json").out)["parts"]}
    assert (parts["CSAS_ALERTS_2"]["kind"], parts["CSAS_ALERTS_2"]["lag"]) == ("query", 3)
    assert parts["mysql-demo-customers"]["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (0, ""), (1.25, "1.2 s"), (200, "3 min"), (3 * 3600, "3 h"), (5 * 86_400, "5 d")],
)
def test_ages(seconds, text):
    assert age_text(seconds) == text
