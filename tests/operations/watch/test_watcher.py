"""The watcher restarts what failed, and everybody can read why."""

from __future__ import annotations

import json

import pytest

from bifrost.operations.action_log import ActionLog
from bifrost.operations.watch.connection_checks import unconnected
from bifrost.operations.watch.platform_event import PlatformEvent
from bifrost.operations.watch.restart_policy import Happening
from bifrost.operations.watch.watch_state import read_state
from bifrost.operations.watch.watcher import Watcher
from tests.deployer.conftest import fakes, project
from tests.fakes.http_server import Fault
from tests.operations.conftest import deployed

__all__ = ["deployed", "fakes", "project"]
CONNECTOR = "mysql-demo-customers"
TRACE = "A: a\nCaused by: java.sql.SQLException: access denied for password=hunter2"


class Events:
    def __init__(self) -> None:
        self.published: list[PlatformEvent] = []

    def publish(self, *events: PlatformEvent) -> bool:
        self.published += events
        return True

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.published]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def watcher(deployed, events, tmp_path):
    return Watcher(
        deployed.platform,
        ("ratings_bot",),
        events,
        Clock(),
        state_file=tmp_path / "watch.json",
    )


def look(watcher: Watcher, times: int = 1, every_s: float = 10) -> None:
    for _ in range(times):
        watcher.look()
        watcher.clock.now += every_s


def test_a_platform_that_runs_is_left_alone(deployed, watcher, events):
    look(watcher, 10)

    assert events.published == []
    assert [text for text in deployed.ksqldb.statements if text.startswith(("PAUSE", "RESUME"))] == []
    assert [request for request in deployed.servers["connect"].requests if request.method != "GET"] == []
    assert read_state(watcher.state_file) == {}


def test_failed_tasks_are_restarted_and_reported_with_their_cause_and_without_secrets(deployed, watcher, events):
    deployed.connect.traces[CONNECTOR] = TRACE
    look(watcher)
    restarts = [request.path for request in deployed.servers["connect"].requests if "restart" in request.path]
    deployed.connect.traces.pop(CONNECTOR, None)
    deployed.connect.states[CONNECTOR] = "RUNNING"
    summary = read_state(watcher.state_file)
    look(watcher, 8)

    assert len(restarts) == 1
    assert events.texts == [
        f"connector {CONNECTOR} failed and is restarted (restart 1 of 7): "
        "java.sql.SQLException: access denied for password=********",
        f"connector {CONNECTOR} runs again",
    ]
    assert summary[f"connector {CONNECTOR}"].startswith("was restarted 1 time: java.sql.SQLException")
    assert read_state(watcher.state_file) == {}


def test_a_flapping_connector_is_left_failed_with_its_cause(deployed, watcher, events):
    deployed.connect.traces[CONNECTOR] = TRACE
    deployed.connect.restart_cures = False

    look(watcher, 60, every_s=300)

    texts = events.texts
    assert texts[0].startswith(f"connector {CONNECTOR} failed and is restarted (restart 1 of 7)")
    assert texts[-1].startswith(f"connector {CONNECTOR} stays failed after 7 restarts; correct the cause")
    assert read_state(watcher.state_file) == {
        f"connector {CONNECTOR}": "was restarted 7 times and stays failed: "
        "java.sql.SQLException: access denied for password=********"
    }


def test_failed_queries_are_restarted(deployed, watcher, events):
    query = deployed.ksqldb.queries["CSAS_ALERTS_2"]
    query |= {"state": "ERROR", "errors": [{"errorMessage": "X: no such topic"}]}
    deployed.ksqldb.statements.clear()

    look(watcher, 2)

    assert [text for text in deployed.ksqldb.statements if "CSAS_ALERTS_2" in text][-2:] == [
        "PAUSE CSAS_ALERTS_2;",
        "RESUME CSAS_ALERTS_2;",
    ]
    assert "X: no such topic" in events.texts[0]


