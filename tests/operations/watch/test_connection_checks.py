"""A connector that runs, but cannot connect to its database, is found."""

from __future__ import annotations

import threading

import pytest

from bifrost.clients import connect
from bifrost.clients.http import Connection
from bifrost.operations.watch.connection_checks import EVERY_S, SILENT_S, ConnectionChecks, unconnected
from tests.deployer.conftest import CONNECTOR, fakes, project
from tests.fakes.http_server import Answer, FakeServer, running
from tests.operations.conftest import deployed
from tests.waiting import eventually

__all__ = ["deployed", "fakes", "project"]
NAME = "mysql-demo-customers"
REFUSED = "Unable to connect: Access denied for user 'debezium'"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def checks_of(url: str, clock: Clock) -> ConnectionChecks:
    return ConnectionChecks(lambda: connect.ConnectClient(Connection("Kafka Connect", url, patience_s=0)), now=clock)


def test_a_refused_connector_is_found_and_so_is_its_return(deployed, clock):
    checks = checks_of(deployed.servers["connect"].url, clock)

    def look() -> dict[str, str]:
        clock.now += EVERY_S
        return checks.look({NAME: CONNECTOR})

    deployed.connect.errors["database.hostname"] = REFUSED
    eventually(lambda: look() == {NAME: unconnected(REFUSED)}, "the cause")
    deployed.connect.errors.clear()
    eventually(lambda: look() == {}, "the connection")


def test_sinks_and_other_sources_are_not_validated(deployed, clock):
    checks = checks_of(deployed.servers["connect"].url, clock)
    others = {
        "jdbc": {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector"},
        "csv": {"connector.class": "bifrost.connect.csv.CsvSourceConnector"},
        "damaged": {},
    }

    assert checks.look(others) == {}
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("check ")] == []


def test_a_database_that_hangs_is_found_while_its_check_waits(clock):
    release, began = threading.Event(), threading.Event()

    def hang(_request: object) -> Answer:
        began.set()
        release.wait(30)
        return Answer(200, {"error_count": 0, "configs": []})

    with running(FakeServer(hang)) as server:
        checks = checks_of(server.url, clock)
        assert checks.look({NAME: CONNECTOR}) == {}
        assert began.wait(10)
        clock.now += SILENT_S
        hanging = checks.look({NAME: CONNECTOR})
        release.set()
        eventually(lambda: checks.look({NAME: CONNECTOR}) == {}, "the connection")

    assert hanging == {NAME: unconnected("its database has not answered for 20 s")}


def test_connect_that_does_not_answer_says_nothing_about_databases(clock):
    checks = checks_of("http://127.0.0.1:9", clock)
    for _ in range(3):
        clock.now += EVERY_S
        assert checks.look({NAME: CONNECTOR}) == {}
        for thread in threading.enumerate():
            if thread.name.startswith("check "):
                thread.join(10)


def test_a_removed_connector_is_forgotten(deployed, clock):
    deployed.connect.errors["database.hostname"] = REFUSED
    checks = checks_of(deployed.servers["connect"].url, clock)
    eventually(lambda: checks.look({NAME: CONNECTOR}) == {NAME: unconnected(REFUSED)}, "the cause")

    assert checks.look({}) == {}
