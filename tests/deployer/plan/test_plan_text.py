"""How a plan is printed, to the letter."""

import json
from dataclasses import replace

import pytest

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.plan.plan_text import plan_json, plan_lines
from tests.deployer.conftest import CONNECTOR, CUSTOMERS


def text(plan) -> str:
    return "\n".join(plan_lines(plan))


def test_with_nothing_running(project, fakes):
    fakes.services.running = False

    assert (
        text(fakes.plan(project.declared()))
        == """\
Nothing is running. `up` would start it and create:
  + topic      ratings: is missing
  + topic      asgard.demo.CUSTOMERS: is missing
  + subject    ratings-value: is not registered
  + connector  mysql-demo-customers: is missing
  + statement  CUSTOMERS_SRC: is missing
  + statement  CUSTOMERS_SRC_REKEY: is missing
  + statement  CUSTOMERS: is missing
  + statement  RATINGS: is missing
  + statement  ALERTS: is missing
  + service    ratings_bot: is not started
10 to create; 0 unchanged."""
    )


def test_a_stopped_platform_that_keeps_its_data_is_not_said_to_be_empty(project, fakes):
    fakes.up(project.declared())
    fakes.services.running = False
    fakes.platform = replace(fakes.platform, may_hold_data=True)

    plan = fakes.plan(project.declared())

    assert (
        text(plan)
        == """\
Nothing is running, so what the target holds cannot be compared.
`up` compares it when it runs, and changes only what differs from the declarations."""
    )
    found = plan_json(plan, "embedded")
    assert (found["running"], found["changes"], {action["action"] for action in found["actions"]}) == (
        False,
        10,
        {"wait"},
    )


def test_when_all_is_as_declared(project, fakes):
    fakes.up(project.declared())

    assert text(fakes.plan(project.declared())) == "No changes: 12 things are as declared."


def test_changes_with_reasons_what_a_person_must_do_and_what_is_not_declared(project, fakes):
    fakes.up(project.declared())
    fakes.kafka.alter_config("ratings", {"retention.ms": "1000"})
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "plain", "tasks.max": "2"}
    fakes.connect.configs["foreign"] = {"connector.class": "x"}
    fakes.connect.states["foreign"] = "RUNNING"
    fakes.kafka.there["CUSTOMERS_SRC_REKEY"] = TopicDescription("CUSTOMERS_SRC_REKEY", 1, 1)
    project.write("ksql/customers.sql", CUSTOMERS.replace("EMAIL FROM", "UCASE(EMAIL) AS EMAIL FROM"))

    plan = fakes.plan(project.declared())

    assert (
        text(plan)
        == """\
  ~ topic      ratings: retention.ms: 1000 -> 604800000
  ~ connector  mysql-demo-customers: database.password: ******** -> '${env:MYSQL_PASSWORD}'; tasks.max: '2' -> '1'
  ~ statement  CUSTOMERS_SRC_REKEY: in place: columns changed; continues from its committed offsets
  ? connector  foreign is not declared (kept; not made by this project)
3 to update; 9 unchanged."""
    )


def test_as_json(project, fakes):
    fakes.services.running = False

    found = json.loads(json.dumps(plan_json(fakes.plan(project.declared()), "embedded")))

    assert (found["target"], found["running"], found["changes"]) == ("embedded", False, 10)
    assert found["actions"][0] == {"action": "create", "what": "topic", "name": "ratings", "reason": "is missing"}


@pytest.mark.parametrize(
    ("live", "declared", "expected"),
    [
        (
            "jdbc:mysql://db/x?password=old",
            "jdbc:mysql://db/x?password=new",
            "connection.url: a secret in it differs",
        ),
        (
            "jdbc:mysql://db/x?password=old",
            "jdbc:mysql://db2/x?password=new",
            "connection.url: 'jdbc:mysql://db/x?password=********' -> 'jdbc:mysql://db2/x?password=********'",
        ),
        (
            "mongodb://u:old@h1,h2/x",
            "mongodb://u:new@h1,h2,h3/x",
            "connection.url: 'mongodb://u:********@h1,h2/x' -> 'mongodb://u:********@h1,h2,h3/x'",
        ),
        ("${env:A}old", "${env:A}new", "connection.url: '${env:A}old' -> '${env:A}new'"),
    ],
)
def test_a_plan_shows_no_secret_inside_a_value(project, fakes, live, declared, expected):
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "connection.url": declared})
    fakes.apply(project.declared())
    fakes.connect.configs["mysql-demo-customers"]["connection.url"] = live

    (action,) = fakes.plan(project.declared()).changes

    assert action.reason == expected
