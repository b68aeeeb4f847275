"""Aggregation steps: generated code computes each row's arguments, an aggregator adds them to its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bifrost.engine.catalog.schema import WINDOWEND, WINDOWSTART, LogicalSchema
from bifrost.engine.expressions import AggregateCall, resolve_aggregate
from bifrost.engine.plan.steps import Session, StreamAggregate, StreamWindowedAggregate, TableAggregate, Tumbling
from bifrost.engine.state.stores import StoreKind, StoreSpec
from bifrost.engine.topology.code.downstream import (
    Downstream,
    OldRows,
    RowScope,
    key_parts,
    ordered_columns,
    tuple_text,
    unpack,
)
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.operators.aggregators import (
    GroupAggregator,
    SessionAggregator,
    TumblingAggregator,
    WindowedAggregator,
)
from bifrost.engine.topology.operators.fold import Fold
from bifrost.engine.topology.operators.table_aggregator import TableAggregator
from bifrost.engine.topology.operators.windows import retention_of
from bifrost.engine.topology.steps.buffered_rows import buffered_rows
from bifrost.engine.topology.task_context import TaskContext
from bifrost.sql.formatter import format_expression

AggregateStep = StreamAggregate | StreamWindowedAggregate | TableAggregate

AGGREGATION_FAILED = "Error aggregating"
"""Begins the report of a row that an aggregate cannot add. Such a row ends a query of ksqlDB; here it is skipped."""

_BOUNDS = (WINDOWSTART, WINDOWEND)


def build_stream_aggregate(step: StreamAggregate, downstream: Downstream, emission: Emission) -> Inlets:
    """Adds every row of the stream to its group."""
    downstream = buffered_rows(downstream, step.schema, emission)
    parts = _Parts.of(step, emission)
    store = parts.declare_store(StoreKind.KEY_VALUE, None, emission)
    add = emission.program.bind("add", lambda context: parts.aggregator(context, store, downstream).add, store)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        group_columns, values = parts.write_arguments(writer, scope, emission)
        call = f"result, timestamp, old = {add}({scope.identity}, {group_columns}, {values}, {scope.timestamp})"
        _write_add(writer, call, step.context)
        parts.write_result(writer, scope, downstream)

    yield Inlet(step.source, Downstream(parts.wants, row, None), emission)


def build_table_aggregate(step: TableAggregate, downstream: Downstream, emission: Emission) -> Inlets:
    """Removes the old row of each change from its group and adds the new row."""
    downstream = buffered_rows(downstream, step.schema, emission)
    parts = _Parts.of(step, emission)
    store = parts.declare_store(StoreKind.KEY_VALUE, None, emission)
    exceptions = emission.key_value_store(f"{store}-Exceptions", ("count",))

    def bound(context: TaskContext) -> Callable[..., object]:
        return parts.table_aggregator(context, store, exceptions, downstream).change

    change = emission.program.bind("change", bound, store, exceptions)
    arguments = parts.arguments_function(ordered_columns(step.source.schema, parts.wants), emission)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        given = [f"None if {side} is None else {arguments}({scope.key}, {side})" for side in (scope.new, scope.old)]
        writer.line(f"changed, problem = {change}({scope.identity}, {', '.join(given)}, {scope.timestamp})")
        with writer.block("if problem is not None:"):
            _write_report(writer, step.context, "problem")
        with writer.block("if changed is None:"):
            writer.line("continue")
        writer.line("result, timestamp, old = changed")
        parts.write_result(writer, scope, downstream)

    yield Inlet(step.source, Downstream(parts.wants, row, None), emission)


def build_stream_windowed_aggregate(
    step: StreamWindowedAggregate, downstream: Downstream, emission: Emission
) -> Inlets:
    """Adds every row to its windows; with EMIT FINAL, emits a window's result when it has closed."""
    parts = _Parts.of(step, emission)
    session = isinstance(step.window, Session)
    if not step.emit_final:
        old = OldRows.IF_KNOWN if session else OldRows.UNUSED
        downstream = buffered_rows(downstream, step.schema, emission, old=old)
    kind = StoreKind.SESSION if session else StoreKind.WINDOW
    store = parts.declare_store(kind, retention_of(step.window, emit_final=step.emit_final), emission)
    make = partial(parts.windowed_aggregator, store=store, downstream=downstream, emission=emission)
    add = emission.program.bind("add", lambda context: make(context).add, store)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        group_columns, values = parts.write_arguments(writer, scope, emission)
        call = f"changes = {add}({scope.identity}, {group_columns}, {values}, {scope.timestamp})"
        _write_add(writer, call, step.context)
        with writer.block("for key, window_start, window_end, result, timestamp, old in changes:"):
            if not scope.plain_key:
                writer.line("key = thaw_key(key)")
            keyed = replace(scope, key="key", key_columns=key_parts("key", step.schema.key, nullable=False))
            windowed = replace(keyed, window=("window_start", "window_end"))
            if session:
                with writer.block("if result is None:"):
                    downstream.write_tombstone(writer, parts.with_old(writer, windowed, downstream))
                    writer.line("continue")
            parts.write_result(writer, windowed, downstream)

    yield Inlet(step.source, Downstream(parts.wants, row, None), emission)


