"""A Kafka consumer that lives between requests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.consumer_group import Partition, Record
from bifrost.errors import Refused, Unreachable

METADATA_TIMEOUT_S = 10.0
SEEK_RETRY_S = 0.02
MAX_RECORDS_PER_READ = 5_000

_UNREADABLE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, *kafka_codes.ACCESS_ERRORS})


class ProxiedConsumer:
    """A consumer that lives between requests. Not thread-safe."""

    def __init__(self, client: Mapping[str, str], group: str, *, reset: str, auto_commit: bool) -> None:
        # A short session: a dead proxy must not keep its partitions from its replacement.
        session = {"session_timeout_ms": 10_000, "heartbeat_interval_ms": 1_000}
        options: dict[str, object] = {
            "auto_offset_reset": reset,
            "enable_auto_commit": auto_commit,
            # Offsets are stored at the next read: until then, the client may not have received the records.
            "enable_auto_offset_store": False,
            "enable_partition_eof": True,
            # A new topic that matches a pattern is found within seconds, not after librdkafka's default of 5
            # minutes.
            "topic_metadata_refresh_interval_ms": 10_000,
            **session,
        }
        self._access_errors = kafka.AccessErrors()
        properties: dict[str, Any] = {**client, "error_cb": self._access_errors}
        self._consumer: Consumer = kafka.consumer(properties, group, **options)
        self._auto_commit = auto_commit
        self._read_offsets: dict[Partition, int] = {}
        self.topics: tuple[str, ...] = ()
        self.pattern = ""
        self.is_manually_assigned = False

    @property
    def has_input(self) -> bool:
        """Whether it has a subscription or an assignment."""
        return bool(self.topics or self.pattern or self.is_manually_assigned)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Replace the subscription by these topics."""
        self._store_read_offsets()
        self._consumer.subscribe(list(topics))
        self._clear()
        self.topics = tuple(topics)

    def subscribe_pattern(self, pattern: str) -> None:
        """Subscribe to all topics, new ones included, whose full names match a POSIX extended regular expression.

        Raises:
            Refused: it is not a regular expression.
        """
        self._store_read_offsets()
        try:
            # librdkafka takes a name as a pattern only if it starts with `^`.
            self._consumer.subscribe([f"^({pattern})$"])
        except KafkaException as error:
            raise Refused(kafka.SYSTEM, f"topics {pattern}", status=0, body="not a regular expression") from error
        self._clear()
        self.pattern = pattern

    def assign(self, partitions: Sequence[Partition]) -> None:
        """Assign these partitions manually, starting at the group's committed offsets."""
        self._consumer.assign([TopicPartition(*partition) for partition in partitions])
        self._clear()
        self.is_manually_assigned = True

    def unsubscribe(self) -> None:
        """Remove the subscription and the assignment."""
        self._store_read_offsets()
        self._consumer.unsubscribe()
        # `unsubscribe` leaves a manual assignment in place.
        self._consumer.unassign()
        self._clear()

    def assignment(self) -> list[Partition]:
        """Return the assigned partitions, sorted."""
        return sorted(Partition(each.topic, each.partition) for each in self._consumer.assignment())

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Set the positions of assigned partitions.

        Raises:
            Refused: the consumer cannot seek.
        """
        for partition, offset in positions.items():
            self._seek(TopicPartition(*partition, offset))
            # After a seek, an automatic commit must not store the position from before it.
            self._read_offsets.pop(partition, None)

    def _seek(self, position: TopicPartition) -> None:
        end = time.monotonic() + METADATA_TIMEOUT_S
        while True:
            try:
                self._consumer.seek(position)
            except KafkaException as error:
                cause = error.args[0]
                # A partition that was just assigned is still fetching its committed offset.
                if cause.name() != "_STATE" or time.monotonic() >= end:
                    raise Refused(kafka.SYSTEM, "seek", status=cause.code(), body=cause.str()) from error
                time.sleep(SEEK_RETRY_S)
            else:
                return

    def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """Return the first and the next offset of each partition.

        Raises:
            Unreachable: the brokers do not answer.
        """
        try:
            return {
                each: self._consumer.get_watermark_offsets(TopicPartition(*each), METADATA_TIMEOUT_S)
                for each in partitions
            }
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "offsets", error.args[0].str()) from error

    def records(self, timeout_s: float, max_bytes: int, min_bytes: int = 1) -> list[Record]:
        """Return records once `min_bytes` are available, about `max_bytes` at most, or what arrived by the timeout.

        With auto-commit, the offsets behind the previous read are stored for the next commit first.

        Raises:
            Refused: this consumer cannot read.
        """
        self._store_read_offsets()
        found: list[Record] = []
        size = 0
        end = time.monotonic() + timeout_s
        while size < max_bytes and len(found) < MAX_RECORDS_PER_READ:
            # Polls of at most a second, so that an access error is noticed before the timeout.
            poll_s = 0 if size >= min_bytes else min(max(end - time.monotonic(), 0), 1.0)
            message = self._consumer.poll(poll_s)
            self._access_errors.check("read")
            if message is None:
                if size >= min_bytes or time.monotonic() >= end:
                    break
                continue
            error = message.error()
            if error is not None:
                self._handle(error, message)
                continue
            record = _record(message)
            self._read_offsets[record.topic_partition] = record.offset + 1
            found.append(record)
            # The extra byte lets empty records and tombstones count, too.
            size += len(record.key or b"") + len(record.value or b"") + 1
        return found

    def _handle(self, error: KafkaError, message: Any) -> None:
        """Raise an error that a retry does not cure; note the end of a partition."""
        if error.code() == kafka_codes.PARTITION_EOF:
            # The end may be behind transaction markers, which are no records; a commit before them leaves a lag.
            partition = Partition(message.topic(), message.partition())
            if message.offset() > self._read_offsets.get(partition, -1):
                self._read_offsets[partition] = message.offset()
        elif error.code() in _UNREADABLE or error.fatal():
            raise Refused(kafka.SYSTEM, "read", status=error.code(), body=error.str())

    def rewind(self, records: Sequence[Record]) -> None:
        """Seek back, so that these records are read again."""
        first: dict[Partition, int] = {}
        for record in records:
            first.setdefault(record.topic_partition, record.offset)
        assigned = set(self.assignment())
        positions = {partition: offset for partition, offset in first.items() if partition in assigned}
        self.seek(positions)
        # `seek` has dropped them, but the records before these were read and may be committed.
        self._read_offsets.update(positions)

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """Commit these offsets (of the next records), or those behind all records read so far.

        Raises:
            Refused: the group rejects the commit.
        """
        committed = self._read_offsets if positions is None else positions
        if not committed:
            return
        offsets = [TopicPartition(*partition, offset) for partition, offset in committed.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise Refused(kafka.SYSTEM, "commit", status=error.args[0].code(), body=error.args[0].str()) from error

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the committed offsets, without partitions that have none.

        Raises:
            Unreachable: the brokers do not answer.
        """
        request = [TopicPartition(*partition) for partition in partitions]
        try:
            found = self._consumer.committed(request, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, "committed offsets", error.args[0].str()) from error
        return {Partition(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def close(self) -> None:
        """Leave the group and close."""
        self._store_read_offsets()
        self._consumer.close()

    def _store_read_offsets(self) -> None:
        """With auto-commit, store the offsets behind the records read so far."""
        if self._auto_commit and self._read_offsets:
            assigned = set(self.assignment())
            # librdkafka refuses to store offsets of partitions that a rebalance has taken.
            offsets = [TopicPartition(*each, offset) for each, offset in self._read_offsets.items() if each in assigned]
            self._consumer.store_offsets(offsets=offsets)

    def _clear(self) -> None:
        self._read_offsets.clear()
        self.topics, self.pattern, self.is_manually_assigned = (), "", False


def _record(message: Any) -> Record:
    return Record(message.topic(), message.partition(), message.offset(), message.key(), message.value())
