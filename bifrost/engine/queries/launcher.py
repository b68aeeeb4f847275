"""Creates the runner of a query plan: compiles it, reads session properties, names groups and internal topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.queries.persistent_runner import PersistentRunner, QueryHosts
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.internal_topics import changelog_topic
from bifrost.engine.runtime.job import QueryJob, RunOptions, TaskShare
from bifrost.engine.runtime.processing_log import LogCount, LogEntry, LogKind, ProcessingLog
from bifrost.engine.runtime.runner import QueryRunner
from bifrost.engine.runtime.shared_scan import SharedScan
from bifrost.engine.serde import Serdes, windowed_key
from bifrost.engine.state.home import StateHome
from bifrost.engine.topology.compiled import (
    CompiledQuery,
    LogCallback,
    ProblemKind,
    RecordProblem,
    RecordUnusable,
    RowCallback,
    compile_query,
)

_KINDS = {
    "deserialization": LogKind.DESERIALIZATION,
    "timestamp": LogKind.PROCESSING,
    "processing": LogKind.PROCESSING,
    "production": LogKind.PRODUCTION,
}
_FATAL: Mapping[ProblemKind, str] = {
    "deserialization": "ksql.fail.on.deserialization.error",
    "timestamp": "ksql.timestamp.throw.on.invalid",
}
"""The problems that end a query if a property is true."""
_EXACTLY_ONCE = ("exactly_once", "exactly_once_v2", "exactly_once_beta")


def streams_property(properties: Mapping[str, str], name: str, default: str) -> str:
    """Returns a Kafka Streams property, given with or without ksqlDB's prefixes; the one that was set last counts."""
    names = [prefix + name for prefix in ("", "ksql.streams.consumer.", "ksql.streams.")]
    found = [str(value) for key, value in properties.items() if key in names]
    return found[-1] if found else default


def buffer_bytes(properties: Mapping[str, str]) -> int:
    """Returns the size of the buffer of a table's changes; 0 by default, so that every change is emitted."""
    # As in Kafka Streams, the newer name counts where both are set.
    older = streams_property(properties, "cache.max.bytes.buffering", "0")
    return int(streams_property(properties, "statestore.cache.max.bytes", older))


def auto_reset(properties: Mapping[str, str]) -> str:
    """Returns where streams without committed offsets begin: `earliest` or `latest`."""
    return streams_property(properties, "auto.offset.reset", "latest").lower()


def _windowed_sink(sink: DataSource | None) -> tuple[str, int] | None:
    """Returns the topic of a sink whose keys carry a window, and the length of the window in bytes."""
    window = sink.formats.key.window if sink is not None else None
    if sink is None or window is None:
        return None
    # A window of a known size adds only its start to the key; a session adds its start and its end.
    return sink.topic, len(windowed_key(b"", 0, None if window.size_ms is not None else 0))