def _write_add(writer: CodeWriter, call: str, context: str) -> None:
    """Writes the call of an aggregator; a row that it rejects is reported and skipped."""
    with writer.block("try:"):
        writer.line(call)
    with writer.block("except RowRejected as rejected:"):
        _write_report(writer, context, "rejected.__cause__")
        writer.line("continue")


def _write_report(writer: CodeWriter, context: str, problem: str) -> None:
    writer.line(f"{writer.report}.failed({context!r}, {AGGREGATION_FAILED!r}, {problem}, partition, offset)")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of an aggregation that its code needs."""

    step: AggregateStep
    calls: tuple[AggregateCall, ...]
    fold: Fold

    @classmethod
    def of(cls, step: AggregateStep, emission: Emission) -> _Parts:
        calls = aggregate_calls(step, emission)
        return cls(step, calls, fold_of(step, emission))

    @property
    def wants(self) -> frozenset[str]:
        """The columns of rows that are used."""
        return frozenset(self.step.non_aggregates) | columns_in(*(a for call in self.calls for a in call.arguments))

    def declare_store(self, kind: StoreKind, retention_ms: int | None, emission: Emission) -> str:
        """Declares the store of states. Each column is named by the text of its aggregate."""
        group_columns = self.step.non_aggregates
        columns = (*group_columns, *(format_expression(call) for call in self.step.aggregates))
        # A replaced query may restore rows without a new aggregate: that one begins with its empty state.
        missing = ((None,) * len(group_columns)) + self.fold.empty()
        name = store_name(self.step)
        return emission.program.store(
            StoreSpec(name, kind, retention_ms=retention_ms, columns=columns, missing=missing)
        )

    def aggregator(self, context: TaskContext, store: str, downstream: Downstream) -> GroupAggregator:
        return GroupAggregator(
            self.fold, context.key_value_store(store), wants_old=downstream.old is not OldRows.UNUSED
        )

    def table_aggregator(
        self, context: TaskContext, store: str, exceptions: str, downstream: Downstream
    ) -> TableAggregator:
        stores = context.key_value_store(store), context.key_value_store(exceptions)
        return TableAggregator(self.fold, *stores, wants_old=downstream.old is not OldRows.UNUSED)

    def windowed_aggregator(
        self, context: TaskContext, store: str, downstream: Downstream, emission: Emission
    ) -> WindowedAggregator | TumblingAggregator | SessionAggregator:
        step = self.step
        assert isinstance(step, StreamWindowedAggregate)
        if isinstance(step.window, Session):
            return SessionAggregator(
                self.fold,
                context.session_store(store),
                step.window,
                final=step.emit_final,
                buffered=emission.buffer_bytes > 0,
            )
        windows, wants_old = context.window_store(store), downstream.old is not OldRows.UNUSED
        if isinstance(step.window, Tumbling) and not step.emit_final:
            return TumblingAggregator(self.fold, windows, step.window, wants_old=wants_old)
        return WindowedAggregator(
            self.fold,
            windows,
            step.window,
            final=step.emit_final,
            wants_old=wants_old,
            drops_expired=emission.drops_expired,
        )

    def write_arguments(self, writer: CodeWriter, scope: RowScope, emission: Emission) -> tuple[str, str]:
        """Writes the computation of arguments; returns the source of group columns and of arguments by aggregate."""
        types = self.step.source.schema.types()
        values = []
        for call in self.calls:
            given = [
                emission.expressions.value(
                    writer, argument, "argument", types, scope.columns, self.step.context, target
                )
                for argument, target in zip(call.arguments, call.aggregate.parameters, strict=True)
            ]
            values.append(tuple_text(given))
        return scope.tuple_of(self.step.non_aggregates), tuple_text(values)

    def arguments_function(self, names: tuple[str, ...], emission: Emission) -> str:
        """Generates a function of (key, row): group columns and arguments by aggregate."""

        def write(writer: CodeWriter, places: dict[str, str]) -> None:
            group_columns, values = self.write_arguments(writer, RowScope(places, "key"), emission)
            writer.line(f"return {group_columns}, {values}")

        key_names = [column.name for column in self.step.source.schema.key]
        return emission.expressions.row_function("arguments", names, key_names, write)

    def write_result(self, writer: CodeWriter, scope: RowScope, downstream: Downstream) -> None:
        """Writes the unpacking of `result` and the code behind the aggregation."""
        names = result_names(self.step.schema)
        used = [name for name in names if name in downstream.wants]
        columns = dict(zip((column.name for column in self.step.schema.key), scope.key_columns, strict=True))
        if used:
            places = unpack(writer, names, "result")
            columns |= {name: places[name] for name in used}
        if scope.window is not None:
            columns |= dict(zip(_BOUNDS, scope.window, strict=True))
        # From here on `timestamp` is the local that holds the result's time, not the record's.
        result = replace(scope, columns=columns, timestamp="timestamp", new=None)
        downstream.row(writer, self.with_old(writer, result, downstream))

    def with_old(self, writer: CodeWriter, scope: RowScope, downstream: Downstream) -> RowScope:
        """Writes `old` as the tuple of wanted columns, if a later step uses it."""
        if downstream.old is OldRows.UNUSED:
            return replace(scope, old=None)
        names = result_names(self.step.schema)
        places = {name: f"old[{index}]" for index, name in enumerate(names)}
        places |= {column.name: part for column, part in zip(self.step.schema.key, scope.key_columns, strict=True)}
        if scope.window is not None:
            places |= dict(zip(_BOUNDS, scope.window, strict=True))
        wanted = tuple_text(places[name] for name in ordered_columns(self.step.schema, downstream.wants))
        writer.line(f"old = None if old is None else {wanted}")
        return replace(scope, old="old")


def result_names(schema: LogicalSchema) -> tuple[str, ...]:
    """Returns the columns of an aggregator's result row, in order: all value columns but the window's bounds."""
    return tuple(column.name for column in schema.value if column.name not in _BOUNDS)


def store_name(step: AggregateStep) -> str:
    """Returns the name of an aggregation's store, as in ksqlDB."""
    return f"{step.context}-Materialize"


def aggregate_calls(step: AggregateStep, emission: Emission) -> tuple[AggregateCall, ...]:
    """Returns the aggregates of a step with the expressions of their arguments."""
    types = step.source.schema.types()
    functions = emission.functions
    return tuple(resolve_aggregate(call, types, functions, config=functions.settings) for call in step.aggregates)


def fold_of(step: AggregateStep, emission: Emission) -> Fold:
    """Returns the functions on the rows of a step's store."""
    return Fold.of(len(step.non_aggregates), [call.aggregate for call in aggregate_calls(step, emission)])
