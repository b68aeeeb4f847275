"""The REST proxy over librdkafka's mock of a cluster: what a client of Confluent's gets from it."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest
import uvicorn
from confluent_kafka import Producer
from starlette.applications import Starlette

from bifrost.clients.proxied import ProxiedConsumer, RecordPlacer
from bifrost.clients.schema_registry import RegisteredSchema, SchemaRegistryClient
from bifrost.errors import Refused
from bifrost.rest_proxy.app import create_app
from bifrost.rest_proxy.consuming import IDLE_S, Instances
from bifrost.rest_proxy.formats import Schemas
from tests.fakes.clock import FakeClock

DEADLINE_S = 20.0
AVRO = "application/vnd.kafka.avro.v2+json"
JSON = "application/vnd.kafka.json.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"
PLAIN = "application/vnd.kafka.v2+json"
USER = {"type": "record", "name": "User", "fields": [{"name": "username", "type": "string"}]}
OPTIONAL = {"type": "record", "name": "O", "fields": [{"name": "a", "type": ["null", "string"], "default": None}]}


@dataclass
class FakeRegistry:
    """Gives ids in the order of coming; knows no incompatibility."""

    schemas: list[str] = field(default_factory=list)

    def register(self, subject: str, schema: str) -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        return self.schemas.index(schema) + 1

    def by_id(self, schema_id: int) -> RegisteredSchema:
        if not 0 < schema_id <= len(self.schemas):
            raise Refused("Schema Registry", "by id", status=404, body="Schema not found")
        return RegisteredSchema("", 0, schema_id, self.schemas[schema_id - 1], "AVRO")


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = mock.list_topics(timeout=DEADLINE_S).brokers.values()
    yield {"bootstrap.servers": f"{broker.host}:{broker.port}"}
    mock.flush(1)


@dataclass
class Proxy:
    http: httpx.Client
    clock: FakeClock
    instances: Instances

    def produce(self, topic: str, media: str = JSON, **body: Any) -> Any:
        return self.http.post(f"/topics/{topic}", content=json.dumps(body), headers={"Content-Type": media})

    def post(self, path: str, body: Any, media: str = PLAIN) -> Any:
        return self.http.post(path, content=json.dumps(body), headers={"Content-Type": media})

    def reader(self, group: str, topic: str, format_: str, **options: str) -> str:
        options = {"auto.offset.reset": "earliest", **options}
        made = self.post(f"/consumers/{group}", {"format": format_, **options})
        assert made.status_code == 200, made.text
        path = made.json()["base_uri"].removeprefix(str(self.http.base_url))
        assert self.post(f"{path}/subscription", {"topics": [topic]}).status_code == 204
        return path

    def read(self, path: str, media: str, count: int = 1) -> list[dict[str, Any]]:
        """At least so many records."""
        found: list[dict[str, Any]] = []
        end = time.monotonic() + DEADLINE_S
        while len(found) < count and time.monotonic() < end:
            answer = self.http.get(f"{path}/records?timeout=1000", headers={"Accept": media})
            assert answer.status_code == 200, answer.text
            found += answer.json()
        return found


@contextmanager
def served(app: Starlette) -> Iterator[httpx.Client]:
    """A client of the application, which ends with it."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=DEADLINE_S) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def proxy(cluster: dict[str, str]) -> Iterator[Proxy]:
    clock = FakeClock()
    schemas = Schemas(cast("SchemaRegistryClient", FakeRegistry()))

    def open_reader(group: str, reset: str, commits_itself: bool) -> ProxiedConsumer:
        return ProxiedConsumer(cluster, group, reset=reset, commits_itself=commits_itself)

    instances = Instances(open_reader, schemas, clock=clock.monotonic)
    with served(create_app(RecordPlacer(cluster), schemas, instances)) as http:
        yield Proxy(http, clock, instances)


