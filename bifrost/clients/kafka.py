"""Kafka: administration, and the construction of all producers and consumers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
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

from bifrost.clients import kafka_codes, offset_gaps
from bifrost.clients.group_members import DescribedGroup, described_group
from bifrost.clients.group_offsets import coordinators, offsets_by_topic
from bifrost.clients.log_rate_limit import LogRateLimit
from bifrost.errors import NotReady, Refused, SettingError, Unreachable
from bifrost.settings import Settings

SYSTEM = "Kafka"
TIMEOUT_S = 15.0
ANY_TIME = {"message.timestamp.after.max.ms": str(2**63 - 1)}
"""Kafka 4 refuses records more than an hour ahead of its clock unless the topic says otherwise."""
_NEVER_S = 300.0
"""The maximum of `socket.timeout.ms`, far longer than any caller waits."""
PARTITIONER = "murmur2_random"
"""Partitions keys like Java clients and ksqlDB; librdkafka's default would break joins on keyed topics."""

_NO_LEADER_PAUSE_S = 0.1
_log = logging.getLogger(__name__)
_log.addFilter(LogRateLimit(time.monotonic))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic of the cluster; `config` contains only the values set on the topic itself."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The offsets of one partition: its first record, and the next record to be written."""

    first: int
    next: int