def test_what_recovers_without_help_sends_nothing(deployed, watcher, events):
    """A broker that restarts puts many queries in ERROR for a moment."""
    query = deployed.ksqldb.queries["CSAS_ALERTS_2"]
    for _ in range(3):
        query |= {"state": "ERROR", "errors": [{"errorMessage": "no broker"}]}
        deployed.services.add("ratings_bot", "backoff", "killed")
        look(watcher)
        query |= {"state": "RUNNING", "errors": []}
        deployed.services.add("ratings_bot", "ready")
        look(watcher)

    assert events.published == [] and deployed.services.writes == []


def test_failed_services_and_components_are_restarted(deployed, watcher, events):
    deployed.services.add("ratings_bot", "failed", "exit code 1")
    deployed.services.add("broker", "backoff", "killed")

    look(watcher, 2)

    assert sorted(deployed.services.writes) == ["start broker", "start ratings_bot"]
    assert sorted(event.kind for event in events.published) == ["component", "service"]


@pytest.mark.parametrize("state", ["PAUSED", "STOPPED", "UNASSIGNED"])
def test_what_a_person_paused_or_stopped_stays_so(deployed, watcher, events, state):
    deployed.connect.states[CONNECTOR] = state
    deployed.services.add("ratings_bot", "stopped")

    look(watcher, 3)

    assert events.published == [] and deployed.services.writes == []


def test_a_server_that_does_not_answer_is_reported_and_so_is_its_return(deployed, watcher, events):
    deployed.servers["connect"].faults.append(Fault("GET", "/connectors", status=500, body={}, times=99))
    look(watcher, 4)
    deployed.servers["connect"].faults.clear()
    look(watcher)

    first, second = events.texts
    assert first.startswith("part Kafka Connect failed: ") and second == "part Kafka Connect runs again"


def test_a_stopped_part_that_connectors_need_is_reported_and_not_started(deployed, watcher, events):
    """Its connectors reconnect without end, and stay RUNNING."""
    deployed.services.add("mariadb", "stopped")
    deployed.services.add("postgres", "stopped")
    watcher.needed = lambda connectors: {"mariadb"} if CONNECTOR in connectors else set()

    look(watcher, 6)
    summary = read_state(watcher.state_file)
    deployed.services.add("mariadb", "ready")
    look(watcher)

    assert events.texts == [
        "component mariadb failed: it is stopped, and whatever needs it fails until it is resumed",
        "component mariadb runs again",
    ]
    assert summary == {"component mariadb": "is stopped, and whatever needs it fails until it is resumed"}
    assert deployed.services.writes == []


class Findings:
    """What a check finds; `found` may be changed between looks."""

    def __init__(self, found: dict[str, str]) -> None:
        self.found = found

    def look(self, _configs: object) -> dict[str, str]:
        return self.found

    def silent(self, names: list[str]) -> dict[str, str]:
        return {name: self.found[name] for name in names if name in self.found}


@pytest.mark.parametrize("state", ["UNASSIGNED", "RESTARTING"])
def test_a_connector_that_no_worker_starts_is_reported_and_left_to_connect(deployed, watcher, events, state):
    deployed.connect.states[CONNECTOR] = state
    look(watcher, 3)
    before = events.texts[:]
    look(watcher, 2)
    deployed.connect.states[CONNECTOR] = "RUNNING"
    look(watcher)

    line = f"is {state}: no worker has started it; `logs connect` may say why"
    assert before == []
    assert events.texts == [f"connector {CONNECTOR} failed: it {line}", f"connector {CONNECTOR} runs again"]
    assert not [request for request in deployed.servers["connect"].requests if "restart" in request.path]


def test_a_connector_without_a_connection_is_reported_once_and_not_restarted(deployed, watcher, events):
    watcher.connections = checks = Findings({CONNECTOR: unconnected("Access denied")})
    look(watcher, 5)
    summary = read_state(watcher.state_file)
    checks.found = {}
    look(watcher)

    assert events.texts == [
        f"connector {CONNECTOR} failed: it runs, but cannot connect to its database: Access denied",
        f"connector {CONNECTOR} runs again",
    ]
    assert summary == {f"connector {CONNECTOR}": "runs, but cannot connect to its database: Access denied"}
    assert read_state(watcher.state_file) == {}
    assert not [request for request in deployed.servers["connect"].requests if "restart" in request.path]


