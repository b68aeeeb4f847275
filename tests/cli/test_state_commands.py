"""`pause`, `resume`, `stop` and `restart` as a person or a script uses them."""

import json

from bifrost.cli.output import Screen

UP = ("up", "--no-demo")
CONNECTOR = "mysql-demo-customers"


def test_pause_status_and_resume(run, fakes):
    run(*UP)

    found = run("pause", CONNECTOR)
    assert found.code == 0
    assert found.out.startswith(f"Connector {CONNECTOR} is paused: continues where it is when it is resumed")
    assert f"connector {CONNECTOR} is PAUSED by a command" in run("status").out
    assert "is PAUSED by a command; it is resumed" in run("plan").out
    assert run("pause", CONNECTOR).out == f"Connector {CONNECTOR} is PAUSED already.\n"
    assert run("resume", CONNECTOR).out == f"Connector {CONNECTOR} runs again.\n"


def test_a_dry_run_changes_nothing(run, fakes):
    run(*UP)
    fakes.forget_writes()

    found = run("stop", CONNECTOR, "--dry-run", "--json")

    assert json.loads(found.out) == {
        "target": "embedded",
        "dry_run": True,
        "changes": [
            {
                "kind": "connector",
                "name": CONNECTOR,
                "before": "RUNNING",
                "after": "STOPPED",
                "changed": True,
                "note": "its tasks end and its offsets stay; `resume` and `up` start it",
            }
        ],
    }
    assert fakes.writes() == []


def test_a_pattern_needs_a_confirmation_without_a_terminal(run, fakes):
    run(*UP)
    fakes.forget_writes()

    found = run("pause", "query:*")
    assert found.code == 1
    assert "nothing was changed; add --yes" in found.err
    assert "pause query CSAS_ALERTS_2: RUNNING -> PAUSED" in found.err
    assert fakes.writes() == []

    assert run("pause", "query:*", "--yes").code == 0
    assert {query["state"] for query in fakes.ksqldb.queries.values()} == {"PAUSED"}


def test_a_person_confirms_on_a_terminal(run, fakes, monkeypatch):
    run(*UP)
    fakes.services.add("broker", "ready")
    monkeypatch.setattr(Screen, "can_ask", property(lambda self: True))
    answers = ["no", "yes"]
    monkeypatch.setattr(Screen, "ask", lambda self, question: answers.pop(0))

    assert "it was not confirmed" in run("stop", "broker").err
    assert fakes.services.components["broker"].state == "ready"

    found = run("stop", "broker")
    assert (found.code, fakes.services.components["broker"].state) == (0, "stopped")
    assert "whatever needs it fails until `resume broker`" in found.out
