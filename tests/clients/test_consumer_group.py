"""A member of a group against librdkafka's own mock of a cluster: real protocol, no broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bifrost.clients import consumer_group
from bifrost.clients.consumer_group import ConsumerGroup, Partition, Record
from bifrost.clients.dead_letters import DeadLetterTopic, dead_letter_headers
from bifrost.clients.tombstone_writer import TombstoneWriter
from bifrost.errors import Refused, SettingError
from tests.waiting import eventually

TOPIC = "alerts"
HOME = Partition(TOPIC, 0)
DEADLINE_S = 20.0


class Cluster:
    """The mock lives as long as the producer that holds it."""

    def __init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._producer.list_topics(timeout=DEADLINE_S).brokers.values()
        self.client = {"bootstrap.servers": f"{broker.host}:{broker.port}"}

    def write(self, *values: str, partition: int = 0) -> None:
        for value in values:
            self._producer.produce(TOPIC, value.encode(), partition=partition)
        assert self._producer.flush(DEADLINE_S) == 0

    def position(self, group: str) -> int:
        with closing(Consumer({**self.client, "group.id": group})) as asking:
            (place,) = asking.committed([TopicPartition(*HOME)], timeout=DEADLINE_S)
            return int(place.offset)

    def put(self, group: str, offset: int) -> None:
        with closing(Consumer({**self.client, "group.id": group})) as placing:
            placing.commit(offsets=[TopicPartition(TOPIC, 0, offset)], asynchronous=False)


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.write("old")
    return cluster


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    """A group of this test alone."""
    return str(request.node.name)


@pytest.fixture
def join(cluster: Cluster, group: str) -> Iterator[Callable[..., ConsumerGroup]]:
    members: list[ConsumerGroup] = []

    def joined(**options: bool) -> ConsumerGroup:
        member = ConsumerGroup(cluster.client, group, TOPIC, **options)
        member.subscribe(lambda _partitions: None)
        members.append(member)
        return member

    yield joined
    for member in members:
        member.close()


def read(member: ConsumerGroup, count: int) -> list[str]:
    found: list[Record] = []
    ends_at = time.monotonic() + DEADLINE_S
    while len(found) < count and time.monotonic() < ends_at:
        found += member.poll(0.1)
    return [(record.value or b"").decode() for record in found]


def until_assigned(member: ConsumerGroup, cluster: Cluster, group: str) -> int:
    ends_at = time.monotonic() + DEADLINE_S
    while cluster.position(group) < 0 and time.monotonic() < ends_at:
        assert member.poll(0.1) == []
    return cluster.position(group)


def test_a_new_group_starts_at_the_end_and_commits_that_immediately(cluster: Cluster, group: str, join):
    member = join()
    start = until_assigned(member, cluster, group)
    cluster.write("new")

    assert start >= 1
    assert read(member, 1) == ["new"]
    assert cluster.position(group) == start


def test_a_new_group_can_start_at_the_beginning(join):
    assert read(join(from_beginning=True), 1)[0] == "old"


def test_a_group_continues_at_its_offsets_and_commits_only_on_request(cluster: Cluster, group: str, join):
    cluster.put(group, 0)
    cluster.write("more", "and more")
    member = join()
    assert read(member, 3)[0] == "old"

    member.commit({HOME: 2}, wait=True)
    assert cluster.position(group) == 2


def test_the_lag_is_known_to_another_thread_while_the_member_polls(cluster: Cluster, group: str, join):
    cluster.put(group, 0)
    member = join()
    stop = threading.Event()

    def poll() -> None:
        while not stop.is_set():
            member.poll(30.0)

    polling = threading.Thread(target=poll)
    polling.start()
    try:
        # An idle member is within `poll` nearly always. The record wakes it, so that it reads the end of its partition.
        eventually(lambda: cluster.write("new") or member.lag_records() > 0, "the lag", DEADLINE_S)
    finally:
        stop.set()
        cluster.write("last")
        polling.join(DEADLINE_S)
    assert not polling.is_alive()


def test_a_paused_partition_is_silent_until_it_is_resumed(cluster: Cluster, group: str, join):
    member = join()
    until_assigned(member, cluster, group)
    member.pause([HOME])
    cluster.write("waiting")
    assert [member.poll(0.1) for _ in range(10)] == [[]] * 10

    member.resume([HOME])
    assert read(member, 1) == ["waiting"]


def test_a_partition_that_was_paused_is_read_when_it_is_assigned_again(cluster: Cluster, group: str):
    cluster.put(group, 0)
    with closing(ConsumerGroup(cluster.client, group, TOPIC)) as member:
        member._assigned(member._consumer, [TopicPartition(*HOME)])
        assert read(member, 1)[0] == "old"
        member.pause([HOME])

        # The group has lost the member, as while its process is suspended, and takes it back.
        member._consumer.unassign()
        member._assigned(member._consumer, [TopicPartition(*HOME)])

        assert read(member, 1)[0] == "old"


@pytest.mark.parametrize(("lost", "found"), [(2, 2), (1_000_000, 0)], ids=["lost", "topic recreated"])
def test_a_commit_that_got_lost_is_made_good_where_the_topic_reaches(
    cluster: Cluster, group: str, lost: int, found: int
):
    cluster.put(group, 0)
    cluster.write("one", "two")
    with closing(ConsumerGroup(cluster.client, group, TOPIC)) as member:
        member._commit_done(KafkaError(KafkaError.REQUEST_TIMED_OUT), [TopicPartition(TOPIC, 0, lost)])
        member._assigned(member._consumer, [TopicPartition(*HOME)])

    assert cluster.position(group) == found


def test_settings_that_make_no_client_are_named():
    with pytest.raises(SettingError, match=r"KAFKA_\*.*security\.protocol"):
        ConsumerGroup({"bootstrap.servers": "x", "security.protocol": "none"}, "g", TOPIC)


def test_a_dead_letter_names_its_origin_and_reason():
    record = Record("alerts", 2, 7, b"k", b"v", (("trace", b"1"),))

    assert dead_letter_headers(record, "grüße: missing") == [
        ("trace", b"1"),
        ("dlq.reason", "grüße: missing".encode()),
        ("dlq.topic", b"alerts"),
        ("dlq.partition", b"2"),
        ("dlq.offset", b"7"),
    ]


def test_a_partition_that_was_added_to_the_topic_is_read_from_its_oldest_record(cluster: Cluster, group: str, join):
    cluster.put(group, 0)
    cluster.write("first of the new partition", partition=2)

    assert "first of the new partition" in read(join(), 2)


def test_a_refused_account_ends_the_member(cluster: Cluster):
    secured = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "u"}
    member = ConsumerGroup({**cluster.client, **secured, "sasl.password": "hunter22"}, "refused", TOPIC)
    member.subscribe(lambda _partitions: None)
    with closing(member), pytest.raises(Refused, match=r"Kafka: read alerts: .*authentication") as caught:
        read(member, 1)

    assert "hunter22" not in str(caught.value)


class Event:
    """What a poll returns: a record, or an error at an offset."""

    def __init__(self, offset: int, code: int | None = None) -> None:
        self._offset = offset
        self._error = None if code is None else KafkaError(code)

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> None: ...

    def value(self) -> bytes:
        return b"x"

    def headers(self) -> None: ...


class ScriptedConsumer:
    """Returns scripted events, and keeps the offsets of its commits."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.commits: list[int] = []

    def poll(self, _timeout_s: float) -> Event | None:
        return self.events.pop(0) if self.events else None

    def consume(self, _count: int, _timeout_s: float) -> list[Event]:
        return []

    def get_watermark_offsets(self, _partition: TopicPartition, *, cached: bool) -> None:
        assert cached

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self.commits += [place.offset for place in offsets]


