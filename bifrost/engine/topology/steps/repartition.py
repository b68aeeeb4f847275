"""Sending rows to another task under another key, and reading them there.

Keys are written in the format that the plan gives (so that they are placed like those of the topics they meet), rows in
the engine's own exact encoding: nobody else reads these topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bifrost.engine.catalog.schema import Column, KeyFormat
from bifrost.engine.plan.steps import Step, StreamFilter, StreamFlatMap, StreamSelect, StreamSelectKey
from bifrost.engine.state.codec import encoder
from bifrost.engine.state.frozen import is_plain
from bifrost.engine.topology.code.downstream import Downstream, Scope, layout, unpack
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.source import RECORD, key_parts

if TYPE_CHECKING:
    from bifrost.engine.topology.walk import Builder


@dataclass(frozen=True, slots=True)
class Route:
    """A repartition topic with the names of what writes and reads its keys and writes its values."""

    name: str
    topic: str
    key: KeyFormat
    columns: tuple[Column, ...]
    write_key: str
    read_key: str
    pack: str

    @classmethod
    def of(cls, builder: Builder, name: str, key: KeyFormat, columns: tuple[Column, ...]) -> Route:
        """A new topic of the query with the given last part of its name."""
        topic = f"{builder.internal_prefix}-{name}"
        key = _own_schema(key)
        builder.program.receivers[topic] = builder.site
        return cls(
            name,
            topic,
            key,
            columns,
            builder.key_writer(topic, key, columns),
            builder.key_reader(topic, key, columns),
            builder.program.bind("pack", lambda context: encoder()),
        )

    def sent_from(self, builder: Builder) -> Builder:
        """Notes that the builder's code sends to this topic, and gives that builder."""
        builder.program.senders.setdefault(self.topic, []).append(builder.site)
        return builder

    def write_send(self, writer: CodeWriter, key: str, values: str, builder: Builder, scope: Scope) -> None:
        """Writes the sending of a list of values under a key tuple; `scope` has the time and, if any, the window."""
        data = f"{self.write_key}({key})"
        if scope.window is not None and self.key.window is not None:
            data = f"windowed_key({data} or b'', {builder.window_arguments(self.key.window, scope.window)})"
        with writer.block("try:"):
            writer.line(f"key_out = {data}")
        with writer.block("except SerdeError as problem:"):
            writer.line(f"{writer.report}.unwritable({self.name!r}, problem, partition, offset)")
        with writer.block("else:"):
            writer.line(f"emit({self.topic!r}, key_out, {self.pack}({values}), {scope.timestamp}, headers)")

    @contextmanager
    def reading(self, builder: Builder) -> Iterator[tuple[CodeWriter, Scope]]:
        """The record function that takes what was sent, up to the decoded key."""
        name = builder.program.fresh("process")
        writer = builder.record_writer(name, self.topic)
        with writer.block(f"for {RECORD} in records:"):
            windowed = self.key.window is not None
            if windowed:
                window = builder.program.constant("window", self.key.window)
                writer.line(f"key_bytes, window_start, window_end = split_windowed_key(key_bytes, {window})")
            writer.line(f"key = {self.read_key}(key_bytes)")
            with writer.block("if key is None:"):
                writer.line("continue")
            yield (
                writer,
                Scope(
                    {},
                    "key",
                    key_parts("key", self.columns, nullable=False),
                    plain_key=all(is_plain(column.type) for column in self.columns),
                    has_key=True,
                    window=("window_start", "window_end") if windowed else None,
                ),
            )
        builder.finish(writer, name, self.topic, "repartition")


def _own_schema(key: KeyFormat) -> KeyFormat:
    """The format without the id of a registered schema, which is for a topic of other columns."""
    properties = {name: value for name, value in key.format.properties.items() if name != "schemaId"}
    return replace(key, format=replace(key.format, properties=properties))


def is_rekeyed(step: Step) -> bool:
    """Whether rows have a new key and did not pass a topic since: then equal keys may be in different tasks."""
    match step:
        case StreamSelectKey():
            return True
        case StreamFilter() | StreamSelect() | StreamFlatMap():
            return is_rekeyed(step.source)
        case _:
            return False


def build_partitioned(step: Step, downstream: Downstream, builder: Builder, key: KeyFormat, name: str) -> None:
    """Builds a stream whose equal keys must meet in one task: through a repartition topic where they may not."""
    if is_rekeyed(step):
        build_through_topic(step, downstream, builder, key, name)
    else:
        builder.build(step, downstream)


def build_through_topic(step: Step, downstream: Downstream, builder: Builder, key: KeyFormat, name: str) -> None:
    """Builds a stream behind a repartition topic. Null keys and null values end here: no step behind takes them."""
    route = Route.of(builder, f"{name}-repartition", key, step.schema.key)
    key_names = tuple(column.name for column in step.schema.key)
    sent = tuple(name for name in layout(step.schema, downstream.wants) if name not in key_names)

    with route.reading(builder) as (writer, scope):
        columns = dict(zip(key_names, scope.key_columns, strict=True))
        columns |= unpack(writer, sent, "decode_state(value_bytes)")
        downstream.row(writer, replace(scope, columns=columns))

    sender = route.sent_from(builder.elsewhere())

    def row(writer: CodeWriter, scope: Scope) -> None:
        route.write_send(writer, scope.key, list_text(scope, sent), sender, scope)

    sender.build(step, Downstream(frozenset(sent), row, None))


def list_text(scope: Scope, names: tuple[str, ...]) -> str:
    """The source of a list of columns, which is what rows are sent as."""
    return f"[{', '.join(scope.columns[name] for name in names)}]"
