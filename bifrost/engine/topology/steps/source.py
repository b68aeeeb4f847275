"""Reads topics: the loop over records, decoding of used columns, event time, pseudo and header columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bifrost.engine.catalog.schema import PSEUDO_COLUMNS, WINDOWEND, WINDOWSTART, TimestampColumn
from bifrost.engine.plan.steps import StreamSource, TableSource
from bifrost.engine.state.frozen import is_plain
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, key_parts
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.row_before import stored_rows
from bifrost.sql.tree import ColumnRef, Expression, FunctionCall, StringLiteral
from bifrost.sql.types import STRING, SqlType

SourceStep = StreamSource | TableSource

RECORD = "key_bytes, value_bytes, timestamp, partition, offset, headers"
"""The names of a record's parts in generated code."""

_PSEUDO = dict(zip(PSEUDO_COLUMNS, ("timestamp", "partition", "offset"), strict=True))
_WINDOW = ("window_start", "window_end")


def build_source(step: SourceStep, downstream: Downstream, emission: Emission) -> None:
    """Writes the record function of a source's topic; a table stores its rows if a step needs the row before."""
    is_table = isinstance(step, TableSource)
    name = emission.program.fresh("process")
    writer = emission.record_writer(name, step.topic)
    if isinstance(step, TableSource) and _is_stored(step, downstream.old):
        downstream = stored_rows(downstream, step.schema, f"{step.context}-Table", emission)
    with _record_loop(writer, step, downstream, emission):
        if is_table:
            # As in Kafka Streams, a record without a key is no row of a table.
            with writer.block("if key is None:"):
                writer.line("continue")
        scope = _key_scope(writer, step, downstream.wants)
        with writer.block("if row is None:"):
            downstream.write_tombstone(writer, scope)
            writer.line("continue")
        downstream.row(writer, _row_scope(writer, step, scope, downstream.wants, emission))
    emission.finish(writer, name, step.topic, "table" if is_table else "stream")


def _is_stored(step: TableSource, old: OldRows) -> bool:
    return old is OldRows.REQUIRED or (old is OldRows.IF_KNOWN and step.materialized)


@contextmanager
def _record_loop(writer: CodeWriter, step: SourceStep, downstream: Downstream, emission: Emission) -> Iterator[None]:
    """Writes the loop over records, up to decoded `key` and `row`; unreadable records are reported and skipped."""
    # Readers skip columns that no step uses, which saves most of the cost of wide records.
    used = _decoded(step, downstream.wants)
    key, value = emission.source_readers(step, used)
    with writer.block(f"for {RECORD} in records:"):
        with writer.block("try:"):
            if step.window is not None:
                window = emission.program.constant("window", step.window)
                writer.line(f"key_bytes, window_start, window_end = split_windowed_key(key_bytes or b'', {window})")
            writer.line(f"key = {key}(key_bytes)")
            writer.line(f"row = {value}(value_bytes)")
        with writer.block("except SerdeError as problem:"):
            writer.line(f"{writer.report}.unreadable({step.context!r}, problem, partition, offset, value_bytes)")
            writer.line("continue")
        if step.timestamp is None:
            _skip_before_1970(writer, step.context)
        yield


def _skip_before_1970(writer: CodeWriter, context: str) -> None:
    """Writes the report of records with a negative time, which Kafka Streams skips.

    A result with such a time would stop any sink connector for good: Kafka Connect refuses to read it.
    """
    with writer.block("if timestamp < 0:"):
        what = "Invalid timestamp of the record"
        problem = "f'{timestamp} ms is before 1970'"
        writer.line(f"{writer.report}.untimed({context!r}, {what!r}, {problem}, partition, offset)")
        writer.line("continue")


def _decoded(step: SourceStep, wants: frozenset[str]) -> frozenset[str]:
    """Returns the value columns that must be decoded."""
    names = {column.name for column in step.source_schema.value}
    timestamp = {step.timestamp.column} if step.timestamp is not None else set()
    return frozenset(names & (wants | timestamp))