def scripted(monkeypatch: pytest.MonkeyPatch, *events: Event) -> tuple[ConsumerGroup, ScriptedConsumer]:
    consumer = ScriptedConsumer(*events)
    monkeypatch.setattr(consumer_group.kafka, "consumer", lambda *_args, **_options: consumer)
    return ConsumerGroup({"bootstrap.servers": "none:1"}, "g", TOPIC), consumer


END = KafkaError._PARTITION_EOF


def test_transaction_markers_behind_the_last_record_leave_no_lag(monkeypatch: pytest.MonkeyPatch):
    member, consumer = scripted(monkeypatch, Event(4), Event(6, END))
    member.poll(0)
    member.commit({HOME: 5})
    member.poll(0)

    assert consumer.commits == [5, 6]


def test_an_unfinished_record_is_not_skipped_at_the_end_of_the_partition(monkeypatch: pytest.MonkeyPatch):
    member, consumer = scripted(monkeypatch, Event(4), Event(5), Event(7, END))
    for _ in range(3):
        member.poll(0)
    assert consumer.commits == []

    member.commit({HOME: 5})
    member.commit({HOME: 6})
    assert consumer.commits == [5, 7]


@pytest.mark.parametrize(
    "code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._FATAL]
)
def test_a_member_without_permission_raises(monkeypatch: pytest.MonkeyPatch, code: int):
    member, _ = scripted(monkeypatch, Event(-1, code))
    if code == KafkaError._FATAL:
        monkeypatch.setattr(Event, "error", lambda _self: KafkaError(code, "dead", fatal=True))
    with pytest.raises(Refused, match="Kafka: read alerts"):
        member.poll(0)


