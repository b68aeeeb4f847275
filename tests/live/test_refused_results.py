"""Results that a real broker refuses for their size, under both guarantees: only they are missing."""

import json
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from bifrost.clients.kafka import KafkaAdmin, TopicDescription
from tests.live.conftest import Platform
from tests.live.test_engine import keys_in, statement
from tests.live.waiting import SOON_S, eventually

RECORDS, LARGE = 3000, frozenset((7, 1500, 1501, 2999))
STATEMENTS = (
    "CREATE STREAM {name} (ID INT KEY, T STRING) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', KEY_FORMAT='JSON');"
    "CREATE STREAM {name}_OUT AS SELECT * FROM {name} EMIT CHANGES;"
)


@pytest.fixture
def copy_of(platform: Platform) -> Iterator[str]:
    """A topic, and another one for its copy that takes no more than 20 kB together."""
    name = f"LIVE_{uuid.uuid4().hex[:8].upper()}"
    admin = KafkaAdmin({"bootstrap.servers": platform.endpoints["kafka"]})
    admin.create(TopicDescription(name, 1, 1))
    admin.create(TopicDescription(f"{name}_OUT", 1, 1, {"max.message.bytes": "20000"}))
    yield name
    statement(platform, f"DROP STREAM {name}_OUT DELETE TOPIC; DROP STREAM {name} DELETE TOPIC;")


@pytest.mark.parametrize("guarantee", ["exactly_once_v2", "at_least_once"])
def test_only_the_results_that_are_too_large_are_missing(platform: Platform, copy_of: str, guarantee: str) -> None:
    producer = Producer({"bootstrap.servers": platform.endpoints["kafka"], "enable.idempotence": True})
    for number in range(RECORDS):
        # Text of many kinds, so that compression does not make it small.
        text = "".join(uuid.uuid4().hex for _ in range(2000)) if number in LARGE else "small"
        producer.produce(copy_of, json.dumps({"T": text}), str(number))
    assert producer.flush(SOON_S) == 0
    properties = {"auto.offset.reset": "earliest", "processing.guarantee": guarantee}
    statement(platform, STATEMENTS.format(name=copy_of), **properties)
    wanted = [number for number in range(RECORDS) if number not in LARGE]

    def found() -> list[int]:
        return list(map(int, keys_in(platform, f"{copy_of}_OUT", 1)))

    if guarantee == "exactly_once_v2":
        eventually(lambda: found() == wanted, "each of the others once, in order", 2 * SOON_S)
    else:
        eventually(lambda: set(found()) == set(wanted), "each of the others", 2 * SOON_S)
    (shown,) = statement(platform, "SHOW QUERIES;")
    states = [query["state"] for query in shown["queries"] if f"{copy_of}_OUT" in query["sinks"]]
    assert states == ["RUNNING"]
