"""The content of the declaration files as values; `select` picks pipelines with all that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bifrost.alerts import Alert
from bifrost.dashboards.declared import Dashboard, IndexTemplate
from bifrost.errors import SettingError
from bifrost.sql.tree import CreateAsSelect, CreateSource, CreateType, InsertSelect, InsertValues

Creating = CreateSource | CreateAsSelect | InsertSelect | InsertValues | CreateType
SUBJECT_SUFFIXES = ("-key", "-value")
SCHEMA_FORMATS = frozenset({"AVRO", "PROTOBUF", "JSON_SR"})
"""Formats whose columns ksqlDB can take from the registry."""


BUCKET_KEY = "s3.bucket.name"


@dataclass(frozen=True, slots=True)
class DeclaredConnector:
    """One file of `connectors/<pipeline>/`; `config` is as written, without the keys `name` and of silenced rules."""

    name: str
    pipeline: str
    path: Path
    config: Mapping[str, str]
    lint_ignore: frozenset[str] = frozenset()

    @property
    def is_sink(self) -> bool:
        """Whether it reads topics (only sinks have these keys)."""
        return "topics" in self.config or "topics.regex" in self.config

    @property
    def bucket(self) -> str:
        """The bucket that it writes to, empty where none is named."""
        return self.config.get(BUCKET_KEY, "")

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that a sink names."""
        return tuple(topic.strip() for topic in self.config.get("topics", "").split(",") if topic.strip())


@dataclass(frozen=True, slots=True)
class DeclaredTopic:
    """One entry of `topics/<pipeline>.json`; `key` names the key of its records, `connector` the writer."""

    name: str
    pipeline: str
    path: Path
    partitions: int
    config: Mapping[str, str]
    key: str = "none"
    replication: int = -1
    connector: str = ""
    lint_ignore: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DeclaredSubject:
    """One file of `topics/schemas/`. Where a connector writes the topic, it is a snapshot: only compared."""

    name: str
    topic: DeclaredTopic
    path: Path
    schema: str

    @property
    def is_snapshot(self) -> bool:
        """Whether a connector registers it, so that the file is only compared."""
        return bool(self.topic.connector)


@dataclass(frozen=True, slots=True)
class DeclaredStatement:
    """One statement of `ksql/<pipeline>.sql`; `line` counts in the file, `properties` are those that SET gave it."""

    name: str
    pipeline: str
    path: Path
    line: int
    text: str
    tree: Creating
    properties: Mapping[str, str]
    reads: frozenset[str] = frozenset()
    topic: str = ""  # that it reads or writes; empty for a type and for INSERT INTO

    @property
    def awaited_subjects(self) -> tuple[str, ...]:
        """The subjects that its columns are taken from, which must exist before it."""
        if not isinstance(self.tree, CreateSource):
            return ()
        return tuple(_inferred(self.topic, self.tree))


@dataclass(frozen=True, slots=True)
class DeclaredService:
    """One module `services/<pipeline>_<what>.py`, or the alert service, which has no pipeline but `topics`.

    `changed_at` is when its program was last changed (epoch, seconds), 0 if unknown. `reads` are the topics, streams
    and tables that its program names in `READS`, `writes` those in `WRITES`.
    """

    name: str
    pipeline: str
    topics: frozenset[str] = frozenset()
    changed_at: float = 0.0
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


PipelineItem = DeclaredTopic | DeclaredConnector | DeclaredStatement | IndexTemplate | Dashboard | DeclaredService


