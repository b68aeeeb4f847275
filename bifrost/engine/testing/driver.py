"""Runs statements and records without a broker: topics are lists, and queries run on the calling thread.

    driver = Driver()
    driver.run("CREATE STREAM S (ID INT KEY, N INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');")
    driver.run("CREATE STREAM T AS SELECT * FROM S WHERE N > 1;")
    driver.run("INSERT INTO S (ID, N) VALUES (1, 2);")
    driver.topic("T").records

Every topic has one partition, whatever its declaration says. The wall clock stays at 0; only record times advance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.topics import TopicInfo, TopicSpec
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.planner import Planner, check_upgrade
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.metastore_changes import apply_to_metastore
from bifrost.engine.planner.outcome import (
    CreatePlan,
    DropPlan,
    InsertValuesPlan,
    PersistentPlan,
    Planned,
)
from bifrost.engine.planner.properties import check_name_in_statement, check_value
from bifrost.engine.serde import InMemoryRegistry, Serdes
from bifrost.engine.state.stores import Encode, Row, StoreKey
from bifrost.engine.topology.compiled import CompiledQuery, Headers, RecordProblem, RowCallback, Task, compile_query
from bifrost.sql.parser import Dialect, parse_script
from bifrost.sql.tree import (
    CreateSource,
    DefineVariable,
    ParsedStatement,
    SetProperty,
    StringLiteral,
    UndefineVariable,
    UnsetProperty,
)


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A record of a topic; its offset is its index in the list. `is_input` marks records produced by the test."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers = None
    is_input: bool = False


@dataclass(slots=True)
class Topic:
    """A topic with all its records, in order."""

    name: str
    info: TopicInfo
    records: list[TopicRecord] = field(default_factory=list)


@dataclass(slots=True)
class MemoryEnvironment:
    """Topics and schemas in memory; implements `Environment`.

    `declared` has the settings of topics to create; other topics get `partitions` partitions.
    """

    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    topics: dict[str, Topic] = field(default_factory=dict)
    declared: dict[str, TopicInfo] = field(default_factory=dict)
    partitions: int = 1

    def topic(self, name: str) -> TopicInfo | None:
        """The topic's settings, or None if it does not exist."""
        found = self.topics.get(name)
        return found.info if found is not None else None

    def add(self, name: str, info: TopicInfo | None = None) -> Topic:
        """The topic of that name, created if it does not exist."""
        found = self.topics.get(name)
        if found is None:
            found = Topic(name, info or self.declared.get(name, TopicInfo(self.partitions)))
            self.topics[name] = found
        return found


