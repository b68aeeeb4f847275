"""The embedded ksqlDB on a real broker: what is left when it, the broker or the registry is killed."""

import json
import os
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

RECORDS, EVERY_S = 2000, 0.002
BEGIN_MS, APART_MS, WINDOW_MS = int(time.time()) * 1000, 4, 40
STATEMENTS = (
    "CREATE STREAM {name} (ID INT KEY, N INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=2, VALUE_FORMAT='JSON', "
    "KEY_FORMAT='JSON');"
    "CREATE STREAM {name}_OUT AS SELECT ID, N + 1 AS M FROM {name} PARTITION BY ID EMIT CHANGES;"
    "CREATE TABLE {name}_SUM AS SELECT N, COUNT(*) AS C FROM {name} GROUP BY N EMIT CHANGES;"
)


def statement(platform: Platform, text: str, **properties: str) -> list[dict]:
    answer = requests.post(
        f"{platform.endpoints['ksqldb']}/ksql", json={"ksql": text, "streamsProperties": properties}, timeout=SOON_S
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def pulled(platform: Platform, sql: str) -> list[list]:
    answer = requests.post(f"{platform.endpoints['ksqldb']}/query-stream", json={"sql": sql}, timeout=SOON_S)
    return [json.loads(line) for line in answer.text.splitlines()[1:]] if answer.status_code == 200 else []


def kill(platform: Platform, name: str) -> None:
    pid = platform.supervisor.component(name).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def pipeline(platform: Platform, request: pytest.FixtureRequest) -> Iterator[str]:
    """A stream, a copy of it and a table of counts under a name of their own."""
    name = f"LIVE_{uuid.uuid4().hex[:8].upper()}"
    guarantee = getattr(request, "param", "at_least_once")
    properties = {"auto.offset.reset": "earliest", "processing.guarantee": guarantee}
    statement(platform, STATEMENTS.format(name=name), **properties)
    yield name
    for part in ("broker", "schema_registry", "ksqldb"):
        platform.supervisor.wait_for(part, ("ready",))  # it may just have been killed
    drops = f"DROP TABLE {name}_SUM DELETE TOPIC; DROP STREAM {name}_OUT DELETE TOPIC; DROP STREAM {name} DELETE TOPIC;"
    statement(platform, drops)


class Load:
    """Sends numbered records at a steady pace, on a separate thread; in event time they are 4 ms apart."""

    def __init__(self, platform: Platform, topic: str, key: Callable[[int], str] = str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": platform.endpoints["kafka"],
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
            }
        )
        self._topic = topic
        self._key = key
        self.sent = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        begun = time.monotonic()
        for number in range(RECORDS):
            value, at = json.dumps({"N": number % 10}), BEGIN_MS + number * APART_MS
            self._producer.produce(self._topic, value, self._key(number), timestamp=at)
            self._producer.poll(max(begun + number * EVERY_S - time.monotonic(), 0))
            self.sent = number + 1

    def finish(self) -> None:
        self._thread.join(SOON_S)
        assert self._producer.flush(SOON_S) == 0


