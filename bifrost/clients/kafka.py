"""Kafka: administration, and the one way in which producers and consumers are made."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from bifrost.clients.log_rate_limit import LogRateLimit
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings

SYSTEM = "Kafka"
TIMEOUT_S = 15.0
PARTITIONER = "murmur2_random"
"""Places keys as Java clients and ksqlDB do; librdkafka's own default would break every join on a keyed topic."""

_UNREACHABLE = ("_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE", "REQUEST_TIMED_OUT")
_log = logging.getLogger(__name__)
_log.addFilter(LogRateLimit(time.monotonic))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as the cluster has it; `config` holds only what is set on the topic itself."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The offsets of one partition: the first kept record, and the one that comes next."""

    first: int
    next: int


class KafkaAdmin:
    """Lists, makes and changes topics; every call ends within `timeout_s`."""

    def __init__(self, client: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> None:
        self._servers = client["bootstrap.servers"]
        self._timeout_s = timeout_s
        self._client = AdminClient({**client, "socket.timeout.ms": int(timeout_s * 1000)}, logger=_log)

    def cluster_id(self) -> str:
        """The cluster's id.

        Raises:
            Unreachable: no broker answered.
        """
        found = self._answered("cluster id", lambda: self._client.cluster_id(timeout=self._timeout_s))
        if found is None:
            raise Unreachable(SYSTEM, "cluster id", f"no answer from {self._servers}")
        return str(found)

    def delete_records(self, before: Iterable[TopicPartition]) -> None:
        """Drop the records before these offsets; a partition that is gone is fine."""
        for place, future in self._client.delete_records(list(before), request_timeout=self._timeout_s).items():
            try:
                self._done(f"delete records of {place.topic}-{place.partition}", future)
            except Refused as error:
                if error.status != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    def topics(self) -> dict[str, int]:
        """Partition counts by topic name, Kafka's own topics (`__...`) left out.

        Raises:
            Unreachable: no broker answered.
        """
        found = self._answered("list topics", lambda: self._client.list_topics(timeout=self._timeout_s))
        return {name: len(topic.partitions) for name, topic in found.topics.items() if not name.startswith("__")}

    def describe(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        """Those of the named topics that exist, with what is set on them."""
        found = self._answered("list topics", lambda: self._client.list_topics(timeout=self._timeout_s))
        there = [name for name in names if name in found.topics]
        configs = self._configs(there)
        return {name: _description(name, found.topics[name], configs[name]) for name in there}

    def create(self, topic: TopicDescription) -> bool:
        """Make a topic; `False` when it was there already. `replication` -1 leaves it to the cluster.

        Raises:
            Refused: the broker will not make it (bad name, bad setting, too few brokers).
        """
        new = NewTopic(topic.name, topic.partitions, topic.replication, config=dict(topic.config))
        future = self._client.create_topics([new], operation_timeout=self._timeout_s)[topic.name]
        try:
            self._done(f"create topic {topic.name}", future)
        except Refused as error:
            if error.status == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            raise
        return True

    def alter_config(self, name: str, changed: Mapping[str, str | None]) -> None:
        """Set these configuration values of a topic and leave the others; `None` takes a value back."""
        entries = [
            ConfigEntry(
                key, value, incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
            )
            for key, value in changed.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        future = self._client.incremental_alter_configs([resource])[resource]
        self._done(f"alter topic {name}", future)

    def add_partitions(self, name: str, total: int) -> None:
        """Grow a topic to `total` partitions; keys move, so the caller must know what it does."""
        future = self._client.create_partitions([NewPartitions(name, total)])[name]
        self._done(f"add partitions to topic {name}", future)

    def delete(self, name: str) -> None:
        """Remove a topic and its records; one that is not there is fine."""
        future = self._client.delete_topics([name], operation_timeout=self._timeout_s)[name]
        try:
            self._done(f"delete topic {name}", future)
        except Refused as error:
            if error.status != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise

    def delete_group(self, name: str) -> None:
        """Forget a consumer group and its offsets; one that is not there is fine.

        Raises:
            Refused: it still has members.
        """
        future = self._client.delete_consumer_groups([name], request_timeout=self._timeout_s)[name]
        try:
            self._done(f"delete group {name}", future)
        except Refused as error:
            if error.status != KafkaError.GROUP_ID_NOT_FOUND:
                raise

    def offsets(self, name: str) -> dict[int, OffsetRange]:
        """First and next offset by partition of a topic.

        Raises:
            Refused: there is no such topic.
        """
        count = self.topics().get(name)
        if count is None:
            raise Refused(SYSTEM, f"offsets of topic {name}", status=0, body="there is no such topic")
        first = self._list_offsets(name, count, OffsetSpec.earliest())
        following = self._list_offsets(name, count, OffsetSpec.latest())
        return {partition: OffsetRange(first[partition], following[partition]) for partition in range(count)}

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        """First and next offset by partition of many topics at once, given with their partition counts.

        A partition that is gone by now is left out.
        """
        places = [TopicPartition(name, partition) for name, count in topics.items() for partition in range(count)]
        first = self._list_all(places, OffsetSpec.earliest())
        following = self._list_all(places, OffsetSpec.latest())
        found: dict[str, dict[int, OffsetRange]] = {name: {} for name in topics}
        for (name, partition), offset in following.items():
            found[name][partition] = OffsetRange(first.get((name, partition), offset), offset)
        return found

    def groups(self) -> tuple[str, ...]:
        """The names of the consumer groups, sorted."""
        found = self._done("list groups", self._client.list_consumer_groups(request_timeout=self._timeout_s))
        return tuple(sorted(group.group_id for group in found.valid))

    def positions(self, groups: Iterable[str]) -> dict[str, dict[str, dict[int, int]]]:
        """Where consumer groups stand: by group their committed offsets by topic and partition.

        All are asked at once. A group that is gone by now is left out.
        """
        asked = {
            group: self._client.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=self._timeout_s
            )[group]
            for group in groups
        }
        found: dict[str, dict[str, dict[int, int]]] = {}
        for group, future in asked.items():
            with suppress(Refused):
                places = self._done(f"offsets of group {group}", future).topic_partitions
                found[group] = _by_topic((place.topic, place.partition, place.offset) for place in places)
        return found

    def _list_all(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        if not places:
            return {}
        futures = self._client.list_offsets({place: spec for place in places}, request_timeout=self._timeout_s)
        found = {}
        for place, future in futures.items():
            with suppress(Refused):
                found[place.topic, place.partition] = int(self._done("offsets", future).offset)
        return found

    def _list_offsets(self, name: str, count: int, spec: OffsetSpec) -> dict[int, int]:
        asked = {TopicPartition(name, partition): spec for partition in range(count)}
        futures = self._client.list_offsets(asked, request_timeout=self._timeout_s)
        request = f"offsets of topic {name}"
        return {partition.partition: int(self._done(request, future).offset) for partition, future in futures.items()}

    def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._client.describe_configs(resources, request_timeout=self._timeout_s)
        return {
            resource.name: _own_values(self._done(f"describe topic {resource.name}", future))
            for resource, future in futures.items()
        }

    def _done(self, request: str, future: Future[Any]) -> Any:
        return self._answered(request, lambda: future.result(timeout=self._timeout_s + 1))

    def _answered(self, request: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except FutureTimeout as error:
            raise Unreachable(SYSTEM, request, f"no answer from {self._servers}") from error
        except KafkaException as error:
            problem = error.args[0]
            if problem.name() in _UNREACHABLE:
                raise Unreachable(SYSTEM, request, f"no answer from {self._servers}") from error
            raise Refused(SYSTEM, request, status=problem.code(), body=problem.str()) from error


def admin(settings: Settings, *, timeout_s: float = TIMEOUT_S) -> KafkaAdmin:
    """The administrator of the target's cluster."""
    return KafkaAdmin(settings.kafka_client(), timeout_s=timeout_s)


DeliveryCallback = Callable[[KafkaError | None, Message], None]
"""Takes the fate of a record: an error or None, and the record."""


def producer(client: Mapping[str, str], *, delivered: DeliveryCallback | None = None, **options: object) -> Producer:
    """A producer that places keys as Java clients do and neither loses nor doubles records on a retry.

    Args:
        client: librdkafka properties of the cluster (`Settings.kafka_client()`).
        delivered: told the fate of every record that is produced without a callback of its own.
        options: further librdkafka properties, `_` for `.` (`linger_ms=5`).
    """
    told = {"on_delivery": delivered} if delivered is not None else {}
    settled = {"enable.idempotence": True, **_dotted(options), "partitioner": PARTITIONER}
    return Producer({**client, **told, **settled}, logger=_log)


def consumer(client: Mapping[str, str], group: str, **options: object) -> Consumer:
    """A consumer of committed records that commits only when it is told to.

    Args:
        client: librdkafka properties of the cluster.
        group: the consumer group.
        options: further librdkafka properties, `_` for `.` (`auto_offset_reset="earliest"`).
    """
    settled = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed"}
    return Consumer({**client, **settled, **_dotted(options)}, logger=_log)


def _dotted(options: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("_", "."): value for name, value in options.items()}


def _description(name: str, metadata: Any, config: Mapping[str, str]) -> TopicDescription:
    partitions = metadata.partitions
    replication = len(partitions[min(partitions)].replicas) if partitions else 0
    return TopicDescription(name, len(partitions), replication, config)


def _own_values(entries: Mapping[str, ConfigEntry]) -> dict[str, str]:
    # The library hands the source over as a bare number.
    return {
        name: entry.value or ""
        for name, entry in entries.items()
        if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
    }


def _by_topic(places: Iterable[tuple[str, int, int]]) -> dict[str, dict[int, int]]:
    """Offsets by topic and partition, of those places that have one."""
    found: dict[str, dict[int, int]] = {}
    for topic, partition, offset in places:
        if offset >= 0:
            found.setdefault(topic, {})[partition] = offset
    return found
