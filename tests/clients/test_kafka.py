"""The Kafka client against librdkafka's mock cluster, and without any broker."""

import subprocess
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import (
    OFFSET_INVALID,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from bifrost.clients import kafka
from bifrost.errors import NotReady, Refused, SettingError, Unreachable
from bifrost.settings import PROJECT
from tests.rest_proxy.conftest import mock_cluster

MOCK = {"test.mock.num.brokers": 1}


def murmur2(data: bytes) -> int:
    """The hash by which Kafka's Java client places keys (seed 0x9747b28c)."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        h = h * m & mask ^ (k ^ k >> 24) * m & mask
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def test_keys_are_placed_as_java_clients_place_them():
    placed: dict[bytes, int] = {}
    producer = kafka.producer(MOCK, linger_ms=0)
    keys = [b"1", b"13", b"199", b'"rpi-03"', "schlüssel".encode(), b"x" * 100]

    for key in keys:
        producer.produce("t", key=key, value=b"", on_delivery=lambda _, m: placed.update({m.key(): m.partition()}))
    assert producer.flush(30) == 0

    partitions = len(producer.list_topics("t", timeout=10).topics["t"].partitions)
    assert partitions > 1
    assert placed == {key: (murmur2(key) & 0x7FFFFFFF) % partitions for key in keys}


def test_a_silent_broker_is_unreachable_within_the_deadline():
    with pytest.raises(Unreachable, match=r"Kafka: list topics: no answer from 127.0.0.1:1"):
        kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"}, timeout_s=0.5).topics()


def test_a_refused_account_is_reported_as_a_refusal():
    secured = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "u"}
    with mock_cluster() as cluster:
        admin = kafka.KafkaAdmin({**cluster, **secured, "sasl.password": "hunter22"}, timeout_s=2)
        with pytest.raises(Refused, match=r"Kafka: list topics: .*authentication") as caught:
            admin.topics()
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        kafka.KafkaAdmin,
        kafka.producer,
        lambda client: kafka.consumer(client, "g"),
    ],
    ids=["admin", "producer", "consumer"],
)
def test_a_wrong_setting_is_named(make):
    with pytest.raises(SettingError, match=r"KAFKA_\*: Kafka rejects these client settings: .*security.protocol"):
        make({"bootstrap.servers": "none:1", "security.protocol": "none"})


MOCK_CLUSTER = """
import time
from confluent_kafka import Producer
producer = Producer({"test.mock.num.brokers": 1})
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
print(f"{broker.host}:{broker.port}", flush=True)
time.sleep(600)
"""
PAUSED = """
import os, signal, sys
from bifrost.clients.kafka import KafkaAdmin
from bifrost.errors import Unreachable
servers, pid = sys.argv[1], int(sys.argv[2])
admin = KafkaAdmin({"bootstrap.servers": servers}, timeout_s=1)
groups = [f"group-{number}" for number in range(20)]
admin.positions(groups)
for _ in range(3):
    os.kill(pid, signal.SIGSTOP)
    try:
        admin.positions(groups)
    except Unreachable as error:
        print(error)
    os.kill(pid, signal.SIGCONT)
    KafkaAdmin({"bootstrap.servers": servers}, timeout_s=10).positions(groups)
"""


def test_a_broker_that_pauses_does_not_end_the_process_that_asks_for_positions():
    with subprocess.Popen((sys.executable, "-c", MOCK_CLUSTER), stdout=subprocess.PIPE, text=True) as broker:
        try:
            servers = broker.stdout.readline().strip()
            command = (sys.executable, "-c", PAUSED, servers, str(broker.pid))
            done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=60)
        finally:
            broker.kill()
    assert (done.returncode, done.stdout.count("no answer from 127.0.0.1")) == (0, 3), done.stderr


def test_positions_of_unknown_groups_are_omitted():
    with mock_cluster() as cluster:
        assert kafka.KafkaAdmin(cluster, timeout_s=5).positions(["nobody"]) in ({}, {"nobody": {}})


class StartingPartitions:
    """An admin client that refuses the first requests for offsets, as a broker does after a topic was created."""

    def __init__(self, refusals: int, code: int) -> None:
        self.refusals = refusals
        self._code = code

    def list_topics(self, timeout):
        return SimpleNamespace(topics={})

    def list_offsets(self, places, isolation_level, request_timeout):
        found = {}
        for place in places:
            found[place] = Future()
            if place.partition == 1 and self.refusals:
                self.refusals -= 1
                found[place].set_exception(KafkaException(KafkaError(self._code)))
            else:
                found[place].set_result(SimpleNamespace(offset=7 + place.partition))
        return found


class OffsetsMissing:
    """An admin client that returns successes without offsets at first, as librdkafka does while a broker starts."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    def list_topics(self, timeout):
        return SimpleNamespace(topics={})

    def list_offsets(self, places, isolation_level, request_timeout):
        found = {place: Future() for place in places}
        for future in found.values():
            future.set_result(SimpleNamespace(offset=OFFSET_INVALID if self.answers > 0 else 3))
            self.answers -= 1
        return found


class OpenTransactions:
    """An admin client of a topic whose partition 1 has an open transaction, and which grows meanwhile."""

    def __init__(self):
        self._stable, self._all = {0: 7, 1: 5}, {0: 7, 1: 9}

    def list_offsets(self, places, isolation_level, request_timeout):
        ends = self._stable if isolation_level is IsolationLevel.READ_COMMITTED else self._all
        found = {}
        for place in places:
            found[place] = Future()
            found[place].set_result(SimpleNamespace(offset=ends[place.partition]))
            self._stable[0] += 1
        return found


class MovedPartitions:
    """An admin client that knows an old leader epoch until it reads the metadata again, as after a broker's pause."""

    def __init__(self):
        self._is_current = False

    def list_topics(self, timeout):
        self._is_current = True
        return SimpleNamespace(topics={})

    def list_offsets(self, places, isolation_level, request_timeout):
        found = {place: Future() for place in places}
        for future in found.values():
            if self._is_current:
                future.set_result(SimpleNamespace(offset=3))
            else:
                future.set_exception(KafkaException(KafkaError(KafkaError.FENCED_LEADER_EPOCH)))
        return found


def test_offsets_are_read_although_a_partition_has_another_leader_epoch():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"}, timeout_s=0.5)
    admin._client = MovedPartitions()
    assert admin.ends({"t": 1}) == {"t": {0: kafka.OffsetRange(3, 3)}}


def test_partitions_with_open_transactions_are_found():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    admin._client = OpenTransactions()
    assert admin.unstable({"t": 2}) == {("t", 1): kafka.OffsetRange(5, 9)}


def test_offsets_of_a_topic_that_was_just_created_are_awaited():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    for code in (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_LEADER_EPOCH):
        admin._client = StartingPartitions(3, code)
        admin.topics = lambda: {"new": 2}
        assert admin.offsets("new") == {0: kafka.OffsetRange(7, 7), 1: kafka.OffsetRange(8, 8)}


def test_an_answer_without_an_offset_is_no_offset():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    admin._client = OffsetsMissing(answers=3)
    assert admin.ends({"t": 2}) == {"t": {0: kafka.OffsetRange(3, 3), 1: kafka.OffsetRange(3, 3)}}


def test_answers_without_offsets_are_an_error_after_the_deadline():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"}, timeout_s=0.2)
    admin._client = OffsetsMissing(answers=1_000_000)
    with pytest.raises(NotReady, match="offsets: the broker of t-0 returned none"):
        admin.ends({"t": 2})


def test_a_partition_that_never_gets_a_leader_is_refused_after_the_deadline():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"}, timeout_s=0.2)
    admin._client = StartingPartitions(1000, KafkaError.NOT_LEADER_FOR_PARTITION)
    with pytest.raises(Refused, match="offsets"):
        admin.ends({"new": 2})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, NotReady),
        (KafkaError.NOT_COORDINATOR, NotReady),
        (KafkaError.REQUEST_TIMED_OUT, Unreachable),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, Refused),
    ],
)
def test_an_error_of_a_group_says_who_must_act(monkeypatch, code, kind):
    failed: Future[None] = Future()
    failed.set_exception(KafkaException(KafkaError(code)))
    with mock_cluster() as cluster:
        admin = kafka.KafkaAdmin(cluster, timeout_s=5)
        monkeypatch.setattr(kafka.AdminClient, "list_consumer_groups", lambda _client, **_options: failed)
        with pytest.raises(kind, match="Kafka: list groups"):
            admin.groups()


