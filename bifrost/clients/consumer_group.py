"""A consumer group's member for services that act on records: it commits only on request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.log_rate_limit import LogRateLimit
from bifrost.errors import Refused, Unreachable

MAX_POLL_RECORDS = 500

OFFSETS_TIMEOUT_S = 15.0

# A short session: a dead member must not keep its partitions from its replacement.
_OPTIONS = {
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    # An idle member asks again after this time; a record that arrives is answered immediately.
    "fetch_wait_max_ms": 1_000,
    "reconnect_backoff_max_ms": 2_000,
    "topic_metadata_refresh_interval_ms": 10_000,
    "socket_timeout_ms": 10_000,
    "enable_auto_offset_store": False,
    "enable_partition_eof": True,
    # `_assigned` decides where a new group starts; this covers a position that retention has deleted.
    "auto_offset_reset": "earliest",
}

ENDS_INTERVAL_S = 1.0
"""How often the ends of the partitions are read that `lag_records` counts to."""

_log = logging.getLogger(__name__)
_log.addFilter(LogRateLimit(time.monotonic))


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def topic_partition(self) -> Partition:
        """The partition of the record."""
        return Partition(self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


class ConsumerGroup:
    """One member of a group. Call it from one thread, and call `poll` at least every few minutes."""

    def __init__(self, client: Mapping[str, str], group: str, topic: str, *, from_beginning: bool = False) -> None:
        """Create a member that is not yet subscribed.

        Args:
            client: librdkafka properties of the cluster (`Settings.kafka_client()`).
            from_beginning: a group without a position starts at the oldest record instead of the newest.

        Raises:
            SettingError: the properties are invalid.
        """
        self._group = group
        self._topic = topic
        self._from_beginning = from_beginning
        self.has_position = False
        """Whether it will miss no record from now on: it has its offsets, or its topic does not exist yet."""
        self._last_error = ""
        self._uncommitted: dict[Partition, int] = {}
        self._on_revoked: Callable[[Collection[Partition]], None] = lambda _partitions: None
        # `kafka.consumer` turns underscores into dots; the name of a callback keeps its underscore.
        self._access_errors = kafka.AccessErrors()
        self._next_offsets: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._known_ends: dict[Partition, int] = {}
        self._ends_read_at = -ENDS_INTERVAL_S
        properties: dict[str, Any] = {**client, "on_commit": self._commit_done, "error_cb": self._access_errors}
        self._consumer: Consumer = kafka.consumer(properties, group, **_OPTIONS)

    def subscribe(self, on_revoked: Callable[[Collection[Partition]], None]) -> None:
        """Join the group; `on_revoked` is called within `poll` or `close` for partitions that it loses."""
        self._on_revoked = on_revoked
        self._consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked)

    def poll(self, timeout_s: float) -> list[Record]:
        """Return the available records as soon as there is one, or none after the timeout.

        Raises:
            Unreachable: the broker did not return the group's offsets.
            Refused: this member can no longer read, or is not authorized to read.
        """
        first = self._consumer.poll(timeout_s)
        self._access_errors.check(f"read {self._topic}")
        self._read_ends()
        if first is None:
            return []
        # `consume` alone would wait for a full batch until its timeout.
        messages = [first, *self._consumer.consume(MAX_POLL_RECORDS - 1, 0)]
        return [_record(message) for message in messages if self._is_record(message)]

    def pause(self, partitions: Collection[Partition]) -> None:
        """Stop fetching these partitions until `resume`, and stay in the group."""
        self._consumer.pause(_listed(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch these partitions again."""
        self._consumer.resume(_listed(partitions))

    def commit(self, positions: Mapping[Partition, int], *, wait: bool = False) -> None:
        """Commit these offsets (of the next records) for the group.

        A failed commit is logged, and repeated if this member is assigned the partition again; another member would
        read the records again.
        """
        offsets = [
            TopicPartition(*partition, self._behind_markers(partition, offset))
            for partition, offset in positions.items()
        ]
        self._committed.update(positions)
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._commit_done(error.args[0], offsets)

    def lag_records(self) -> int:
        """Return how many records of its partitions are not committed yet, as of the last `poll`, in any thread."""
        ends = self._known_ends
        return sum(
            max(0, ends[each] - done) for each, done in tuple(self._committed.items()) if each in ends and done >= 0
        )

    def _read_ends(self) -> None:
        # The client lets one thread at a time call a consumer: another one would wait as long as this one polls.
        now = time.monotonic()
        if now < self._ends_read_at + ENDS_INTERVAL_S:
            return
        self._ends_read_at = now
        found = {
            each: self._consumer.get_watermark_offsets(TopicPartition(*each), cached=True) for each in self._committed
        }
        self._known_ends = {each: ends[1] for each, ends in found.items() if ends is not None}

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_record(self, message: Any) -> bool:
        error = message.error()
        partition = Partition(message.topic(), message.partition())
        if error is None:
            self._next_offsets[partition] = message.offset() + 1
            return True
        if error.code() == kafka_codes.PARTITION_EOF:
            self._reached_end(partition, message.offset())
            return False
        if error.fatal() or error.code() in kafka_codes.ACCESS_ERRORS:
            raise Refused(kafka.SYSTEM, f"read {self._topic}", status=error.code(), body=error.str())
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            # The topic will be created while we wait, so all its records are new to this group.
            self._from_beginning = self.has_position = True
        if error.str() != self._last_error:
            self._last_error = error.str()
            _log.warning("reading %s: %s; waiting", self._topic, error.str())
        return False

    def _reached_end(self, partition: Partition, end: int) -> None:
        """Commit the end of a partition whose last records are transaction markers, or its lag would never be 0."""
        self._ends[partition] = end
        done = self._committed.get(partition)
        if done is not None and done == self._next_offsets.get(partition) and done < end:
            self.commit({partition: done})

    def _behind_markers(self, partition: Partition, offset: int) -> int:
        """Return the end of the partition if `offset` is behind the last record and only markers follow."""
        return max(offset, self._ends.get(partition, -1)) if offset == self._next_offsets.get(partition) else offset

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            committed = consumer.committed(partitions, timeout=OFFSETS_TIMEOUT_S)
            # Partitions without an offset beside others with one were added to the topic: all their records are new.
            is_known = any(position.offset >= 0 for position in committed)
            moved = {
                _partition_of(position): position.offset
                for position in committed
                if self._is_moved(position, is_known=is_known)
            }
        except KafkaException as error:
            request, problem = f"position of group {self._group}", error.args[0]
            if problem.code() in kafka_codes.ACCESS_ERRORS:
                raise Refused(kafka.SYSTEM, request, status=problem.code(), body=problem.str()) from error
            raise Unreachable(kafka.SYSTEM, request, problem.str()) from error
        for position in committed:
            self._next_offsets[_partition_of(position)] = self._committed[_partition_of(position)] = position.offset
            self._ends.pop(_partition_of(position), None)
        if moved:
            # Commit now: a crash before the first delivery must not skip the records in between.
            self.commit(moved, wait=True)
        consumer.assign(committed)
        # librdkafka keeps a partition paused that is revoked and assigned again; nobody would resume it.
        consumer.resume(committed)
        self.has_position = True
        self._last_error = ""
        _log.info(
            "assigned %s",
            ", ".join(f"{position.topic}-{position.partition}@{position.offset}" for position in committed),
        )

    def _is_moved(self, position: TopicPartition, *, is_known: bool) -> bool:
        """Set the offset of a partition whose committed one is missing, or behind a commit that failed here."""
        failed = self._uncommitted.pop(_partition_of(position), -1)
        if 0 <= position.offset and failed <= position.offset:
            return False
        oldest, following = self._consumer.get_watermark_offsets(position, timeout=OFFSETS_TIMEOUT_S)
        if position.offset < 0:
            position.offset = oldest if self._from_beginning or is_known else following
        if position.offset < failed <= following:  # otherwise the topic was recreated
            position.offset = failed
        return True

    def _commit_done(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        for position in offsets:
            partition = _partition_of(position)
            if error is not None:
                self._uncommitted[partition] = max(position.offset, self._uncommitted.get(partition, -1))
            elif self._uncommitted.get(partition, -1) <= position.offset:
                self._uncommitted.pop(partition, None)
        if error is not None:
            _log.warning("commit of group %s failed: %s", self._group, error.str())

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_revoked([_partition_of(position) for position in partitions])
        for position in partitions:
            self._committed.pop(_partition_of(position), None)


def _partition_of(position: TopicPartition) -> Partition:
    return Partition(position.topic, position.partition)


def _listed(partitions: Collection[Partition]) -> list[TopicPartition]:
    return [TopicPartition(partition.topic, partition.number) for partition in partitions]


def _record(message: Any) -> Record:
    headers = tuple(message.headers() or ())
    return Record(message.topic(), message.partition(), message.offset(), message.key(), message.value(), headers)
