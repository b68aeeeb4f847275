"""State on disk, with a real broker: what a restarted server reads, and that that it continues with the same counts."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.live.conftest import Platform, free_ports
from tests.live.engine_server import EngineServer, kill, running_engine
from tests.live.test_workers import PLACES
from tests.live.waiting import SOON_S, eventually

KEYS, RECORDS = 6000, 12_000
STATEMENTS = (
    "CREATE STREAM {name} (K STRING KEY, N INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=2, VALUE_FORMAT='JSON');"
    "CREATE TABLE {name}_C AS SELECT K, COUNT(*) AS C, SUM(N) AS T FROM {name} GROUP BY K EMIT CHANGES;"
)
READ_NOTHING = f"{KEYS} rows of state on disk, 0 changelog records to read"


@pytest.fixture(params=["1", "256"], ids=["on disk", "in memory"])
def server(platform: Platform, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EngineServer]:
    """A server whose state exceeds its budget, or does not."""
    places = {name: platform.endpoints[part] for name, part in PLACES.items()}
    settings = {**platform.settings.values, **places, "KSQL_STATE_BUDGET_MB": request.param}
    with running_engine(settings, free_ports()["ksqldb"], tmp_path, workers=1) as made:
        yield made


def send(server: EngineServer, topic: str) -> None:
    producer = Producer({"bootstrap.servers": server.values["KAFKA_BOOTSTRAP_SERVERS"], "linger.ms": 20})
    for number in range(RECORDS):
        producer.produce(topic, json.dumps({"N": number}), f"key {number % KEYS}")
    assert producer.flush(SOON_S) == 0


def committed(server: EngineServer, name: str, query: str) -> int:
    """How many records of the input the query has committed."""
    group = f"_confluent-ksql-{server.values['KSQL_SERVICE_ID']}query_{query}"
    consumer = Consumer({"bootstrap.servers": server.values["KAFKA_BOOTSTRAP_SERVERS"], "group.id": group})
    places = consumer.committed([TopicPartition(name, partition) for partition in range(2)], timeout=SOON_S)
    consumer.close()
    return sum(max(place.offset, 0) for place in places)


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once_v2"])
def test_a_restarted_server_continues_with_the_same_state(server: EngineServer, guarantee: str) -> None:
    name = f"LIVE_{uuid.uuid4().hex[:8].upper()}"
    properties = {"auto.offset.reset": "earliest", "processing.guarantee": guarantee}
    server.execute(STATEMENTS.format(name=name), **properties)
    (query,) = server.states()
    sent = 0

    def counted(rounds: int) -> None:
        """Sends a round of records, and waits until they are counted and committed."""
        nonlocal sent
        send(server, name)
        sent += RECORDS
        eventually(lambda: committed(server, name, query) == sent, "all offsets")
        assert_counts(rounds)

    def assert_counts(rounds: int) -> None:
        expected = {(f"key {key}", 2 * rounds, rounds * sum(range(key, RECORDS, KEYS))) for key in range(KEYS)}
        sql = f"SELECT * FROM {name}_C;"
        eventually(lambda: set(map(tuple, server.pulled(sql))) == expected, "the counts", 2 * SOON_S)

    counted(1)
    server.stop()
    server.restart()
    assert_counts(1)
    assert READ_NOTHING in server.log.read_text()

    counted(2)
    kill(server.process.pid)
    server.restart()
    assert_counts(2)

    counted(3)
    kill(server.process.pid)
    server.process.wait(SOON_S)
    shutil.rmtree(Path(server.values["BIFROST_HOME"]) / "data" / "ksqldb")
    server.restart()
    assert_counts(3)
    assert "0 rows of state on disk" in server.log.read_text()

    server.execute(f"DROP TABLE {name}_C DELETE TOPIC; DROP STREAM {name} DELETE TOPIC;")
    assert [path for path in Path(server.values["BIFROST_HOME"]).glob("data/ksqldb/*/*")] == []
