"""A target as the deployer sees it: its clients, and its live state as values that a plan is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bifrost.clients import connect, kafka, kibana, ksqldb, s3, schema_registry, search
from bifrost.clients.connect import ConnectClient, ConnectorStatus
from bifrost.clients.group_members import DescribedGroup
from bifrost.clients.http import PATIENCE_S
from bifrost.clients.kafka import OffsetRange, TopicDescription
from bifrost.clients.kibana import KibanaClient
from bifrost.clients.ksqldb import DescribedSource, Json, KsqlClient, QuerySummary
from bifrost.clients.s3 import Buckets
from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.clients.search import Body, SearchClient
from bifrost.clients.search_indices import SearchIndex
from bifrost.clients.supervisor import TIMEOUT_S, ComponentStatus, SupervisorClient
from bifrost.clients.topic_log import TopicLog
from bifrost.deployer.declared.declarations import Creating
from bifrost.deployer.live import ownership
from bifrost.deployer.live.deployment_lock import ClaimLog, OnWait
from bifrost.deployer.live.granted_rights import GrantedRights, granted_rights
from bifrost.deployer.live.ownership import Owned, Ownership
from bifrost.settings import Settings


class TopicAdmin(Protocol):
    """The part of Kafka's administration that the deployer uses (`KafkaAdmin`)."""

    def topics(self) -> dict[str, int]:
        """Partition counts by topic name."""
        ...

    def describe(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        """Those of the named topics that exist."""
        ...

    def unhealthy_partitions(self) -> dict[str, tuple[str, ...]]:
        """What is wrong with partitions, by topic: no leader, or replicas that are not in sync."""
        ...

    def offsets(self, name: str) -> dict[int, OffsetRange]:
        """First and next offset by partition of a topic."""
        ...

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        """First and next offsets of topics, given with their partition counts."""
        ...

    def holds_records(self, topic: str, partition: int, first: int, end: int) -> bool:
        """Whether there are records between two offsets, and not only markers of transactions."""
        ...

    def older_than(self, name: str, partitions: int, time_ms: int) -> int:
        """The number of records before the first one that is not older than a time (epoch)."""
        ...

    def offsets_at(self, name: str, partitions: int, time_ms: int) -> dict[int, int]:
        """The offset of the first record that is not older than a time (epoch), by partition; none where all are."""
        ...

    def delete(self, name: str) -> None:
        """Delete a topic with its records; a missing one is not an error."""
        ...

    def create(self, topic: TopicDescription) -> bool:
        """Create a topic; `False` when it already existed."""
        ...

    def alter_config(self, name: str, changed: Mapping[str, str | None]) -> None:
        """Set configuration values; `None` resets one to its default."""
        ...

    def add_partitions(self, name: str, total: int) -> None:
        """Raise the number of partitions to `total`."""
        ...

    def groups(self) -> tuple[str, ...]:
        """The names of all consumer groups."""
        ...

    def positions(self, groups: Iterable[str]) -> dict[str, dict[str, dict[int, int]]]:
        """Committed offsets by group, topic and partition."""
        ...

    def describe_groups(self, groups: Iterable[str]) -> dict[str, DescribedGroup]:
        """State and members of consumer groups, by group."""
        ...

    def move_group(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set a group's committed offsets in a topic, by partition; the group must have no members."""
        ...


class ServiceControl(Protocol):
    """The part of the supervisor that the deployer uses (`SupervisorClient`)."""

    def is_running(self) -> bool:
        """Whether a supervisor answers."""
        ...

    def status(self) -> list[ComponentStatus]:
        """Every component."""
        ...

    def start(self, name: str) -> ComponentStatus:
        """Start a component."""
        ...

    def restart(self, name: str, *, wait_s: float = 0) -> ComponentStatus:
        """Stop and start a component."""
        ...

    def stop(self, name: str) -> ComponentStatus:
        """Stop a component and keep it stopped."""
        ...


@dataclass(frozen=True)
class Platform:
    """The clients of one target; `services` and `logs` are `None` except on the embedded one.

    `search`, `kibana` and `s3` are `None` where the target has none, `rights` where they are not ours to grant.
    `may_hold_data` is false where a platform that does not run has never run, so that it surely is empty.
    """

    kafka: TopicAdmin
    registry: SchemaRegistryClient
    connect: ConnectClient
    ksqldb: KsqlClient
    services: ServiceControl | None = None
    logs: Path | None = None
    search: SearchClient | None = None
    kibana: KibanaClient | None = None
    s3: Buckets | None = None
    ownership: Ownership | None = None
    rights: GrantedRights | None = None
    claims: ClaimLog | None = None
    may_hold_data: bool = True

    def log_of(self, part: str) -> str:
        """The log file of a part (`connect`, `ksqldb`, a service), or words for it where it is elsewhere."""
        return f"the log of {part}" if self.logs is None else str(self.logs / f"{part}.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            for client in (self.registry, self.connect, self.ksqldb, self.search, self.kibana, self.claims):
                if client is not None:
                    stack.callback(client.close)


def open_platform(
    settings: Settings, *, patience_s: float = PATIENCE_S, on_wait: OnWait = lambda _text: None
) -> Platform:
    """The clients of the target; `patience_s` bounds the retries of their requests.

    `on_wait` receives a line every few seconds while the supervisor is too busy to answer.
    """
    services = SupervisorClient(settings, timeout_s=max(patience_s, TIMEOUT_S), on_wait=on_wait)
    return Platform(
        kafka=kafka.admin(settings),
        registry=schema_registry.from_settings(settings, patience_s=patience_s),
        connect=connect.from_settings(settings, patience_s=patience_s),
        ksqldb=ksqldb.from_settings(settings, patience_s=patience_s),
        services=services if settings.target == "embedded" else None,
        logs=settings.logs if settings.target == "embedded" else None,
        search=search.from_settings(settings, patience_s=patience_s),
        kibana=kibana.from_settings(settings, patience_s=patience_s),
        s3=s3.from_settings(settings),
        ownership=ownership.from_settings(settings),
        rights=granted_rights(settings),
        claims=TopicLog(settings, ownership.TOPIC),
        may_hold_data=settings.target != "embedded" or (settings.data.is_dir() and any(settings.data.iterdir())),
    )


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why the registry refuses the declared schema: the subject's rule, and the registry's own words (if any)."""

    rule: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveSubject:
    """A subject's newest schema, and the version that is exactly the declared one (if any).

    `conflict` is `None` where the declared schema is registered or may be.
    """

    latest: SubjectVersion
    declared_version: int | None
    conflict: Conflict | None = None


@dataclass(frozen=True, slots=True)
class LiveConnector:
    """A connector as the workers have it; without a status for a moment after its creation."""

    config: Mapping[str, str]
    status: ConnectorStatus | None


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A stream or table; `tree` is `None` where its statement cannot be parsed."""

    description: DescribedSource
    tree: Creating | None


@dataclass(frozen=True, slots=True)
class LiveQuery:
    """A persistent query; `tree` is `None` where its statement cannot be parsed."""

    summary: QuerySummary
    tree: Creating | None


@dataclass(frozen=True, slots=True)
class LiveState:
    """Everything that a plan compares with. `is_running` is false when no part of the target answers; `is_unknown` then
    says that it may hold something all the same.

    `services`, `templates`, `buckets` and `dashboards` (description by pipeline) are `None` where the target has no
    such thing. `written` are the topics of declared first rows that hold or held any record. `owned` is what this
    project created in ksqlDB; it is read only if something there is undeclared. `indices` are those of each
    template that is missing or may differ. `records` counts the records of topics where something differs, `expiring`
    those that the declared retention would delete. `unread` counts what a consumer group has still to read of such a
    topic, by topic and group. `left_topics` and `left_subjects` exist, were deployed from this project, and are not
    among the selected declarations.
    """

    is_running: bool = True
    is_unknown: bool = False
    topics: Mapping[str, TopicDescription] = field(default_factory=dict)
    subjects: Mapping[str, LiveSubject] = field(default_factory=dict)
    connectors: Mapping[str, LiveConnector] = field(default_factory=dict)
    sources: Mapping[str, LiveSource] = field(default_factory=dict)
    queries: Mapping[str, LiveQuery] = field(default_factory=dict)
    types: Mapping[str, Json] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    owned: Owned = field(default_factory=Owned)
    services: Mapping[str, ComponentStatus] | None = None
    templates: Mapping[str, Body] | None = None
    buckets: frozenset[str] | None = None
    dashboards: Mapping[str, str] | None = None
    indices: Mapping[str, tuple[SearchIndex, ...]] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)
    expiring: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_topics: frozenset[str] = frozenset()
    left_subjects: frozenset[str] = frozenset()