@dataclass(frozen=True, slots=True)
class Declarations:
    """Everything declared, in the order in which it is set up; statements in their order of dependence."""

    topics: tuple[DeclaredTopic, ...] = ()
    subjects: tuple[DeclaredSubject, ...] = ()
    connectors: tuple[DeclaredConnector, ...] = ()
    statements: tuple[DeclaredStatement, ...] = ()
    templates: tuple[IndexTemplate, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    services: tuple[DeclaredService, ...] = ()
    alerts: tuple[Alert, ...] = ()

    @property
    def buckets(self) -> tuple[str, ...]:
        """The buckets that connectors name, sorted; without those that a placeholder names."""
        named = {connector.bucket for connector in self.connectors}
        return tuple(sorted(name for name in named if name and "${" not in name))

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The names of all pipelines, sorted."""
        return tuple(sorted({item.pipeline for item in self.pipeline_items if item.pipeline}))

    @property
    def written_topics(self) -> frozenset[str]:
        """The declared topics, and those that queries write."""
        sinks = {item.topic for item in self.statements if isinstance(item.tree, CreateAsSelect)}
        return frozenset({topic.name for topic in self.topics} | sinks)

    @property
    def pipeline_items(self) -> tuple[PipelineItem, ...]:
        """Everything that belongs to one pipeline (a subject belongs to its topic)."""
        return (*self.topics, *self.connectors, *self.statements, *self.templates, *self.dashboards, *self.services)

    def select(self, pipelines: Sequence[str]) -> Declarations:
        """These pipelines and all that they need from others; no names means everything.

        Raises:
            SettingError: no pipeline has that name.
        """
        for name in pipelines:
            if name not in self.pipelines:
                raise SettingError(name, f"is not a pipeline; known are {', '.join(self.pipelines) or 'none'}")
        return _Selection(self).grow_from(pipelines) if pipelines else self


T = TypeVar(
    "T",
    DeclaredTopic,
    DeclaredSubject,
    DeclaredConnector,
    DeclaredStatement,
    IndexTemplate,
    Dashboard,
    DeclaredService,
)


@dataclass
class _Selection:
    """Starts with the pipelines' own items and adds what they need until nothing is missing."""

    everything: Declarations
    taken: set[object] = field(default_factory=set)

    def grow_from(self, pipelines: Sequence[str]) -> Declarations:
        every = self.everything
        pending: list[object] = [item for item in every.pipeline_items if item.pipeline in pipelines]
        while pending:
            item = pending.pop()
            # By identity: declarations hold dicts, so they cannot be hashed.
            if id(item) not in self.taken:
                self.taken.add(id(item))
                pending.extend(self._needs(item))
        return Declarations(
            topics=self._taken_from(every.topics),
            subjects=self._taken_from(every.subjects),
            connectors=self._taken_from(every.connectors),
            statements=self._taken_from(every.statements),
            templates=self._taken_from(every.templates),
            dashboards=self._taken_from(every.dashboards),
            services=self._taken_from(every.services),
        )

    def _taken_from(self, items: Iterable[T]) -> tuple[T, ...]:
        return tuple(item for item in items if id(item) in self.taken)

    def _needs(self, item: object) -> Iterator[object]:
        match item:
            case DeclaredStatement():
                yield from self._where(self.everything.statements, lambda other: other.name in item.reads)
                yield from self._topics_and_writers(item.topic, item)
                yield from self._where(self.everything.services, lambda service: item.topic in service.topics)
            case DeclaredConnector():
                for topic in item.topics:
                    yield from self._topics_and_writers(topic, item)
                yield from self._where(self.everything.topics, lambda topic: topic.connector == item.name)
            case DeclaredTopic():
                yield from self._where(self.everything.subjects, lambda subject: subject.topic is item)
                yield from self._where(self.everything.connectors, lambda other: other.name == item.connector)

    def _topics_and_writers(self, topic: str, reader: object) -> Iterator[object]:
        yield from self._where(self.everything.topics, lambda other: other.name == topic)
        yield from self._where(
            self.everything.statements,
            lambda other: other.topic == topic and other is not reader and isinstance(other.tree, CreateAsSelect),
        )

    @staticmethod
    def _where(items: Iterable[T], wanted: Callable[[T], bool]) -> Iterator[T]:
        return (item for item in items if wanted(item))


def _inferred(topic: str, tree: CreateSource) -> Iterator[str]:
    keys = [element for element in tree.elements if element.constraint is not None]
    if format_of(tree, "VALUE") in SCHEMA_FORMATS and len(keys) == len(tree.elements):
        yield f"{topic}-value"
    if format_of(tree, "KEY") in SCHEMA_FORMATS:
        yield f"{topic}-key"


def format_of(tree: CreateSource | CreateAsSelect, part: str) -> str:
    """The declared format of a source's `KEY` or `VALUE`; empty where nothing is said."""
    found = tree.properties.get(f"{part}_FORMAT") or tree.properties.get("FORMAT")
    return str(getattr(found, "value", "")).upper()
