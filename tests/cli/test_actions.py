"""`actions`, and what other commands write into the log that it shows."""

import json

import pytest

from bifrost.clients.kafka import TopicDescription
from bifrost.operations.action_log import ActionLog, Outcome, account_name
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC
from tests.operations.test_dead_letters import connect_headers

SOURCE, SINK = "mysql-demo-customers", "es_sink"


@pytest.fixture
def deployed(run, fakes):
    run("up", "--no-demo")
    fakes.connect.configs[SINK] = {DEAD_LETTER_TOPIC: "es_sink.dlq"}
    fakes.connect.states[SINK] = "RUNNING"
    fakes.connect.sinks.add(SINK)
    fakes.kafka.there["orders"] = TopicDescription("orders", 1, 1)
    fakes.kafka.records["orders"] = 20
    fakes.kafka.committed["connect-es_sink"] = {"orders": {0: 12}}
    fakes.records.put("es_sink.dlq", b"{}", connect_headers(0), key=b"k", time_ms=1000)
    return fakes


def logged(run):
    """The actions, oldest first."""
    return json.loads(run("actions", "--json").out)["actions"][::-1]


@pytest.mark.parametrize(
    ("arguments", "action", "thing", "announced", "result"),
    [
        (
            ("pause", SOURCE),
            "pause",
            f"connector {SOURCE}",
            "RUNNING -> PAUSED",
            f"connector {SOURCE} is PAUSED.",
        ),
        (
            ("offsets", "reset", SINK, "--yes"),
            "reset offsets",
            f"connector {SINK}",
            "12 records are read again",
            f"1 offsets of connector {SINK} changed.",
        ),
        (
            ("dlq", "replay", SINK, "--yes"),
            "replay dead letters",
            "es_sink.dlq",
            "orders",
            "1 letter of es_sink.dlq replayed and marked.",
        ),
        (
            ("dlq", "drop", SINK, "--all", "--yes"),
            "drop dead letters",
            "es_sink.dlq",
            "es_sink.dlq",
            "1 letter of es_sink.dlq deleted.",
        ),
    ],
)
def test_a_command_that_changes_something_is_logged_with_who_ran_it(
    run, deployed, arguments, action, thing, announced, result
):
    assert run(*arguments).code == 0
    (entry,) = logged(run)
    assert (entry["who"], entry["action"], entry["thing"]) == (account_name(), action, thing)
    assert (entry["outcome"], entry["result"]) == ("done", result)
    assert announced in " ".join(entry["lines"])
    assert f"{account_name()}  {action}" in run("actions").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("pause", SOURCE, "--dry-run"),
        ("resume", SOURCE),
        ("offsets", "reset", SINK),
        ("offsets", "reset", SINK, "--dry-run"),
        ("dlq", "replay", SINK),
        ("dlq", "drop", SINK, "--all", "--dry-run"),
    ],
)
def test_what_changes_nothing_is_not_logged(run, deployed, arguments):
    run(*arguments)
    assert logged(run) == []
    assert "Nothing was changed yet" in run("actions").out


def test_a_failed_command_is_logged_with_its_cause(run, deployed):
    deployed.connect.version = "3.4.0"
    assert run("offsets", "reset", SINK, "--yes").code == 1
    (entry,) = logged(run)
    assert (entry["outcome"], "Kafka 3.7" in entry["result"]) == ("failed", True)


def test_nothing_is_changed_if_it_cannot_be_logged(run, deployed, project):
    log = project.root / "home" / "actions.jsonl"
    log.mkdir(parents=True)
    found = run("pause", SOURCE)
    assert (found.code, f"nothing was changed: {log} cannot be written" in " ".join(found.err.split())) == (1, True)
    assert deployed.connect.states[SOURCE] == "RUNNING"


@pytest.mark.parametrize("outcome", [None, Outcome.DONE])
def test_only_an_action_without_an_end_is_unfinished(run, project, outcome):
    log = ActionLog(project.root / "home" / "actions.jsonl", lambda: 1.0)
    begun = log.begin("ann", "ksqldb.statement", "DROP STREAM A;", [])
    if outcome is not None:
        log.end(begun, outcome, "")
    assert ("has not ended" in run("actions").out) == (outcome is None)


def test_the_newest_actions_are_listed_first(run, deployed):
    for command in ("pause", "resume", "stop"):
        run(command, SOURCE)
    shown = run("actions", "--limit", "2").out.splitlines()
    assert [line.split()[3] for line in shown[1:]] == ["stop", "resume"]
