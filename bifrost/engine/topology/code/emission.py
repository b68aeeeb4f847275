"""The kit that steps write their code with, and the inlets by which they name the steps before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bifrost.engine.catalog.schema import Column, KeyFormat, ValueFormat, WindowInfo
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import Step, StreamSource, TableSource
from bifrost.engine.serde import Serdes
from bifrost.engine.serde.record_part import RecordPart
from bifrost.engine.state.stores import StoreKind, StoreSpec
from bifrost.engine.topology.code.downstream import Downstream
from bifrost.engine.topology.code.expressions import ExpressionWriter
from bifrost.engine.topology.code.program import PartReader, QueryProgram, Role, Site
from bifrost.engine.topology.code.writer import CodeWriter


@dataclass(frozen=True, slots=True)
class Emission:
    """Adds code, stores and serdes to `program`. All code emitted with one `site` runs in one task.

    `drops_expired` is an option of windowed aggregations, see `WindowedAggregator`. `buffer_bytes` is the size of the
    buffer of a table's changes (0: none).
    """

    program: QueryProgram
    serdes: Serdes
    functions: FunctionRegistry
    internal_prefix: str
    expressions: ExpressionWriter
    site: Site
    drops_expired: bool
    buffer_bytes: int

    def elsewhere(self) -> Emission:
        """Returns a kit for the code on the other side of a repartition topic."""
        return replace(self, site=Site())

    def record_writer(self, name: str, topic: str) -> CodeWriter:
        """Begins the function that processes the records of a topic."""
        report = self.program.bind("report", lambda context: context.reporter(topic))
        return CodeWriter(f"{name}(records)", report)

    def finish(self, writer: CodeWriter, name: str, topic: str, role: Role) -> None:
        """Adds a finished record function to the program."""
        self.program.record_function(writer.text(), name, topic=topic, role=role, site=self.site)

    def key_reader(self, topic: str, key: KeyFormat, columns: tuple[Column, ...]) -> str:
        """Returns the name of the function that reads key bytes."""
        return self.program.constant("read_key", self.serdes.key_deserializer(topic, key, columns))

    def value_reader(self, topic: str, value: ValueFormat, columns: tuple[Column, ...], needed: frozenset[str]) -> str:
        """Returns the name of the function that reads value bytes; columns that are not needed may be null."""
        return self.program.constant("read_value", self.serdes.value_deserializer(topic, value, columns, needed))

    def source_readers(self, step: StreamSource | TableSource, used: frozenset[str]) -> tuple[str, str]:
        """Returns the names of the functions that read the keys and the values of a source, of which `used` columns."""
        topic, formats, schema = step.topic, step.formats, step.source_schema
        key = self.key_reader(topic, formats.key, schema.key)
        value = self.value_reader(topic, formats.value, schema.value, used)
        if step.window is None:
            self.program.readers[key] = PartReader(RecordPart.of_key(topic, formats.key, schema.key), None, self.serdes)
        part = RecordPart.of_value(topic, formats.value, schema.value)
        self.program.readers[value] = PartReader(part, used, self.serdes)
        return key, value

    def key_writer(self, topic: str, key: KeyFormat, columns: tuple[Column, ...]) -> str:
        """Returns the name of the function that writes key bytes."""
        return self.program.constant("write_key", self.serdes.key_serializer(topic, key, columns))

    def value_writer(self, topic: str, value: ValueFormat, columns: tuple[Column, ...]) -> str:
        """Returns the name of the function that writes value bytes."""
        return self.program.constant("write_value", self.serdes.value_serializer(topic, value, columns))

    def window_arguments(self, window: WindowInfo | None, bounds: tuple[str, str]) -> str:
        """Returns the window arguments of `windowed_key`: keys of session windows carry the end, others do not."""
        start, end = bounds
        return start if window is not None and window.size_ms is not None else f"{start}, {end}"

    def key_value_store(self, name: str, columns: tuple[str, ...]) -> str:
        """Declares a key-value store of rows with these columns."""
        return self.program.store(StoreSpec(name, StoreKind.KEY_VALUE, columns=columns))

    def buffer(self, name: str, columns: tuple[str, ...], *, retention_ms: int | None = None) -> str:
        """Declares a join buffer of rows with these columns; `retention_ms` None keeps rows until they are removed."""
        return self.program.store(StoreSpec(name, StoreKind.BUFFER, retention_ms=retention_ms, columns=columns))


@dataclass(frozen=True, slots=True)
class Inlet:
    """A step whose rows `downstream` takes; its code is emitted by `emission`.

    A step yields one inlet per step that it reads from. It may write more code after each inlet, so the order in which
    inlets are built is the order of the generated functions.
    """

    step: Step
    downstream: Downstream
    emission: Emission


Inlets = Iterator[Inlet]
"""What the function of a step yields; it is a generator, so each inlet is built where it is yielded."""
