"""Produces the records of a request and waits for their offsets; describes topics."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from bifrost.clients import kafka
from bifrost.errors import Unreachable
from bifrost.metrics.families import Counter
from bifrost.rest_proxy.http_messages import is_topic_name

DELIVERY_TIMEOUT_S = 15.0
"""Time for the broker to accept a record."""
METADATA_TIMEOUT_S = 10.0
PARTITION_COUNT_MAX_AGE_S = 5.0
"""How long a topic's number of partitions is cached."""
POLL_S = 0.1
PRODUCED = Counter("bifrost_proxy_produced_records_total", "Records of produce requests", "outcome")
_log = logging.getLogger("rest_proxy")
# Names of librdkafka; those with an underscore are its own errors, the others come from the broker.
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
    """A record to produce. Without `partition` or `timestamp` (ms since the epoch), the producer chooses them."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp: int | None = None


@dataclass(slots=True)
class ProduceResult:
    """The position of a produced record, or `error`; `is_retriable` says whether a retry may help."""

    partition: int | None = None
    offset: int | None = None
    error: str = "not accepted in time"
    is_retriable: bool = True


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition: the ids of its leader, of its replicas, and of those in sync."""

    number: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(slots=True)
class _PendingResults:
    """The results of one request's records, and an event for the last one."""

    results: list[ProduceResult]
    remaining: int
    are_complete: threading.Event = field(default_factory=threading.Event)

    def count_one(self) -> None:
        self.remaining -= 1
        if self.remaining <= 0:
            self.are_complete.set()


class RecordProducer:
    """Produces records. Thread-safe."""

    def __init__(self, client: Mapping[str, str]) -> None:
        self._access_errors = kafka.AccessErrors()
        self._client: dict[str, Any] = {**client, "error_cb": self._access_errors}
        self._producer = self._new_producer()
        self._admin = kafka.KafkaAdmin(client, timeout_s=METADATA_TIMEOUT_S)
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
        # One thread serves the delivery reports of all requests: a flush would also wait for other requests' records.
        self._report_thread = threading.Thread(target=self._report, name="delivery reports", daemon=True)
        self._report_thread.start()

    def partitions(self, topic: str) -> int | None:
        """Return the number of partitions of a topic (cached for seconds), `None` if the topic does not exist.

        Raises:
            Unreachable: no broker answers.
        """
        count, known_at = self._counts.get(topic, (0, 0.0))
        # A missing topic is not cached, so that one that was just created is found.
        if not count or time.monotonic() - known_at > PARTITION_COUNT_MAX_AGE_S:
            count = len(self.states(topic))
            self._counts[topic] = count, time.monotonic()
        return count or None

    def topics(self) -> tuple[str, ...]:
        """Return the names of all topics, sorted."""
        found = self._metadata(None).topics.values()
        return tuple(sorted(topic.topic for topic in found if topic.error is None))

    def states(self, topic: str) -> tuple[PartitionState, ...]:
        """Return the partitions of a topic by number; none if the topic does not exist."""
        found = self._metadata(topic).topics.get(topic) if is_topic_name(topic) else None
        if found is None or found.error is not None:
            return ()
        return tuple(
            PartitionState(number, state.leader, tuple(state.replicas), tuple(state.isrs))
            for number, state in sorted(found.partitions.items())
        )

    def config(self, topic: str) -> Mapping[str, str]:
        """Return the configuration values set on a topic itself."""
        found = self._admin.describe([topic]).get(topic)
        return found.config if found else {}

    def bounds(self, topic: str, partition: int) -> tuple[int, int] | None:
        """Return the first and the next offset of a partition, `None` if it does not exist."""
        found = self._admin.offsets(topic).get(partition)
        return (found.first, found.next) if found else None

    def brokers(self) -> tuple[int, ...]:
        """Return the ids of the brokers, sorted."""
        return tuple(sorted(self._metadata(None).brokers))

    def produce(self, topic: str, records: Sequence[RecordToProduce]) -> list[ProduceResult]:
        """Produce records in order, and return the result of each."""
        pending = _PendingResults([ProduceResult() for _ in records], len(records))
        for record, result in zip(records, pending.results, strict=True):
            self._produce(topic, record, result, pending)
        # The producer reports every record by its own deadline; the extra second lets these reports arrive
        # first.
        pending.are_complete.wait(DELIVERY_TIMEOUT_S + 1)
        failed = sum(1 for result in pending.results if result.error)
        PRODUCED.add("failed", by=failed)
        PRODUCED.add("accepted", by=len(records) - failed)
        return pending.results

    def close(self) -> None:
        """Wait for the records in flight, then close."""
        self._is_closing.set()
        self._report_thread.join()
        self._producer.flush(DELIVERY_TIMEOUT_S)

    def _produce(self, topic: str, record: RecordToProduce, result: ProduceResult, pending: _PendingResults) -> None:
        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                result.partition, result.offset, result.error = message.partition(), message.offset(), ""
            else:
                # After a fatal error the producer is replaced, so a retry may succeed.
                result.error, result.is_retriable = error.str(), error.name() in _RETRIABLE or error.fatal()
                self._renew_after(error)
            with self._lock:
                pending.count_one()

        given = {"partition": record.partition, "timestamp": record.timestamp}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        try:
            self._producer.produce(topic, record.value, record.key, on_delivery=delivered, **options)
        except BufferError:
            result.error, result.is_retriable = "too many records are waiting to be accepted", True
            with self._lock:
                pending.count_one()
        except KafkaException as error:
            delivered(error.args[0], None)

    def _new_producer(self) -> Producer:
        # A short linger, because each request waits for its records.
        return kafka.producer(self._client, linger_ms=1, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000))

    def _renew_after(self, error: KafkaError) -> None:
        """Replace a producer that a fatal error made useless: it would refuse all records until a restart."""
        if error.fatal():
            _log.error("replacing the Kafka producer after a fatal error: %s", error.str())
            self._producer = self._new_producer()

    def _report(self) -> None:
        while not self._is_closing.is_set():
            # Looked up each time: `_renew_after` may have replaced the producer.
            self._producer.poll(POLL_S)

    def _metadata(self, topic: str | None) -> Any:
        try:
            return self._producer.list_topics(topic, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            self._access_errors.check("list topics")
            raise Unreachable(kafka.SYSTEM, "list topics", error.args[0].str()) from error