@pytest.mark.parametrize("size", [900_000, 999_950, 1_500_000])
def test_a_large_record_becomes_a_dead_letter_and_blocks_nothing(
    cluster: Cluster, size: int, monkeypatch: pytest.MonkeyPatch
):
    # The mock cluster creates topics by itself, and has no controller to ask.
    monkeypatch.setattr(consumer_group.kafka.KafkaAdmin, "create", lambda _admin, _topic: True)
    topic = f"large-{size}.dlq"
    letters = DeadLetterTopic(cluster.client, topic)
    letters.put(Record(TOPIC, 0, 7, b"k", b"x" * size, (("h", b"y" * 100),)), "no such channel")

    with closing(Consumer({**cluster.client, "group.id": topic, "auto.offset.reset": "earliest"})) as reading:
        reading.subscribe([topic])
        message = reading.poll(DEADLINE_S)
    assert message is not None and message.error() is None
    headers = dict(message.headers() or [])
    assert (headers["dlq.reason"], headers["dlq.offset"]) == (b"no such channel", b"7")
    is_cut = len(message.value()) < size
    assert headers.get("dlq.truncated") == (str(size + 1).encode() if is_cut else None)


class FragileProducer:
    """Refuses its first record for good, as librdkafka does after a fatal error."""

    made = 0

    def __init__(self) -> None:
        FragileProducer.made += 1
        self.is_dead = FragileProducer.made == 1

    def produce(self, *_args: object, on_delivery: Callable[..., None], **_options: object) -> None:
        if self.is_dead:
            raise KafkaException(KafkaError(KafkaError._FATAL, "out of order sequence", fatal=True))
        on_delivery(None, None)

    def flush(self, _timeout_s: float) -> int:
        return 0


@pytest.mark.parametrize("kind", ["dead letter", "tombstone"])
def test_a_fatal_error_is_followed_by_a_new_producer(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(FragileProducer, "made", 0)
    monkeypatch.setattr(consumer_group.kafka, "producer", lambda *_args, **_options: FragileProducer())
    monkeypatch.setattr(consumer_group.kafka.KafkaAdmin, "create", lambda _admin, _topic: True)
    client = {"bootstrap.servers": "none:1"}
    letters, tombstones = DeadLetterTopic(client, "t.dlq"), TombstoneWriter(client)

    def write() -> None:
        if kind == "tombstone":
            tombstones.delete("t", b"k")
        else:
            letters.put(Record(TOPIC, 0, 7, b"k", b"v"), "why")

    with pytest.raises(Refused, match="out of order sequence"):
        write()
    write()
    assert FragileProducer.made == 2