class RunningQuery:
    """A query with its tasks, one per sub-topology. `outputs` are written records that the driver has not yet taken."""

    def __init__(
        self,
        plan: QueryPlan,
        compiled: CompiledQuery,
        *,
        on_row: RowCallback | None = None,
        before: RunningQuery | None = None,
    ) -> None:
        self.plan = plan
        self.compiled = compiled
        self.problems: list[RecordProblem] = []
        self.outputs: deque[tuple[str, TopicRecord]] = deque()
        self._internal: deque[tuple[str, TopicRecord]] = deque()
        self._repartitions = {repartition.topic for repartition in compiled.repartitions}
        self._offsets: dict[str, int] = {}
        self.changelogs: dict[str, dict[StoreKey, tuple[Encode, Row, int]]] = {}
        self.tasks: dict[int, Task] = {
            number: compiled.new_task(
                number, emit=self._emit, log=self.problems.append, changelog=self._record_change, on_row=on_row
            )
            for number in range(compiled.subtopologies)
        }
        if before is not None:
            self._restore_from(before)
        self._task_of = {entry.topic: self.tasks[entry.subtopology] for entry in compiled.inputs}

    def _record_change(self, store: str, encode: Encode, place: StoreKey, row: Row | None, timestamp: int) -> None:
        entries = self.changelogs.setdefault(store, {})
        if row is None:
            entries.pop(place, None)
        else:
            entries[place] = (encode, row, timestamp)

    def _restore_from(self, before: RunningQuery) -> None:
        """Restores the stores from those of the replaced version of the query."""
        self.changelogs = before.changelogs
        for task in self.tasks.values():
            for store in task.changelogged():
                for place, (encode, row, timestamp) in self.changelogs.get(store, {}).items():
                    task.restore(store, *encode(place, row, timestamp))

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of the streams and tables that the query reads."""
        return tuple(entry.topic for entry in self.compiled.inputs if entry.role != "repartition")

    def take(self, topic: str, record: TopicRecord, offset: int) -> None:
        """Processes one record, and all records that it causes in the query's internal topics."""
        self._process(topic, record, offset)
        self._process_internal()

    def flush(self) -> None:
        """Emits what the tasks have buffered, as a run does before a commit."""
        while True:
            for task in self.tasks.values():
                task.flush()
            if not self._internal:
                return
            self._process_internal()

    def _process_internal(self) -> None:
        while self._internal:
            internal_topic, internal = self._internal.popleft()
            place = self._offsets[internal_topic] = self._offsets.get(internal_topic, -1) + 1
            self._process(internal_topic, internal, place)

    def _process(self, topic: str, record: TopicRecord, offset: int) -> None:
        self._task_of[topic].process(topic, ((record.key, record.value, record.timestamp, 0, offset, record.headers),))

    def _emit(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
        queue = self._internal if topic in self._repartitions else self.outputs
        queue.append((topic, TopicRecord(key, value, timestamp, headers)))


class Driver:
    """Runs statements against topics and schemas in memory.

    With `live`, each record passes through all queries immediately. Otherwise `run_queries` runs the queries one after
    the other, each over all records of its topics. EMIT FINAL loses windows where ksqlDB does.
    """

    def __init__(
        self,
        *,
        properties: Mapping[str, str] | None = None,
        functions: FunctionRegistry | None = None,
        live: bool = True,
    ) -> None:
        self.properties: dict[str, str] = dict(properties or {})
        self.metastore = MetaStore()
        self.environment = MemoryEnvironment()
        self.serdes = Serdes(self.environment.registry)
        self.queries: dict[str, RunningQuery] = {}
        self._functions = functions or default_registry()
        self._live = live
        self._count = 0
        self.variables: dict[str, str] = {}

    # --- statements

    def run(self, text: str, *, dialect: Dialect = Dialect.SERVER) -> list[Planned | None]:
        """Runs all statements of a text in order, and returns their plans (None for statements without one).

        Raises:
            StatementError: a statement is invalid; those before it have run.
        """
        statements = parse_script(text, self.variables, dialect=dialect)
        return [self.execute(statement) for statement in statements]

    def execute(self, statement: ParsedStatement) -> Planned | None:
        """Runs one statement and returns its plan, or None for SET, UNSET, DEFINE and UNDEFINE.

        Raises:
            StatementError: the statement is invalid.
        """
        match statement.tree:
            case SetProperty(name=name, value=value):
                check_name_in_statement(name)
                check_value(name, value)
                self.properties[name] = value
                return None
            case UnsetProperty(name=name):
                check_name_in_statement(name, by_server=True)
                self.properties.pop(name, None)
                return None
            case DefineVariable(name=name, value=value):
                self.variables[name] = value
                return None
            case UndefineVariable(name=name):
                self.variables.pop(name, None)
                return None
            case CreateSource() as create:
                self._add_named_topic(create)
        planned = self.planner().plan(statement, query_number=self._count)
        self._apply(planned)
        return planned

    def planner(self) -> Planner:
        """A planner with the current sources and properties."""
        functions = self._functions.configured(self._settings())
        return Planner(self.metastore, functions, self.environment, PlannerConfig.of(self.properties))

    def _settings(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.properties.items()}

    def _add_named_topic(self, statement: CreateSource) -> None:
        named = statement.properties.get("KAFKA_TOPIC")
        if isinstance(named, StringLiteral) and "PARTITIONS" not in statement.properties:
            self.environment.add(named.value)

    def _apply(self, planned: Planned) -> None:
        match planned:
            case CreatePlan():
                self._create(planned)
            case DropPlan():
                self._drop(planned)
            case PersistentPlan():
                self._start(planned)
            case InsertValuesPlan():
                self._insert(planned)
            case _:
                pass
        apply_to_metastore(self.metastore, planned)
        self._count += 1

    def _create(self, planned: CreatePlan) -> None:
        self._make_topic(planned.topic)
        self._register(planned.source)
        if planned.query is not None:
            self._run_query(planned.query)

    def _drop(self, planned: DropPlan) -> None:
        if planned.query_id is not None:
            self.queries.pop(planned.query_id, None)
        if planned.delete_topic:
            self.environment.topics.pop(planned.source.topic, None)

    def _start(self, planned: PersistentPlan) -> None:
        before = self.queries.get(planned.replaces or "")
        if before is not None:
            check_upgrade(before.plan, planned.query)
            del self.queries[before.plan.query_id]
        self._make_topic(planned.topic)
        self.environment.add(planned.sink.topic)
        if not planned.inserts:
            self._register(planned.sink)
        self._run_query(planned.query, before)

    def _run_query(self, plan: QueryPlan, before: RunningQuery | None = None) -> None:
        functions = self._functions.configured(self._settings())
        compiled = compile_query(plan, self.serdes, functions, drops_expired=True)
        self.queries[plan.query_id] = RunningQuery(plan, compiled, before=before)

    def _make_topic(self, spec: TopicSpec | None) -> None:
        if spec is not None:
            self.environment.add(spec.name, TopicInfo(spec.partitions, spec.replicas))

    def _register(self, source: DataSource) -> None:
        """Registers the schemas of a source's topic if it has none, as ksqlDB does."""
        known = [self.environment.registry.latest(f"{source.topic}-{part}") for part in ("key", "value")]
        if not any(known):
            self.serdes.register(source.topic, source.formats, source.schema)

    def _insert(self, planned: InsertValuesPlan) -> None:
        target = planned.target
        nothing = not target.schema.key or all(part is None for part in planned.key)
        key = None if nothing else planned.key
        write_key = self.serdes.key_serializer(target.topic, target.formats.key, target.schema.key)
        write_value = self.serdes.value_serializer(target.topic, target.formats.value, target.schema.value)
        record = TopicRecord(write_key(key), write_value(planned.value), planned.timestamp or 0)
        self._send(target.topic, record)

    # --- records

    def topic(self, name: str) -> Topic:
        """The topic of that name, created if it does not exist."""
        return self.environment.add(name)

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int = 0, headers: Headers = None
    ) -> None:
        """Appends a record to a topic; live queries process it and all records that it causes."""
        self._send(topic, TopicRecord(key, value, timestamp, headers, is_input=True))

    def _send(self, topic: str, record: TopicRecord) -> None:
        pending = deque([(topic, record)])
        while pending:
            name, record = pending.popleft()
            offset = self._append(name, record)
            if self._live:
                for query in self._readers(name):
                    query.take(name, record, offset)
                    pending.extend(query.outputs)
                    query.outputs.clear()

    def _append(self, name: str, record: TopicRecord) -> int:
        records = self.topic(name).records
        records.append(record)
        return len(records) - 1

    def _readers(self, topic: str) -> Iterator[RunningQuery]:
        return (query for query in tuple(self.queries.values()) if topic in query.topics)

    def run_queries(self, inputs: Sequence[str] = ()) -> None:
        """Runs the queries in the order of their creation, each over all records that its topics have by then.

        `inputs` names the topic of each input record, in order: a query first processes these in that order, then its
        other topics one after the other. From a topic in `inputs`, it reads only input records.
        """
        positions = self._input_positions(inputs)
        for query in tuple(self.queries.values()):
            before = {name: len(self.topic(name).records) for name in query.topics}
            for name, offset in positions:
                if name in before:
                    query.take(name, self.topic(name).records[offset], offset)
            for name in query.topics:
                if name not in inputs:
                    for offset, record in enumerate(self.topic(name).records[: before[name]]):
                        query.take(name, record, offset)
            for name, record in query.outputs:
                self._append(name, record)
            query.outputs.clear()

    def _input_positions(self, inputs: Sequence[str]) -> list[tuple[str, int]]:
        """The topic and offset of each input record: these are the last records of their topics."""
        counts = {name: len(self.topic(name).records) - inputs.count(name) for name in dict.fromkeys(inputs)}
        positions = []
        for name in inputs:
            positions.append((name, counts[name]))
            counts[name] += 1
        return positions

    # --- rows

    def rows(self, source: DataSource) -> list[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None, int]]:
        """Key columns, value columns and time (epoch ms) of all records of a source's topic."""
        read_key = self.serdes.key_deserializer(source.topic, source.formats.key, source.schema.key)
        read_value = self.serdes.value_deserializer(source.topic, source.formats.value, source.schema.value)
        return [
            (read_key(record.key), read_value(record.value), record.timestamp)
            for record in self.topic(source.topic).records
        ]
