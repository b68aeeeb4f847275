"""Stream-table join: each row of the stream looks up its key in the present table."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.plan.steps import StreamTableJoin
from bifrost.engine.topology.code.downstream import Downstream, RowScope, ordered_columns, unpack
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.group_by import write_null_key_test
from bifrost.engine.topology.steps.repartition import build_partitioned
from bifrost.sql.tree import JoinKind


def build_stream_table_join(step: StreamTableJoin, downstream: Downstream, emission: Emission) -> Inlets:
    """Stores the used columns of the table by key. Rows with a null key or value end here, also in a LEFT join."""
    wanted = ordered_columns(step.right.schema, downstream.wants)
    store = emission.key_value_store(f"{step.context}-Table", wanted)
    # The table's side first: if both sides read one topic, a record enters the table before the stream looks it up.
    yield from _build_table_side(step, wanted, store, emission)

    # This method stays the same, see `Rows`.
    get = emission.program.bind("look_up", lambda context: context.key_value_store(store).get, store)
    left_names = {column.name for column in step.left.schema}

    def row(writer: CodeWriter, scope: RowScope) -> None:
        write_null_key_test(writer, scope)
        found = writer.name("found")
        writer.line(f"{found} = {get}({scope.identity})")
        if step.kind is JoinKind.INNER:
            with writer.block(f"if {found} is None:"):
                writer.line("continue")
            right = unpack(writer, wanted, f"{found}[0]")
        else:
            right = unpack(writer, wanted, f"{found}[0] if {found} is not None else {(None,) * len(wanted)}")
        columns = {step.key_name: scope.key_columns[0], **scope.columns, **right}
        downstream.row(writer, replace(scope, columns=columns))

    left = Downstream(downstream.wants & left_names, row, None)
    yield from build_partitioned(step.left, left, emission, step.formats.key, f"{step.context}-left")


def _build_table_side(step: StreamTableJoin, wanted: tuple[str, ...], store: str, emission: Emission) -> Inlets:
    # Not its methods: they are others once the store has moved to disk.
    rows = emission.program.bind("rows", lambda context: context.key_value_store(store), store)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        writer.line(f"{rows}.put({scope.identity}, {scope.tuple_of(wanted)}, {scope.timestamp})")

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        writer.line(f"{rows}.delete({scope.identity}, {scope.timestamp})")

    yield Inlet(step.right, Downstream(frozenset(wanted), row, tombstone), emission)
