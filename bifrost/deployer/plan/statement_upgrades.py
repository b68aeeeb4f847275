"""Decides offline, by ksqlDB's rules, whether CREATE OR REPLACE can change a live statement in place.

The engine's planner plans the live statements and the declared ones; what it refuses, ksqlDB refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bifrost.deployer.declared.declarations import Creating, Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveSource, LiveState
from bifrost.deployer.plan.topic_fit import misfit
from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.topics import DEFAULT_RETENTION_MS, TopicInfo
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.planner import Planner, check_upgrade
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.metastore_changes import apply_to_metastore
from bifrost.engine.planner.outcome import CreatePlan, PersistentPlan, Planned
from bifrost.engine.serde import InMemoryRegistry
from bifrost.engine.testing.offline_check import DeclaredEnvironment
from bifrost.errors import AnalysisError, BifrostError, DeclarationError, StatementError
from bifrost.sql.tree import CreateAsSelect, CreateSource, ParsedStatement

_UNKNOWN_FUNCTION = "Can't find any functions with the name"
_SCHEMA_IDS = ("KEY_SCHEMA_ID", "VALUE_SCHEMA_ID")
_REMEDY = " DROP it and create it again."
_NO_SCHEMA = "Could not determine output schema for query due to error: "
_COLUMNS = re.compile(r"The following columns are changed, missing or reordered: \[(.*)\]\)")
_PART = re.compile(r"has (type|topic|key format|value format) = ")
_STEP = re.compile(r"Upgrades not yet supported for (\w+)\.")
_NOT_IN_PLACE: Mapping[str, str] = {
    "StreamWindowedAggregate": "a query with a window",
    "TableAggregate": "an aggregation of a table",
    "StreamStreamJoin": "a query with a join",
    "StreamTableJoin": "a query with a join",
    "TableTableJoin": "a query with a join",
    "ForeignKeyTableTableJoin": "a query with a join",
    "StreamAggregate": "what an aggregation computes, or the columns that it and its filter read",
    "StreamGroupBy": "GROUP BY",
    "StreamGroupByKey": "GROUP BY",
    "StreamSelectKey": "PARTITION BY",
    "StreamFlatMap": "a table function",
    "StreamSink": "the time column of the records",
    "TableSink": "the time column of the records",
}
"""What ksqlDB does not change in place, by the step of the query's plan that it names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ksqlDB would say about a changed statement.

    `refusal` is why it does not change the live one in place, empty if it does. `invalid` is why it would refuse the
    statement altogether. `misfit` is why the new records do not fit the topic of the live query. `columns` are the
    names of the columns afterwards, `None` where that is unknown; `retention_ms` is what the topic must have.
    """

    refusal: str = ""
    invalid: str = ""
    misfit: str = ""
    columns: tuple[str, ...] | None = None
    retention_ms: int | None = None


class StatementUpgrades:
    """The streams and tables of a server as the planner sees them, to which changes are applied one after the other."""

    def __init__(self, declared: Declarations, live: LiveState) -> None:
        self._live = live
        self._functions = _functions(declared)
        self._environment = DeclaredEnvironment(_registry(declared, live), _topics(declared, live))
        self._running: dict[str, Planned] = {}
        self._unknown: set[str] = set()
        self._metastore = MetaStore()
        for name, source in _by_dependence(live.sources):
            self._enter_live(name, source)

    def create(self, statement: DeclaredStatement, tree: Creating) -> Verdict:
        """A statement that is missing, or dropped first: what it is afterwards."""
        if self._unknown.intersection(names_read(tree)):
            self._unknown.add(statement.name)
            return Verdict()
        before = self._metastore.sources.pop(statement.name, None)
        try:
            planned = self._planned(statement, _plain(tree), self._without_topic(before))
        except StatementError as error:
            self._unknown.add(statement.name)
            # The server may have functions that are unknown here.
            return Verdict(invalid="" if _UNKNOWN_FUNCTION in error.message else _first_line(error))
        except BifrostError:
            self._unknown.add(statement.name)
            return Verdict()
        apply_to_metastore(self._metastore, planned)
        return self._verdict(planned, before)

    def change(self, statement: DeclaredStatement, tree: CreateSource | CreateAsSelect) -> Verdict:
        """A statement that differs from the live one: whether CREATE OR REPLACE is legal, and what it is afterwards."""
        changed = self._changed(statement, tree)
        if isinstance(changed, str):
            return replace(self.create(statement, tree), refusal=changed)
        apply_to_metastore(self._metastore, changed)
        return self._verdict(changed, None)

    def extend(self, statement: DeclaredStatement, tree: CreateAsSelect) -> Verdict | None:
        """An unchanged statement whose `*` has got further columns, `None` if ksqlDB does not add them in place."""
        changed = self._changed(statement, tree)
        if isinstance(changed, str):
            return None
        apply_to_metastore(self._metastore, changed)
        return self._verdict(changed, None)

    def _changed(self, statement: DeclaredStatement, tree: CreateSource | CreateAsSelect) -> Planned | str:
        """The plan of CREATE OR REPLACE, or why ksqlDB refuses it."""
        if statement.name in self._unknown or self._unknown.intersection(names_read(tree)):
            return "its statement, or one that it reads, cannot be checked here"
        writers = sorted(self._live.sources[statement.name].description.written_by)
        if len(writers) > 1:
            return f"several queries write into it ({', '.join(writers)})"
        try:
            planned = self._planned(statement, replace(tree, or_replace=True, if_not_exists=False), self._environment)
            self._check_query(self._running.get(statement.name), planned)
        except StatementError as error:
            return _in_words(error)
        except BifrostError as error:
            return f"it cannot be checked here: {error}"
        return planned

    @staticmethod
    def _check_query(running: Planned | None, planned: Planned) -> None:
        if isinstance(planned, PersistentPlan):
            if not isinstance(running, PersistentPlan):
                raise AnalysisError("it was created by another kind of statement")
            check_upgrade(running.query, planned.query)

    def _planned(self, statement: DeclaredStatement, tree: Creating, environment: DeclaredEnvironment) -> Planned:
        properties = statement.properties
        planner = Planner(
            self._metastore, self._functions.configured(properties), environment, PlannerConfig.of(properties)
        )
        return planner.plan(ParsedStatement(statement.text, tree, statement.line, 1), query_number=0)

    def _enter_live(self, name: str, source: LiveSource) -> None:
        tree = source.tree
        if not isinstance(tree, CreateSource | CreateAsSelect) or self._unknown.intersection(names_read(tree)):
            self._unknown.add(name)
            return
        planner = Planner(self._metastore, self._functions, self._environment)
        try:
            # The columns are listed, and the schemas of old versions may be gone.
            statement = ParsedStatement(source.description.statement, _without_schema_ids(tree), 1, 1)
            planned = planner.plan(statement, query_id=next(iter(source.description.written_by), None))
        except BifrostError:
            self._unknown.add(name)
            return
        self._running[name] = planned
        apply_to_metastore(self._metastore, planned)

    def _without_topic(self, before: DataSource | None) -> DeclaredEnvironment:
        """The topics without the one that the live query writes: whether it fits is another question."""
        if before is None or not isinstance(self._running.get(before.name), PersistentPlan):
            return self._environment
        topics = {name: info for name, info in self._environment.topics.items() if name != before.topic}
        return DeclaredEnvironment(self._environment.registry, topics)

    def _verdict(self, planned: Planned, before: DataSource | None) -> Verdict:
        match planned:
            case CreatePlan(source=source):
                return Verdict(columns=_names(source))
            case PersistentPlan(sink=sink, topic=topic, inserts=False):
                info = self._environment.topics.get(sink.topic)
                if topic is None:
                    return Verdict(columns=_names(sink))
                problem = "" if before is None else misfit(before, sink, topic, info)
                return Verdict(misfit=problem, columns=_names(sink), retention_ms=topic.retention_ms)
            case _:
                return Verdict()


def _functions(declared: Declarations) -> FunctionRegistry:
    """The functions of ksqlDB and of the project (`ksql/udf`)."""
    folders = {statement.path.parent / "udf" for statement in declared.statements}
    try:
        return registry_of(min(folders)) if folders else default_registry()
    except DeclarationError:
        return default_registry()


def _registry(declared: Declarations, live: LiveState) -> InMemoryRegistry:
    """The schemas that columns are taken from: the registered ones, else the declared ones."""
    schemas = {subject.name: subject.schema for subject in declared.subjects}
    schemas |= {name: subject.latest.schema for name, subject in live.subjects.items()}
    registry = InMemoryRegistry()
    for name, schema in schemas.items():
        registry.register(name, "AVRO", schema)
    return registry


def _topics(declared: Declarations, live: LiveState) -> dict[str, TopicInfo]:
    """The topics as a plan leaves them: declared ones get their partitions before any statement runs."""
    topics = {
        source.description.topic: TopicInfo(max(source.description.partitions, 1)) for source in live.sources.values()
    }
    for name, topic in live.topics.items():
        retention_ms = topic.config.get("retention.ms", str(DEFAULT_RETENTION_MS))
        topics[name] = TopicInfo(topic.partitions, max(topic.replication, 1), int(retention_ms))
    for item in declared.topics:
        topics[item.name] = replace(topics.get(item.name, TopicInfo()), partitions=item.partitions)
    return topics


def _by_dependence(sources: Mapping[str, LiveSource]) -> Iterator[tuple[str, LiveSource]]:
    """Each source after those that it reads."""
    entered: dict[str, None] = {}

    def visit(name: str) -> Iterator[str]:
        if name in entered or name not in sources:
            return
        entered[name] = None
        tree = sources[name].tree
        for other in () if tree is None else names_read(tree):
            yield from visit(other)
        yield name

    for name in sources:
        for found in visit(name):
            yield found, sources[found]


def _plain(tree: Creating) -> Creating:
    return replace(tree, if_not_exists=False) if isinstance(tree, CreateSource | CreateAsSelect) else tree


def _without_schema_ids(tree: CreateSource | CreateAsSelect) -> CreateSource | CreateAsSelect:
    entries = {name: value for name, value in tree.properties.items() if name not in _SCHEMA_IDS}
    return replace(tree, properties=replace(tree.properties, entries=entries))


def _names(source: DataSource) -> tuple[str, ...]:
    return tuple(column.name for column in source.schema.columns)


def _in_words(error: StatementError) -> str:
    """Why ksqlDB refuses to change a statement in place."""
    step, columns, part = _STEP.match(error.message), _COLUMNS.search(error.message), _PART.search(error.message)
    if step is not None and step[1] in _NOT_IN_PLACE:
        return f"ksqlDB does not change {_NOT_IN_PLACE[step[1]]} in place"
    if columns is not None:
        names = ", ".join(re.findall(r"`([^`]+)` ", columns[1]))
        return f"in place, ksqlDB adds columns at the end only ({names} changed, missing or reordered)"
    if part is not None and "WindowInfo" in error.message:
        return "ksqlDB does not change a query with a window in place"
    if part is not None:
        return f"ksqlDB does not change the {part[1]} in place"
    return _first_line(error)


def _first_line(error: StatementError) -> str:
    return error.message.removesuffix(_REMEDY).removeprefix(_NO_SCHEMA).splitlines()[0]
