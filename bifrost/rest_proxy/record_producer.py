"""Records placed in Kafka one request at a time, and what Kafka tells of its topics."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from bifrost.clients import kafka
from bifrost.errors import SettingError, Unreachable

DELIVERY_TIMEOUT_S = 15.0
"""How long the broker may take to accept a record."""
METADATA_TIMEOUT_S = 10.0
PARTITION_COUNT_MAX_AGE_S = 5.0
"""How long the number of a topic's partitions is taken for granted."""
POLL_S = 0.1
_RETRIABLE = frozenset(
    {
        "_ALL_BROKERS_DOWN",
        "_MSG_TIMED_OUT",
        "_TRANSPORT",
        "LEADER_NOT_AVAILABLE",
        "NOT_ENOUGH_REPLICAS",
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        "NOT_LEADER_FOR_PARTITION",
        "REQUEST_TIMED_OUT",
    }
)


@dataclass(frozen=True, slots=True)
class RecordToProduce:
    """A record to place; `partition` and `timestamp` (ms since 1970) are the cluster's choice where not given."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp: int | None = None


@dataclass(slots=True)
class ProduceResult:
    """Where a record went, or `error` why it did not; `is_retriable` says whether another try may help."""

    partition: int | None = None
    offset: int | None = None
    error: str = "not accepted in time"
    is_retriable: bool = True


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition: the broker that leads it, those that have it, and those that are up to date."""

    number: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(slots=True)
class _Fates:
    """What became of the records of one request, and whether all of it is known."""

    placed: list[ProduceResult]
    left: int
    is_known: threading.Event = field(default_factory=threading.Event)

    def report(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.is_known.set()


class RecordProducer:
    """Places records; for any number of threads."""

    def __init__(self, client: Mapping[str, str]) -> None:
        try:
            self._producer: Producer = kafka.producer(
                client, linger_ms=1, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000)
            )
        except KafkaException as error:
            raise SettingError("KAFKA_*", f"no client can be made of these settings: {error.args[0].str()}") from error
        self._admin = kafka.KafkaAdmin(client, timeout_s=METADATA_TIMEOUT_S)
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
        # One thread takes the reports of all requests: a flush would wait for the records of others too.
        self._reporting = threading.Thread(target=self._report, name="delivery reports", daemon=True)
        self._reporting.start()

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has, or had a moment ago; `None` when there is none of that name.

        Raises:
            Unreachable: no broker answers.
        """
        count, known_at = self._counts.get(topic, (0, 0.0))
        if not count or time.monotonic() - known_at > PARTITION_COUNT_MAX_AGE_S:
            count = len(self.states(topic))
            self._counts[topic] = count, time.monotonic()
        return count or None

    def topics(self) -> tuple[str, ...]:
        """The names of all topics, sorted."""
        found = self._metadata(None).topics.values()
        return tuple(sorted(topic.topic for topic in found if topic.error is None))

    def states(self, topic: str) -> tuple[PartitionState, ...]:
        """The partitions of a topic by number; none when there is no such topic."""
        found = self._metadata(topic).topics.get(topic)
        if found is None or found.error is not None:
            return ()
        return tuple(
            PartitionState(number, state.leader, tuple(state.replicas), tuple(state.isrs))
            for number, state in sorted(found.partitions.items())
        )

    def config(self, topic: str) -> Mapping[str, str]:
        """How a topic is configured, where that is not the cluster's default."""
        found = self._admin.describe([topic]).get(topic)
        return found.config if found else {}

    def bounds(self, topic: str, partition: int) -> tuple[int, int] | None:
        """The first offset of a partition and the one that comes next; `None` when there is no such partition."""
        found = self._admin.offsets(topic).get(partition)
        return (found.first, found.next) if found else None

    def brokers(self) -> tuple[int, ...]:
        """The ids of the brokers."""
        return tuple(sorted(self._metadata(None).brokers))

    def produce(self, topic: str, records: Sequence[RecordToProduce]) -> list[ProduceResult]:
        """Partition records in their order; what became of each."""
        fates = _Fates([ProduceResult() for _ in records], len(records))
        for record, fate in zip(records, fates.placed, strict=True):
            self._produce(topic, record, fate, fates)
        fates.is_known.wait(DELIVERY_TIMEOUT_S + 1)
        return fates.placed

    def close(self) -> None:
        """Wait for what is on its way."""
        self._is_closing.set()
        self._reporting.join()
        self._producer.flush(DELIVERY_TIMEOUT_S)

    def _produce(self, topic: str, record: RecordToProduce, fate: ProduceResult, fates: _Fates) -> None:
        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                fate.partition, fate.offset, fate.error = message.partition(), message.offset(), ""
            else:
                fate.error, fate.is_retriable = error.str(), error.name() in _RETRIABLE
            with self._lock:
                fates.report()

        given = {"partition": record.partition, "timestamp": record.timestamp}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        try:
            self._producer.produce(topic, record.value, record.key, on_delivery=delivered, **options)
        except (KafkaException, BufferError) as error:
            is_full = isinstance(error, BufferError)
            fate.error = "too many records wait to be accepted" if is_full else error.args[0].str()
            fate.is_retriable = is_full
            with self._lock:
                fates.report()

    def _report(self) -> None:
        while not self._is_closing.is_set():
            self._producer.poll(POLL_S)

    def _metadata(self, topic: str | None) -> Any:
        try:
            return self._producer.list_topics(topic, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "list topics", error.args[0].str()) from error
