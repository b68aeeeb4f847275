import pytest

from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import Connection
from bifrost.errors import Refused
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running

STATUS = {
    "name": "a/b",
    "type": "source",
    "connector": {"state": "RUNNING", "worker_id": "w:8083"},
    "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w:8083", "trace": "boom\n\tat x"}],
}


@pytest.fixture
def server():
    with running(FakeServer(lambda request: Answer(404, {"error_code": 404, "message": "not found"}))) as fake:
        yield fake


@pytest.fixture
def client(server):
    with ConnectClient(Connection("Kafka Connect", server.url, clock=FakeClock())) as found:
        yield found


def test_missing_connectors(client):
    assert client.status("x") is None
    assert client.config("x") is None
    client.delete("x")


def test_status_carries_the_trace_of_a_failed_task(client, server):
    server.respond = lambda request: Answer(200, STATUS)

    status = client.status("a/b")

    assert status.tasks[0].trace.startswith("boom")
    assert server.requests[0].path == "/connectors/a/b/status"


def test_all_statuses_and_configs_in_one_request_each(client, server):
    config = {"name": "a/b", "connector.class": "C", "password": "${env:P}"}
    server.respond = lambda request: Answer(200, {"a/b": {"status": STATUS, "info": {"config": config}}})

    assert client.statuses()["a/b"].state == "RUNNING"
    assert client.configs() == {"a/b": config}
    assert len(server.requests) == 2


def test_a_validate_answer_keeps_echoed_values_out_of_sight(client, server):
    entry = {
        "definition": {"name": "database.password", "required": True},
        "value": {"name": "database.password", "value": "hunter22", "errors": ["wrong"]},
    }
    unknown = {"definition": None, "value": {"name": "tabel", "value": None, "errors": []}}
    server.respond = lambda request: Answer(200, {"error_count": 1, "configs": [entry, unknown]})

    report = client.validate("io.Class", {"name": "x"})

    assert (report.error_count, report.keys[0].errors, report.keys[1].known) == (1, ("wrong",), False)
    assert "hunter22" not in repr(report)
    assert server.requests[0].path == "/connector-plugins/io.Class/config/validate"


def test_put_survives_a_rebalance_and_reports_a_refusal(client, server):
    server.respond = lambda request: Answer(201, {})
    server.faults.append(Fault("PUT", "/config", 409, {"message": "rebalance"}))
    client.put("x", {"connector.class": "C"})
    assert server.writes() == ["PUT /connectors/x/config"] * 2

    server.faults.append(Fault("PUT", "/config", 400, {"message": "missing topics"}))
    with pytest.raises(Refused, match="missing topics"):
        client.put("x", {"connector.class": "C"})


def test_restart_takes_the_tasks_along(client, server):
    server.respond = lambda request: Answer(202)

    client.restart("x", only_failed=True)

    assert server.requests[0].query == {"includeTasks": "true", "onlyFailed": "true"}


def test_plugins_are_sorted(client, server):
    server.respond = lambda request: Answer(200, [{"class": "b.B", "type": "sink", "version": None}, {"class": "a.A"}])

    assert [plugin.class_name for plugin in client.plugins()] == ["a.A", "b.B"]
