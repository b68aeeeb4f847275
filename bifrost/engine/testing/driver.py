"""Statements and records without a broker: topics are lists, queries run when they are told to, on the calling thread.

    driver = Driver()
    driver.run("CREATE STREAM S (ID INT KEY, N INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');")
    driver.run("CREATE STREAM T AS SELECT * FROM S WHERE N > 1;")
    driver.run("INSERT INTO S (ID, N) VALUES (1, 2);")
    driver.topic("T").records

Every topic has one partition here, whatever is declared. The wall clock stands still at 0; only times of records move.
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
from bifrost.engine.planner.outcome import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DropPlan,
    DropTypePlan,
    InsertValuesPlan,
    PersistentPlan,
    Planned,
)
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
    """A record of a topic; its offset is its place in the list. `given`: it was produced from outside."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers = None
    given: bool = False


@dataclass(slots=True)
class Topic:
    """A topic with all its records, in order."""

    name: str
    info: TopicInfo
    records: list[TopicRecord] = field(default_factory=list)


@dataclass(slots=True)
class MemoryEnvironment:
    """Topics and schemas that live with the object; an `Environment`.

    `declared` says what topics are to be like once they are made, `partitions` is what others have.
    """

    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    topics: dict[str, Topic] = field(default_factory=dict)
    declared: dict[str, TopicInfo] = field(default_factory=dict)
    partitions: int = 1

    def topic(self, name: str) -> TopicInfo | None:
        """The topic, or None."""
        found = self.topics.get(name)
        return found.info if found is not None else None

    def add(self, name: str, info: TopicInfo | None = None) -> Topic:
        """The topic of that name, made if it is not there."""
        found = self.topics.get(name)
        if found is None:
            found = Topic(name, info or self.declared.get(name, TopicInfo(self.partitions)))
            self.topics[name] = found
        return found


class RunningQuery:
    """A query with its tasks, one for each sub-topology. `outputs` are records that it wrote and nobody took yet."""

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
                number, emit=self._emit, log=self.problems.append, changelog=self._keep, on_row=on_row
            )
            for number in range(compiled.subtopologies)
        }
        if before is not None:
            self._take_over(before)
        self._task_of = {entry.topic: self.tasks[entry.subtopology] for entry in compiled.inputs}

    def _keep(self, store: str, encode: Encode, place: StoreKey, row: Row | None, timestamp: int) -> None:
        entries = self.changelogs.setdefault(store, {})
        if row is None:
            entries.pop(place, None)
        else:
            entries[place] = (encode, row, timestamp)

    def _take_over(self, before: RunningQuery) -> None:
        """Restores the stores from those of an earlier version of the query."""
        self.changelogs = before.changelogs
        for task in self.tasks.values():
            for store in task.changelogged():
                for place, (encode, row, timestamp) in self.changelogs.get(store, {}).items():
                    task.restore(store, *encode(place, row, timestamp))

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of streams and tables that it reads."""
        return tuple(entry.topic for entry in self.compiled.inputs if entry.role != "repartition")

    def take(self, topic: str, record: TopicRecord, offset: int) -> None:
        """Processes one record, and what the query sends to itself because of it, to the end."""
        self._process(topic, record, offset)
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
    """Runs statements against a picture of a cluster.

    With `live`, each record goes through the whole graph of queries at once. Otherwise queries run when `run_queries`
    is called, one after the other, each over all that is there.
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
        """Runs all statements of a text in order; what each was planned to be, None for those that need no plan.

        Raises:
            StatementError: a statement cannot be accepted; those before it have run.
        """
        statements = parse_script(text, self.variables, dialect=dialect)
        return [self.execute(statement) for statement in statements]

    def execute(self, statement: ParsedStatement) -> Planned | None:
        """Runs one statement.

        Raises:
            StatementError: it cannot be accepted.
        """
        match statement.tree:
            case SetProperty(name=name, value=value):
                self.properties[name] = value
                return None
            case UnsetProperty(name=name):
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
        """The planner of the present state and properties."""
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
            case AlterPlan(source=source):
                self.metastore.put(source, self.metastore.links.get(source.name, frozenset()))
            case DropPlan():
                self._drop(planned)
            case CreateTypePlan(name=name, type=sql_type):
                self.metastore.types[name] = sql_type
            case DropTypePlan(name=name):
                self.metastore.types.pop(name, None)
            case PersistentPlan():
                self._start(planned)
            case InsertValuesPlan():
                self._insert(planned)
            case _:
                pass
        self._count += 1

    def _create(self, planned: CreatePlan) -> None:
        self._make_topic(planned.topic)
        self._register(planned.source)
        self.metastore.put(planned.source)
        if planned.query is not None:
            self._run_query(planned.query)

    def _drop(self, planned: DropPlan) -> None:
        self.metastore.drop(planned.source.name)
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
            self.metastore.put(planned.sink, planned.sources)
        self._run_query(planned.query, before)

    def _run_query(self, plan: QueryPlan, before: RunningQuery | None = None) -> None:
        functions = self._functions.configured(self._settings())
        compiled = compile_query(plan, self.serdes, functions)
        self.queries[plan.query_id] = RunningQuery(plan, compiled, before=before)

    def _make_topic(self, spec: TopicSpec | None) -> None:
        if spec is not None:
            self.environment.add(spec.name, TopicInfo(spec.partitions, spec.replicas))

    def _register(self, source: DataSource) -> None:
        """Registers the schemas of a source's topic where it has none yet, as ksqlDB does."""
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
        """The topic of that name, made if it is not there."""
        return self.environment.add(name)

    def produce(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int = 0, headers: Headers = None
    ) -> None:
        """Appends a record to a topic; live queries process it and all that comes of it."""
        self._send(topic, TopicRecord(key, value, timestamp, headers, given=True))

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
        """Runs the queries in the order of their making, each to its end over what is in its topics by then.

        `inputs` names the topic of every record that was produced from outside, in order: a query gets these in that
        order first, then its other topics, one after the other. A topic among `inputs` is not read beyond them.
        """
        given = self._given(inputs)
        for query in tuple(self.queries.values()):
            before = {name: len(self.topic(name).records) for name in query.topics}
            for name, offset in given:
                if name in before:
                    query.take(name, self.topic(name).records[offset], offset)
            for name in query.topics:
                if name not in inputs:
                    for offset, record in enumerate(self.topic(name).records[: before[name]]):
                        query.take(name, record, offset)
            for name, record in query.outputs:
                self._append(name, record)
            query.outputs.clear()

    def _given(self, inputs: Sequence[str]) -> list[tuple[str, int]]:
        """Topic and offset of each record from outside: they are the last ones of their topics."""
        counts = {name: len(self.topic(name).records) - inputs.count(name) for name in dict.fromkeys(inputs)}
        places = []
        for name in inputs:
            places.append((name, counts[name]))
            counts[name] += 1
        return places

    # --- rows

    def rows(self, source: DataSource) -> list[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None, int]]:
        """Key, value columns and time of all records of a source's topic."""
        read_key = self.serdes.key_deserializer(source.topic, source.formats.key, source.schema.key)
        read_value = self.serdes.value_deserializer(source.topic, source.formats.value, source.schema.value)
        return [
            (read_key(record.key), read_value(record.value), record.timestamp)
            for record in self.topic(source.topic).records
        ]
