"""Membership of a consumer group for services that act on records: nothing is committed before they say so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bifrost.clients import kafka
from bifrost.clients.log_rate_limit import LogRateLimit
from bifrost.errors import Refused, SettingError, Unreachable

BATCH = 500
"""Most records of one poll."""

ANSWER_S = 15.0
"""How long a broker may take to answer about offsets."""

# A dead member must not keep its partitions from the one that replaces it for long.
_OPTIONS = {
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "reconnect_backoff_max_ms": 2_000,
    "topic_metadata_refresh_interval_ms": 10_000,
    "socket_timeout_ms": 10_000,
    "enable_auto_offset_store": False,
    # Where a new group starts is decided below; a position that retention has overtaken goes on at the oldest record.
    "auto_offset_reset": "earliest",
}

_log = logging.getLogger(__name__)
_log.addFilter(LogRateLimit(time.monotonic))


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in its topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def home(self) -> Partition:
        """The partition that it is in."""
        return Partition(self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


class ConsumerGroup:
    """One member of a group. All calls come from one thread, and `poll` must be among them every few minutes."""

    def __init__(self, client: Mapping[str, str], group: str, topic: str, *, from_beginning: bool = False) -> None:
        """Make a member that is not yet subscribed.

        Args:
            client: librdkafka properties of the cluster (`Settings.kafka_client()`).
            from_beginning: a group without a position starts at the oldest record, not at the newest.

        Raises:
            SettingError: the properties make no client.
        """
        self._group = group
        self._topic = topic
        self._from_beginning = from_beginning
        self.has_position = False
        """Whether it misses no record from now on: it has its place, or its topic is yet to be made."""
        self._last_error = ""
        self._uncommitted: dict[Partition, int] = {}
        self._on_revoked: Callable[[Collection[Partition]], None] = lambda _partitions: None
        # A callback is no property, so its name keeps its underscore.
        properties: dict[str, Any] = {**client, "on_commit": self._commit_done}
        try:
            self._consumer: Consumer = kafka.consumer(properties, group, **_OPTIONS)
        except KafkaException as error:
            raise SettingError("KAFKA_*", f"no client can be made of these settings: {error.args[0].str()}") from error

    def subscribe(self, on_revoked: Callable[[Collection[Partition]], None]) -> None:
        """Join the group; `on_revoked` is called, inside of `poll` or `close`, for partitions that go to others."""
        self._on_revoked = on_revoked
        self._consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked)

    def poll(self, timeout_s: float) -> list[Record]:
        """The records that are there, as soon as there is one, or none after the timeout.

        Raises:
            Unreachable: the broker does not say where the group stands.
            Refused: this member can never read again, or may not read at all.
        """
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        # `consume` alone would wait out its timeout for a full batch.
        messages = [first, *self._consumer.consume(BATCH - 1, 0)]
        return [_record(message) for message in messages if self._is_record(message)]

    def pause(self, partitions: Collection[Partition]) -> None:
        """Get no records of these partitions until `resume`, and stay in the group."""
        self._consumer.pause(_listed(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        """Get records of these partitions again."""
        self._consumer.resume(_listed(partitions))

    def commit(self, positions: Mapping[Partition, int], *, wait: bool = False) -> None:
        """Let the group stand at these offsets (those that come next).

        A commit that fails is logged, and made good when this member gets the partition again; another member would
        get its records once more.
        """
        offsets = [TopicPartition(home.topic, home.number, offset) for home, offset in positions.items()]
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._commit_done(error.args[0], offsets)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _is_record(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal() or error.code() in _FORBIDDEN:
            raise Refused(kafka.SYSTEM, f"read {self._topic}", status=error.code(), body=error.str())
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            # It will be made while we wait, so everything in it is new to this group.
            self._from_beginning = self.has_position = True
        if error.str() != self._last_error:
            self._last_error = error.str()
            _log.warning("reading %s: %s; waiting", self._topic, error.str())
        return False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            placed = consumer.committed(partitions, timeout=ANSWER_S)
            moved = {_home(place): place.offset for place in placed if self._is_moved(place)}
        except KafkaException as error:
            raise Unreachable(kafka.SYSTEM, f"position of group {self._group}", str(error)) from error
        if moved:
            # At once: a crash before the first delivery must not lose what comes in between.
            self.commit(moved, wait=True)
        consumer.assign(placed)
        self.has_position = True
        self._last_error = ""
        _log.info("assigned %s", ", ".join(f"{place.topic}-{place.partition}@{place.offset}" for place in placed))

    def _is_moved(self, place: TopicPartition) -> bool:
        """Give a partition its position where the committed one is missing or behind what was done here."""
        done = self._uncommitted.pop(_home(place), -1)
        if 0 <= place.offset and done <= place.offset:
            return False
        oldest, following = self._consumer.get_watermark_offsets(place, timeout=ANSWER_S)
        if place.offset < 0:
            place.offset = oldest if self._from_beginning else following
        if place.offset < done <= following:  # beyond the end: the topic was made anew
            place.offset = done
        return True

    def _commit_done(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        for place in offsets:
            home = _home(place)
            if error is not None:
                self._uncommitted[home] = max(place.offset, self._uncommitted.get(home, -1))
            elif self._uncommitted.get(home, -1) <= place.offset:
                self._uncommitted.pop(home, None)
        if error is not None:
            _log.warning("commit of group %s failed: %s", self._group, error.str())

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_revoked([_home(place) for place in partitions])


_FORBIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


def _home(place: TopicPartition) -> Partition:
    return Partition(place.topic, place.partition)


def _listed(partitions: Collection[Partition]) -> list[TopicPartition]:
    return [TopicPartition(partition.topic, partition.number) for partition in partitions]


def _record(message: Any) -> Record:
    headers = tuple(message.headers() or ())
    return Record(message.topic(), message.partition(), message.offset(), message.key(), message.value(), headers)