def _key_scope(writer: CodeWriter, step: SourceStep, wants: frozenset[str]) -> RowScope:
    key = step.source_schema.key
    nullable = isinstance(step, StreamSource)
    parts = key_parts("key", key, nullable=nullable)
    columns = dict(zip((column.name for column in key), parts, strict=True))
    if nullable or len(key) > 1:
        used = wants | ({step.timestamp.column} if step.timestamp is not None else set())
        columns = {name: _local(writer, name, part) if name in used else part for name, part in columns.items()}
    return RowScope(
        columns,
        "key",
        tuple(columns.values()),
        plain_key=all(is_plain(column.type) for column in key),
        window=_WINDOW if step.window is not None else None,
    )


def _local(writer: CodeWriter, name: str, source: str) -> str:
    local = writer.name(name)
    writer.line(f"{local} = {source}")
    return local


def _row_scope(
    writer: CodeWriter, step: SourceStep, scope: RowScope, wants: frozenset[str], emission: Emission
) -> RowScope:
    columns = {**scope.columns, **_PSEUDO}
    if step.window is not None:
        columns |= {WINDOWSTART: "window_start", WINDOWEND: "window_end"}
    columns |= _value_columns(writer, step, wants)
    columns |= _header_columns(writer, step, wants)
    if step.timestamp is not None:
        write_event_time(
            writer, step.timestamp, step.source_schema.types(), columns, step.context, emission, report="untimed"
        )
    return replace(scope, columns=columns)


def _value_columns(writer: CodeWriter, step: SourceStep, wants: frozenset[str]) -> dict[str, str]:
    """Unpacks the used columns of `row`: by position if they are few, else in one statement."""
    used = _decoded(step, wants)
    names = [column.name for column in step.source_schema.value]
    places = {name: writer.name(name) for name in names if name in used}
    # One instruction unpacks a whole row, an index takes three: it pays once a third of the columns are used.
    if len(places) * 3 > len(names):
        writer.line(f"{', '.join(places.get(name, '_') for name in names)}, = row")
    else:
        for name, local in places.items():
            writer.line(f"{local} = row[{names.index(name)}]")
    return places


def _header_columns(writer: CodeWriter, step: SourceStep, wants: frozenset[str]) -> dict[str, str]:
    places = {}
    for column in step.source_schema.headers:
        if column.name in wants:
            call = "header_list(headers)" if column.header is None else f"last_header(headers, {column.header!r})"
            places[column.name] = _local(writer, column.name, call)
    return places


def write_event_time(
    writer: CodeWriter,
    timestamp: TimestampColumn,
    types: dict[str, SqlType],
    columns: dict[str, str],
    context: str,
    emission: Emission,
    *,
    report: str,
) -> None:
    """Writes the reading of `timestamp` from a column; records without a valid time are reported and skipped.

    `report` is the method of the reporter.
    """
    source = emission.expressions.code(_time_expression(timestamp, types), types, columns).text
    what = f"Failed to extract timestamp from row: column {timestamp.column}"
    emission.expressions.guard(writer, f"event_time = {source}", context, what, ["continue"], report=report)
    # Kafka Streams drops records with a negative time as well.
    with writer.block("if event_time is None or event_time < 0:"):
        problem = "f'no usable time: {event_time}'"
        writer.line(f"{writer.report}.{report}({context!r}, {what!r}, {problem}, partition, offset)")
        writer.line("continue")
    writer.line("timestamp = event_time")


def _time_expression(timestamp: TimestampColumn, types: dict[str, SqlType]) -> Expression:
    column = ColumnRef(timestamp.column)
    if types[timestamp.column] is STRING and timestamp.pattern is not None:
        return FunctionCall("STRINGTOTIMESTAMP", (column, StringLiteral(timestamp.pattern)))
    return column
