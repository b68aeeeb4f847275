"""Checks statements offline: types, names and schemas, against declared topics and schemas.

>>> checker = OfflineChecker()
>>> create, select = parse_script(
...     "CREATE STREAM S (ID INT KEY, N INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
...     "CREATE STREAM BIG AS SELECT * FROM S WHERE N > 10;"
... )
>>> checker.check(create).creates
'S'
>>> checker.check(select).reads
frozenset({'S'})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.topics import TopicInfo, TopicSpec
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.engine.planner import Planner
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.metastore_changes import apply_to_metastore
from bifrost.engine.planner.outcome import (
    CreatePlan,
    CreateTypePlan,
    InsertValuesPlan,
    PersistentPlan,
    Planned,
    PullPlan,
    PushPlan,
    StreamPullPlan,
)
from bifrost.engine.planner.properties import check_name_in_statement, check_value
from bifrost.engine.serde import InMemoryRegistry, SerdeError, Serdes
from bifrost.errors import AnalysisError, StatementError
from bifrost.sql.tree import (
    AlterSource,
    CreateAsSelect,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    InsertSelect,
    InsertValues,
    ParsedStatement,
    Query,
    SetProperty,
    UnsetProperty,
)

_PLANNED = (
    CreateSource,
    CreateAsSelect,
    InsertSelect,
    InsertValues,
    AlterSource,
    DropSource,
    CreateType,
    DropType,
    Query,
)


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A valid statement. `planned` is None for statements that need no plan (SET, SHOW, ...).

    `creates` is the stream, table or type that the statement creates, `reads` are the streams and tables that it reads,
    and `writes` is the topic that it writes or creates.
    """

    statement: ParsedStatement
    planned: Planned | None = None
    creates: str | None = None
    reads: frozenset[str] = frozenset()
    writes: str | None = None


@dataclass(slots=True)
class DeclaredEnvironment:
    """Declared topics and schemas, plus those of checked statements; implements `Environment`."""

    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    topics: dict[str, TopicInfo] = field(default_factory=dict)

    def topic(self, name: str) -> TopicInfo | None:
        """The topic's settings, or None if it is neither declared nor created by a statement."""
        return self.topics.get(name)


@contextmanager
def _located(statement: ParsedStatement) -> Iterator[None]:
    """Gives errors the statement's text, line and column."""
    try:
        yield
    except StatementError as error:
        place = {"line": statement.line, "column": statement.column}
        raise AnalysisError(error.message, statement.text, **place) from error


class OfflineChecker:
    """Checks statements in order; each sees what earlier statements created.

    Args:
        subjects: Avro schemas (as JSON text) by subject (`ratings-value`).
        topics: topics by name.
        functions: the available functions; default: the built-in ones.
        properties: ksqlDB's configuration, such as `ksql.persistence.default.format.value`.
    """

    def __init__(
        self,
        *,
        subjects: Mapping[str, str] | None = None,
        topics: Mapping[str, TopicInfo] | None = None,
        functions: FunctionRegistry | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.metastore = MetaStore()
        self.environment = DeclaredEnvironment(topics=dict(topics or {}))
        for subject, text in (subjects or {}).items():
            self.environment.registry.register(subject, "AVRO", text)
        self.functions = functions if functions is not None else default_registry()
        self._properties = dict(properties or {})
        self._serdes = Serdes(self.environment.registry)
        self._number = 0

    def check(self, statement: ParsedStatement, properties: Mapping[str, str] | None = None) -> CheckedStatement:
        """Checks a statement and remembers what it creates; `properties` are those of its session.

        Raises:
            AnalysisError: the statement is invalid; `line` and `column` are the statement's.
        """
        match statement.tree:
            case SetProperty(name, value):
                self._set(statement, name, value)
            case UnsetProperty(name):
                with _located(statement):
                    check_name_in_statement(name, by_server=True)
                self._properties.pop(name, None)
        if not isinstance(statement.tree, _PLANNED):
            return CheckedStatement(statement)
        with _located(statement):
            planned = self._plan(statement, properties or {})
            self._enter(planned)
        return _described(statement, planned)

    def _set(self, statement: ParsedStatement, name: str, value: str) -> None:
        with _located(statement):
            check_name_in_statement(name)
            check_value(name, value)
        self._properties[name] = value

    def _plan(self, statement: ParsedStatement, properties: Mapping[str, str]) -> Planned:
        self._number += 1
        config = PlannerConfig.of({**self._properties, **properties})
        functions = self.functions.configured({**self._properties, **properties})
        planner = Planner(self.metastore, functions, self.environment, config)
        return planner.plan(statement, query_number=self._number)

    def _enter(self, planned: Planned) -> None:
        match planned:
            case CreatePlan(source=source, topic=topic):
                self._make(source, topic)
            case PersistentPlan(sink=sink, topic=topic, inserts=False):
                self._make(sink, topic)
        apply_to_metastore(self.metastore, planned)

    def _make(self, source: DataSource, topic: TopicSpec | None) -> None:
        if topic is None:
            return
        known = TopicInfo(topic.partitions, topic.replicas)
        if topic.retention_ms is not None:
            known = replace(known, retention_ms=topic.retention_ms)
        self.environment.topics[topic.name] = known
        try:
            self._serdes.register(topic.name, source.formats, source.schema)
        except SerdeError as error:
            raise AnalysisError(f"{source.name}: {error}") from error


def _described(statement: ParsedStatement, planned: Planned) -> CheckedStatement:
    match planned:
        case CreatePlan(source=source):
            return CheckedStatement(statement, planned, source.name, writes=source.topic)
        case PersistentPlan(sink=sink, sources=sources):
            made = None if planned.inserts else sink.name
            return CheckedStatement(statement, planned, made, sources, sink.topic)
        case PushPlan(query=query) | StreamPullPlan(query=query):
            return CheckedStatement(statement, planned, reads=frozenset(query.sources))
        case PullPlan(source=source):
            return CheckedStatement(statement, planned, reads=frozenset({source.name}))
        case InsertValuesPlan(target=target):
            return CheckedStatement(statement, planned, writes=target.topic)
        case CreateTypePlan(name=name):
            return CheckedStatement(statement, planned, name)
        case _:
            return CheckedStatement(statement, planned)