def test_a_connector_that_fails_after_it_lost_its_connection_does_not_run_again(deployed, watcher, events):
    watcher.connections = checks = Findings({CONNECTOR: "Access denied"})
    look(watcher, 2)
    checks.found = {}
    deployed.connect.traces[CONNECTOR] = TRACE
    look(watcher)

    assert [event.happening.value for event in events.published] == ["failed", "failed"]


def test_a_service_that_hangs_is_restarted_and_a_component_is_reported(deployed, watcher, events):
    deployed.services.add("ratings_bot", "running")
    deployed.services.add("search", "ready")
    watcher.answers = checks = Findings({"ratings_bot": "it hangs", "search": "it hangs"})
    look(watcher, 2)
    early = [*events.published]
    look(watcher)
    checks.found = {}
    look(watcher, 8)

    assert early == []
    assert events.texts == [
        "service ratings_bot failed and is restarted (restart 1 of 7): it hangs",
        "component search failed: it hangs",
        "component search runs again",
        "service ratings_bot runs again",
    ]
    assert deployed.services.writes == ["start ratings_bot"]


def test_a_restart_is_not_waited_for(deployed, watcher, monkeypatch):
    """Other failures must be found meanwhile."""
    waits: list[float] = []
    monkeypatch.setattr(deployed.services, "restart", lambda _name, *, wait_s=60.0: waits.append(wait_s))
    deployed.services.add("ratings_bot", "failed", "exit code 1")
    look(watcher)

    assert waits == [0]


def test_a_server_that_hangs_is_not_waited_for(deployed, watcher, events):
    deployed.services.add("connect", "ready")
    watcher.answers = Findings({"connect": "it hangs"})
    deployed.servers["connect"].requests.clear()

    look(watcher, 3)

    assert events.texts == ["component connect failed: it hangs"]
    assert deployed.servers["connect"].requests == []


def test_dead_letters_that_come_are_reported_once(deployed, watcher, events):
    watcher.dead_letters = checks = Findings({"sink.dlq": "2 new letters"})
    look(watcher, 3)
    summary = read_state(watcher.state_file)
    checks.found = {}
    look(watcher)

    assert events.texts == [
        "dead letters sink.dlq grow: 2 new letters",
        "dead letters sink.dlq have not grown for a while",
    ]
    assert summary == {"dead letters sink.dlq": "grow: 2 new letters"}


def test_a_deleted_connector_is_forgotten(deployed, watcher):
    deployed.connect.traces[CONNECTOR] = TRACE
    look(watcher)
    deployed.connect.configs.pop(CONNECTOR)
    deployed.connect.states.pop(CONNECTOR)
    look(watcher)

    assert read_state(watcher.state_file) == {}


def test_an_event_has_the_columns_of_its_stream():
    event = PlatformEvent(Happening.FAILED, "connector", "a", 5, "why", 1, 119.6)

    assert json.loads(event.as_json()) == {
        "EVENT": "failed",
        "KIND": "connector",
        "NAME": "a",
        "CAUSE": "why",
        "RESTARTS": 1,
        "RESTART_IN_S": 120,
        "AT_MS": 5,
        "WHAT": "failed again; restart 2 of 7 follows in 2 minutes: why",
    }


def test_restarts_are_in_the_log_of_actions(deployed, watcher, tmp_path):
    watcher.actions = ActionLog(tmp_path / "actions.jsonl", lambda: 5.0, ["hunter2"])
    deployed.connect.traces[CONNECTOR] = TRACE
    look(watcher)

    (entry,) = watcher.actions.newest(10)
    assert (entry.who, entry.action, entry.thing, entry.outcome) == (
        "watch",
        "restart",
        f"connector {CONNECTOR}",
        "done",
    )
    assert "access denied" in entry.lines[0]
    assert "hunter2" not in str(entry)


def test_a_log_that_cannot_be_written_prevents_no_restart(deployed, watcher, tmp_path):
    watcher.actions = ActionLog(tmp_path, lambda: 5.0)
    deployed.connect.traces[CONNECTOR] = TRACE
    look(watcher)
    assert [request for request in deployed.servers["connect"].requests if "restart" in request.path]