class Creations:
    """Stands in for the admin client: takes topics, and refuses settings that it does not know."""

    def __init__(self, *unknown: str) -> None:
        self._unknown = unknown
        self.configs: list[dict[str, str]] = []

    def create_topics(self, topics, **_options):
        (topic,) = topics
        done: Future[None] = Future()
        if any(name in self._unknown for name in topic.config):
            done.set_exception(KafkaException(KafkaError(KafkaError.INVALID_CONFIG)))
        else:
            self.configs.append(topic.config)
            done.set_result(None)
        return {topic.topic: done}


ANY_TIME = {"message.timestamp.after.max.ms": "9223372036854775807"}


@pytest.mark.parametrize(
    ("declared", "created"),
    [
        ({"cleanup.policy": "compact"}, {"cleanup.policy": "compact", **ANY_TIME}),
        ({"message.timestamp.after.max.ms": "5"}, {"message.timestamp.after.max.ms": "5"}),
    ],
)
def test_a_topic_accepts_records_of_any_time_unless_it_is_declared_otherwise(declared, created):
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    admin._client = Creations()
    assert admin.create(kafka.TopicDescription("t", 1, 1, declared))
    assert admin._client.configs == [created]


def test_an_old_broker_without_that_setting_creates_the_topic_all_the_same():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    admin._client = Creations("message.timestamp.after.max.ms")
    assert admin.create(kafka.TopicDescription("t", 1, 1, {"cleanup.policy": "compact"}))
    assert admin._client.configs == [{"cleanup.policy": "compact"}]


