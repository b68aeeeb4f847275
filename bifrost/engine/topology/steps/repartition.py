"""Sends rows to another task under another key, and receives them there.

Keys are written in the format that the plan gives (so that they are placed like those of the topics they meet), rows in
the engine's own exact encoding, since only the query itself reads these topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bifrost.engine.catalog.schema import Column, KeyFormat, LogicalSchema
from bifrost.engine.plan.steps import Step, StreamFilter, StreamFlatMap, StreamSelect, StreamSelectKey
from bifrost.engine.state.codec import encoder
from bifrost.engine.state.frozen import is_plain
from bifrost.engine.topology.code.downstream import Downstream, RowScope, key_parts, ordered_columns, unpack
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.steps.source import RECORD


@dataclass(frozen=True, slots=True)
class Route:
    """A repartition topic, with the names of the functions that write and read its keys and write its values."""

    name: str
    topic: str
    key: KeyFormat
    columns: tuple[Column, ...]
    write_key: str
    read_key: str
    pack: str

    @classmethod
    def of(cls, emission: Emission, name: str, key: KeyFormat, columns: tuple[Column, ...]) -> Route:
        """Declares a topic of the query whose name ends with `name`; the emission's code receives its records."""
        topic = f"{emission.internal_prefix}-{name}"
        # The receiving side is declared first: its code is written before the sending side exists.
        key = _own_schema(key)
        emission.program.receivers[topic] = emission.site
        return cls(
            name,
            topic,
            key,
            columns,
            emission.key_writer(topic, key, columns),
            emission.key_reader(topic, key, columns),
            emission.program.bind("pack", lambda context: encoder()),
        )

    def sent_from(self, emission: Emission) -> Emission:
        """Declares that the emission's code sends to this topic, and returns the emission."""
        emission.program.senders.setdefault(self.topic, []).append(emission.site)
        return emission

    def write_send(self, writer: CodeWriter, key: str, values: str, emission: Emission, scope: RowScope) -> None:
        """Writes the sending of a list of values under a key tuple; `scope` has the time and, if any, the window."""
        data = f"{self.write_key}({key})"
        if scope.window is not None and self.key.window is not None:
            data = f"windowed_key({data} or b'', {emission.window_arguments(self.key.window, scope.window)})"
        with writer.block("try:"):
            writer.line(f"key_out = {data}")
        with writer.block("except SerdeError as problem:"):
            writer.line(f"{writer.report}.unwritable({self.name!r}, problem, partition, offset)")
        # Outside of the `try`: an error of `emit` is not one of the row.
        with writer.block("else:"):
            writer.line(f"emit({self.topic!r}, key_out, {self.pack}({values}), {scope.timestamp}, headers)")

    @contextmanager
    def reading(self, emission: Emission) -> Iterator[tuple[CodeWriter, RowScope]]:
        """Writes the record function that receives the rows, up to the decoded key."""
        name = emission.program.fresh("process")
        writer = emission.record_writer(name, self.topic)
        with writer.block(f"for {RECORD} in records:"):
            windowed = self.key.window is not None
            if windowed:
                window = emission.program.constant("window", self.key.window)
                writer.line(f"key_bytes, window_start, window_end = split_windowed_key(key_bytes, {window})")
            writer.line(f"key = {self.read_key}(key_bytes)")
            with writer.block("if key is None:"):
                writer.line("continue")
            yield (
                writer,
                RowScope(
                    {},
                    "key",
                    key_parts("key", self.columns, nullable=False),
                    plain_key=all(is_plain(column.type) for column in self.columns),
                    has_key=True,
                    window=("window_start", "window_end") if windowed else None,
                ),
            )
        emission.finish(writer, name, self.topic, "repartition")


def _own_schema(key: KeyFormat) -> KeyFormat:
    """Returns the format without the id of a registered schema, which describes the columns of another topic."""
    properties = {name: value for name, value in key.format.properties.items() if name != "schemaId"}
    return replace(key, format=replace(key.format, properties=properties))


def is_rekeyed(step: Step) -> bool:
    """Whether rows have a new key and passed no topic since, so that equal keys may be in different tasks."""
    match step:
        case StreamSelectKey():
            return True
        case StreamFilter() | StreamSelect() | StreamFlatMap():
            return is_rekeyed(step.source)
        case _:
            return False


def build_partitioned(step: Step, downstream: Downstream, emission: Emission, key: KeyFormat, name: str) -> Inlets:
    """Builds a stream whose equal keys must meet in one task, through a repartition topic if the key has changed."""
    if is_rekeyed(step):
        yield from build_through_topic(step, downstream, emission, key, name)
    else:
        yield Inlet(step, downstream, emission)


def build_through_topic(step: Step, downstream: Downstream, emission: Emission, key: KeyFormat, name: str) -> Inlets:
    """Builds a stream behind a repartition topic. Null keys and null values end here: no later step takes them."""
    transfer = receive_rows(f"{name}-repartition", key, step.schema, downstream, emission)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        transfer.write_send(writer, scope.key, scope)

    yield Inlet(step, Downstream(frozenset(transfer.sent), row, None), transfer.sender)


@dataclass(frozen=True, slots=True)
class RowTransfer:
    """A repartition topic that carries rows: the value columns that are `sent`, and the kit of the sending side."""

    route: Route
    key_names: tuple[str, ...]
    sent: tuple[str, ...]
    sender: Emission

    def write_send(self, writer: CodeWriter, key: str, scope: RowScope) -> None:
        """Writes the sending of a row under a key tuple."""
        self.route.write_send(writer, key, list_text(scope, self.sent), self.sender, scope)


def receive_rows(
    name: str,
    key: KeyFormat,
    schema: LogicalSchema,
    downstream: Downstream,
    emission: Emission,
    *,
    takes_null: bool = False,
) -> RowTransfer:
    """Writes the code that receives rows of `schema` from a repartition topic and passes them downstream.

    `takes_null` says that null values (of tables) are sent too and become tombstones.
    """
    route = Route.of(emission, name, key, schema.key)
    key_names = tuple(column.name for column in schema.key)
    sent = tuple(column for column in ordered_columns(schema, downstream.wants) if column not in key_names)
    with route.reading(emission) as (writer, scope):
        if takes_null:
            writer.line("row = decode_state(value_bytes)")
            with writer.block("if row is None:"):
                downstream.write_tombstone(writer, scope)
                writer.line("continue")
        columns = dict(zip(key_names, scope.key_columns, strict=True))
        columns |= unpack(writer, sent, "row" if takes_null else "decode_state(value_bytes)")
        downstream.row(writer, replace(scope, columns=columns))
    return RowTransfer(route, key_names, sent, route.sent_from(emission.elsewhere()))


def list_text(scope: RowScope, names: tuple[str, ...]) -> str:
    """Returns the source of a list of columns, the form in which rows are sent."""
    return f"[{', '.join(scope.columns[name] for name in names)}]"
