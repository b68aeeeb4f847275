"""The platform itself: what it stands on is real, and it comes back from anything that is killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bifrost.clients.supervisor import ComponentStatus
from bifrost.supervisor.processes.leftovers import leftover_pids
from tests.live.conftest import Platform

TOPIC = "asgard.demo.CUSTOMERS"
SOON_S = 60.0
COMPONENTS = ("broker", "schema_registry", "mariadb", "mongodb", "search", "s3", "connect", "ksqldb", "console")


class Changes:
    """Reads the customers' topic as any client would, with confluent-kafka's own Avro."""

    def __init__(self, platform: Platform) -> None:
        self._registry = SchemaRegistryClient({"url": platform.endpoints["schema_registry"]})
        self._avro = AvroDeserializer(self._registry)
        self._consumer = Consumer(
            {
                "bootstrap.servers": platform.endpoints["kafka"],
                "group.id": f"live-{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        self._consumer.subscribe([TOPIC])

    def wait_for(self, wanted: Callable[[Any, Any], bool]) -> Any:
        """The value of the first record of which key and value satisfy a condition."""
        end = time.monotonic() + SOON_S
        while time.monotonic() < end:
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            key = self._avro(message.key(), SerializationContext(TOPIC, MessageField.KEY))
            value = self._avro(message.value(), SerializationContext(TOPIC, MessageField.VALUE))
            if wanted(key, value):
                return value
        pytest.fail(f"the change did not arrive within {SOON_S:.0f} s")

    def close(self) -> None:
        self._consumer.close()
        self._registry.__exit__(None, None, None)


@pytest.fixture
def changes(platform) -> Iterator[Changes]:
    reader = Changes(platform)
    yield reader
    reader.close()


def execute(platform: Platform, sql: str, *values: object) -> None:
    settings = platform.settings
    connection = pymysql.connect(
        host="127.0.0.1",
        port=settings.port("mysql"),
        user=settings.local("MYSQL_APP_USER"),
        password=settings.local("MYSQL_APP_PASSWORD"),
        database="demo",
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(sql, values)


def insert(platform: Platform, number: int, name: str) -> None:
    sql = "REPLACE INTO CUSTOMERS (id, first_name, last_name, club_status) VALUES (%s, %s, 'Live', 'gold')"
    execute(platform, sql, number, name)


def back(platform: Platform, before: ComponentStatus) -> ComponentStatus:
    """The component's status once it was restarted and is up."""
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        now = platform.supervisor.component(before.name)
        if now.restarts > before.restarts and now.is_up:
            return now
        time.sleep(0.1)
    pytest.fail(f"{before.name} did not come back: {platform.supervisor.component(before.name)}")


def test_every_component_is_ready(platform):
    states = {status.name: status.state for status in platform.supervisor.status()}
    assert {name: states[name] for name in COMPONENTS} == dict.fromkeys(COMPONENTS, "ready")


def test_a_row_an_update_and_a_delete_arrive_as_avro_and_tombstone(platform, changes):
    insert(platform, 9001, "Ada")
    inserted = changes.wait_for(lambda key, value: key == {"id": 9001} and value is not None)
    assert (inserted["first_name"], inserted["messagetopic"]) == ("Ada", TOPIC)
    execute(platform, "UPDATE CUSTOMERS SET first_name = 'Grace' WHERE id = 9001")
    changes.wait_for(lambda key, value: key == {"id": 9001} and value is not None and value["first_name"] == "Grace")
    execute(platform, "DELETE FROM CUSTOMERS WHERE id = 9001")
    assert changes.wait_for(lambda key, value: key == {"id": 9001} and value is None) is None


@pytest.mark.parametrize("name", ["mariadb", "schema_registry", "search", "s3", "connect", "broker"])
def test_a_killed_component_comes_back_and_changes_arrive_again(platform, changes, name):
    before = platform.supervisor.component(name)
    os.kill(before.pid, signal.SIGKILL)
    back(platform, before)
    platform.supervisor.wait_for("broker", ("ready",))
    marker = f"after {name}"
    insert(platform, 9002, marker)
    changes.wait_for(lambda key, value: value is not None and value["first_name"] == marker)


def test_after_a_kill_of_the_supervisor_nothing_is_left_and_up_brings_everything_back(platform, changes):
    insert(platform, 9003, "kept")
    changes.wait_for(lambda key, value: value is not None and value["first_name"] == "kept")
    os.kill(platform.supervisor.pid(), signal.SIGKILL)
    end = time.monotonic() + SOON_S
    while leftover_pids(platform.settings.home) and time.monotonic() < end:
        time.sleep(0.05)
    assert leftover_pids(platform.settings.home) == []
    platform.run("up", "--no-demo")
    insert(platform, 9003, "kept too")
    changes.wait_for(lambda key, value: value is not None and value["first_name"] == "kept too")
