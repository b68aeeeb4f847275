"""`diff`, `describe` and `graph`: what a person learns about one thing."""

import json

import pytest

from bifrost.cli import output
from bifrost.cli.output import Screen
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Thing
from bifrost.deployer.plan.side_by_side import TwoTexts, paired_lines
from tests.cli.test_commands import UP
from tests.deployer.conftest import RATINGS, RATINGS_SCHEMA

ROW = {"name": "comment", "type": ["null", "string"], "default": None}


def test_a_thing_as_declared_has_no_difference(run):
    run(*UP)

    found = run("diff", "mysql-demo-customers")

    assert (found.code, found.out) == (0, "connector mysql-demo-customers is as declared.\n")


def test_a_connector_is_compared_key_by_key_without_secrets(run, project, fakes):
    run(*UP)
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "tr0ub4dor", "tasks.max": "2"}

    found = run("diff", "connector:mysql-demo-customers")

    assert found.code == 3
    assert '-  "tasks.max": "2",' in found.out
    assert '+  "tasks.max": "1",' in found.out
    assert '-  "database.password": "********",' in found.out
    assert "tr0ub4dor" not in found.out


def test_where_only_secrets_differ_it_says_so(run, fakes):
    run(*UP)
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "tr0ub4dor", "sasl.jaas.config": "x"}
    fakes.connect.configs["mysql-demo-customers"].pop("sasl.jaas.config")

    found = run("diff", "mysql-demo-customers")

    assert found.code == 3
    assert "tr0ub4dor" not in found.out


def test_a_statement_is_compared_as_ksqldb_writes_it(run, project):
    run(*UP)
    project.write("ksql/ratings.sql", RATINGS.replace("R.STARS < 3", "R.STARS < 2"))

    found = run("diff", "alerts")

    assert found.code == 3
    assert "-WHERE (R.STARS < 3)" in found.out
    assert "+WHERE (R.STARS < 2)" in found.out


@pytest.mark.parametrize("name", ["ratings", "topic:ratings", "ratings-*", "subject:*"])
def test_missing_things_differ_too(run, name):
    assert run("diff", name).code == 3


def test_a_schema_is_compared_field_by_field(run, project):
    run(*UP)
    project.write("topics/schemas/ratings-value.avsc", {**RATINGS_SCHEMA, "fields": [*RATINGS_SCHEMA["fields"], ROW]})

    found = run("diff", "subject:ratings-value")

    assert found.code == 3
    assert '+      "name": "comment",' in found.out


@pytest.mark.parametrize("command", ["diff", "describe", "graph"])
def test_an_unknown_name_gets_a_suggestion(run, command):
    found = run(command, "statement:ALERT")

    assert found.code == 2
    assert "did you mean ALERTS?" in " ".join(found.err.replace("│", " ").split())


def test_two_texts_stand_side_by_side():
    texts = TwoTexts(Thing(ResourceKind.TOPIC, "t"), ("a", "b", "c" * 12), ("a", "x", "c" * 12, "d"))

    assert list(paired_lines(texts, 23)) == [
        "live       | declared",
        "a          | a",
        "x          ! b",
        "cccccccccc | cccccccccc",
        "cc         | cc",
        "d          <",
    ]


def test_a_wide_terminal_gets_both_texts_side_by_side(run, fakes, monkeypatch):
    run(*UP)
    fakes.connect.configs["mysql-demo-customers"]["tasks.max"] = "2"
    monkeypatch.setattr(Screen, "is_terminal", True)
    monkeypatch.setattr(Screen, "width", 140)

    found = run("diff", "mysql-demo-customers").out

    assert '  "tasks.max": "2",' in found
    assert '!   "tasks.max": "1",' in found
    assert "@@" in run("diff", "--unified", "mysql-demo-customers").out
    assert output.Screen is Screen


def test_everything_about_a_connector(run, fakes):
    run(*UP)
    fakes.connect.traces["mysql-demo-customers"] = "A: a\nCaused by: B: disk is full"

    found = run("describe", "mysql-demo-customers")

    assert found.code == 0
    assert "declared  connectors/ratings/mysql-demo-customers.json (pipeline ratings)" in found.out
    assert "live      task 0 FAILED: B: disk is full" in found.out
    assert "    └─ topic asgard.demo.CUSTOMERS\n       └─ statement CUSTOMERS_SRC\n" in found.out


def test_everything_about_a_statement(run, fakes):
    run(*UP)
    (query,) = [query for query in fakes.ksqldb.queries if "ALERTS" in query]
    fakes.kafka.records["ratings"] = 12
    fakes.kafka.committed[f"_confluent-ksql-bifrostquery_{query}"] = {"ratings": {0: 5}}

    found = run("describe", "statement:alerts").out

    assert "declared  ksql/ratings.sql:2 (pipeline ratings)" in found
    assert f"live      query {query} RUNNING" in found
    assert "lag       7 records behind" in found
    assert "needs     statement CUSTOMERS, statement RATINGS" in found
    assert "fed by" in found


def test_everything_about_a_topic_a_subject_and_a_service(run, fakes):
    run(*UP)
    fakes.kafka.records["ratings"] = 12

    found = run("describe", "*ratings*").out

    assert "live      1 partitions, " in found
    assert "records   12" in found
    assert "live      version 1" in found
    assert "live      running" in found


def test_a_thing_with_nothing_running(run, fakes):
    fakes.services.running = False

    found = run("describe", "ALERTS").out

    assert "plan      create: is missing" in found
    assert "live      nothing of the target is running" in found


def test_the_graph_needs_nothing_running(run, fakes):
    fakes.services.running = False

    assert "topic ratings\n└─ statement RATINGS\n   └─ statement ALERTS" in run("graph").out
    assert run("graph", "ratings", "--format", "mermaid").out.startswith("flowchart LR\n")
    assert run("graph", "--format", "dot").out.startswith("digraph bifrost {\n")
    assert {"what": "topic", "name": "ratings"} in json.loads(run("graph", "--format", "json").out)["nodes"]
    assert run("graph", "--format", "png").code == 2


def test_properties_that_ksqldb_filled_in_are_no_difference(run, project):
    run(*UP)
    project.write("ksql/ratings.sql", RATINGS.replace("R.STARS < 3", "R.STARS < 2"))

    changed = [line for line in run("diff", "-u", "alerts").out.splitlines() if line[:1] in "+-"]

    assert changed == [
        "--- live statement ALERTS",
        "+++ declared statement ALERTS",
        "-WHERE (R.STARS < 3)",
        "+WHERE (R.STARS < 2)",
    ]