class AccessErrors:
    """Remembers a refused account. librdkafka reports one through a callback only; requests just time out."""

    def __init__(self) -> None:
        self._error: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take an error of the client (librdkafka's `error_cb`)."""
        if error.code() in kafka_codes.ACCESS_ERRORS:
            self._error = error

    def check(self, request: str) -> None:
        """Raise `Refused` if the brokers refused the account since the last check."""
        error, self._error = self._error, None
        if error is not None:
            raise Refused(SYSTEM, request, status=error.code(), body=error.str())


class KafkaAdmin:
    """Lists, creates and changes topics; every call ends within `timeout_s`."""

    def __init__(self, client: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> None:
        self._servers = client["bootstrap.servers"]
        self._timeout_s = timeout_s
        self._access_errors = AccessErrors()
        self._is_untrusted = False
        self._group_client: AdminClient | None = None
        self._options: dict[str, Any] = {**client, "error_cb": self._on_error}
        with _rejected_settings():
            self._client = AdminClient({**self._options, "socket.timeout.ms": int(timeout_s * 1000)}, logger=_log)

    def cluster_id(self) -> str:
        """Return the cluster id.

        Raises:
            Unreachable: no broker answered.
        """
        found = self._call("cluster id", lambda: self._client.cluster_id(timeout=self._timeout_s))
        if found is None:
            raise Unreachable(SYSTEM, "cluster id", f"no answer from {self._servers}")
        return str(found)

    def delete_records(self, before: Iterable[TopicPartition]) -> None:
        """Delete the records before these offsets; a missing partition is not an error."""
        for place, future in self._client.delete_records(list(before), request_timeout=self._timeout_s).items():
            try:
                self._result(f"delete records of {place.topic}-{place.partition}", future)
            except Refused as error:
                if error.status != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    def topics(self) -> dict[str, int]:
        """Return partition counts by topic name, without Kafka's internal topics (`__...`).

        Raises:
            Unreachable: no broker answered.
        """
        found = self._call("list topics", lambda: self._client.list_topics(timeout=self._timeout_s))
        return {name: len(topic.partitions) for name, topic in found.topics.items() if not name.startswith("__")}

    def describe(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        """Describe those of the named topics that exist."""
        found = self._call("list topics", lambda: self._client.list_topics(timeout=self._timeout_s))
        existing = [name for name in names if name in found.topics]
        configs = self._configs(existing)
        return {name: _description(name, found.topics[name], configs[name]) for name in existing}

    def unhealthy_partitions(self) -> dict[str, tuple[str, ...]]:
        """Return what is wrong with partitions, by topic: no leader, or replicas that are not in sync.

        Raises:
            Unreachable: no broker answered.
        """
        found = self._call("list topics", lambda: self._client.list_topics(timeout=self._timeout_s))
        problems = {
            name: tuple(text for part in topic.partitions.values() if (text := _partition_problem(part)))
            for name, topic in found.topics.items()
        }
        return {name: texts for name, texts in sorted(problems.items()) if texts}

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """Return the ids of topics, which a topic that is deleted and created again does not keep.

        Raises:
            Refused: a topic does not exist.
        """
        futures = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._timeout_s)
        return {name: str(self._result(f"describe topic {name}", found).topic_id) for name, found in futures.items()}

    def create(self, topic: TopicDescription) -> bool:
        """Create a topic; return `False` if it exists. A `replication` of -1 means the cluster's default.

        The topic accepts records of any time, unless its configuration says otherwise.

        Raises:
            Refused: the broker refused it (invalid name or setting, too few brokers).
        """
        # Brokers before Kafka 3.6 have no such setting, and need none.
        for config in ({**ANY_TIME, **topic.config}, topic.config):
            try:
                self._create(topic, config)
                return True
            except Refused as error:
                if error.status == KafkaError.TOPIC_ALREADY_EXISTS:
                    return False
                if error.status != KafkaError.INVALID_CONFIG or config is topic.config:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _create(self, topic: TopicDescription, config: Mapping[str, str]) -> None:
        new = NewTopic(topic.name, topic.partitions, topic.replication, config=dict(config))
        future = self._client.create_topics([new], operation_timeout=self._timeout_s)[topic.name]
        self._result(f"create topic {topic.name}", future)

    def alter_config(self, name: str, changed: Mapping[str, str | None]) -> None:
        """Set these configuration values of a topic and keep the others; `None` resets a value."""
        entries = [
            ConfigEntry(
                key, value, incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
            )
            for key, value in changed.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        future = self._client.incremental_alter_configs([resource])[resource]
        self._result(f"alter topic {name}", future)

    def add_partitions(self, name: str, total: int) -> None:
        """Grow a topic to `total` partitions. Existing keys may then map to other partitions."""
        future = self._client.create_partitions([NewPartitions(name, total)])[name]
        self._result(f"add partitions to topic {name}", future)

    def delete(self, name: str) -> None:
        """Delete a topic with its records; a missing one is not an error."""
        future = self._client.delete_topics([name], operation_timeout=self._timeout_s)[name]
        try:
            self._result(f"delete topic {name}", future)
        except Refused as error:
            if error.status != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise

    def delete_group(self, name: str) -> None:
        """Delete a consumer group with its offsets; a missing one is not an error.

        Raises:
            Refused: the group still has members.
        """
        future = self._client.delete_consumer_groups([name], request_timeout=self._timeout_s)[name]
        try:
            self._result(f"delete group {name}", future)
        except Refused as error:
            if error.status != KafkaError.GROUP_ID_NOT_FOUND:
                raise

    def offsets(self, name: str) -> dict[int, OffsetRange]:
        """Return the offset range of each partition of a topic.

        Raises:
            Refused: the topic does not exist.
        """
        count = self.topics().get(name)
        if count is None:
            raise Refused(SYSTEM, f"offsets of topic {name}", status=0, body="the topic does not exist")
        return self.ends({name: count})[name]

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        """Return the offset ranges of many topics, given with their partition counts, by topic and partition.

        A partition that was deleted meanwhile is omitted.
        """
        places = [TopicPartition(name, partition) for name, count in topics.items() for partition in range(count)]
        first = self._list_all(places, OffsetSpec.earliest())
        following = self._list_all(places, OffsetSpec.latest())
        found: dict[str, dict[int, OffsetRange]] = {name: {} for name in topics}
        for (name, partition), offset in following.items():
            found[name][partition] = OffsetRange(first.get((name, partition), offset), offset)
        return found

    def unstable(self, topics: Mapping[str, int]) -> dict[tuple[str, int], OffsetRange]:
        """Return the offsets that committed readers do not reach yet, by topic and partition.

        Such a range begins with the first record of an open transaction. `topics` are given with their partition
        counts; partitions where no transaction is open are omitted.
        """
        places = [TopicPartition(name, partition) for name, count in topics.items() for partition in range(count)]
        ends = self._list_all(places, OffsetSpec.latest())
        stable = self._list_all(places, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)
        return {
            place: OffsetRange(stable[place], end)
            for place, end in ends.items()
            if place in stable and stable[place] < end
        }

    def holds_records(self, topic: str, partition: int, first: int, end: int) -> bool:
        """Return whether a partition has a record between two offsets; `True` where the answer stays unknown."""
        reader = consumer(self._options, "bifrost-deployer", enable_partition_eof=True)
        with closing(reader):
            reader.assign([TopicPartition(topic, partition, first)])
            return offset_gaps.holds_record(reader, end, self._timeout_s)

    def older_than(self, name: str, partitions: int, time_ms: int) -> int:
        """Return the number of records before the first one whose time is at least `time_ms` (epoch).

        Raises:
            Refused: the brokers do not look offsets up by time.
        """
        ranges = self.ends({name: partitions})[name]
        found = self.offsets_at(name, partitions, time_ms)
        return sum(max(0, found.get(partition, part.next) - part.first) for partition, part in ranges.items())

    def offsets_at(self, name: str, partitions: int, time_ms: int) -> dict[int, int]:
        """Return the offset of the first record whose time is at least `time_ms` (epoch), by partition.

        A partition without such a record is omitted.

        Raises:
            Refused: the brokers do not look offsets up by time.
        """
        places = [TopicPartition(name, partition) for partition in range(partitions)]
        found = self._list_all(places, OffsetSpec.for_timestamp(time_ms))
        # -1: no record is as new as that.
        return {partition: offset for (_, partition), offset in found.items() if offset >= 0}

    def groups(self) -> tuple[str, ...]:
        """Return the names of the consumer groups, sorted."""
        found = self._result("list groups", self._client.list_consumer_groups(request_timeout=self._timeout_s))
        return tuple(sorted(group.group_id for group in found.valid))

    def positions(self, groups: Iterable[str]) -> dict[str, dict[str, dict[int, int]]]:
        """Return the committed offsets of consumer groups, by group, topic and partition.

        The requests run in parallel. A group that was deleted meanwhile is omitted.
        """
        # Returned only after success: after a timeout, a client with pending requests must not be used again.
        client, self._group_client = self._group_client or self._new_group_client(), None
        end = time.monotonic() + self._timeout_s
        futures = {}
        for group, coordinator in coordinators(client, groups).items():
            with _missing_is_fine():
                self._call(f"offsets of group {group}", lambda: coordinator(max(0, end - time.monotonic())))  # noqa: B023
                request = [ConsumerGroupTopicPartitions(group)]
                futures[group] = client.list_consumer_group_offsets(request, request_timeout=_NEVER_S)[group]
        found: dict[str, dict[str, dict[int, int]]] = {}
        for group, future in futures.items():
            with _missing_is_fine():
                answer = self._call(f"offsets of group {group}", lambda: future.result(max(0, end - time.monotonic())))  # noqa: B023
                found[group] = offsets_by_topic(
                    (place.topic, place.partition, place.offset) for place in answer.topic_partitions
                )
        self._group_client = client
        return found

    def describe_groups(self, groups: Iterable[str]) -> dict[str, DescribedGroup]:
        """Return the state and members of consumer groups, by group; one that was deleted meanwhile is omitted."""
        client, self._group_client = self._group_client or self._new_group_client(), None
        names = list(groups)
        end = time.monotonic() + self._timeout_s
        futures = client.describe_consumer_groups(names, request_timeout=_NEVER_S) if names else {}
        found = {}
        for group, future in futures.items():
            with _missing_is_fine():
                answer = self._call(f"describe group {group}", lambda: future.result(max(0, end - time.monotonic())))  # noqa: B023
                found[group] = described_group(answer)
        self._group_client = client
        return found

    def move_group(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set a group's committed offsets in a topic, by partition.

        Raises:
            Refused: the group has members.
        """
        places = [TopicPartition(topic, partition, offset) for partition, offset in sorted(offsets.items())]
        client, self._group_client = self._group_client or self._new_group_client(), None
        request = [ConsumerGroupTopicPartitions(group, places)]
        future = client.alter_consumer_group_offsets(request, request_timeout=_NEVER_S)[group]
        answer = self._call(f"offsets of group {group}", lambda: future.result(self._timeout_s))
        self._group_client = client
        for place in answer.topic_partitions:
            if place.error is not None:
                raise Refused(SYSTEM, f"offsets of group {group}", status=place.error.code(), body=place.error.str())

    def _new_group_client(self) -> AdminClient:
        """A client whose requests never time out by themselves.

        librdkafka aborts the process when a request to a group's coordinator times out, as while the broker is paused
        or busy (use after free in `rd_kafka_admin_coord_request`). The caller stops waiting instead, and the client is
        dropped with its pending requests, which is safe.
        """
        return AdminClient({**self._options, "socket.timeout.ms": int(_NEVER_S * 1000)}, logger=_log)

    def _list_all(
        self,
        places: list[TopicPartition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        end = time.monotonic() + self._timeout_s
        while places:
            wanted = {place: spec for place in places}
            futures = self._client.list_offsets(wanted, isolation_level=isolation, request_timeout=self._timeout_s)
            places = []
            for place, future in futures.items():
                with _missing_is_fine():
                    offset = self._listed(place, future, is_last=time.monotonic() > end)
                    if offset is None:
                        places.append(place)
                    else:
                        found[place.topic, place.partition] = offset
            if places:
                time.sleep(_NO_LEADER_PAUSE_S)
                # librdkafka asks with the leader epochs that it knows, and learns no others from a refusal.
                self.topics()
        return found

    def _listed(self, place: TopicPartition, future: Future[Any], *, is_last: bool) -> int | None:
        """The offset of an answer; `None` if the broker does not know it yet, an error if the answer `is_last`."""
        try:
            offset = int(self._result("offsets", future).offset)
        except Refused as error:
            if error.status not in kafka_codes.NO_LEADER or is_last:
                raise
            return None
        if offset != OFFSET_INVALID:
            return offset
        # While a broker starts, librdkafka may return a success without an offset.
        if is_last:
            raise NotReady(SYSTEM, "offsets", f"the broker of {place.topic}-{place.partition} returned none; try again")
        return None

    def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._client.describe_configs(resources, request_timeout=self._timeout_s)
        return {
            resource.name: _own_values(self._result(f"describe topic {resource.name}", future))
            for resource, future in futures.items()
        }

    def _result(self, request: str, future: Future[Any]) -> Any:
        # The extra second lets librdkafka report its timeout first.
        return self._call(request, lambda: future.result(timeout=self._timeout_s + 1))

    def _call(self, request: str, send: Callable[[], T]) -> T:
        try:
            return send()
        except FutureTimeout as error:
            self._check_access(request)
            raise Unreachable(SYSTEM, request, f"no answer from {self._servers}") from error
        except KafkaException as error:
            problem = error.args[0]
            if problem.name() in kafka_codes.UNREACHABLE:
                self._check_access(request)
                raise Unreachable(SYSTEM, request, f"no answer from {self._servers}") from error
            if problem.name() in kafka_codes.COORDINATOR_STARTING:
                raise NotReady(SYSTEM, request, problem.str()) from error
            raise Refused(SYSTEM, request, status=problem.code(), body=kafka_codes.refusal_text(problem)) from error

    def _on_error(self, error: KafkaError) -> None:
        self._is_untrusted = self._is_untrusted or "certificate verify failed" in error.str()
        self._access_errors(error)

    def _check_access(self, request: str) -> None:
        self._client.poll(0)  # serves the error callback
        self._access_errors.check(request)
        if self._is_untrusted:
            problem = (
                f"the certificate of {self._servers} is not trusted; KAFKA_SSL_CA_LOCATION names the file with its CA"
            )
            raise Refused(SYSTEM, request, status=0, body=problem)


def admin(settings: Settings, *, timeout_s: float = TIMEOUT_S) -> KafkaAdmin:
    """Return the administration client of the target's cluster."""
    return KafkaAdmin(settings.kafka_client(), timeout_s=timeout_s)


DeliveryCallback = Callable[[KafkaError | None, Message], None]
"""Receives the delivery report of a record: an error or `None`, and the record."""


def producer(client: Mapping[str, str], *, delivered: DeliveryCallback | None = None, **options: object) -> Producer:
    """Return an idempotent producer that partitions keys like Java clients.

    Args:
        client: librdkafka properties of the cluster (`Settings.kafka_client()`).
        delivered: receives the delivery reports of records that are produced without their own callback.
        options: further librdkafka properties, `_` for `.` (`linger_ms=5`).

    Raises:
        SettingError: the properties are invalid.
    """
    callback = {"on_delivery": delivered} if delivered is not None else {}
    # The partitioner comes last: no caller may change it.
    fixed = {"enable.idempotence": True, **_dotted(options), "partitioner": PARTITIONER}
    with _rejected_settings():
        return Producer({**client, **callback, **fixed}, logger=_log)


def consumer(client: Mapping[str, str], group: str, **options: object) -> Consumer:
    """Return a consumer of committed records that commits only on request.

    Args:
        client: librdkafka properties of the cluster.
        group: the consumer group.
        options: further librdkafka properties, `_` for `.` (`auto_offset_reset="earliest"`).

    Raises:
        SettingError: the properties are invalid.
    """
    defaults = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed"}
    with _rejected_settings():
        return Consumer({**client, **defaults, **_dotted(options)}, logger=_log)


@contextmanager
def _rejected_settings() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise SettingError("KAFKA_*", f"Kafka rejects these client settings: {error.args[0].str()}") from error


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    """Omit a topic or group that was deleted meanwhile; any other refusal must surface."""
    try:
        yield
    except Refused as error:
        if error.status not in kafka_codes.GONE:
            raise


def _dotted(options: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("_", "."): value for name, value in options.items()}


def _partition_problem(partition: Any) -> str:
    if partition.leader < 0:
        return f"partition {partition.id} has no leader"
    if len(partition.isrs) < len(partition.replicas):
        return f"partition {partition.id} has {len(partition.isrs)} of {len(partition.replicas)} replicas in sync"
    return ""


def _description(name: str, metadata: Any, config: Mapping[str, str]) -> TopicDescription:
    partitions = metadata.partitions
    replication = len(partitions[min(partitions)].replicas) if partitions else 0
    return TopicDescription(name, len(partitions), replication, config)


def _own_values(entries: Mapping[str, ConfigEntry]) -> dict[str, str]:
    # The library returns the source as a number.
    return {
        name: entry.value or ""
        for name, entry in entries.items()
        if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
    }
