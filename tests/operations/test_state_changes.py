"""Pausing, resuming, stopping and restarting."""

import pytest

from bifrost.errors import ComponentError, NotReady, OperationRefused
from bifrost.operations.live_things import find_live
from bifrost.operations.state_changes import Change, carry_out, plan_state_changes

CONNECTOR = "mysql-demo-customers"
SERVICES = ("ratings_bot",)


def change(deployed, what, name):
    done = []
    for item in plan_state_changes(what, find_live(deployed.platform, SERVICES, name)):
        done.append(carry_out(deployed.platform, item, deployed.clock))
    return [(str(item.thing), item.before, item.after) for item in done]


@pytest.mark.parametrize(("suspend", "state"), [(Change.PAUSE, "PAUSED"), (Change.STOP, "STOPPED")])
def test_a_connector_is_suspended_and_resumed(deployed, suspend, state):
    assert change(deployed, suspend, CONNECTOR) == [(f"connector {CONNECTOR}", "RUNNING", state)]
    assert deployed.connect.states[CONNECTOR] == state
    assert change(deployed, Change.RESUME, CONNECTOR) == [(f"connector {CONNECTOR}", state, "RUNNING")]


@pytest.mark.parametrize("what", [Change.RESUME, Change.RESTART])
def test_a_query_is_paused_and_runs_again(deployed, what):
    assert change(deployed, Change.PAUSE, "ALERTS") == [("query CSAS_ALERTS_2", "RUNNING", "PAUSED")]
    assert deployed.ksqldb.queries["CSAS_ALERTS_2"]["state"] == "PAUSED"
    assert change(deployed, what, "ALERTS") == [("query CSAS_ALERTS_2", "PAUSED", "RUNNING")]


@pytest.mark.parametrize("what", [Change.STOP, Change.PAUSE])
def test_a_service_is_stopped_and_started(deployed, what):
    assert change(deployed, what, "ratings_bot") == [("service ratings_bot", "RUNNING", "STOPPED")]
    assert change(deployed, Change.RESUME, "ratings_bot") == [("service ratings_bot", "STOPPED", "RUNNING")]
    assert deployed.services.writes == ["stop ratings_bot", "start ratings_bot"]


def test_what_is_in_its_state_is_left_alone(deployed):
    change(deployed, Change.PAUSE, CONNECTOR)
    deployed.forget_writes()

    assert change(deployed, Change.PAUSE, CONNECTOR) == [(f"connector {CONNECTOR}", "PAUSED", "PAUSED")]
    assert deployed.writes() == []


def test_a_restart_resumes_a_paused_connector(deployed):
    change(deployed, Change.PAUSE, CONNECTOR)
    assert change(deployed, Change.RESTART, CONNECTOR) == [(f"connector {CONNECTOR}", "PAUSED", "RUNNING")]


def test_a_query_cannot_be_stopped_and_the_error_says_what_to_do(deployed):
    with pytest.raises(OperationRefused, match=r"`pause CSAS_ALERTS_2` keeps it; .*TERMINATE CSAS_ALERTS_2"):
        change(deployed, Change.STOP, "ALERTS")
    assert deployed.writes() == []


def test_a_failed_connector_is_not_resumed_but_restarted(deployed):
    deployed.connect.traces[CONNECTOR] = "A: disk is full"
    with pytest.raises(OperationRefused, match=f"it is FAILED: A: disk is full. `restart {CONNECTOR}`"):
        change(deployed, Change.RESUME, CONNECTOR)
    assert change(deployed, Change.RESTART, CONNECTOR) == [(f"connector {CONNECTOR}", "FAILED", "RUNNING")]


def test_a_failed_connector_can_be_paused(deployed):
    deployed.connect.traces[CONNECTOR] = "A: disk is full"
    assert change(deployed, Change.PAUSE, CONNECTOR) == [(f"connector {CONNECTOR}", "FAILED", "PAUSED")]


def test_a_connector_that_does_not_pause_is_an_error_with_its_log(deployed, monkeypatch):
    monkeypatch.setattr(deployed.platform.connect, "pause", lambda name: None)
    with pytest.raises(NotReady, match="is RUNNING, not PAUSED after 30 s"):
        change(deployed, Change.PAUSE, CONNECTOR)


def test_a_service_that_fails_to_start_is_an_error_with_its_cause(deployed, monkeypatch):
    change(deployed, Change.STOP, "ratings_bot")
    monkeypatch.setattr(
        deployed.services, "start", lambda name: deployed.services.add(name, "failed", "SLACK_API_TOKEN: is not set")
    )
    with pytest.raises(ComponentError, match=r"SLACK_API_TOKEN: is not set .*ratings_bot\.log"):
        change(deployed, Change.RESUME, "ratings_bot")


def test_what_a_command_suspended_is_named_so_and_resumed_by_up(deployed, project):
    change(deployed, Change.STOP, CONNECTOR)
    change(deployed, Change.PAUSE, "ALERTS")
    change(deployed, Change.STOP, "ratings_bot")

    plan = deployed.plan(project.declared())

    assert [(str(action.resource), action.reason) for action in plan.changes] == [
        ("connector", "is STOPPED by a command; it is resumed"),
        ("query", "is PAUSED by a command; it is resumed (ALERTS)"),
        ("service", "is stopped"),
    ]
    deployed.up(project.declared())
    assert deployed.plan(project.declared()).changes == ()
