"""Buffers the changes of a table until the next commit, if the query has a buffer."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, key_parts, ordered_columns, unpack
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.operators.change_buffer import ChangeBuffer

_CHANGE = "key, window_start, window_end, row, old, timestamp, partition, offset, headers, report"
"""The parts of a buffered change, under the names that generated code has for those of a record."""


def buffered_rows(
    downstream: Downstream, schema: LogicalSchema, emission: Emission, *, old: OldRows = OldRows.UNUSED
) -> Downstream:
    """Returns the downstream behind a buffer, or the given one if the query buffers nothing.

    `old` is `IF_KNOWN` where a step can provide old rows at no cost: the deletion of a row that was never emitted
    is then left out, as in Kafka Streams.
    """
    if emission.buffer_bytes <= 0:
        return downstream
    limit = emission.buffer_bytes
    buffer = emission.program.bind("buffer", lambda context: ChangeBuffer(limit))
    flush = emission.program.fresh("flush")
    names = ordered_columns(schema, downstream.wants)
    written: list[RowScope] = []

    def row(writer: CodeWriter, scope: RowScope) -> None:
        add(writer, scope, scope.tuple_of(names))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        add(writer, scope, "None")

    def add(writer: CodeWriter, scope: RowScope, values: str) -> None:
        start, end = scope.window or ("None", "None")
        change = f"{scope.key}, {start}, {end}, {values}, {scope.old}, {scope.timestamp}"
        record = f"partition, offset, headers, {writer.report}"
        with writer.block(f"if {buffer}.add({scope.identity}, {change}, {record}):"):
            writer.line(f"{flush}()")
        if not written:
            # Whether rows have windows and old rows is known only here; it is the same wherever a row enters.
            written.append(scope)
            _write_flush(flush, buffer, names, schema, downstream, scope, emission)

    return Downstream(downstream.wants, row, tombstone, max(old, downstream.old))


def _write_flush(
    name: str,
    buffer: str,
    names: tuple[str, ...],
    schema: LogicalSchema,
    downstream: Downstream,
    entered: RowScope,
    emission: Emission,
) -> None:
    """Generates the function that passes the buffered changes downstream."""
    writer = CodeWriter(f"{name}()", "report")
    knows_old = entered.old is not None
    with writer.block(f"for {_CHANGE} in {buffer}.take():"):
        scope = RowScope(
            {},
            "key",
            key_parts("key", schema.key, nullable=False),
            plain_key=entered.plain_key,
            has_key=True,
            window=("window_start", "window_end") if entered.window is not None else None,
            old="old" if knows_old else None,
        )
        with writer.block("if row is None:"):
            if knows_old:
                with writer.block("if old is None:"):
                    writer.line("continue")
            downstream.write_tombstone(writer, scope)
            writer.line("continue")
        key_columns = dict(zip((column.name for column in schema.key), scope.key_columns, strict=True))
        downstream.row(writer, replace(scope, columns=key_columns | unpack(writer, names, "row")))
    emission.program.flush_function(writer.text(), name, emission.site)
