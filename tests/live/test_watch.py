"""Whatever fails is restarted, and somebody knows within a minute."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from bifrost.clients import connect, kafka
from bifrost.clients.connect import ConnectClient
from bifrost.clients.kafka import TopicDescription
from tests.live.conftest import Platform
from tests.live.test_ratings import texts_about
from tests.live.waiting import eventually


@pytest.fixture
def workers(platform: Platform) -> Iterator[ConnectClient]:
    with connect.from_settings(platform.settings) as client:
        yield client


def failing_sink(topic: str, platform: Platform) -> dict[str, str]:
    """It cannot read its records as JSON, and tolerates no error."""
    return {
        "connector.class": "bifrost.connect.elasticsearch.ElasticsearchSinkConnector",
        "connection.url": platform.endpoints["search"],
        "topics": topic,
        "tasks.max": "1",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "key.ignore": "true",
        "schema.ignore": "true",
        "errors.tolerance": "none",
    }


def test_a_failed_task_is_restarted_and_reported_within_a_minute(platform: Platform, workers: ConnectClient) -> None:
    name = f"watched-{uuid.uuid4().hex[:8]}"
    client = platform.settings.kafka_client()
    kafka.KafkaAdmin(client).create(TopicDescription(name, 1, 1))
    workers.put(name, failing_sink(name, platform))
    producer = kafka.producer(client)
    producer.produce(name, b"not json")
    producer.flush(10)
    try:
        eventually(lambda: bool(texts_about(platform, name)), "the report of the failure")
        problems = [line for line in platform.status()["problems"] if name in line]
    finally:
        workers.delete(name)

    first = texts_about(platform, name)[0]
    assert first.startswith(f"*connector {name}* failed and is restarted (restart 1 of 7): "), first
    assert any("was restarted 1 time" in line for line in problems), problems


def test_a_second_watcher_is_refused(platform: Platform) -> None:
    done = platform.run("watch", check=False)

    assert done.returncode == 1
    assert "the service platform_watch watches this platform already" in done.stderr
