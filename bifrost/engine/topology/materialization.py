"""Chooses the store from which pull queries read a table, and generates the steps from there to the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bifrost.engine.catalog.schema import WINDOWEND, WINDOWSTART
from bifrost.engine.plan.steps import (
    QueryPlan,
    Session,
    Step,
    StreamAggregate,
    StreamWindowedAggregate,
    TableAggregate,
    TableFilter,
    TableSelect,
    TableSink,
    TableSource,
)
from bifrost.engine.state.stores import StoreKind
from bifrost.engine.topology.code.downstream import Downstream, ordered_columns, tuple_text
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.lookup import Materialization
from bifrost.engine.topology.steps.aggregate import fold_of, result_names, store_name
from bifrost.engine.topology.steps.buffered_rows import buffered_rows
from bifrost.engine.topology.steps.row_before import stored_rows
from bifrost.engine.topology.steps.stateless_stream import select_wants
from bifrost.engine.topology.steps.stateless_table import matching_function, projection_function

_AGGREGATES = (StreamAggregate, StreamWindowedAggregate, TableAggregate)
_RESULT_STORE = "Results"
_WITHOUT_NULLS = frozenset({"PROTOBUF", "PROTOBUF_NOSR"})


@dataclass(frozen=True, slots=True)
class Materializer:
    """Materializes a query's results for look-ups, if they are `wanted`; `is_table` says that they are a table."""

    wanted: bool
    is_table: bool

    @classmethod
    def of(cls, plan: QueryPlan) -> Materializer:
        """Returns the materializer of a plan; as in ksqlDB, pull queries can read tables of persistent queries only."""
        return cls(plan.result == "TABLE" and plan.kind != "PUSH", plan.result == "TABLE")

    def stored(self, step: Step, downstream: Downstream, emission: Emission) -> Downstream:
        """Returns the downstream of the last step, behind a store of results unless an aggregation has one."""
        if not self.is_table or isinstance(_root(step), _AGGREGATES):
            # An aggregation stores its groups anyway; projections and filters behind it are repeated for each look-up.
            return downstream
        if not self.wanted:
            return buffered_rows(downstream, step.schema, emission)
        return stored_rows(downstream, step.schema, _RESULT_STORE, emission)

    def materialization(self, last: Step, emission: Emission) -> Materialization | None:
        """Returns how to look up results; call it once all steps are built."""
        if not self.wanted:
            return None
        found = self._found(last, emission)
        return replace(found, steps=(*found.steps, *_rounding(last, emission)))

    def _found(self, last: Step, emission: Emission) -> Materialization:
        names = tuple(column.name for column in last.schema.value)
        source, wants = last, frozenset(names)
        if isinstance(last, TableSink):
            source, wants = last.source, wants | ({last.timestamp.column} if last.timestamp is not None else set())
        root = _root(source)
        if not isinstance(root, _AGGREGATES):
            picked = _picking(ordered_columns(source.schema, wants), names, source, emission)
            windowed = _is_windowed(source)
            return Materialization(_RESULT_STORE, StoreKind.KEY_VALUE, None, (picked,), keyed_by_window=windowed)
        steps, given = _chain(source, wants, emission)
        steps.append(_picking(ordered_columns(source.schema, wants), names, source, emission))
        return _aggregated(root, given, steps, emission)


def _rounding(last: Step, emission: Emission) -> tuple[str, ...]:
    """Encodes and decodes rows if the sink's format cannot carry nulls: ksqlDB stores tables in that format."""
    if not isinstance(last, TableSink) or last.formats.value.format.name not in _WITHOUT_NULLS:
        return ()
    write = emission.value_writer(last.topic, last.formats.value, last.schema.value)
    everything = frozenset(column.name for column in last.schema.value)
    read = emission.value_reader(last.topic, last.formats.value, last.schema.value, everything)

    def body(writer: CodeWriter, places: dict[str, str]) -> None:
        writer.line(f"return {read}({write}(row))")

    return (emission.expressions.row_function("rounded", (), (), body),)


def _root(step: Step) -> Step:
    """Returns the step from whose store the results follow row by row."""
    match step:
        case TableSelect() | TableFilter():
            return _root(step.source)
        case _:
            return step


def _is_windowed(step: Step) -> bool:
    root = _root(step)
    return isinstance(root, TableSource) and root.window is not None


def _chain(step: Step, wants: frozenset[str], emission: Emission) -> tuple[list[str], frozenset[str]]:
    """Returns functions that compute the wanted columns of a step from columns of its root, and these columns."""
    # From the last step down to the root, but the functions are applied in the other direction.
    match step:
        case TableSelect():
            given = frozenset(ordered_columns(step.source.schema, _needed(step, wants)))
            steps, root_wants = _chain(step.source, given, emission)
            return [*steps, projection_function(step, given, wants, emission)], root_wants
        case TableFilter():
            given = wants | _needed(step, wants)
            steps, root_wants = _chain(step.source, given, emission)
            return [*steps, matching_function(step, given, wants, emission)], root_wants
        case _:
            return [], wants


def _needed(step: TableSelect | TableFilter, wants: frozenset[str]) -> frozenset[str]:
    return select_wants(step, wants) if isinstance(step, TableSelect) else columns_in(step.predicate)


def _picking(names: tuple[str, ...], wanted: tuple[str, ...], step: Step, emission: Emission) -> str:
    key_names = tuple(column.name for column in step.schema.key)

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        writer.line(f"return {tuple_text(places[name] for name in wanted)}")

    return emission.expressions.row_function("picked", names, key_names, write)


def _aggregated(
    root: StreamAggregate | StreamWindowedAggregate | TableAggregate,
    given: frozenset[str],
    steps: list[str],
    emission: Emission,
) -> Materialization:
    names = result_names(root.schema)
    windowed = isinstance(root, StreamWindowedAggregate)
    base = (*names, WINDOWSTART, WINDOWEND) if windowed else names
    first = _picking(base, ordered_columns(root.schema, given), root, emission)
    kind, size = StoreKind.KEY_VALUE, None
    if isinstance(root, StreamWindowedAggregate):
        session = isinstance(root.window, Session)
        kind = StoreKind.SESSION if session else StoreKind.WINDOW
        size = None if isinstance(root.window, Session) else root.window.size_ms
    return Materialization(store_name(root), kind, fold_of(root, emission).result, (first, *steps), size)
