"""The entry point of planning: turns a parsed statement into its plan."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from bifrost.engine.analysis.analyzer import Analysis, analyze, prepare
from bifrost.engine.analysis.error_context import attach_statement
from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.catalog.topics import TopicSpec
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.planner.ddl.ddl import DdlPlanner, already_exists, plan_ddl
from bifrost.engine.planner.ddl.source_checks import check_name_is_free, check_replacement, missing_timestamp
from bifrost.engine.planner.ddl.topics import check_sink_topic, cleanup_policy, sink_topic, sink_topic_properties
from bifrost.engine.planner.ddl.with_clause import SourceProperties, insert_query_id, timestamp_of
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.planner.inserts import plan_insert_values
from bifrost.engine.planner.outcome import (
    CreatePlan,
    InsertValuesPlan,
    NothingToDo,
    PersistentPlan,
    Planned,
    PullPlan,
    PushPlan,
    StreamPullPlan,
)
from bifrost.engine.planner.pull import check_pull, plan_pull
from bifrost.engine.planner.queries import QueryPlanner
from bifrost.engine.planner.sinks import cast_to_sink, check_registered, check_sink, sink_formats, with_sink_step
from bifrost.engine.planner.source_tables import materializing_query
from bifrost.engine.planner.stage import Stage
from bifrost.errors import AnalysisError, UnsupportedError
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import (
    AlterSource,
    Constraint,
    CreateAsSelect,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    Emit,
    InsertSelect,
    InsertValues,
    Lambda,
    ParsedStatement,
    Query,
    SingleColumn,
    SourceKind,
    resolve_types,
    walk,
)

_NO_SCHEMA = "Could not determine output schema for query due to error: "


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans statements against a metastore without changing it."""

    metastore: MetaStore
    functions: FunctionRegistry
    environment: Environment
    config: PlannerConfig = field(default_factory=PlannerConfig)

    def plan(self, statement: ParsedStatement, *, query_number: int = 0, query_id: str | None = None) -> Planned:
        """The plan of a statement that defines, changes or queries something.

        New queries get the id `CSAS_<SINK>_<query_number>` as in ksqlDB, or `query_id` if given (when a command is
        replayed).

        Raises:
            StatementError: the statement is invalid; the error's `statement` is the text as ksqlDB shows it.
            RegistryUnavailable, RemoteError: the registry or the broker is needed and unavailable.
        """
        with attach_statement(statement.text):
            if any(isinstance(node, Lambda) for node in walk(statement.tree)):
                self.config.require("ksql.lambdas.enabled")
            match statement.tree:
                case CreateSource() as create:
                    return self._create_source(create, query_number, query_id)
                case AlterSource() | DropSource() | CreateType() | DropType() as change:
                    return plan_ddl(self._ddl(), change)
                case CreateAsSelect() as create_as:
                    return self._create_as(create_as, query_number, query_id)
                case InsertSelect() as insert:
                    return self._insert_select(insert, query_number, query_id)
                case InsertValues() as values:
                    return self._insert_values(values, statement.text)
                case Query() as query:
                    return self._select(query, statement.text, query_id)
                case other:
                    raise UnsupportedError(f"{type(other).__name__} cannot be planned")

    def _ddl(self) -> DdlPlanner:
        return DdlPlanner(self.metastore, self.environment, self.config)

    def _create_source(self, statement: CreateSource, number: int, query_id: str | None) -> CreatePlan | NothingToDo:
        if statement.or_replace:
            self.config.require("ksql.create.or.replace.enabled")
        if statement.is_source and statement.kind is SourceKind.TABLE:
            self.config.require("ksql.source.table.materialization.enabled")
        if any(element.constraint in (Constraint.HEADER, Constraint.HEADERS) for element in statement.elements):
            self.config.require("ksql.headers.columns.enabled")
        planned = self._ddl().create(statement)
        if isinstance(planned, NothingToDo) or not statement.is_source or planned.source.kind is SourceKind.STREAM:
            return planned
        query_id = query_id or f"CST_{statement.name}_{number}"
        query = materializing_query(planned.source, query_id, self.functions)
        return replace(planned, query=query, source=replace(planned.source, created_by=query_id))

    # --- persistent queries

    def _create_as(self, statement: CreateAsSelect, number: int, query_id: str | None) -> PersistentPlan | NothingToDo:
        kind = statement.kind
        taken = self.metastore.find(statement.name)
        statement = resolve_types(statement, self.metastore.types)
        self._check_persistent(statement.query, f"CREATE {kind.value} {statement.name} AS SELECT")
        if statement.or_replace:
            self.config.require("ksql.create.or.replace.enabled")
        query, scope = prepare(statement.query, self.metastore)
        properties = SourceProperties.of_sink(statement.properties)
        topic = self._sink_topic(statement, query, properties, scope.sources[0].source)
        statement = replace(
            statement, query=query, properties=statement.properties.adding(sink_topic_properties(topic))
        )
        text = format_statement(statement)
        if taken is not None and statement.if_not_exists:
            return already_exists(statement.name, kind, taken, text)
        with attach_statement(text, _NO_SCHEMA):
            analysis = analyze(query, scope, self.functions)
            _check_timestamp_selected(query, properties)
            stage = QueryPlanner(analysis, self.config, statement.name).stage()
            _check_result(statement, stage)
        with attach_statement(text):
            sink = self._sink(statement.name, stage, properties, analysis, topic)
            query_id = self._query_id(kind, statement, taken, number, query_id)
            sink = replace(sink, statement=text, created_by=query_id)
            self._check_taken(statement, sink, taken)
            check_sink_topic(topic, self.environment.topic(topic.name))
        replaces = taken.created_by if taken is not None else None
        return _persistent(text, stage, sink, topic, analysis, query_id, replaces=replaces)

    def _check_persistent(self, query: Query, statement: str) -> None:
        if query.limit is not None:
            raise AnalysisError(
                f"LIMIT is not supported in persistent queries. Remove it from {statement}, or run the SELECT as a "
                f"push query: SELECT ... EMIT CHANGES LIMIT {query.limit};"
            )
        if query.emit is Emit.FINAL:
            self.config.require("ksql.suppress.enabled")

    def _sink_topic(
        self, statement: CreateAsSelect, query: Query, properties: SourceProperties, origin: DataSource
    ) -> TopicSpec:
        name = properties.topic or f"{self.config.topic_prefix}{statement.name}"
        window = query.window
        windowed = window is not None or origin.is_windowed
        retention = window.retention.milliseconds if window is not None and window.retention is not None else None
        policy = cleanup_policy(statement.kind, windowed=windowed)
        found = self.environment.topic(origin.topic)
        return sink_topic(name, properties, (origin, found), policy, retention)

    def _sink(
        self, name: str, stage: Stage, properties: SourceProperties, analysis: Analysis, topic: TopicSpec
    ) -> DataSource:
        origin = analysis.scope.sources[0].source
        formats = sink_formats(name, stage, properties, origin, self.config)
        timestamp = timestamp_of(properties)
        check_sink(stage.schema, formats, timestamp)
        check_registered(stage.schema, formats, topic.name, self.environment)
        return DataSource(
            name=name,
            kind=stage.kind,
            schema=stage.schema,
            topic=topic.name,
            formats=formats,
            statement="",
            timestamp=timestamp,
            partitions=topic.partitions,
        )

    def _query_id(
        self, kind: SourceKind, statement: CreateAsSelect, taken: DataSource | None, number: int, given: str | None
    ) -> str:
        if given is not None:
            return given
        if statement.or_replace and taken is not None and taken.created_by is not None:
            # The replacement keeps the id: state, offsets and internal topics belong to it.
            return taken.created_by
        return f"{'CSAS' if kind is SourceKind.STREAM else 'CTAS'}_{statement.name}_{number}"

    def _check_taken(self, statement: CreateAsSelect, sink: DataSource, taken: DataSource | None) -> None:
        if taken is None:
            return
        if not statement.or_replace:
            check_name_is_free(sink.name, sink.kind, taken)
        check_replacement(taken, sink)

    def _insert_select(self, statement: InsertSelect, number: int, query_id: str | None) -> PersistentPlan:
        sink = self._insert_target(statement)
        statement = resolve_types(statement, self.metastore.types)
        self._check_persistent(statement.query, f"INSERT INTO {sink.name} SELECT")
        query, scope = prepare(statement.query, self.metastore)
        named = insert_query_id(statement.properties)
        text = format_statement(replace(statement, query=query))
        with attach_statement(text):
            analysis = analyze(query, scope, self.functions)
            stage = QueryPlanner(analysis, self.config, sink.name).stage()
            if stage.kind is not sink.kind:
                raise AnalysisError(
                    f"Incompatible data sink: {sink.name} is a {sink.kind.value}, but the query produces a "
                    f"{stage.kind.value}."
                )
            stage = cast_to_sink(stage, sink)
        query_id = query_id or named or f"INSERTQUERY_{number}"
        return _persistent(text, stage, sink, None, analysis, query_id, inserts=True)

    def _insert_target(self, statement: InsertSelect) -> DataSource:
        sink = self.metastore.find(statement.target)
        if sink is None:
            raise AnalysisError(f"{_target_place(statement)}Source `{statement.target}` does not exist.")
        if sink.kind is SourceKind.TABLE:
            raise AnalysisError(f"INSERT INTO can only be used to insert into a stream. {sink.name} is a table.")
        if sink.read_only:
            raise AnalysisError(f"Cannot insert into read-only stream: {sink.name}")
        if sink.schema.headers:
            names = ", ".join(column.name for column in sink.schema.headers)
            raise AnalysisError(f"Cannot insert into {sink.name} because it has header columns: {names}")
        return sink

    def _insert_values(self, statement: InsertValues, text: str) -> InsertValuesPlan:
        self.config.require("ksql.insert.into.values.enabled")
        statement = resolve_types(statement, self.metastore.types)
        return plan_insert_values(statement, text, self.metastore, self.functions)

    # --- push and pull queries

    def _select(self, query: Query, text: str, query_id: str | None) -> PushPlan | StreamPullPlan | PullPlan:
        query, scope = prepare(resolve_types(query, self.metastore.types), self.metastore)
        analysis = analyze(query, scope, self.functions)
        first = scope.sources[0].source
        if query.emit is None and (scope.is_join or first.kind is SourceKind.TABLE):
            return plan_pull(analysis, text, self.config)
        if query.emit is None:
            check_pull(analysis, self.config)
            self.config.require("ksql.query.pull.stream.enabled")
        elif query.limit is not None and query.limit < 0:
            raise AnalysisError(f"LIMIT must not be negative, but is {query.limit}.")
        stage = QueryPlanner(analysis, self.config, None).stage()
        plan = QueryPlan(
            query_id=query_id or f"transient_{first.name}_{random.getrandbits(63)}",
            kind="PUSH",
            sources=_names(analysis),
            sink=None,
            step=stage.step,
            result="TABLE" if stage.is_table else "STREAM",
            schema=LogicalSchema(stage.schema.value),
            limit=query.limit,
        )
        return StreamPullPlan(text, plan) if query.emit is None else PushPlan(text, plan)


