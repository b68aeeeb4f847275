"""Consumers of Kafka that live between requests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bifrost.clients import kafka
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, Unreachable

Partition = tuple[str, int]
"""A partition: topic and number."""
METADATA_TIMEOUT_S = 10.0
SEEK_AGAIN_S = 0.02
BATCH = 5_000
"""Most records of one read."""


class ProxiedConsumer:
    """A consumer of a group that lives between requests; one thread at a time."""

    def __init__(self, client: Mapping[str, str], group: str, *, reset: str, auto_commit: bool) -> None:
        # A proxy that died must not keep its partitions from the next one for long.
        session = {"session_timeout_ms": 10_000, "heartbeat_interval_ms": 1_000}
        options: dict[str, object] = {
            "auto_offset_reset": reset,
            "enable_auto_commit": auto_commit,
            "enable_auto_offset_store": False,
            "topic_metadata_refresh_interval_ms": 10_000,
            **session,
        }
        self._consumer: Consumer = kafka.consumer(client, group, **options)
        self._commits_itself = auto_commit
        self._read: dict[Partition, int] = {}
        self.topics: tuple[str, ...] = ()
        self.pattern = ""
        self.is_manually_assigned = False

    @property
    def has_input(self) -> bool:
        """Whether it was told what to read."""
        return bool(self.topics or self.pattern or self.is_manually_assigned)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics instead of the ones before."""
        self._settle()
        self._consumer.subscribe(list(topics))
        self._forget()
        self.topics = tuple(topics)

    def subscribe_pattern(self, pattern: str) -> None:
        """Read the topics whose whole names a regular expression (POSIX, extended) describes, new ones too.

        Raises:
            Refused: it is none.
        """
        self._settle()
        try:
            self._consumer.subscribe([f"^({pattern})$"])
        except KafkaException as error:
            raise Refused(kafka.SYSTEM, f"topics {pattern}", status=0, body="not a regular expression") from error
        self._forget()
        self.pattern = pattern

    def assign(self, places: Sequence[Partition]) -> None:
        """Read these partitions, whoever else of the group does, from where the group stands."""
        self._consumer.assign([TopicPartition(topic, number) for topic, number in places])
        self._forget()
        self.is_manually_assigned = True

    def unsubscribe(self) -> None:
        """Read nothing."""
        self._settle()
        self._consumer.unsubscribe()
        self._consumer.unassign()
        self._forget()

    def assignment(self) -> list[Partition]:
        """The partitions that it reads now, in order."""
        return sorted((place.topic, place.partition) for place in self._consumer.assignment())

    def seek(self, places: Mapping[Partition, int]) -> None:
        """Go on at these offsets of partitions that it reads.

        Raises:
            Refused: it cannot.
        """
        for (topic, number), offset in places.items():
            self._seek(TopicPartition(topic, number, offset))
            self._read.pop((topic, number), None)

    def _seek(self, place: TopicPartition) -> None:
        end = time.monotonic() + METADATA_TIMEOUT_S
        while True:
            try:
                self._consumer.seek(place)
            except KafkaException as error:
                cause = error.args[0]
                # A partition that was assigned this moment has still to find out where it stands.
                if cause.name() != "_STATE" or time.monotonic() >= end:
                    raise Refused(kafka.SYSTEM, "seek", status=cause.code(), body=cause.str()) from error
                time.sleep(SEEK_AGAIN_S)
            else:
                return

    def bounds(self, places: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """The first offset of each partition and the one that comes next.

        Raises:
            Unreachable: the brokers do not say.
        """
        try:
            return {
                place: self._consumer.get_watermark_offsets(TopicPartition(*place), METADATA_TIMEOUT_S)
                for place in places
            }
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "offsets", error.args[0].str()) from error

    def records(self, timeout_s: float, max_bytes: int, min_bytes: int = 1) -> list[Record]:
        """What is there once it is `min_bytes`, at most about `max_bytes`, or what there is after the timeout.

        Who asks for more has what came before: a consumer that commits by itself does so then.

        Raises:
            Refused: this consumer cannot read.
        """
        self._settle()
        found: list[Record] = []
        size = 0
        end = time.monotonic() + timeout_s
        while size < max_bytes and len(found) < BATCH:
            patience_s = 0 if size >= min_bytes else min(max(end - time.monotonic(), 0), 1.0)
            message = self._consumer.poll(patience_s)
            if message is None:
                if size >= min_bytes or time.monotonic() >= end:
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
            size += len(record.key or b"") + len(record.value or b"") + 1
        return found

    def rewind(self, records: Sequence[Record]) -> None:
        """Let records that were read be read again, as if they had not been."""
        first: dict[Partition, int] = {}
        for record in records:
            first.setdefault((record.topic, record.partition), record.offset)
        held = set(self.assignment())
        places = {place: offset for place, offset in first.items() if place in held}
        self.seek(places)
        self._read.update(places)

    def commit(self, places: Mapping[Partition, int] | None = None) -> None:
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

    def committed(self, places: Sequence[Partition]) -> dict[Partition, int]:
        """Where the group stands, those places left out where it stands nowhere."""
        asked = [TopicPartition(topic, number) for topic, number in places]
        try:
            found = self._consumer.committed(asked, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "committed offsets", error.args[0].str()) from error
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

    def close(self) -> None:
        """Leave the group."""
        self._settle()
        self._consumer.close()

    def _settle(self) -> None:
        """Let what was read be committed in its time."""
        if self._commits_itself and self._read:
            held = set(self.assignment())
            offsets = [TopicPartition(*place, offset) for place, offset in self._read.items() if place in held]
            self._consumer.store_offsets(offsets=offsets)

    def _forget(self) -> None:
        self._read.clear()
        self.topics, self.pattern, self.is_manually_assigned = (), "", False


def _record(message: Any) -> Record:
    return Record(message.topic(), message.partition(), message.offset(), message.key(), message.value())
