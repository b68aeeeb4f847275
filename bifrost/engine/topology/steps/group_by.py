"""GROUP BY: sends rows through a repartition topic to the task of their group, unless they have its key already."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.plan.steps import StreamGroupBy, StreamGroupByKey, TableGroupBy
from bifrost.engine.topology.code.downstream import (
    Downstream,
    OldRows,
    RowScope,
    null_test,
    ordered_columns,
    tuple_text,
)
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.repartition import Route, build_partitioned, receive_rows


def build_stream_group_by_key(step: StreamGroupByKey, downstream: Downstream, emission: Emission) -> Inlets:
    """Groups rows by their present key; rows with a null key end here."""

    def row(writer: CodeWriter, scope: RowScope) -> None:
        write_null_key_test(writer, scope)
        downstream.row(writer, scope)

    grouped = replace(downstream, row=row, tombstone=None)
    yield from build_partitioned(step.source, grouped, emission, step.formats.key, step.context)


def write_null_key_test(writer: CodeWriter, scope: RowScope) -> None:
    """Writes the test that skips rows with a null key: no key bytes, or a single column that is null."""
    if scope.has_key:
        return
    with writer.block(f"if {scope.key} is None{_single_null(scope)}:"):
        writer.line("continue")


def _single_null(scope: RowScope) -> str:
    return f" or {scope.key}[0] is None" if len(scope.key_columns) == 1 else ""


def build_stream_group_by(step: StreamGroupBy, downstream: Downstream, emission: Emission) -> Inlets:
    """Sends rows to the task of their group; a null in any of the group's values ends the row, with a report."""
    transfer = receive_rows(f"{step.context}-repartition", step.formats.key, step.schema, downstream, emission)
    types = step.source.schema.types()

    def row(writer: CodeWriter, scope: RowScope) -> None:
        parts = [
            transfer.sender.expressions.value(writer, expression, name, types, scope.columns, step.context)
            for name, expression in zip(transfer.key_names, step.group_by, strict=True)
        ]
        with writer.block(f"if {null_test(parts)}:"):
            what, problem = "Group-by column is null", "the row is left out"
            writer.line(f"{writer.report}.failed({step.context!r}, {what!r}, {problem!r}, partition, offset)")
            writer.line("continue")
        # The new key has no window, even if the source's key has one.
        transfer.write_send(writer, tuple_text(parts), replace(scope, window=None))

    wants = frozenset(transfer.sent) | columns_in(*step.group_by)
    yield Inlet(step.source, Downstream(wants, row, None), transfer.sender)


def build_table_group_by(step: TableGroupBy, downstream: Downstream, emission: Emission) -> Inlets:
    """Sends changes to the tasks of their groups as (new, old): one record if the group is the same, else old first.

    Downstream, `RowScope.new` and `RowScope.old` hold the rows and `RowScope.columns` is empty.
    """
    route = Route.of(emission, f"{step.context}-repartition", step.formats.key, step.schema.key)
    names = ordered_columns(step.schema, downstream.wants)
    with route.reading(emission) as (writer, scope):
        writer.line("new, old = decode_state(value_bytes)")
        downstream.row(writer, replace(scope, new="new", old="old"))

    sender = route.sent_from(emission.elsewhere())
    wants = frozenset(names) | columns_in(*step.group_by)
    grouped = _group_function(step, wants, names, sender)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        given = scope.tuple_of(ordered_columns(step.source.schema, wants))
        writer.line(f"new_group, new = {grouped}({scope.key}, {given})")
        send(writer, scope)

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        writer.line("new_group = new = None")
        send(writer, scope)

    def send(writer: CodeWriter, scope: RowScope) -> None:
        plain = replace(scope, window=None)
        call = f"{grouped}({scope.key}, {scope.old})"
        writer.line(f"old_group, old_row = (None, None) if {scope.old} is None else {call}")
        # Within one group a single record carries both rows, so that no intermediate result is emitted. Otherwise the
        # old row leaves its group before the new one enters another: each change is complete for its own group.
        with writer.block("if new_group is not None and new_group == old_group:"):
            route.write_send(writer, "new_group", "[new, old_row]", sender, plain)
            writer.line("continue")
        with writer.block("if old_group is not None:"):
            route.write_send(writer, "old_group", "[None, old_row]", sender, plain)
        with writer.block("if new_group is not None:"):
            route.write_send(writer, "new_group", "[new, None]", sender, plain)

    yield Inlet(step.source, Downstream(wants, row, tombstone, OldRows.REQUIRED), sender)


def _group_function(step: TableGroupBy, given: frozenset[str], names: tuple[str, ...], emission: Emission) -> str:
    """Generates a function of (key, row): the group's key (None if a part of it is null) and the row to send."""
    types = step.source.schema.types()
    source_names = ordered_columns(step.source.schema, given)

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        parts = [
            emission.expressions.value(writer, expression, column.name, types, places, step.context)
            for column, expression in zip(step.schema.key, step.group_by, strict=True)
        ]
        key_columns = {column.name: part for column, part in zip(step.schema.key, parts, strict=True)}
        row = f"[{', '.join((places | key_columns)[name] for name in names)}]"
        writer.line(f"return (None, None) if {null_test(parts)} else ({tuple_text(parts)}, {row})")

    key_names = tuple(column.name for column in step.source.schema.key)
    return emission.expressions.row_function("grouped", source_names, key_names, write)