@dataclass(frozen=True, slots=True)
class Launcher:
    """Creates the runners of one engine.

    In a worker process, `share` are the tasks that it owns. In a server with worker processes, `hosts` are these; they
    run the persistent queries. `state` is where state is on disk, None for nowhere. Persistent queries of one process
    read with its `scan`.
    """

    cluster: Cluster
    serdes: Serdes
    functions: FunctionRegistry
    log: ProcessingLog
    service_id: str
    now_ms: Callable[[], int]
    share: TaskShare | None = None
    hosts: QueryHosts | None = None
    state: StateHome | None = None
    scan: SharedScan | None = None

    def group(self, query_id: str) -> str:
        """Returns the consumer group of a persistent query, named as by ksqlDB."""
        return f"_confluent-ksql-{self.service_id}query_{query_id}"

    def transient_group(self, query_id: str) -> str:
        """Returns the consumer group of a push query, named as by ksqlDB."""
        return f"_confluent-ksql-{self.service_id}transient_{query_id}_{self.now_ms()}"

    def persistent(
        self, plan: QueryPlan, properties: Mapping[str, str], sink: DataSource | None
    ) -> tuple[CompiledQuery, PersistentRunner]:
        """Returns a runner with durable state and offsets; it registers the schemas of the sink before it reads."""
        group = self.group(plan.query_id)
        compiled = self.compile(plan, group, properties)
        exactly_once = streams_property(properties, "processing.guarantee", "") in _EXACTLY_ONCE
        # Under exactly-once a result becomes visible with its commit, so commits are more frequent.
        interval = streams_property(properties, "commit.interval.ms", "100" if exactly_once else "2000")
        options = RunOptions(
            group=group,
            internal=group,
            reset=auto_reset(properties),
            commit_interval_ms=int(interval),
            exactly_once=exactly_once,
            windowed_sink=_windowed_sink(sink),
            share=self.share,
        )
        job = self._job(plan, compiled, options, properties, sink=sink)
        if self.hosts is not None:
            return compiled, self.hosts.runner(job, plan, properties, sink)
        return compiled, QueryRunner(job, scan=self.scan)

    def transient(
        self,
        plan: QueryPlan,
        properties: Mapping[str, str],
        on_row: RowCallback,
        *,
        until_end: bool,
        on_end: Callable[[], None],
    ) -> QueryRunner:
        """Returns a runner for a push query or (`until_end`) a pull query on a stream, which leaves nothing behind."""
        group = self.transient_group(plan.query_id)
        compiled = self.compile(plan, group, properties)
        # A pull query on a stream returns all its rows, whatever the session's reset is.
        reset = "earliest" if until_end else auto_reset(properties)
        options = RunOptions(
            group=group,
            internal=group,
            reset=reset,
            commit_interval_ms=int(streams_property(properties, "commit.interval.ms", "2000")),
            transient=True,
            until_end=until_end,
        )
        return QueryRunner(self._job(plan, compiled, options, properties, on_row=on_row), on_end=on_end)

    def register(self, sink: DataSource) -> None:
        """Registers the schemas of a sink's keys and values, as ksqlDB does when it executes the statement.

        Raises:
            SerdeError: the registry refuses a schema.
            RegistryUnavailable: the registry does not answer.
        """
        self.serdes.register(sink.topic, sink.formats, sink.schema)

    def logged(self, query_id: str) -> LogCount:
        """Returns what the processing log has of a query, whichever process wrote it."""
        return self.log.count(query_id) if self.hosts is None else self.hosts.logged(query_id)

    def close(self) -> None:
        """Ends the scan, after all queries have ended."""
        if self.scan is not None:
            self.scan.close()

    def clean_up(self, query_id: str, compiled: CompiledQuery) -> None:
        """Deletes the internal topics, the committed offsets and the state on disk of a query that has ended."""
        # Internal topics carry the group as their prefix, so the id is enough to find them.
        group = self.group(query_id)
        for repartition in compiled.repartitions:
            self.cluster.admin.delete(repartition.topic)
        for store in compiled.stores:
            if store.changelog:
                self.cluster.admin.delete(changelog_topic(group, store.name))
        self.cluster.admin.delete_group(group)
        if self.state is not None:
            self.state.delete(query_id)

    def compile(self, plan: QueryPlan, internal: str, properties: Mapping[str, str]) -> CompiledQuery:
        """Compiles a plan; `internal` is the prefix of its internal topics.

        Raises:
            AnalysisError: an expression is invalid.
            SerdeError: a format cannot carry a schema.
        """
        return compile_query(
            plan,
            self.serdes,
            self.functions.configured(properties),
            internal_prefix=internal,
            buffer_bytes=buffer_bytes(properties),
        )

    def _job(
        self,
        plan: QueryPlan,
        compiled: CompiledQuery,
        options: RunOptions,
        properties: Mapping[str, str],
        *,
        sink: DataSource | None = None,
        on_row: RowCallback | None = None,
    ) -> QueryJob:
        def ready() -> None:
            if sink is not None:
                self.register(sink)

        return QueryJob(
            query=compiled,
            cluster=self.cluster,
            options=options,
            name=plan.query_id,
            log=self._logger(plan.query_id, properties),
            now_ms=self.now_ms,
            on_row=on_row,
            ready=ready,
            state=self.state,
            sink=sink.topic if sink is not None else None,
        )

    def _logger(self, query_id: str, properties: Mapping[str, str]) -> LogCallback:
        fatal = {kind for kind, name in _FATAL.items() if str(properties.get(name, "false")).lower() == "true"}

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
            if problem.kind in fatal:
                raise RecordUnusable(problem, f"{_FATAL[problem.kind]} is true")

        return log
