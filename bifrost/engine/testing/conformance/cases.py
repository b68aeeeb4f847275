"""Runs one case: its statements, topics and records on a new driver.

The result has the records of all topics and the final sources and topics, or the error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.registry import default_registry
from bifrost.engine.planner.outcome import CreatePlan, InsertValuesPlan
from bifrost.engine.serde import RegisteredSchema, SchemaReference
from bifrost.engine.testing.conformance.exact_json import write_exact
from bifrost.engine.testing.conformance.functions import LIBRARIES
from bifrost.engine.testing.conformance.queries import PushRun, answer_pull, start_query
from bifrost.engine.testing.conformance.records import RecordDecoder, RecordEncoder, TopicFormats
from bifrost.engine.testing.driver import Driver
from bifrost.engine.topology.steps.aggregate import AGGREGATION_FAILED
from bifrost.errors import BifrostError, StatementError, UnsupportedError
from bifrost.sql.parser import parse_script

Case = Mapping[str, Any]

_SCHEMA_TYPES = {"JSON": "JSON", "AVRO": "AVRO", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}

_PARTITIONS = 4
"""The partition count of topics that a case does not declare."""

_FUNCTIONS = default_registry().extended(LIBRARIES)


def answer(case: Case) -> dict[str, Any]:
    """The result of one case, in the runner's protocol."""
    run = CaseRun(case)
    try:
        run.run()
    except UnsupportedError as error:
        return {"id": case["id"], "error": {"message": error.message, "kind": "unsupported"}}
    except BifrostError as error:
        return {"id": case["id"], "error": _error(error, run)}
    return {
        "id": case["id"],
        "outputs": list(run.outputs()),
        "responses": run.responses,
        "sources": [_source(source) for source in run.driver.metastore],
        "topics": list(run.topics()),
        "error": None,
    }


def _error(error: BifrostError, run: CaseRun) -> dict[str, Any]:
    message = error.message if isinstance(error, StatementError) else str(error)
    return {"message": message, "type": type(error).__name__, "statement": run.position}