def test_a_setting_that_the_broker_does_not_know_is_refused():
    admin = kafka.KafkaAdmin({"bootstrap.servers": "127.0.0.1:1"})
    admin._client = Creations("nonsense")
    with pytest.raises(Refused, match="create topic t"):
        admin.create(kafka.TopicDescription("t", 1, 1, {"nonsense": "1"}))


class StartingCoordinator:
    """An admin client of brokers that refuse requests for one group, as they do when they have just started."""

    def __init__(self, starting):
        self.starting = starting
        self.listed = []

    def describe_consumer_groups(self, groups, request_timeout):
        futures = {group: Future() for group in groups}
        for group, future in futures.items():
            if group == self.starting:
                future.set_exception(KafkaException(KafkaError(KafkaError.NOT_COORDINATOR)))
            else:
                future.set_result(None)
        return futures

    def list_consumer_group_offsets(self, request, request_timeout):
        self.listed.append(request[0].group_id)
        found = Future()
        found.set_result(ConsumerGroupTopicPartitions(request[0].group_id, [TopicPartition("t", 0, 5)]))
        return {request[0].group_id: found}


def test_a_coordinator_that_has_just_started_is_not_asked_for_offsets(monkeypatch):
    client = StartingCoordinator("b")
    admin = kafka.KafkaAdmin({"bootstrap.servers": "none:1"}, timeout_s=1)
    monkeypatch.setattr(admin, "_new_group_client", lambda: client)
    with pytest.raises(NotReady, match="offsets of group b"):
        admin.positions(["a", "b"])
    assert client.listed == ["a"]
    assert admin.positions(["a"]) == {"a": {"t": {0: 5}}}
