"""Carries out statements that change nothing: SHOW, DESCRIBE, EXPLAIN."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.plan.as_text import execution_plan_text
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.planner.outcome import PersistentPlan, PushPlan, StreamPullPlan
from bifrost.engine.planner.properties import RULES
from bifrost.engine.queries.persistent import PersistentQuery
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.runtime.meters import Meter
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.engine_state import EngineState, FailedCommand
from bifrost.engine.statements.figures import query_figures
from bifrost.engine.statements.results import (
    FunctionDescription,
    FunctionList,
    MeterReading,
    PropertyList,
    QueryDescription,
    QueryDescriptions,
    QueryInfo,
    QueryList,
    QueryOffsets,
    Result,
    SourceDescription,
    SourceDescriptions,
    SourceList,
    SourceStatistics,
    TaskInfo,
    TopicEntry,
    TopicList,
    TypeList,
    VariableList,
)
from bifrost.engine.statements.server_properties import property_entries
from bifrost.errors import AnalysisError, UnsupportedError
from bifrost.sql.tree import (
    DescribeFunction,
    DescribeSource,
    DescribeSources,
    Explain,
    ParsedStatement,
    Show,
    SourceKind,
    Subject,
)

_HIDDEN_TOPICS = "ksql.hidden.topics"


class ShowStatements:
    """Carries out SHOW, DESCRIBE and EXPLAIN for one engine."""

    def __init__(self, state: EngineState, push_queries: Mapping[str, PushQuery]) -> None:
        self._state = state
        self._push_queries = push_queries

    def answer(self, statement: ParsedStatement, session: ClientSession) -> Result:
        """The result of a statement that changes nothing.

        Raises:
            StatementError: it names something unknown, or the server does not support it.
        """
        text, tree = statement.text, statement.tree
        match tree:
            case Show():
                return self._show(text, tree, session)
            case DescribeSource():
                source = self._require(tree.name)
                return SourceDescriptions(text, (self.describe(source, extended=tree.extended),), many=False)
            case DescribeSources():
                return self._describe_all(text, tree.kind, extended=tree.extended)
            case DescribeFunction():
                return FunctionDescription(text, self._state.parts.functions.describe(tree.name.upper()))
            case Explain():
                return self._explain(text, tree, session)
            case _:
                raise UnsupportedError(f"{text.split()[0].upper()} is not a statement of the server", text)

    def _show(self, text: str, tree: Show, session: ClientSession) -> Result:
        match tree.subject:
            case Subject.STREAMS if tree.extended:
                return self._describe_all(text, SourceKind.STREAM, extended=True)
            case Subject.TABLES if tree.extended:
                return self._describe_all(text, SourceKind.TABLE, extended=True)
            case Subject.STREAMS:
                return SourceList(text, SourceKind.STREAM, self._sources(SourceKind.STREAM))
            case Subject.TABLES:
                return SourceList(text, SourceKind.TABLE, self._sources(SourceKind.TABLE))
            case Subject.QUERIES if tree.extended:
                return QueryDescriptions(text, self._describe_queries(), many=True)
            case Subject.QUERIES:
                return QueryList(text, tuple(self._all_queries()))
            case Subject.TOPICS | Subject.ALL_TOPICS:
                return self._topics(text, tree, session)
            case Subject.FUNCTIONS:
                return FunctionList(text, self._state.parts.functions)
            case Subject.PROPERTIES:
                service_id = self._state.parts.launcher.service_id
                entries = property_entries(service_id, self._state.parts.properties, session.properties)
                return PropertyList(text, tuple(entries))
            case Subject.TYPES:
                return TypeList(text, dict(self._state.metastore.types))
            case Subject.VARIABLES:
                return VariableList(text, dict(session.variables))
            case _:
                raise UnsupportedError(f"SHOW {tree.subject.value} is not supported here", text)

    # --- sources

    def _require(self, name: str) -> DataSource:
        source = self._state.metastore.find(name)
        if source is None:
            raise AnalysisError(f"Could not find STREAM/TABLE '{name}' in the Metastore")
        return source

    def _sources(self, kind: SourceKind) -> tuple[DataSource, ...]:
        return tuple(source for source in self._state.metastore if source.kind is kind)

    def _describe_all(self, text: str, kind: SourceKind, *, extended: bool) -> Result:
        described = (self.describe(source, extended=extended) for source in self._sources(kind))
        return SourceDescriptions(text, tuple(described), many=True)

    def describe(self, source: DataSource, *, extended: bool) -> SourceDescription:
        """The description of a source."""
        queries = self._state.queries
        readers, writers = queries.readers(source.name), queries.writers(source.name)
        info = self._state.parts.environment.topic(source.topic)
        return SourceDescription(
            source=source,
            readers=tuple(map(query_info, readers)),
            writers=tuple(map(query_info, writers)),
            constraints=self._state.metastore.users_of(source.name),
            extended=extended,
            partitions=info.partitions if info is not None else 0,
            replicas=info.replicas if info is not None else 0,
            statistics=self._statistics(source, readers, writers) if extended else SourceStatistics(),
            offsets=tuple(map(self._offsets, writers)) if extended else (),
        )

    def _statistics(
        self, source: DataSource, readers: Iterable[PersistentQuery], writers: Iterable[PersistentQuery]
    ) -> SourceStatistics:
        consumed = [query.runner.meters.consumed.get(source.topic) for query in readers]
        produced = [query.runner.meters.produced.get(source.topic) for query in writers]
        launcher = self._state.parts.launcher
        logged = [launcher.logged(query.id) for query in (*readers, *writers)]
        failures = [entry.last_ms for entry in logged if entry.last_ms is not None]
        now_ms = launcher.now_ms()
        return SourceStatistics(
            consumed=_reading(consumed, now_ms),
            produced=_reading(produced, now_ms),
            failed=sum(entry.entries for entry in logged),
            last_failed_ms=max(failures, default=None),
        )

    def _offsets(self, query: PersistentQuery) -> QueryOffsets:
        places = query.runner.offsets()
        return QueryOffsets(self._state.parts.launcher.group(query.id), places)

    # --- queries

    def _all_queries(self) -> Iterable[QueryInfo]:
        yield from map(query_info, self._state.queries)
        yield from map(failure_info, self._state.failures)
        # A copy: push queries end on other threads.
        yield from map(push_info, tuple(self._push_queries.values()))

    def _describe_queries(self) -> tuple[QueryDescription, ...]:
        described = map(self._describe_query, self._state.queries)
        return (*described, *map(self._describe_failure, self._state.failures))

    def _describe_failure(self, failure: FailedCommand) -> QueryDescription:
        return QueryDescription(
            info=failure_info(failure),
            schema=LogicalSchema(()),
            window=None,
            sources=(),
            topology="",
            plan="",
            properties=failure.command.properties,
            group=self._state.parts.launcher.group(failure.id),
            errors=((failure.at_ms, failure.error, "USER"),),
        )

    def _describe_query(self, query: PersistentQuery) -> QueryDescription:
        plan = query.plan
        return QueryDescription(
            info=query_info(query),
            schema=plan.schema,
            window=_window_of(query.sink),
            sources=plan.sources,
            topology=query.compiled.source_text,
            plan=execution_plan_text(plan),
            properties=query.properties,
            group=self._state.parts.launcher.group(query.id),
            errors=tuple((error.at_ms, error.message, error.kind) for error in query.runner.errors),
            tasks=_tasks(query),
            figures=tuple(query_figures(query, self._state.parts.launcher.logged(query.id))),
        )

    def _explain(self, text: str, tree: Explain, session: ClientSession) -> Result:
        if tree.query_id is not None:
            query = self._state.queries.find(tree.query_id)
            failure = next((entry for entry in self._state.failures if entry.id == tree.query_id), None)
            if query is None and failure is not None:
                return QueryDescriptions(text, (self._describe_failure(failure),), many=False)
            if query is None:
                raise AnalysisError(
                    f"Query with id:{tree.query_id} does not exist, use SHOW QUERIES to view the full set of queries."
                )
            return QueryDescriptions(text, (self._describe_query(query),), many=False)
        return QueryDescriptions(text, (self._explain_statement(text, tree, session),), many=False)

    def _explain_statement(self, text: str, tree: Explain, session: ClientSession) -> QueryDescription:
        if tree.statement is None:
            raise AnalysisError("EXPLAIN needs a statement or a query id", text)
        shown = text.lstrip()[len("EXPLAIN") :].strip()
        planned = self._state.planner(session).plan(ParsedStatement(shown, tree.statement, 1, 1))
        if not isinstance(planned, PersistentPlan | PushPlan | StreamPullPlan):
            raise AnalysisError("The provided statement does not run a ksql query", text)
        plan, launcher = planned.query, self._state.parts.launcher
        group = launcher.transient_group(plan.query_id)
        return QueryDescription(
            info=QueryInfo(plan.query_id, planned.statement, "PUSH", "", _sinks(plan), ()),
            schema=plan.step.schema,
            window=None,
            sources=plan.sources,
            topology=launcher.compile(plan, group, self._state.properties(session)).source_text,
            plan=execution_plan_text(plan),
            properties=session.properties,
            group=group,
        )

    # --- topics

    def _hidden_topics(self, session: ClientSession) -> re.Pattern[str]:
        text = self._state.properties(session).get(_HIDDEN_TOPICS) or RULES[_HIDDEN_TOPICS].default or ""
        patterns = [pattern.strip() for pattern in text.split(",") if pattern.strip()]
        try:
            # Without a pattern, no topic is hidden: `(?!)` matches nothing.
            return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
        except re.error as error:
            raise AnalysisError(f"Property {_HIDDEN_TOPICS} is not a list of regular expressions: {error}") from error

    def _topics(self, text: str, tree: Show, session: ClientSession) -> Result:
        found = self._state.parts.environment.topics()
        every = tree.subject is Subject.ALL_TOPICS
        hidden = self._hidden_topics(session)
        readers = Counter(entry.topic for query in self._state.queries for entry in query.compiled.inputs)
        entries = [
            TopicEntry(name, (info.replicas,) * info.partitions, readers[name] * info.partitions, readers[name])
            for name, info in sorted(found.items())
            if every or hidden.fullmatch(name) is None
        ]
        return TopicList(text, tuple(entries), extended=tree.extended)


def query_info(query: PersistentQuery) -> QueryInfo:
    """A persistent query as lists show it."""
    sinks, topics = ((query.sink.name,), (query.sink.topic,)) if query.sink is not None else ((), ())
    return QueryInfo(query.id, query.statement, "PERSISTENT", query.runner.state.shown, sinks, topics)


def failure_info(failure: FailedCommand) -> QueryInfo:
    """A command that could not be executed as lists show it: a query in ERROR."""
    return QueryInfo(failure.id, failure.command.statement, "PERSISTENT", "ERROR", (failure.name,), ())


def push_info(query: PushQuery) -> QueryInfo:
    """A push query as lists show it."""
    return QueryInfo(query.id, query.statement, "PUSH", query.state.shown, (), ())


def _window_of(source: DataSource | None) -> str | None:
    window = source.formats.key.window if source is not None else None
    return window.kind.value if window is not None else None


def _tasks(query: PersistentQuery) -> tuple[TaskInfo, ...]:
    subtopologies = {entry.topic: entry.subtopology for entry in query.compiled.inputs}
    by_task: dict[tuple[int, int], dict[tuple[str, int], tuple[int, int]]] = {}
    for (topic, partition), offsets in query.runner.offsets().items():
        by_task.setdefault((subtopologies[topic], partition), {})[topic, partition] = offsets
    return tuple(TaskInfo(f"{number}_{partition}", by_task[number, partition]) for number, partition in sorted(by_task))


def _reading(meters: Iterable[Meter | None], now_ms: int) -> MeterReading | None:
    """The sum of the meters' values; None if none has counted a record."""
    moved = [(meter, meter.last_ms) for meter in meters if meter is not None and meter.last_ms is not None]
    if not moved:
        return None
    return MeterReading(
        messages=sum(meter.messages for meter, _ in moved),
        size=sum(meter.size for meter, _ in moved),
        rate=sum(meter.rate(now_ms) for meter, _ in moved),
        last_ms=max(last_ms for _, last_ms in moved),
    )


def _sinks(plan: QueryPlan) -> tuple[str, ...]:
    return (plan.sink,) if plan.sink is not None else ()