@dataclass(slots=True)
class CaseRun:
    """One case with its driver. `position` is the index of the current statement."""

    case: Case
    position: int = 0
    driver: Driver = field(init=False)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.driver = Driver(live=self.case["kind"] == "rest", functions=_FUNCTIONS)
        self.driver.environment.partitions = _PARTITIONS

    def run(self) -> None:
        """Runs the statements, then the inputs, then the queries: persistent ones to their end, or those of a client.

        Raises:
            StatementError: a statement is invalid.
        """
        self.driver.properties.update({name: str(value) for name, value in self.case["properties"].items()})
        if any(name.endswith("Schema") for topic in self.case["topics"] for name in topic):
            self._register_columns()
        for topic in self.case["topics"]:
            self._declare(topic)
        client_queries = self._client_queries()
        self._execute(range(len(self.case["statements"]) - len(client_queries)))
        inputs = self.case["inputs"]
        early = self._starts_early()
        started = [self._start(position) for position in client_queries] if early else []
        for record in inputs:
            self._produce(record)
        if self.case["kind"] == "rest":
            self._answer(client_queries, started)
        else:
            self.driver.run_queries([record["topic"] for record in inputs])
        self._refuse_fatal()

    def _client_queries(self) -> range:
        """The positions of push and pull queries: in REST cases, from the first SELECT on."""
        texts = self.case["statements"]
        first = len(texts)
        if self.case["kind"] == "rest":
            first = next((at for at, text in enumerate(texts) if text.startswith("SELECT ")), first)
        return range(first, len(texts))

    def _starts_early(self) -> bool:
        return bool((self.case.get("input_conditions") or {}).get("waitForActivePushQuery"))

    def _execute(self, positions: range) -> None:
        for position in positions:
            self.position = position
            for statement in parse_script(self.case["statements"][position], self.driver.variables):
                planned = self.driver.execute(statement)
                if not isinstance(planned, InsertValuesPlan):
                    self.responses.append({"admin": {"@type": "currentStatus"}})

    def _start(self, position: int) -> PushRun | None:
        self.position = position
        return start_query(self.driver, self.case["statements"][position])

    def _answer(self, client_queries: range, started: Sequence[PushRun | None]) -> None:
        for number, position in enumerate(client_queries):
            push = started[number] if started else self._start(position)
            rows = push.answer() if push is not None else answer_pull(self.driver, self.case["statements"][position])
            self.responses.append({"query": rows})

    def _refuse_fatal(self) -> None:
        """Fails if a record would have stopped ksqlDB's query: ours skips the record and continues."""
        for query in self.driver.queries.values():
            for problem in query.problems:
                if problem.kind == "production" or problem.message.startswith(AGGREGATION_FAILED):
                    raise StatementError(f"Exception caught in process. {problem.message}")

    def _register_columns(self) -> None:
        """Registers the columns that CREATE statements list: they precede the topics' own schemas."""
        scratch = Driver(live=False, functions=_FUNCTIONS)
        declared = {topic["name"] for topic in self.case["topics"]}
        for text in self.case["statements"]:
            try:
                planned = scratch.run(text)
            except BifrostError:
                return
            for plan in planned:
                if isinstance(plan, CreatePlan) and plan.source.topic not in declared:
                    self.driver.serdes.register(plan.source.topic, plan.source.formats, plan.source.schema)

    def _declare(self, topic: Mapping[str, Any]) -> None:
        info = TopicInfo(topic.get("partitions") or 1, topic.get("replicas") or 1)
        self.driver.environment.declared[topic["name"]] = info
        for part in ("key", "value"):
            schema = topic.get(f"{part}Schema") or (topic.get("schema") if part == "value" else None)
            if schema is not None:
                self._register(topic, part, schema)

    def _register(self, topic: Mapping[str, Any], part: str, schema: Any) -> None:
        kind = _SCHEMA_TYPES.get(topic.get(f"{part}Format") or topic.get("format") or "AVRO")
        if kind is None:
            return
        registry = self.driver.environment.registry
        number = topic.get(f"{part}SchemaId") or max((known.id for known in registry.schemas), default=0) + 1
        references = tuple(self._refer(each) for each in topic.get(f"{part}SchemaReferences") or ())
        text = schema if isinstance(schema, str) and kind == "PROTOBUF" else write_exact(schema)
        registry.put(f"{topic['name']}-{part}", RegisteredSchema(number, kind, text, references))

    def _refer(self, reference: Mapping[str, Any]) -> SchemaReference:
        registry = self.driver.environment.registry
        text, kind = reference["schema"], _SCHEMA_TYPES[reference["format"]]
        registry.put(reference["name"], RegisteredSchema(1000 + len(registry.schemas), kind, text))
        return SchemaReference(reference["name"], reference["name"], 1)

    # --- records

    def _produce(self, record: Mapping[str, Any]) -> None:
        name = record["topic"]
        writer = RecordEncoder(self.driver.environment.registry, self._formats(name))
        key = writer.key(record["key"], record["window"])
        headers = writer.headers(record["headers"])
        self.driver.produce(name, key, writer.value(record["value"]), record["timestamp"] or 0, headers)

    def outputs(self) -> Iterator[dict[str, Any]]:
        """The records of all topics, without inputs."""
        for name, topic in self.driver.environment.topics.items():
            formats = self._formats(name)
            reader = RecordDecoder(self.driver.serdes, formats)
            produced = [record for record in topic.records if not record.is_input]
            yield from (reader.record(record) for record in produced)

    def _formats(self, topic: str) -> TopicFormats:
        source = next((found for found in self._sources() if found.topic == topic), None)
        if source is not None:
            return TopicFormats(topic, source.formats, source.schema)
        declared: Case = next((each for each in self.case["topics"] if each["name"] == topic), {})
        return TopicFormats.undeclared(topic, declared.get("keyFormat"), declared.get("valueFormat"))

    def _sources(self) -> Sequence[DataSource]:
        return tuple(self.driver.metastore)

    def topics(self) -> Iterator[dict[str, Any]]:
        """The topics with their formats and declared partition counts."""
        for name, topic in self.driver.environment.topics.items():
            formats = self._formats(name).formats
            yield {
                "name": name,
                "keyFormat": {"format": formats.key.format.name},
                "valueFormat": {"format": formats.value.format.name},
                "partitions": topic.info.partitions,
            }
        for query in self.driver.queries.values():
            yield from ({"name": repartition.topic} for repartition in query.compiled.repartitions)


def _source(source: DataSource) -> dict[str, Any]:
    window = source.formats.key.window
    key: dict[str, Any] = {"format": source.formats.key.format.name}
    if window is not None:
        key["windowType"] = window.kind.value
        if window.size_ms is not None:
            key["windowSize"] = window.size_ms
    return {
        "name": source.name,
        "type": source.kind.value,
        "schema": str(source.schema),
        "keyFormat": key,
        "valueFormat": source.formats.value.format.name,
        "isSource": source.read_only,
    }
