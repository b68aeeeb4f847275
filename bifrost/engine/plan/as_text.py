"""A query plan as EXPLAIN prints it: one line per step, with the steps that feed it indented below."""

from __future__ import annotations

from bifrost.engine.catalog.schema import Column, Namespace
from bifrost.engine.plan.steps import (
    ForeignKeyTableTableJoin,
    QueryPlan,
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
    sources_of,
)
from bifrost.sql.format_expressions import format_type
from bifrost.sql.keywords import write_name

_WORDS: dict[type[object], str] = {
    StreamSource: "SOURCE",
    TableSource: "SOURCE",
    StreamFilter: "FILTER",
    TableFilter: "FILTER",
    StreamSelect: "PROJECT",
    TableSelect: "PROJECT",
    StreamFlatMap: "FLAT_MAP",
    StreamSelectKey: "REKEY",
    TableSelectKey: "REKEY",
    StreamGroupBy: "GROUP_BY",
    StreamGroupByKey: "GROUP_BY",
    TableGroupBy: "GROUP_BY",
    StreamAggregate: "AGGREGATE",
    StreamWindowedAggregate: "AGGREGATE",
    TableAggregate: "AGGREGATE",
    StreamTableJoin: "JOIN",
    StreamStreamJoin: "JOIN",
    TableTableJoin: "JOIN",
    ForeignKeyTableTableJoin: "JOIN",
    StreamSink: "SINK",
    TableSink: "SINK",
}


def execution_plan_text(plan: QueryPlan) -> str:
    """The plan's steps from the last one to the sources, such as ` > [ SINK ] | Schema: ... | Logger: CSAS_X_1.X`."""
    return "".join(f"{line}\n" for line in _lines(plan.step, plan.query_id, 0))


def logger_name(step: Step, query_id: str) -> str:
    """The logger of a step's processing errors; names are ksqlDB's."""
    place = step.context if isinstance(step, StreamSink | TableSink) else step.context.replace("-", ".")
    return f"{query_id}.{place}"


def _lines(step: Step, query_id: str, depth: int) -> list[str]:
    schema = ", ".join(map(_column_text, _shown_columns(step)))
    start = "\t\t" * depth
    line = f"{start} > [ {_WORDS[type(step)]} ] | Schema: {schema} | Logger: {logger_name(step, query_id)}"
    return [line, *(below for source in sources_of(step) for below in _lines(source, query_id, depth + 1))]


def _shown_columns(step: Step) -> tuple[Column, ...]:
    """The columns that ksqlDB shows: its aggregations keep the grouped row's columns; ours drop unread ones."""
    if not isinstance(step, StreamAggregate | StreamWindowedAggregate | TableAggregate) or step.non_aggregates:
        return step.schema.columns
    return (*step.schema.key, *step.source.schema.value, *step.schema.value)


def _column_text(column: Column) -> str:
    suffix = " KEY" if column.namespace is Namespace.KEY else ""
    return f"{write_name(column.name)} {format_type(column.type)}{suffix}"
