"""Walks a plan from its last step to its sources; each step is built by one function that knows what follows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from bifrost.engine.catalog.schema import Column, KeyFormat, ValueFormat, WindowInfo
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.plan.steps import (
    ForeignKeyTableTableJoin,
    Step,
    StreamAggregate,
    StreamFilter,
    StreamFlatMap,
    StreamGroupBy,
    StreamGroupByKey,
    StreamSelect,
    StreamSelectKey,
    StreamSink,
    StreamSource,
    StreamStreamJoin,
    StreamTableJoin,
    StreamWindowedAggregate,
    TableAggregate,
    TableFilter,
    TableGroupBy,
    TableSelect,
    TableSelectKey,
    TableSink,
    TableSource,
    TableTableJoin,
)
from bifrost.engine.serde import Serdes
from bifrost.engine.state.stores import StoreKind, StoreSpec
from bifrost.engine.topology.code.downstream import Downstream
from bifrost.engine.topology.code.expressions import ExpressionWriter
from bifrost.engine.topology.code.program import Program, Role, Site
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.materialization import Results
from bifrost.engine.topology.steps import (
    aggregate as aggregates,
)
from bifrost.engine.topology.steps import (
    foreign_key_join,
    stream_stream_join,
    stream_table_join,
)
from bifrost.engine.topology.steps import (
    group_by as grouping,
)
from bifrost.engine.topology.steps import (
    sink as sinks,
)
from bifrost.engine.topology.steps import (
    source as sources,
)
from bifrost.engine.topology.steps import (
    stateless_stream as streams,
)
from bifrost.engine.topology.steps import (
    stateless_table as tables,
)
from bifrost.engine.topology.steps import (
    table_table_join as table_join,
)


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds steps into `program`; all code that it makes runs at one `site` (in one task)."""

    program: Program
    serdes: Serdes
    functions: FunctionRegistry
    internal_prefix: str
    expressions: ExpressionWriter
    results: Results
    site: Site

    def elsewhere(self) -> Builder:
        """A builder for code beyond a repartition topic."""
        return replace(self, site=Site())

    def record_writer(self, name: str, topic: str) -> CodeWriter:
        """Begins the function that takes the records of a topic."""
        report = self.program.bind("report", lambda context: context.reporter(topic))
        return CodeWriter(f"{name}(records)", report)

    def finish(self, writer: CodeWriter, name: str, topic: str, role: Role) -> None:
        """Adds a finished record function to the program."""
        self.program.record_function(writer.text(), name, topic=topic, role=role, site=self.site)

    def key_reader(self, topic: str, key: KeyFormat, columns: tuple[Column, ...]) -> str:
        """The name of what reads key bytes."""
        return self.program.constant("read_key", self.serdes.key_deserializer(topic, key, columns))

    def value_reader(self, topic: str, value: ValueFormat, columns: tuple[Column, ...], needed: frozenset[str]) -> str:
        """The name of what reads value bytes; columns that are not needed may come out null."""
        return self.program.constant("read_value", self.serdes.value_deserializer(topic, value, columns, needed))

    def key_writer(self, topic: str, key: KeyFormat, columns: tuple[Column, ...]) -> str:
        """The name of what writes key bytes."""
        return self.program.constant("write_key", self.serdes.key_serializer(topic, key, columns))

    def value_writer(self, topic: str, value: ValueFormat, columns: tuple[Column, ...]) -> str:
        """The name of what writes value bytes."""
        return self.program.constant("write_value", self.serdes.value_serializer(topic, value, columns))

    def window_arguments(self, window: WindowInfo | None, bounds: tuple[str, str]) -> str:
        """What `windowed_key` needs of a window besides the key: sessions carry their end, others do not."""
        start, end = bounds
        return start if window is not None and window.size_ms is not None else f"{start}, {end}"

    def key_value_store(self, name: str, columns: tuple[str, ...]) -> str:
        """Declares a key-value store of rows with these columns."""
        return self.program.store(StoreSpec(name, StoreKind.KEY_VALUE, columns=columns))

    def buffer(self, name: str, columns: tuple[str, ...], *, retention_ms: int | None = None) -> str:
        """Declares a join's buffer of rows with these columns."""
        return self.program.store(StoreSpec(name, StoreKind.BUFFER, retention_ms=retention_ms, columns=columns))

    def build_sink(self, step: StreamSink | TableSink) -> None:
        """Writes the code of a whole plan that ends in a sink."""
        if isinstance(step, StreamSink):
            sinks.build_stream_sink(step, self)
        else:
            sinks.build_table_sink(step, self)

    def build(self, step: Step, downstream: Downstream) -> None:
        """Writes the code of a step and of all that stand before it, with `downstream` taking its rows."""
        match step:
            case StreamSource():
                sources.build_stream_source(step, downstream, self)
            case TableSource():
                sources.build_table_source(step, downstream, self)
            case StreamFilter():
                streams.build_stream_filter(step, downstream, self)
            case StreamSelect():
                streams.build_stream_select(step, downstream, self)
            case StreamFlatMap():
                streams.build_stream_flat_map(step, downstream, self)
            case StreamSelectKey():
                streams.build_stream_select_key(step, downstream, self)
            case StreamGroupBy():
                grouping.build_stream_group_by(step, downstream, self)
            case StreamGroupByKey():
                grouping.build_stream_group_by_key(step, downstream, self)
            case StreamAggregate():
                aggregates.build_stream_aggregate(step, downstream, self)
            case StreamWindowedAggregate():
                aggregates.build_stream_windowed_aggregate(step, downstream, self)
            case TableAggregate():
                aggregates.build_table_aggregate(step, downstream, self)
            case TableFilter():
                tables.build_table_filter(step, downstream, self)
            case TableSelect():
                tables.build_table_select(step, downstream, self)
            case TableSelectKey():
                tables.build_table_select_key(step, downstream, self)
            case TableGroupBy():
                grouping.build_table_group_by(step, downstream, self)
            case StreamTableJoin():
                stream_table_join.build_stream_table_join(step, downstream, self)
            case StreamStreamJoin():
                stream_stream_join.build_stream_stream_join(step, downstream, self)
            case TableTableJoin():
                table_join.build_table_table_join(step, downstream, self)
            case ForeignKeyTableTableJoin():
                foreign_key_join.build_foreign_key_join(step, downstream, self)
            case StreamSink() | TableSink():
                self.build_sink(step)
            case _:
                assert_never(step)
