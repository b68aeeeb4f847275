"""The schema registry through Confluent's own client and Connect's converter, at the root of its address."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

FIELDS = [{"name": "id", "type": "long"}, {"name": "text", "type": ["null", "string"], "default": None}]
CANONICAL = json.dumps({"type": "record", "name": "Item", "namespace": "live", "fields": FIELDS})
REORDERED = json.dumps(
    {"fields": [dict(reversed(f.items())) for f in FIELDS], "namespace": "live", "name": "Item", "type": "record"},
    indent=4,
)
DEADLINE_S = 30.0
DEPLOYED_SINK = "es_sink_unhappy_platinum_customers"
DEAD_LETTERS = "errors.deadletterqueue.topic"


def dead_letters(topic: str) -> str:
    """The dead-letter topic of the sink that reads a topic."""
    return f"{topic}.dlq"


@pytest.fixture
def topic(platform: Platform) -> str:
    return f"live-registry-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def registry(platform: Platform) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": platform.endpoints["schema_registry"]}) as client:
        yield client


def register_as_an_outsider(platform: Platform, topic: str) -> int:
    """Registers the schema over plain HTTP, with other white space and attribute order than clients write."""
    url = f"{platform.endpoints['schema_registry']}/subjects/{topic}-value/versions"
    response = requests.post(url, json={"schema": REORDERED}, timeout=DEADLINE_S)
    assert response.status_code == 200, response.text
    return int(response.json()["id"])


def test_the_url_is_that_of_confluents_registry(platform: Platform) -> None:
    assert platform.endpoints["schema_registry"].count("/") == 2
    assert requests.get(f"{platform.endpoints['schema_registry']}/subjects", timeout=DEADLINE_S).json()


@pytest.mark.far_end()
def test_confluents_serializer_finds_a_schema_that_is_written_differently(
    platform: Platform, registry: SchemaRegistryClient, topic: str
) -> None:
    schema_id = register_as_an_outsider(platform, topic)

    assert registry.lookup_schema(f"{topic}-value", Schema(CANONICAL, "AVRO")).schema_id == schema_id
    write = AvroSerializer(registry, CANONICAL, conf={"auto.register.schemas": False})
    context = SerializationContext(topic, MessageField.VALUE)
    data = write({"id": 7, "text": "ü"}, context)
    assert data is not None
    assert int.from_bytes(data[1:5], "big") == schema_id
    assert AvroDeserializer(registry)(data, context) == {"id": 7, "text": "ü"}
    assert registry.get_versions(f"{topic}-value") == [1]


@pytest.fixture
def sink(platform: Platform, topic: str) -> Iterator[str]:
    """An Elasticsearch sink that reads the topic with the worker's Avro converter; its index has the topic's name."""
    admin = AdminClient({"bootstrap.servers": platform.endpoints["kafka"]})
    admin.create_topics([NewTopic(topic, 1)])[topic].result(DEADLINE_S)
    connectors = f"{platform.endpoints['connect']}/connectors"
    deployed = requests.get(f"{connectors}/{DEPLOYED_SINK}/config", timeout=DEADLINE_S).json()
    left_out = ("transforms", "value.converter", "errors.deadletterqueue")
    config: dict[str, Any] = {key: value for key, value in deployed.items() if not key.startswith(left_out)}
    config |= {"name": topic, "topics": topic, "key.ignore": "true", "schema.ignore": "true"}
    config |= {f"{DEAD_LETTERS}.name": dead_letters(topic), f"{DEAD_LETTERS}.replication.factor": "1"}
    requests.put(f"{connectors}/{topic}/config", json=config, timeout=DEADLINE_S).raise_for_status()
    yield topic
    requests.delete(f"{connectors}/{topic}", timeout=DEADLINE_S).raise_for_status()


def send(platform: Platform, topic: str, value: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": platform.endpoints["kafka"]})
    producer.produce(topic, value=value)
    assert producer.flush(DEADLINE_S) == 0


def documents(platform: Platform, index: str) -> list[dict[str, Any]]:
    found = requests.get(f"{platform.endpoints['search']}/{index}/_search", timeout=DEADLINE_S).json()
    return [hit["_source"] for hit in found.get("hits", {}).get("hits", [])]


def test_connects_converter_reads_what_confluents_serializer_wrote(
    platform: Platform, registry: SchemaRegistryClient, topic: str, sink: str
) -> None:
    register_as_an_outsider(platform, topic)
    write = AvroSerializer(registry, CANONICAL, conf={"auto.register.schemas": False})
    send(platform, topic, write({"id": 1, "text": "read"}, SerializationContext(topic, MessageField.VALUE)))

    eventually(lambda: documents(platform, sink) == [{"id": 1, "text": "read"}])


def test_a_record_that_arrives_while_the_registry_is_stopped_is_no_dead_letter(
    platform: Platform, registry: SchemaRegistryClient, topic: str, sink: str
) -> None:
    write = AvroSerializer(registry, CANONICAL)
    value = write({"id": 1, "text": "waits"}, SerializationContext(topic, MessageField.VALUE))
    log = platform.settings.logs / "connect.log"
    platform.supervisor.stop("schema_registry")
    try:
        send(platform, topic, value)
        # The sink has read nothing before, so it needs the schema now.
        eventually(lambda: f": records of {topic} wait" in log.read_text(encoding="utf-8"))
        # A task that stops while a record waits neither drops the record nor makes it a dead letter.
        restart = f"{platform.endpoints['connect']}/connectors/{sink}/restart"
        requests.post(restart, params={"includeTasks": "true"}, timeout=DEADLINE_S).raise_for_status()
    finally:
        platform.supervisor.start("schema_registry", wait_s=SOON_S)

    eventually(lambda: documents(platform, sink) == [{"id": 1, "text": "waits"}])
    consumer = Consumer({"bootstrap.servers": platform.endpoints["kafka"], "group.id": topic})
    assert consumer.get_watermark_offsets(TopicPartition(dead_letters(topic), 0), DEADLINE_S) == (0, 0)
    consumer.close()


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_page_of_another_site_is_refused(platform: Platform, header: dict[str, str]) -> None:
    response = requests.get(f"{platform.endpoints['schema_registry']}/subjects", headers=header, timeout=DEADLINE_S)
    assert response.status_code == 403
    assert "BIFROST_ALLOWED_HOSTS" in response.json()["message"]
