"""A compiled query: its input topics, internal topics and stores, and the creation of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.serde import Serdes
from bifrost.engine.state.stores import StoreSpec
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.expressions import ExpressionWriter
from bifrost.engine.topology.code.program import FlushFunction, PartReader, QueryProgram, RecordFunction, Role, Site
from bifrost.engine.topology.lookup import Materialization, MaterializedRow
from bifrost.engine.topology.materialization import Materializer
from bifrost.engine.topology.record_problems import LogCallback, ProblemKind, RecordProblem, RecordUnusable
from bifrost.engine.topology.task import Task
from bifrost.engine.topology.task_context import (
    ChangelogCallback,
    EmitCallback,
    Headers,
    InputRecord,
    RowCallback,
    TaskContext,
    TaskOutputs,
)
from bifrost.engine.topology.walk import build_plan

__all__ = [
    "ChangelogCallback",
    "CompiledQuery",
    "EmitCallback",
    "Headers",
    "InputRecord",
    "InputTopic",
    "LogCallback",
    "MaterializedRow",
    "PartReader",
    "ProblemKind",
    "RecordProblem",
    "RecordUnusable",
    "RepartitionTopic",
    "RowCallback",
    "Task",
    "compile_query",
]


@dataclass(frozen=True, slots=True)
class InputTopic:
    """A topic that a sub-topology reads. Partition n of all topics of a sub-topology belongs to its task n."""

    topic: str
    subtopology: int
    role: Role


@dataclass(frozen=True, slots=True)
class RepartitionTopic:
    """A topic through which a query sends rows to itself under another key.

    It needs as many partitions as the largest of `partitions_like`: topics that exist, or repartition topics that stand
    before it in `CompiledQuery.repartitions`.
    """

    topic: str
    partitions_like: tuple[str, ...]

    def partition_count(self, counts: Mapping[str, int]) -> int:
        """Returns the number of partitions, given those of the topics known so far."""
        return max((counts[topic] for topic in self.partitions_like if topic in counts), default=1)


@dataclass(frozen=True)
class CompiledQuery:
    """The topology of a query. It is stateless: state is in the tasks."""

    plan: QueryPlan
    program: QueryProgram
    materialization: Materialization | None
    functions: tuple[tuple[int, RecordFunction], ...]
    flushes: tuple[tuple[int, FlushFunction], ...] = ()

    @cached_property
    def inputs(self) -> tuple[InputTopic, ...]:
        """The topics that the query reads, each once."""
        found = {
            function.topic: InputTopic(function.topic, number, function.role) for number, function in self.functions
        }
        return tuple(found.values())

    @cached_property
    def repartitions(self) -> tuple[RepartitionTopic, ...]:
        """The repartition topics, each after those that it takes its partition count from."""
        return _repartitions(self.program)

    @cached_property
    def stores(self) -> tuple[StoreSpec, ...]:
        """The stores of its tasks."""
        return tuple(
            replace(spec, subtopology=number)
            for number in range(self.subtopologies)
            for spec in self._specs(number).values()
        )

    @property
    def subtopologies(self) -> int:
        """The number of sub-topologies; they count from 0."""
        return 1 + max(number for number, _ in self.functions)

    @property
    def readers(self) -> Mapping[str, PartReader]:
        """What decodes the source topics, by the name that the generated code uses."""
        return self.program.readers

    @property
    def source_text(self) -> str:
        """The generated Python, for EXPLAIN and for debugging."""
        return self.program.text

    def new_task(
        self,
        subtopology: int,
        *,
        emit: EmitCallback,
        log: LogCallback,
        changelog: ChangelogCallback | None = None,
        on_row: RowCallback | None = None,
    ) -> Task:
        """Returns a task of a sub-topology with empty stores; the tasks of all its partitions are alike."""
        context = TaskContext(self._specs(subtopology), TaskOutputs(emit, log, changelog, on_row))
        functions = [function for number, function in self.functions if number == subtopology]
        flushes = [function for number, function in self.flushes if number == subtopology]
        return Task(functions, flushes, self.program.bindings, self._namespace, context, self.materialization)

    def _specs(self, subtopology: int) -> dict[str, StoreSpec]:
        # Stores belong to the tasks whose code uses them, which is known only from the names in the generated code.
        functions = [function for number, function in self.functions if number == subtopology]
        flushes = [flush for number, flush in self.flushes if number == subtopology]
        used = frozenset[str]().union(*(code.globals for code in functions), *(code.globals for code in flushes))
        names = {store for name, binding in self.program.bindings.items() if name in used for store in binding.stores}
        return {name: spec for name, spec in self.program.stores.items() if name in names}

    @cached_property
    def _namespace(self) -> dict[str, object]:
        """Constants and auxiliary functions, shared by all tasks."""
        namespace = dict(self.program.constants)
        for name, text in self.program.auxiliary.items():
            exec(compile(text, f"<{name}>", "exec"), namespace)  # noqa: S102 - generated; names enter it by repr only
        return namespace


def compile_query(
    plan: QueryPlan,
    serdes: Serdes,
    functions: FunctionRegistry,
    *,
    internal_prefix: str = "",
    drops_expired: bool = False,
    buffer_bytes: int = 0,
) -> CompiledQuery:
    """Compiles a plan.

    `internal_prefix` is the prefix of its repartition topics (`_confluent-ksql-<service id>query_<query id>`).
    `drops_expired` loses results of EMIT FINAL where ksqlDB does: those of windows past their retention.
    `buffer_bytes` is the size of the buffer in which each task keeps the changes of a table until `Task.flush`; without
    one, every change is emitted.

    Raises:
        AnalysisError: an expression of the plan is invalid for its columns.
        SerdeError: a format cannot carry a schema.
        RegistryUnavailable: a schema could not be read.
    """
    program = QueryProgram()
    expressions = ExpressionWriter.of(program, functions)
    results = Materializer.of(plan)
    prefix = internal_prefix or f"_confluent-ksql-default_query_{plan.query_id}"
    emission = Emission(program, serdes, functions, prefix, expressions, Site(), drops_expired, buffer_bytes)
    build_plan(plan.step, results, emission)
    materialization = results.materialization(plan.step, emission)
    numbers = _numbers(program)
    numbered = tuple((numbers[id(function.site.root)], function) for function in program.functions)
    # A buffer fills those of later steps, so the buffer of the earliest step is flushed first.
    flushes = tuple((numbers[id(flush.site.root)], flush) for flush in reversed(program.flushes))
    return CompiledQuery(plan, program, materialization, numbered, flushes)


def _numbers(program: QueryProgram) -> dict[int, int]:
    """Numbers the sub-topologies, by the identity of their sites' root; all functions of a topic get the same one."""
    # A topic that is read twice (by both sides of a join, say) must be read by one task: its functions may share
    # stores, and a consumer reads each partition once. So their sites are joined first, and numbered afterwards.
    first: dict[str, Site] = {}
    for function in program.functions:
        first.setdefault(function.topic, function.site).join(function.site)
    numbers: dict[int, int] = {}
    for function in program.functions:
        numbers.setdefault(id(function.site.root), len(numbers))
    return numbers