@pytest.fixture
def topic(request: pytest.FixtureRequest, cluster: dict[str, str]) -> str:
    """A topic of this test alone; the mock makes it when it is asked for."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    RecordPlacer(cluster).topics(name)
    return name


def test_the_documents_two_avro_records_go_in_and_come_out(proxy: Proxy, topic: str):
    records = [{"value": {"username": "testUser"}}, {"value": {"username": "testUser2"}}]
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(USER), records=records)

    assert answer.status_code == 200
    assert (
        answer.json()
        == {
            "key_schema_id": None,
            "value_schema_id": 1,
            "offsets": [
                {"partition": answer.json()["offsets"][0]["partition"], "offset": 0, "error_code": None, "error": None},
                {"partition": answer.json()["offsets"][1]["partition"], "offset": 1, "error_code": None, "error": None},
            ],
        }
        or len({place["partition"] for place in answer.json()["offsets"]}) > 1
    )
    again = proxy.produce(topic, AVRO, value_schema_id=1, records=records)
    assert again.json()["value_schema_id"] == 1

    made = proxy.post("/consumers/my_avro_consumer", {"format": "avro", "auto.offset.reset": "smallest"})
    path = "/consumers/my_avro_consumer/instances/rest-consumer-1"
    assert made.json() == {"instance_id": "rest-consumer-1", "base_uri": f"{proxy.http.base_url}{path}"}
    found: list[dict[str, Any]] = []
    end = time.monotonic() + DEADLINE_S
    while len(found) < 4 and time.monotonic() < end:
        found += proxy.http.get(f"{path}/topics/{topic}").json()
    assert [record["value"]["username"] for record in found].count("testUser2") == 2
    assert found[0].keys() == {"key", "value", "partition", "offset"}
    assert proxy.http.delete(path).status_code == 204
    assert proxy.http.delete(path).json() == {"error_code": 40403, "message": "Consumer instance not found."}


def test_json_with_keys_partitions_and_timestamps(proxy: Proxy, topic: str):
    record = {"key": "k", "value": {"stars": 5, "message": "grüße ✈"}, "partition": 0, "timestamp": 1_600_000_000_000}
    assert proxy.produce(topic, records=[record]).json()["offsets"][0]["partition"] == 0
    path = proxy.reader("g-json", topic, "json")

    (found,) = proxy.read(path, JSON)
    assert found == {"topic": topic, "key": "k", "value": record["value"], "partition": 0, "offset": 0}


def test_binary_is_base64(proxy: Proxy, topic: str):
    value = base64.b64encode(b"\x00\xff").decode()
    assert proxy.produce(topic, BINARY, records=[{"value": value}]).status_code == 200

    (found,) = proxy.read(proxy.reader("g-binary", topic, "binary"), BINARY)
    assert (found["key"], found["value"]) == (None, value)


def test_a_group_goes_on_where_it_was_committed(proxy: Proxy, topic: str):
    proxy.produce(topic, records=[{"value": number, "partition": 0} for number in range(4)])
    first = proxy.reader("g-commit", topic, "json")
    assert len(proxy.read(first, JSON, 4)) == 4
    places = [{"topic": topic, "partition": 0, "offset": 1}]
    assert proxy.post(f"{first}/offsets", {"offsets": places}).status_code == 200
    proxy.http.delete(first)

    second = proxy.reader("g-commit", topic, "json")
    assert [record["value"] for record in proxy.read(second, JSON, 2)] == [2, 3]
    assert proxy.http.post(f"{second}/offsets").status_code == 200
    asked = {"partitions": [{"topic": topic, "partition": 0}]}
    answer = proxy.http.request("GET", f"{second}/offsets", content=json.dumps(asked), headers={"Content-Type": PLAIN})
    assert answer.json() == {"offsets": [{"topic": topic, "partition": 0, "offset": 4, "metadata": ""}]}


@pytest.mark.parametrize(
    ("media", "body", "status", "code", "message"),
    [
        (JSON, "{", 400, 400, "Bad Request"),
        (JSON, "[" * 100_000, 400, 400, "Bad Request"),
        ("text/plain", "{}", 415, 415, "Unsupported Media Type"),
        (JSON, "[]", 422, 422, "the request must be a JSON object"),
        (JSON, "{}", 422, 422, "records must be a list"),
        (JSON, '{"records": [1]}', 422, 422, "a record must be a JSON object"),
        (JSON, '{"records": [{"valeu": 1}]}', 422, 422, "Unrecognized field: valeu"),
        (JSON, '{"records": [{"value": 1, "partition": 99}]}', 404, 40402, "Partition not found."),
        (JSON, '{"records": [{"value": 1, "partition": "0"}]}', 422, 422, "partition must be a whole number"),
        (BINARY, '{"records": [{"value": "*"}]}', 422, 422, "not base64"),
        (BINARY, '{"records": [{"value": 7}]}', 422, 422, "base64"),
        (AVRO, '{"records": [{"value": {}}]}', 422, 42202, "does not include value schema"),
        (
            AVRO,
            '{"value_schema_id": 1, "records": [{"value": {}}]}',
            408,
            40801,
            "Schema registration or lookup failed",
        ),
        (AVRO, '{"value_schema": "{", "records": [{"value": {}}]}', 408, 40801, "Schema registration or lookup failed"),
    ],
)
def test_what_is_wrong_is_answered_in_its_json(
    proxy: Proxy, topic: str, media: str, body: str, status: int, code: int, message: str
):
    answer = proxy.http.post(f"/topics/{topic}", content=body, headers={"Content-Type": media})

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert message in answer.json()["message"]


@pytest.mark.parametrize("value", [{}, {"username": 7}, {"username": None}, "text", None, []])
def test_json_that_does_not_fit_its_avro_schema_is_told(proxy: Proxy, topic: str, value: Any):
    records = [{"value": {"username": "fits"}}, {"value": value}]
    answer = proxy.produce(topic, AVRO, value_schema=json.dumps(USER), records=records)

    assert (answer.status_code, answer.json()["error_code"]) == (422, 42203)
    assert answer.json()["message"].startswith("Conversion of JSON to Avro failed: ")


def test_a_union_names_its_branch(proxy: Proxy, topic: str):
    records = [{"value": {"a": {"string": "x"}}, "partition": 0}, {"value": {"a": None}, "partition": 0}]
    assert proxy.produce(topic, AVRO, value_schema=json.dumps(OPTIONAL), records=records).status_code == 200

    found = proxy.read(proxy.reader("g-union", topic, "avro"), AVRO, 2)
    assert [record["value"] for record in found] == [{"a": {"string": "x"}}, {"a": None}]


def test_records_that_are_not_in_the_format_of_the_consumer_are_told(proxy: Proxy, topic: str):
    proxy.produce(topic, BINARY, records=[{"value": base64.b64encode(b"{").decode()}])
    path = proxy.reader("g-wrong", topic, "json")
    end = time.monotonic() + DEADLINE_S
    answer = proxy.http.get(f"{path}/records", headers={"Accept": JSON})
    while answer.status_code == 200 and time.monotonic() < end:
        answer = proxy.http.get(f"{path}/records", headers={"Accept": JSON})

    assert (answer.status_code, answer.json()["error_code"]) == (500, 50002)
    assert "is not json" in answer.json()["message"]


def test_instances_have_one_format_and_one_name(proxy: Proxy, topic: str):
    assert proxy.post("/consumers/g", {"name": "one", "format": "json"}).status_code == 200
    path = "/consumers/g/instances/one"

    assert proxy.post("/consumers/g", {"name": "one", "format": "json"}).json()["error_code"] == 40902
    assert proxy.http.get(f"{path}/records", headers={"Accept": AVRO}).json()["error_code"] == 40601
    assert proxy.http.get(f"{path}/records", headers={"Accept": "text/html"}).status_code == 406
    assert "not subscribed" in proxy.http.get(f"{path}/records", headers={"Accept": JSON}).json()["message"]
    assert proxy.post(f"{path}/subscription", {"topics": topic}).status_code == 422
    proxy.post(f"{path}/subscription", {"topics": [topic]})
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": [topic]}
    assert proxy.http.delete(f"{path}/subscription").status_code == 204
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": []}


@pytest.mark.parametrize(
    "body", [{"format": "xml"}, {"auto.offset.reset": "none"}, {"format": ["json"]}, {"surprise": 1}, []]
)
def test_a_consumer_that_makes_no_sense_is_refused(proxy: Proxy, body: Any):
    assert proxy.post("/consumers/g", body).status_code == 422


def test_a_consumer_that_never_comes_back_is_closed(proxy: Proxy, topic: str):
    lost, kept = proxy.reader("g-lost", topic, "json"), proxy.reader("g-kept", topic, "json")
    proxy.clock.now = IDLE_S
    proxy.http.get(f"{kept}/subscription")
    proxy.clock.now = IDLE_S + 1
    proxy.instances.close_idle()

    assert proxy.http.get(f"{lost}/subscription").json()["error_code"] == 40403
    assert proxy.http.get(f"{kept}/subscription").status_code == 200


def test_topics_are_told(proxy: Proxy, topic: str):
    assert topic in proxy.http.get("/topics").json()
    assert proxy.http.get(f"/topics/{topic}").json()["name"] == topic
    assert proxy.http.get(f"/topics/{topic}/partitions").json()[0] == {"partition": 0}
    assert proxy.http.get("/nowhere").json() == {"error_code": 404, "message": "HTTP 404 Not Found"}
    assert proxy.http.get("/").json() == {}
