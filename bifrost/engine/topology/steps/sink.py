"""The last step: rows to a topic, or to whoever follows a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.plan.steps import StreamSink, TableSink
from bifrost.engine.topology.code.downstream import Downstream, Scope
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.source import write_event_time

if TYPE_CHECKING:
    from bifrost.engine.topology.walk import Builder


def build_stream_sink(step: StreamSink, builder: Builder) -> None:
    """Each row becomes a record of the topic; null values too."""
    builder.build(step.source, sink_rows(step, builder))


def build_table_sink(step: TableSink, builder: Builder) -> None:
    """Each change becomes a record of the topic: the new row, or null where it is gone."""
    builder.build(step.source, builder.results.kept(step.source, sink_rows(step, builder), builder))


def sink_rows(step: StreamSink | TableSink, builder: Builder) -> Downstream:
    """What writes rows as records of the sink's topic."""
    names = tuple(column.name for column in step.schema.value)
    timestamp = {step.timestamp.column} if step.timestamp is not None else set()
    write_value = builder.value_writer(step.topic, step.formats.value, step.schema.value)
    key_writer = builder.key_writer(step.topic, step.formats.key, step.schema.key)

    def row(writer: CodeWriter, scope: Scope) -> None:
        if step.timestamp is not None:
            write_event_time(writer, step.timestamp, step.schema.types(), dict(scope.columns), step.context, builder)
        send(writer, scope, f"{write_value}({scope.tuple_of(names)})")

    def tombstone(writer: CodeWriter, scope: Scope) -> None:
        send(writer, scope, "None")

    def send(writer: CodeWriter, scope: Scope, value: str) -> None:
        key = f"{key_writer}({scope.key})"
        if scope.window is not None:
            key = f"windowed_key({key} or b'', {builder.window_arguments(step.formats.key.window, scope.window)})"
        with writer.block("try:"):
            writer.line(f"value_out = {value}")
            writer.line(f"key_out = {key}")
        with writer.block("except SerdeError as problem:"):
            writer.line(f"{writer.report}.unwritable({step.context!r}, problem, partition, offset)")
            writer.line("continue")
        writer.line(f"emit({step.topic!r}, key_out, value_out, {scope.timestamp}, headers)")

    return Downstream(frozenset(names) | timestamp, row, tombstone)


def result_rows(schema: LogicalSchema) -> Downstream:
    """What takes the rows of a query without a sink: they go to the task's `on_row`."""
    names = tuple(column.name for column in schema.value)

    def row(writer: CodeWriter, scope: Scope) -> None:
        deliver(writer, scope, scope.tuple_of(names))

    def tombstone(writer: CodeWriter, scope: Scope) -> None:
        deliver(writer, scope, "None")

    def deliver(writer: CodeWriter, scope: Scope, values: str) -> None:
        window = f"({scope.window[0]}, {scope.window[1]})" if scope.window is not None else "None"
        writer.line(f"on_row({scope.key}, {values}, {scope.timestamp}, {window})")

    return Downstream(frozenset(names), row, tombstone)
