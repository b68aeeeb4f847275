import pytest

from bifrost.clients.http import Connection
from bifrost.clients.schema_registry import BUSY, SchemaRegistryClient
from bifrost.errors import Refused
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running


@pytest.fixture
def server():
    with running(
        FakeServer(lambda request: Answer(404, {"error_code": 40401, "message": "Subject not found"}))
    ) as fake:
        yield fake


@pytest.fixture
def client(server):
    with SchemaRegistryClient(Connection("Schema Registry", server.url, busy=BUSY, clock=FakeClock())) as found:
        yield found


def test_missing_subjects_and_versions(client):
    assert client.latest("x-value") is None
    assert client.is_compatible("x-value", '"string"')
    client.delete("x-value")


def test_latest_and_by_id(client, server):
    found = {"subject": "x-value", "version": 2, "id": 9, "schema": '"string"'}
    server.respond = lambda request: Answer(200, found)

    latest = client.latest("x-value")

    assert (latest.version, latest.id, latest.type) == (2, 9, "AVRO")
    assert client.by_id(9).schema == '"string"'


def test_registering_is_repeated_when_the_answer_is_lost(client, server):
    server.respond = lambda request: Answer(200, {"id": 9})
    server.faults.append(Fault("POST", "/versions", hang_up=True, carried_out=True))

    assert client.register("x-value", '"string"') == 9
    assert len(server.requests) == 2


def test_an_incompatible_schema_is_not_retried(client, server):
    server.faults.append(Fault("POST", "/versions", 409, {"message": "incompatible"}))

    with pytest.raises(Refused, match="409 incompatible"):
        client.register("x-value", '"int"')
    assert len(server.requests) == 1
