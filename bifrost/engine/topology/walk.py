"""Walks a plan from its last step to its sources: the only recursion over steps.

Each step is built by one function, which knows the code behind it (`Downstream`) and yields the steps before it
(`Inlet`). No step builds another one, so modules of steps do not depend on this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

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
from bifrost.engine.topology.code.emission import Emission, Inlet
from bifrost.engine.topology.materialization import Materializer
from bifrost.engine.topology.steps.aggregate import (
    build_stream_aggregate,
    build_stream_windowed_aggregate,
    build_table_aggregate,
)
from bifrost.engine.topology.steps.foreign_key_join import build_foreign_key_join
from bifrost.engine.topology.steps.group_by import (
    build_stream_group_by,
    build_stream_group_by_key,
    build_table_group_by,
)
from bifrost.engine.topology.steps.sink import result_rows, sink_rows
from bifrost.engine.topology.steps.source import build_source
from bifrost.engine.topology.steps.stateless_stream import (
    build_stream_filter,
    build_stream_flat_map,
    build_stream_select,
    build_stream_select_key,
)
from bifrost.engine.topology.steps.stateless_table import (
    build_table_filter,
    build_table_select,
    build_table_select_key,
)
from bifrost.engine.topology.steps.stream_stream_join import build_stream_stream_join
from bifrost.engine.topology.steps.stream_table_join import build_stream_table_join
from bifrost.engine.topology.steps.table_table_join import build_table_table_join
from bifrost.errors import StateError


def build_plan(last: Step, results: Materializer, emission: Emission) -> None:
    """Writes the code of a whole plan; `last` is a sink, or the step whose rows the query returns.

    Raises:
        AnalysisError: an expression is invalid for its columns.
        SerdeError: a format cannot carry a schema.
        RegistryUnavailable: a schema could not be read.
    """
    if isinstance(last, StreamSink | TableSink):
        step, rows = last.source, sink_rows(last, emission)
    else:
        step, rows = last, result_rows(last.schema)
    build(Inlet(step, results.stored(step, rows, emission), emission))


def build(inlet: Inlet) -> None:
    """Writes the code of a step and of all steps before it."""
    # Inlets are built one by one as they come: the generator of a step writes further code after each of them.
    for before in inlets_of(inlet):
        build(before)


def inlets_of(inlet: Inlet) -> Iterable[Inlet]:
    """Writes the code of one step and yields the steps before it, each when its turn comes."""
    downstream, emission = inlet.downstream, inlet.emission
    match inlet.step:
        case StreamSource() | TableSource() as step:
            build_source(step, downstream, emission)
            return ()
        case StreamFilter() as step:
            return build_stream_filter(step, downstream, emission)
        case StreamSelect() as step:
            return build_stream_select(step, downstream, emission)
        case StreamFlatMap() as step:
            return build_stream_flat_map(step, downstream, emission)
        case StreamSelectKey() as step:
            return build_stream_select_key(step, downstream, emission)
        case StreamGroupBy() as step:
            return build_stream_group_by(step, downstream, emission)
        case StreamGroupByKey() as step:
            return build_stream_group_by_key(step, downstream, emission)
        case StreamAggregate() as step:
            return build_stream_aggregate(step, downstream, emission)
        case StreamWindowedAggregate() as step:
            return build_stream_windowed_aggregate(step, downstream, emission)
        case TableAggregate() as step:
            return build_table_aggregate(step, downstream, emission)
        case TableFilter() as step:
            return build_table_filter(step, downstream, emission)
        case TableSelect() as step:
            return build_table_select(step, downstream, emission)
        case TableSelectKey() as step:
            return build_table_select_key(step, downstream, emission)
        case TableGroupBy() as step:
            return build_table_group_by(step, downstream, emission)
        case StreamTableJoin() as step:
            return build_stream_table_join(step, downstream, emission)
        case StreamStreamJoin() as step:
            return build_stream_stream_join(step, downstream, emission)
        case TableTableJoin() as step:
            return build_table_table_join(step, downstream, emission)
        case ForeignKeyTableTableJoin() as step:
            return build_foreign_key_join(step, downstream, emission)
        case StreamSink() | TableSink() as step:
            raise StateError(f"plan step {step.context}: a sink must be the last step of a query")
        case _ as never:
            assert_never(never)
