"""Kafka as the REST proxy needs it: records placed one request at a time, and consumers that live between requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bifrost.clients import kafka
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, SettingError, Unreachable

PLACED_S = 15.0
"""How long the broker may take to accept a record."""
METADATA_S = 10.0
BATCH = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to place; `partition` and `timestamp` (ms since 1970) are the cluster's choice where not given."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp: int | None = None


@dataclass(slots=True)
class Placed:
    """Where a record went, or `error` why it did not."""

    partition: int | None = None
    offset: int | None = None
    error: str = "not accepted in time"


class RecordPlacer:
    """Places records; for any number of threads."""

    def __init__(self, client: Mapping[str, str]) -> None:
        try:
            self._producer: Producer = kafka.producer(client, linger_ms=5, message_timeout_ms=int(PLACED_S * 1000))
        except KafkaException as error:
            raise SettingError("KAFKA_*", f"no client can be made of these settings: {error.args[0].str()}") from error

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; `None` when there is none of that name.

        Raises:
            Unreachable: no broker answers.
        """
        found = self.topics(topic).get(topic)
        return found or None

    def topics(self, topic: str | None = None) -> dict[str, int]:
        """Partition counts by name of all topics, or of one."""
        try:
            metadata = self._producer.list_topics(topic, timeout=METADATA_S)
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "list topics", error.args[0].str()) from error
        return {name: len(found.partitions) for name, found in metadata.topics.items() if found.error is None}

    def place(self, topic: str, records: Sequence[Outgoing]) -> list[Placed]:
        """Place records in their order; what became of each."""
        placed = [Placed() for _ in records]
        waiting = threading.Semaphore(0)
        for record, fate in zip(records, placed, strict=True):
            self._produce(topic, record, fate, waiting)
        self._producer.flush(PLACED_S + 1)
        end = time.monotonic() + 1
        for _ in records:
            # Another thread's flush may have served our reports; they are on their way then.
            if not waiting.acquire(timeout=max(end - time.monotonic(), 0)):
                break
        return placed

    def _produce(self, topic: str, record: Outgoing, fate: Placed, waiting: threading.Semaphore) -> None:
        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                fate.partition, fate.offset = message.partition(), message.offset()
                fate.error = ""
            else:
                fate.error = error.str()
            waiting.release()

        given = {"partition": record.partition, "timestamp": record.timestamp}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        try:
            self._producer.produce(topic, record.value, record.key, on_delivery=delivered, **options)
        except (KafkaException, BufferError) as error:
            fate.error = str(error)
            waiting.release()

    def close(self) -> None:
        """Wait for what is on its way."""
        self._producer.flush(PLACED_S)


class ProxiedConsumer:
    """A consumer of a group that lives between requests; one thread at a time."""

    def __init__(self, client: Mapping[str, str], group: str, *, reset: str, commits_itself: bool) -> None:
        # A proxy that died must not keep its partitions from the next one for long.
        session = {"session_timeout_ms": 10_000, "heartbeat_interval_ms": 1_000}
        options: dict[str, object] = {"auto_offset_reset": reset, "enable_auto_commit": commits_itself, **session}
        self._consumer: Consumer = kafka.consumer(client, group, **options)
        self._read: dict[tuple[str, int], int] = {}
        self.topics: tuple[str, ...] = ()

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics instead of the ones before."""
        self.topics = tuple(topics)
        self._read.clear()
        if topics:
            self._consumer.subscribe(list(topics))
        else:
            self._consumer.unsubscribe()

    def records(self, timeout_s: float, max_bytes: int) -> list[Record]:
        """What is there, as soon as there is something, or nothing after the timeout; at least one record if any.

        Raises:
            Refused: this consumer cannot read.
        """
        found: list[Record] = []
        room = max_bytes
        end = time.monotonic() + timeout_s
        while room > 0 and len(found) < BATCH:
            message = self._consumer.poll(0 if found else min(max(end - time.monotonic(), 0), 1.0))
            if message is None:
                if found or time.monotonic() >= end:
                    break
                continue
            error = message.error()
            if error is not None:
                if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART or error.fatal():
                    raise Refused(kafka.SYSTEM, "read", status=error.code(), body=error.str())
                continue
            record = _record(message)
            self._read[record.topic, record.partition] = record.offset + 1
            found.append(record)
            room -= len(record.key or b"") + len(record.value or b"")
        return found

    def commit(self, places: Mapping[tuple[str, int], int] | None = None) -> None:
        """Let the group stand at these offsets (those that come next), or behind everything that was read.

        Raises:
            Refused: the group does not take them.
        """
        wanted = self._read if places is None else places
        if not wanted:
            return
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in wanted.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise Refused(kafka.SYSTEM, "commit", status=error.args[0].code(), body=error.args[0].str()) from error

    def committed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where the group stands, those places left out where it stands nowhere."""
        asked = [TopicPartition(topic, number) for topic, number in places]
        try:
            found = self._consumer.committed(asked, timeout=METADATA_S)
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "committed offsets", error.args[0].str()) from error
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def _record(message: Any) -> Record:
    return Record(message.topic(), message.partition(), message.offset(), message.key(), message.value())