def keys_in(platform: Platform, topic: str, partitions: int) -> Iterator[bytes]:
    """The keys of a topic, of what is committed."""
    consumer = Consumer(
        {"bootstrap.servers": platform.endpoints["kafka"], "group.id": topic, "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    ended = 0
    while ended < partitions:
        message = consumer.poll(SOON_S)
        assert message is not None
        if message.error() is None:
            yield message.key() or b""
        else:
            ended += 1
    consumer.close()


def ids_in(platform: Platform, topic: str) -> Counter[int]:
    """How often each id is in a topic."""
    return Counter(map(int, keys_in(platform, topic, 2)))


def windows_in(platform: Platform, topic: str) -> set[tuple[int, int]]:
    """The windowed keys of a topic: id and start of the window."""
    return {(int(key[:-8]), int.from_bytes(key[-8:], "big")) for key in keys_in(platform, topic, 1)}


@pytest.mark.parametrize("victim", ["ksqldb", "broker", "schema_registry"])
def test_nothing_is_lost_when_a_part_is_killed_under_load(platform: Platform, pipeline: str, victim: str) -> None:
    load = Load(platform, pipeline)
    eventually(lambda: load.sent > RECORDS // 2, "half of the load")
    kill(platform, victim)
    load.finish()
    platform.supervisor.wait_for("ksqldb", ("ready",))
    eventually(lambda: len(ids_in(platform, f"{pipeline}_OUT")) == RECORDS, "every record in the copy", 2 * SOON_S)


@pytest.mark.parametrize("pipeline", ["exactly_once_v2"], indirect=True)
@pytest.mark.parametrize("victim", ["ksqldb", "broker"])
def test_under_exactly_once_nothing_is_doubled_either(platform: Platform, pipeline: str, victim: str) -> None:
    load = Load(platform, pipeline)
    eventually(lambda: load.sent > RECORDS // 2, "half of the load")
    kill(platform, victim)
    load.finish()
    platform.supervisor.wait_for("ksqldb", ("ready",))
    expected = Counter(range(RECORDS))
    eventually(lambda: ids_in(platform, f"{pipeline}_OUT") == expected, "every record once in the copy", 2 * SOON_S)
    counts = [[number, RECORDS // 10] for number in range(10)]
    eventually(lambda: pulled(platform, f"SELECT * FROM {pipeline}_SUM;") == counts, "exact counts", 2 * SOON_S)


def test_no_final_row_of_a_window_is_lost_by_a_kill(platform: Platform) -> None:
    name = f"LIVE_{uuid.uuid4().hex[:8].upper()}"
    definitions = (
        f"CREATE STREAM {name} (ID INT KEY, N INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, VALUE_FORMAT='JSON', "
        f"KEY_FORMAT='JSON'); CREATE TABLE {name}_OUT AS SELECT ID, COUNT(*) AS C FROM {name} "
        f"WINDOW TUMBLING (SIZE {WINDOW_MS} MILLISECONDS) GROUP BY ID EMIT FINAL;"
    )
    statement(platform, definitions, **{"auto.offset.reset": "earliest"})
    load = Load(platform, name, key=lambda number: str(number % 10))
    eventually(lambda: load.sent > RECORDS // 2, "half of the load")
    kill(platform, "ksqldb")
    load.finish()
    platform.supervisor.wait_for("ksqldb", ("ready",))
    last_window = (BEGIN_MS + (RECORDS - 1) * APART_MS) // WINDOW_MS * WINDOW_MS
    times = ((number, BEGIN_MS + number * APART_MS) for number in range(RECORDS))
    expected = {(number % 10, at // WINDOW_MS * WINDOW_MS) for number, at in times if at < last_window}
    eventually(lambda: windows_in(platform, f"{name}_OUT") == expected, "every window's final row", 2 * SOON_S)
    statement(platform, f"DROP TABLE {name}_OUT DELETE TOPIC; DROP STREAM {name} DELETE TOPIC;")


def test_a_restarted_engine_answers_from_its_state(platform: Platform, pipeline: str) -> None:
    Load(platform, pipeline).finish()
    sql = f"SELECT C FROM {pipeline}_SUM WHERE N = 3;"
    eventually(lambda: pulled(platform, sql) == [[RECORDS // 10]], "the count")
    before = platform.supervisor.component("ksqldb")
    kill(platform, "ksqldb")
    eventually(lambda: platform.supervisor.component("ksqldb").restarts > before.restarts, "the restart")
    platform.supervisor.wait_for("ksqldb", ("ready",))
    # At least once: what was read but not committed when the engine was killed is counted again.
    eventually(lambda: pulled(platform, sql) >= [[RECORDS // 10]], "the count after the restart")


def test_rows_inserted_over_http2_are_acknowledged_and_pushed(platform: Platform, pipeline: str) -> None:
    lines = [{"target": pipeline}, *({"ID": number, "N": number} for number in range(3))]
    with httpx.Client(base_url=platform.endpoints["ksqldb"], http1=False, http2=True, timeout=SOON_S) as client:
        inserted = client.post("/inserts-stream", content="\n".join(map(json.dumps, lines)))
        assert [json.loads(line) for line in inserted.text.splitlines()] == [
            {"seq": number, "status": "ok"} for number in range(3)
        ]
        query = {
            "sql": f"SELECT ID, M FROM {pipeline}_OUT EMIT CHANGES LIMIT 3;",
            "properties": {"auto.offset.reset": "earliest"},
        }
        pushed = client.post("/query-stream", json=query)
    assert sorted(json.loads(line) for line in pushed.text.splitlines()[1:]) == [[0, 1], [1, 2], [2, 3]]