def _target_place(statement: InsertSelect) -> str:
    if statement.location is None:
        return ""
    # ksqlDB points to the target's name, not to the start of the statement.
    return f"{replace(statement.location, column=statement.location.column + len('INSERT INTO '))}: "


def _names(analysis: Analysis) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source.source.name for source in analysis.scope.sources))


def _check_timestamp_selected(query: Query, properties: SourceProperties) -> None:
    """Runs before the query is planned, so that errors in the WITH clause are reported first, as in ksqlDB."""
    selected = {item.alias for item in query.select if isinstance(item, SingleColumn)}
    plain = all(isinstance(item, SingleColumn) for item in query.select)
    if plain and properties.timestamp is not None and properties.timestamp not in selected:
        raise missing_timestamp(properties.timestamp)


def _check_result(statement: CreateAsSelect, stage: Stage) -> None:
    if statement.kind is not stage.kind:
        found = stage.kind.value
        raise AnalysisError(
            f"Invalid result type. Your SELECT query produces a {found}. "
            f"Please use CREATE {found} AS SELECT statement instead."
        )


def _persistent(
    text: str,
    stage: Stage,
    sink: DataSource,
    topic: TopicSpec | None,
    analysis: Analysis,
    query_id: str,
    *,
    inserts: bool = False,
    replaces: str | None = None,
) -> PersistentPlan:
    last = with_sink_step(stage, sink.name, sink.topic, sink.formats, sink.timestamp)
    names = _names(analysis)
    query = QueryPlan(
        query_id=query_id,
        kind="INSERT" if inserts else "CSAS" if sink.kind is SourceKind.STREAM else "CTAS",
        sources=names,
        sink=sink.name,
        step=last.step,
        result="TABLE" if last.is_table else "STREAM",
        schema=last.schema,
    )
    return PersistentPlan(text, query, sink, topic, frozenset(names), inserts, replaces)
