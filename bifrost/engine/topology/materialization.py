"""How pull queries find a table's rows: in the store nearest to the query's end, through the steps behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Row, StoreKind
from bifrost.engine.topology.code.downstream import Downstream, layout, tuple_text
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.aggregate import fold_of, result_names, store_name
from bifrost.engine.topology.steps.row_before import keeping
from bifrost.engine.topology.steps.stateless_stream import select_wants
from bifrost.engine.topology.steps.stateless_table import matching_function, projection_function

if TYPE_CHECKING:
    from bifrost.engine.topology.walk import Builder

_AGGREGATES = (StreamAggregate, StreamWindowedAggregate, TableAggregate)
_RESULT_STORE = "Results"
_WITHOUT_NULLS = frozenset({"PROTOBUF", "PROTOBUF_NOSR"})


@dataclass(frozen=True, slots=True)
class MaterializedRow:
    """A row of a table as it is now; `window` is start and end in epoch ms."""

    key: Key
    row: Row
    timestamp: int
    window: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Materialization:
    """Where a query's result can be looked up.

    Rows of `store` become result rows by the generated functions `steps` in turn, each of (key, row), giving None where
    the row does not show. `window_size_ms` is that of a window store, `keyed_by_window` says that a key-value store's
    keys end with the window's bounds.
    """

    store: str
    kind: StoreKind
    result: Callable[[Row], Row] | None
    steps: tuple[str, ...]
    window_size_ms: int | None = None
    keyed_by_window: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """Whether a query's results can be looked up (`wanted`), and by which step's store."""

    wanted: bool

    @classmethod
    def of(cls, plan: QueryPlan) -> Results:
        """As ksqlDB: tables that a query makes can be asked, what a person follows cannot."""
        return cls(plan.result == "TABLE" and plan.kind != "PUSH")

    def kept(self, step: Step, downstream: Downstream, builder: Builder) -> Downstream:
        """The downstream of the last step, with a store in front where no step has one that would do."""
        if not self.wanted or isinstance(_root(step), _AGGREGATES):
            return downstream
        return keeping(downstream, step.schema, _RESULT_STORE, builder)

    def materialization(self, last: Step, builder: Builder) -> Materialization | None:
        """How results are looked up, once all steps are built."""
        if not self.wanted:
            return None
        found = self._found(last, builder)
        return replace(found, steps=(*found.steps, *_rounding(last, builder)))

    def _found(self, last: Step, builder: Builder) -> Materialization:
        names = tuple(column.name for column in last.schema.value)
        source, wants = last, frozenset(names)
        if isinstance(last, TableSink):
            source, wants = last.source, wants | ({last.timestamp.column} if last.timestamp is not None else set())
        root = _root(source)
        if not isinstance(root, _AGGREGATES):
            picked = _picking(layout(source.schema, wants), names, source, builder)
            windowed = _is_windowed(source)
            return Materialization(_RESULT_STORE, StoreKind.KEY_VALUE, None, (picked,), keyed_by_window=windowed)
        steps, given = _chain(source, wants, builder)
        steps.append(_picking(layout(source.schema, wants), names, source, builder))
        return _aggregated(root, given, steps, builder)


def _rounding(last: Step, builder: Builder) -> tuple[str, ...]:
    """What the sink's format makes of rows, where it cannot carry nulls: ksqlDB keeps tables in that format."""
    if not isinstance(last, TableSink) or last.formats.value.format.name not in _WITHOUT_NULLS:
        return ()
    write = builder.value_writer(last.topic, last.formats.value, last.schema.value)
    everything = frozenset(column.name for column in last.schema.value)
    read = builder.value_reader(last.topic, last.formats.value, last.schema.value, everything)

    def body(writer: CodeWriter, places: dict[str, str]) -> None:
        writer.line(f"return {read}({write}(row))")

    return (builder.expressions.row_function("rounded", (), (), body),)


def _root(step: Step) -> Step:
    """The step whose store the results can be computed from, row by row."""
    match step:
        case TableSelect() | TableFilter():
            return _root(step.source)
        case _:
            return step


def _is_windowed(step: Step) -> bool:
    root = _root(step)
    return isinstance(root, TableSource) and root.window is not None


def _chain(step: Step, wants: frozenset[str], builder: Builder) -> tuple[list[str], frozenset[str]]:
    """Functions that make the wanted columns of the step from the columns of its root, which are given too."""
    match step:
        case TableSelect():
            given = frozenset(layout(step.source.schema, _needed(step, wants)))
            steps, root_wants = _chain(step.source, given, builder)
            return [*steps, projection_function(step, given, wants, builder)], root_wants
        case TableFilter():
            given = wants | _needed(step, wants)
            steps, root_wants = _chain(step.source, given, builder)
            return [*steps, matching_function(step, given, wants, builder)], root_wants
        case _:
            return [], wants


def _needed(step: TableSelect | TableFilter, wants: frozenset[str]) -> frozenset[str]:
    return select_wants(step, wants) if isinstance(step, TableSelect) else columns_in(step.predicate)


def _picking(names: tuple[str, ...], wanted: tuple[str, ...], step: Step, builder: Builder) -> str:
    key_names = tuple(column.name for column in step.schema.key)

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        writer.line(f"return {tuple_text(places[name] for name in wanted)}")

    return builder.expressions.row_function("picked", names, key_names, write)


def _aggregated(
    root: StreamAggregate | StreamWindowedAggregate | TableAggregate,
    given: frozenset[str],
    steps: list[str],
    builder: Builder,
) -> Materialization:
    names = result_names(root.schema)
    windowed = isinstance(root, StreamWindowedAggregate)
    base = (*names, WINDOWSTART, WINDOWEND) if windowed else names
    first = _picking(base, layout(root.schema, given), root, builder)
    kind, size = StoreKind.KEY_VALUE, None
    if isinstance(root, StreamWindowedAggregate):
        session = isinstance(root.window, Session)
        kind = StoreKind.SESSION if session else StoreKind.WINDOW
        size = None if isinstance(root.window, Session) else root.window.size_ms
    return Materialization(store_name(root), kind, fold_of(root, builder).result, (first, *steps), size)
