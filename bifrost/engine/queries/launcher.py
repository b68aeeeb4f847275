"""Making a runner out of a query plan: compiled code, options from session properties, names of internal topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan import QueryPlan
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.processing_log import LogEntry, LogKind, ProcessingLog
from bifrost.engine.runtime.runner import QueryRunner
from bifrost.engine.runtime.session import SessionOptions
from bifrost.engine.serde import Serdes
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback, compile_query
from bifrost.engine.topology.problems import RecordProblem

_KINDS = {
    "deserialization": LogKind.DESERIALIZATION,
    "processing": LogKind.PROCESSING,
    "production": LogKind.PRODUCTION,
}
EXACTLY_ONCE = ("exactly_once", "exactly_once_v2", "exactly_once_beta")


def streams_property(properties: Mapping[str, str], name: str, default: str) -> str:
    """A Kafka Streams property of a session, with or without ksqlDB's prefixes."""
    for prefix in ("ksql.streams.", "ksql.streams.consumer.", ""):
        if prefix + name in properties:
            return str(properties[prefix + name])
    return default


@dataclass(frozen=True, slots=True)
class Launcher:
    """Makes runners for one engine."""

    cluster: Cluster
    serdes: Serdes
    functions: FunctionRegistry
    log: ProcessingLog
    service_id: str
    now_ms: Callable[[], int]

    def group(self, query_id: str) -> str:
        """The consumer group of a persistent query, as ksqlDB names it."""
        return f"_confluent-ksql-{self.service_id}query_{query_id}"

    def persistent(self, plan: QueryPlan, properties: Mapping[str, str]) -> tuple[CompiledQuery, QueryRunner]:
        """A runner whose state and offsets last."""
        group = self.group(plan.query_id)
        compiled = self._compile(plan, group, properties)
        options = SessionOptions(
            group=group,
            internal=group,
            reset=streams_property(properties, "auto.offset.reset", "latest"),
            commit_interval_ms=int(streams_property(properties, "commit.interval.ms", "200")),
            exactly_once=streams_property(properties, "processing.guarantee", "") in EXACTLY_ONCE,
        )
        return compiled, self._runner(plan, compiled, options, None)

    def transient(self, plan: QueryPlan, properties: Mapping[str, str], on_row: RowCallback) -> QueryRunner:
        """A runner for a push query: nothing of it lasts."""
        group = f"_confluent-ksql-{self.service_id}{plan.query_id}"
        compiled = self._compile(plan, group, properties)
        reset = streams_property(properties, "auto.offset.reset", "latest")
        options = SessionOptions(group=group, internal=group, reset=reset, transient=True)
        return self._runner(plan, compiled, options, on_row)

    def clean_up(self, query_id: str, compiled: CompiledQuery) -> None:
        """Removes the internal topics of a query that has ended."""
        group = self.group(query_id)
        for repartition in compiled.repartitions:
            self.cluster.admin.delete(repartition.topic)
        for store in compiled.stores:
            if store.changelog:
                self.cluster.admin.delete(f"{group}-{store.name}-changelog")

    def _compile(self, plan: QueryPlan, internal: str, properties: Mapping[str, str]) -> CompiledQuery:
        return compile_query(plan, self.serdes, self.functions.configured(properties), internal_prefix=internal)

    def _runner(
        self, plan: QueryPlan, compiled: CompiledQuery, options: SessionOptions, on_row: RowCallback | None
    ) -> QueryRunner:
        return QueryRunner(
            compiled,
            self.cluster,
            options,
            name=plan.query_id,
            log=self._logger(plan.query_id),
            now_ms=self.now_ms,
            on_row=on_row,
        )

    def _logger(self, query_id: str) -> LogCallback:
        def log(problem: RecordProblem) -> None:
            entry = LogEntry(
                _KINDS[problem.kind],
                f"{query_id}.{problem.context}",
                problem.message,
                problem.topic,
                problem.partition,
                problem.offset,
                problem.record,
            )
            self.log.record(query_id, entry)

        return log
