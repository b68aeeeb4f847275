"""The proxy, served over librdkafka's mock of a cluster."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest
import uvicorn
from confluent_kafka import Producer
from starlette.applications import Starlette

from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.errors import Refused
from bifrost.rest_proxy.app import create_app
from bifrost.rest_proxy.consumer_instances import ConsumerInstances
from bifrost.rest_proxy.formats import Schemas
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from bifrost.rest_proxy.record_producer import RecordProducer
from tests.fakes.clock import FakeClock

DEADLINE_S = 20.0
PARTITIONS = 4  # as the mock makes topics
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

    def by_id(self, schema_id: int) -> SubjectVersion:
        if not 0 < schema_id <= len(self.schemas):
            raise Refused("Schema Registry", "by id", status=404, body="Schema not found")
        return SubjectVersion("", 0, schema_id, self.schemas[schema_id - 1], "AVRO")


@contextmanager
def mock_cluster() -> Iterator[dict[str, str]]:
    """A cluster of librdkafka's: real requests over real connections, no Java."""
    mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = mock.list_topics(timeout=DEADLINE_S).brokers.values()
    yield {"bootstrap.servers": f"{broker.host}:{broker.port}"}
    mock.flush(1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    with mock_cluster() as found:
        yield found


@dataclass
class Proxy:
    http: httpx.Client
    clock: FakeClock
    instances: ConsumerInstances
    background: ThreadPoolExecutor

    def in_background(self, method: str, path: str, headers: dict[str, str]) -> Future[httpx.Response]:
        """A request that is waited for later."""
        return self.background.submit(self.http.request, method, path, headers=headers)

    def produce(self, topic: str, media: str = JSON, **body: Any) -> Any:
        return self.http.post(f"/topics/{topic}", content=json.dumps(body), headers={"Content-Type": media})

    def post(self, path: str, body: Any, media: str = PLAIN) -> Any:
        return self.http.post(path, content=json.dumps(body), headers={"Content-Type": media})

    def reader(self, group: str, topic: str, format_: str, **options: str) -> str:
        """A consumer of all partitions of a topic."""
        return self.assigned(group, *((topic, number) for number in range(PARTITIONS)), format=format_, **options)

    def assigned(self, group: str, *places: tuple[str, int], **options: str) -> str:
        """A consumer with manually assigned partitions: no group to wait for."""
        options = {"format": "json", "auto.offset.reset": "earliest", **options}
        made = self.post(f"/consumers/{group}", options)
        path = str(made.json()["base_uri"]).removeprefix(str(self.http.base_url))
        entries = [{"topic": topic, "partition": number} for topic, number in places]
        assert self.post(f"{path}/assignments", {"partitions": entries}).status_code == 204
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
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            limits = httpx.Limits(max_connections=100)
            with httpx.Client(base_url=url, verify=False, timeout=DEADLINE_S, limits=limits) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serving(
    cluster: dict[str, str], *origins: str, producer: Callable[[dict[str, str]], RecordProducer] = RecordProducer
) -> Iterator[Proxy]:
    """A proxy without requests so far; pages of `origins` may use it."""
    clock = FakeClock()
    schemas = Schemas(cast("SchemaRegistryClient", FakeRegistry()))

    def open_consumer(group: str, reset: str, auto_commit: bool) -> ProxiedConsumer:
        return ProxiedConsumer(cluster, group, reset=reset, auto_commit=auto_commit)

    instances = ConsumerInstances(open_consumer, schemas, clock=clock.monotonic)
    with (
        served(create_app(producer(cluster), schemas, instances, origins=origins)) as http,
        ThreadPoolExecutor(80) as background,
    ):
        yield Proxy(http, clock, instances, background)


@pytest.fixture(scope="module")
def proxy(cluster: dict[str, str]) -> Iterator[Proxy]:
    """One for all tests of a module, which have groups and topics of their own."""
    with serving(cluster) as found:
        yield found


@pytest.fixture
def fresh_proxy(cluster: dict[str, str]) -> Iterator[Proxy]:
    """One of the test's own."""
    with serving(cluster) as found:
        yield found


@pytest.fixture
def topic(request: pytest.FixtureRequest, cluster: dict[str, str]) -> str:
    """A topic of this test alone; the mock makes it when it is asked for."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    producer = RecordProducer(cluster)
    producer.states(name)
    producer.close()
    return name
