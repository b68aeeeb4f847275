"""A server with two worker processes on a real broker: one is killed in mid-stream, and the results stay right."""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.live.conftest import Platform, free_ports
from tests.live.engine_server import EngineServer, kill, running_engine
from tests.live.waiting import SOON_S, eventually

ORDERS, USERS, EVERY_S = 3000, 20, 0.002
PER_USER = ORDERS // USERS
STATEMENTS = (
    "CREATE STREAM {name}_O (ID INT KEY, U INT, N INT) WITH (KAFKA_TOPIC='{name}_O', PARTITIONS=4, "
    "VALUE_FORMAT='JSON', KEY_FORMAT='JSON');"
    "CREATE TABLE {name}_U (ID INT PRIMARY KEY, NAME STRING) WITH (KAFKA_TOPIC='{name}_U', PARTITIONS=4, "
    "VALUE_FORMAT='JSON', KEY_FORMAT='JSON');"
    "CREATE STREAM {name}_J AS SELECT O.U AS U, NAME, N FROM {name}_O O JOIN {name}_U U ON O.U = U.ID EMIT CHANGES;"
    "CREATE TABLE {name}_W AS SELECT NAME, COUNT(*) AS C FROM {name}_J WINDOW TUMBLING (SIZE 365 DAYS) "
    "GROUP BY NAME EMIT CHANGES;"
    "CREATE TABLE {name}_C AS SELECT U, COUNT(*) AS C, SUM(N) AS T FROM {name}_J GROUP BY U EMIT CHANGES;"
)
DROPS = (
    "DROP TABLE {name}_C DELETE TOPIC; DROP TABLE {name}_W DELETE TOPIC; DROP STREAM {name}_J DELETE TOPIC; "
    "DROP TABLE {name}_U DELETE TOPIC; DROP STREAM {name}_O DELETE TOPIC;"
)


@pytest.fixture
def server(platform: Platform, tmp_path: Path) -> Iterator[EngineServer]:
    """A server with two workers."""
    places = {name: platform.endpoints[part] for name, part in PLACES.items()}
    with running_engine({**platform.settings.values, **places}, free_ports()["ksqldb"], tmp_path, workers=2) as made:
        yield made


PLACES = {"KAFKA_BOOTSTRAP_SERVERS": "kafka", "SCHEMA_REGISTRY_URL": "schema_registry"}


def send_orders(servers: str, name: str) -> None:
    """Users, then orders at a steady pace; each user has as many orders as the others."""
    # As Kafka's own clients: the join needs users in the partitions that the engine sends their orders to.
    how = {"partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 5}
    producer = Producer({"bootstrap.servers": servers, **how})
    for user in range(USERS):
        producer.produce(f"{name}_U", json.dumps({"NAME": f"user {user}"}), str(user))
    assert producer.flush(SOON_S) == 0
    begun = time.monotonic()
    for number in range(ORDERS):
        producer.produce(f"{name}_O", json.dumps({"U": number % USERS, "N": number}), str(number))
        producer.poll(max(begun + number * EVERY_S - time.monotonic(), 0))
    assert producer.flush(SOON_S) == 0


@pytest.mark.parametrize("guarantee", ["exactly_once_v2", "at_least_once"])
def test_a_worker_killed_in_mid_stream_is_replaced_and_no_result_is_wrong(
    platform: Platform, server: EngineServer, guarantee: str
) -> None:
    check_killed_worker(platform.endpoints["kafka"], server, guarantee)


def check_killed_worker(kafka: str, server: EngineServer, guarantee: str) -> None:
    name = f"LIVE_{uuid.uuid4().hex[:8].upper()}"
    properties = {"auto.offset.reset": "earliest", "processing.guarantee": guarantee}
    server.execute(STATEMENTS.format(name=name), **properties)
    eventually(lambda: set(server.states().values()) == {"RUNNING"}, "running queries")
    load = threading.Thread(target=send_orders, args=(kafka, name))
    load.start()
    counts = f"SELECT U, C FROM {name}_C;"
    eventually(lambda: sum(row[1] for row in server.pulled(counts)) > ORDERS // 3, "a third of the orders")
    dead, other = server.workers()
    server_pid = server.process.pid
    kill(dead)
    load.join()

    exact = guarantee == "exactly_once_v2"
    eventually(lambda: is_right(server.pulled(counts), exact), "the counts", 2 * SOON_S)
    windows = f"SELECT NAME, C FROM {name}_W;"
    eventually(lambda: is_right(server.pulled(windows), exact), "the windowed counts", 2 * SOON_S)
    for user in (0, 7, USERS - 1):
        (by_key,) = server.pulled(f"SELECT C, T FROM {name}_C WHERE U = {user};")
        wanted = [PER_USER, sum(range(user, ORDERS, USERS))]
        assert by_key == wanted if exact else by_key >= wanted
        ((count,),) = server.pulled(f"SELECT C FROM {name}_W WHERE NAME = 'user {user}';")
        assert count == PER_USER if exact else count >= PER_USER
    assert server.pulled(f"SELECT C FROM {name}_C WHERE U = 999;") == []
    pushed = server.pushed(f"SELECT N FROM {name}_J EMIT CHANGES LIMIT {ORDERS};")
    assert Counter(row[0] for row in pushed) == Counter(range(ORDERS)) or not exact

    assert server.process.pid == server_pid
    assert server.process.poll() is None
    assert other in server.workers()
    assert dead not in server.workers()
    eventually(lambda: set(server.states().values()) == {"RUNNING"}, "running queries")
    server.execute(DROPS.format(name=name))


def is_right(rows: list[list], exact: bool) -> bool:
    counts = [row[1] for row in rows]
    return len(counts) == USERS and all(count == PER_USER if exact else count >= PER_USER for count in counts)
