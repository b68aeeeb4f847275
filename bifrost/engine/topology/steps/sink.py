"""The end of a query: rows become records of the sink's topic, or result rows of a query without a sink."""

from __future__ import annotations

from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.plan.steps import StreamSink, TableSink
from bifrost.engine.topology.code.downstream import Downstream, RowScope
from bifrost.engine.topology.code.emission import Emission
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.source import write_event_time


def sink_rows(step: StreamSink | TableSink, emission: Emission) -> Downstream:
    """Returns the code that writes each row, or null value, as a record of the sink's topic."""
    names = tuple(column.name for column in step.schema.value)
    timestamp = {step.timestamp.column} if step.timestamp is not None else set()
    write_value = emission.value_writer(step.topic, step.formats.value, step.schema.value)
    key_writer = emission.key_writer(step.topic, step.formats.key, step.schema.key)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        if step.timestamp is not None:
            types, columns = step.schema.types(), dict(scope.columns)
            write_event_time(writer, step.timestamp, types, columns, step.context, emission, report="failed")
        send(writer, scope, f"{write_value}({scope.tuple_of(names)})")

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        send(writer, scope, "None")

    def send(writer: CodeWriter, scope: RowScope, value: str) -> None:
        key = f"{key_writer}({scope.key})"
        if scope.window is not None:
            key = f"windowed_key({key} or b'', {emission.window_arguments(step.formats.key.window, scope.window)})"
        with writer.block("try:"):
            writer.line(f"value_out = {value}")
            writer.line(f"key_out = {key}")
        with writer.block("except SerdeError as problem:"):
            writer.line(f"{writer.report}.unwritable({step.context!r}, problem, partition, offset)")
            writer.line("continue")
        # A result has the headers of the record that caused it, as Kafka Streams forwards them.
        writer.line(f"emit({step.topic!r}, key_out, value_out, {scope.timestamp}, headers)")

    return Downstream(frozenset(names) | timestamp, row, tombstone)


def result_rows(schema: LogicalSchema) -> Downstream:
    """Returns the code that passes the rows of a query without a sink to the task's `on_row`."""
    names = tuple(column.name for column in schema.value)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        deliver(writer, scope, scope.tuple_of(names))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        deliver(writer, scope, "None")

    def deliver(writer: CodeWriter, scope: RowScope, values: str) -> None:
        window = f"({scope.window[0]}, {scope.window[1]})" if scope.window is not None else "None"
        writer.line(f"on_row({scope.key}, {values}, {scope.timestamp}, {window})")

    return Downstream(frozenset(names), row, tombstone)
