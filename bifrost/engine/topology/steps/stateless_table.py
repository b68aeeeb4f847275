"""Stateless steps of tables: they work on the new row, and on the old row if it is known."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.plan.steps import TableFilter, TableSelect, TableSelectKey
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, ordered_columns, tuple_text
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.repartition import receive_rows
from bifrost.engine.topology.steps.row_before import stored_rows
from bifrost.engine.topology.steps.stateless_stream import build_key_change, select_wants, selected_key, selected_scope


def build_table_filter(step: TableFilter, downstream: Downstream, emission: Emission) -> Inlets:
    """Turns a row that stops matching into a tombstone; if old rows are known, not one that never matched."""
    wants = downstream.wants | columns_in(step.predicate)
    types = step.source.schema.types()
    # Without the old row every row that does not match would emit a tombstone, also one that never matched.
    old = max(OldRows.IF_KNOWN, downstream.old)
    matching = matching_function(step, wants, wants, emission)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        scope = before(writer, scope)
        holds = emission.expressions.condition(writer, step.predicate, types, scope.columns, step.context)
        with writer.block(f"if {holds}:"):
            downstream.row(writer, scope)
        with writer.block("else:"):
            gone(writer, scope)

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        gone(writer, before(writer, scope))

    def before(writer: CodeWriter, scope: RowScope) -> RowScope:
        if scope.old is None:
            return scope
        local = writer.name("old")
        writer.line(f"{local} = None if {scope.old} is None else {matching}({scope.key}, {scope.old})")
        return replace(scope, old=local)

    def gone(writer: CodeWriter, scope: RowScope) -> None:
        if scope.old is None:
            downstream.write_tombstone(writer, scope)
            return
        with writer.block(f"if {scope.old} is not None:"):
            downstream.write_tombstone(writer, scope)

    yield Inlet(step.source, Downstream(wants, row, tombstone, old), emission)


def matching_function(step: TableFilter, given: frozenset[str], wanted: frozenset[str], emission: Emission) -> str:
    """Generates a function of (key, row with the `given` columns): the `wanted` columns if it matches, else None."""
    names = ordered_columns(step.source.schema, given)
    types = step.source.schema.types()

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        holds = emission.expressions.condition(writer, step.predicate, types, places, step.context)
        row = tuple_text(places[name] for name in ordered_columns(step.schema, wanted))
        writer.line(f"return {row} if {holds} else None")

    return emission.expressions.row_function("matching", names, _key_names(step), write)


def build_table_select(step: TableSelect, downstream: Downstream, emission: Emission) -> Inlets:
    """Projects new rows, and old rows if a later step uses them."""
    wants = select_wants(step, downstream.wants)
    project = projection_function(step, wants, downstream.wants, emission) if downstream.old else ""

    def row(writer: CodeWriter, scope: RowScope) -> None:
        downstream.row(writer, selected_scope(writer, step, downstream.wants, before(writer, scope), emission))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        downstream.write_tombstone(writer, selected_key(step, before(writer, scope)))

    def before(writer: CodeWriter, scope: RowScope) -> RowScope:
        if scope.old is None or not project:
            return scope
        local = writer.name("old")
        writer.line(f"{local} = None if {scope.old} is None else {project}({scope.key}, {scope.old})")
        return replace(scope, old=local)

    yield Inlet(step.source, Downstream(wants, row, tombstone, downstream.old), emission)


def projection_function(step: TableSelect, given: frozenset[str], wanted: frozenset[str], emission: Emission) -> str:
    """Generates a function of (key, row with the `given` columns): the `wanted` columns of the projection."""
    names = ordered_columns(step.source.schema, given)
    types = step.source.schema.types()
    items = {item.name: item.expression for item in step.selects}
    key_names = _key_names(step)

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        made = {
            name: emission.expressions.value(writer, items[name], name, types, places, step.context)
            for name in ordered_columns(step.schema, wanted)
            if name in items
        }
        key_columns = dict(zip(step.key_names, (places[name] for name in key_names), strict=False))
        writer.line(f"return {tuple_text((key_columns | made)[name] for name in ordered_columns(step.schema, wanted))}")

    return emission.expressions.row_function("projected", names, key_names, write)


def _key_names(step: TableFilter | TableSelect) -> tuple[str, ...]:
    return tuple(column.name for column in step.source.schema.key)


def build_table_select_key(step: TableSelectKey, downstream: Downstream, emission: Emission) -> Inlets:
    """Sends changes under a new key through a repartition topic; as in ksqlDB, a row under its old key stays."""
    if downstream.old is OldRows.REQUIRED:
        downstream = stored_rows(downstream, step.schema, f"{step.context}-Table", emission)
    transfer = receive_rows(
        f"{step.context}-repartition", step.formats.key, step.schema, downstream, emission, takes_null=True
    )

    def send(writer: CodeWriter, scope: RowScope) -> None:
        transfer.write_send(writer, scope.key, scope)

    def send_tombstone(writer: CodeWriter, scope: RowScope) -> None:
        transfer.route.write_send(writer, scope.key, "None", transfer.sender, scope)

    yield from build_key_change(step, Downstream(frozenset(transfer.sent), send, send_tombstone), transfer.sender)