def _repartitions(program: QueryProgram) -> tuple[RepartitionTopic, ...]:
    topics_at: dict[int, list[RecordFunction]] = {}
    for function in program.functions:
        topics_at.setdefault(id(function.site.root), []).append(function)
    real = {site: _topics(found, real=True) for site, found in topics_at.items()}
    likes = {}
    for topic, receiver in program.receivers.items():
        # Rows must meet those of the source topics at the receiver, so they need as many partitions. If it reads only
        # repartition topics, any count would do; the count of what the senders read keeps their parallelism.
        at_receiver = real.get(id(receiver.root), [])
        beside = [name for name in _topics(topics_at.get(id(receiver.root), []), real=False)]
        senders = [site for name in beside for site in program.senders.get(name, [])]
        upstream = [name for site in senders for name in _topics(topics_at.get(id(site.root), []), real=None)]
        likes[topic] = tuple(dict.fromkeys(at_receiver or [name for name in upstream if name not in beside]))
    return tuple(RepartitionTopic(topic, likes[topic]) for topic in _in_order(likes))


def _topics(functions: list[RecordFunction], *, real: bool | None) -> list[str]:
    """Returns the topics of functions: source topics only, repartition topics only, or (None) all."""
    return [f.topic for f in functions if real is None or (f.role != "repartition") is real]


def _in_order(likes: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Sorts topics so that each follows those that it takes its partition count from."""
    ordered: list[str] = []

    def visit(topic: str) -> None:
        if topic in likes and topic not in ordered:
            for other in likes[topic]:
                if other != topic:
                    visit(other)
            if topic not in ordered:
                ordered.append(topic)

    for topic in likes:
        visit(topic)
    return ordered
