"""Stores a table's rows, for steps that need the row before a change and for look-ups."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, ordered_columns
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.buffered_rows import buffered_rows


def stored_rows(downstream: Downstream, schema: LogicalSchema, name: str, emission: Emission) -> Downstream:
    """Returns the downstream behind a store of the wanted columns, which provides the row before each change.

    The store has each row when it arrives, what comes behind may be buffered.
    """
    downstream = buffered_rows(downstream, schema, emission)
    names = ordered_columns(schema, downstream.wants)
    store = emission.key_value_store(name, names)
    # Not its methods: they are others once the store has moved to disk.
    rows = emission.program.bind("rows", lambda context: context.key_value_store(store), store)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        old = writer.name("old")
        writer.line(f"{old} = {rows}.put({scope.identity}, {scope.tuple_of(names)}, {scope.timestamp})")
        downstream.row(writer, replace(scope, old=old))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        old = writer.name("old")
        writer.line(f"{old} = {rows}.delete({scope.identity}, {scope.timestamp})")
        downstream.write_tombstone(writer, replace(scope, old=old))

    # The steps before need not provide old rows any more: this store does.
    return Downstream(downstream.wants, row, tombstone, OldRows.UNUSED)
