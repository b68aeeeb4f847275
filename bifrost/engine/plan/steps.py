"""The query plan: a query's execution steps as data, between SQL and the topology.

Steps have ksqlDB's names of execution steps. A step's `schema` is its output; `context` is its position in the query
(`KsqlTopic-Source`, `Aggregate-GroupBy`, `LeftSourceKeyed-SelectKey`, `Project`, `Join`, ...; the sink's is the sink's
name). The names of loggers, stores and internal topics derive from it.
Expressions refer to columns of the source step's schema by unqualified name. A plan is frozen data: it can be printed,
compared, written to JSON and read back. It does not depend on Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bifrost.engine.catalog.schema import Formats, LogicalSchema, TimestampColumn, WindowInfo
from bifrost.sql.tree import Expression, FunctionCall, JoinKind


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One output column of a projection: its name and the expression over the source's columns."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Fixed windows without gaps; `retention_ms` and `grace_ms` are None if the statement does not set them."""

    size_ms: int
    retention_ms: int | None = None
    grace_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Hopping:
    """Fixed windows that start every `advance_ms`."""

    size_ms: int
    advance_ms: int
    retention_ms: int | None = None
    grace_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Windows of activity; one ends after `gap_ms` without a record."""

    gap_ms: int
    retention_ms: int | None = None
    grace_ms: int | None = None


Window = Tumbling | Hopping | Session


# --- sources: `schema` is the topic's schema with pseudo columns (LogicalSchema.with_pseudo_columns)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Reads a stream's topic. `source_name` is the stream's name; `window` is set if its keys are windowed."""

    context: str
    schema: LogicalSchema
    source_name: str
    topic: str
    source_schema: LogicalSchema
    formats: Formats
    timestamp: TimestampColumn | None = None
    window: WindowInfo | None = None


@dataclass(frozen=True, slots=True)
class TableSource:
    """Reads a table's topic: the last value of a key is current; a null value removes the key.

    `materialized` is False if no step needs the previous value or a look-up: nulls and repeated values then pass.
    """

    context: str
    schema: LogicalSchema
    source_name: str
    topic: str
    source_schema: LogicalSchema
    formats: Formats
    timestamp: TimestampColumn | None = None
    window: WindowInfo | None = None
    materialized: bool = True


# --- stateless stream steps


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """Keeps rows for which the predicate is true."""

    context: str
    schema: LogicalSchema
    source: Step
    predicate: Expression


@dataclass(frozen=True, slots=True)
class StreamSelect:
    """Projects value columns from `selects` and key columns from the source's key, renamed to `key_names` in order.

    `selected_key` holds, for each entry of `key_names`, the position of its column in the source's key; None means all
    columns in order (ksqlDB's `selectedKeys`).
    """

    context: str
    schema: LogicalSchema
    source: Step
    key_names: tuple[str, ...]
    selects: tuple[SelectItem, ...]
    selected_key: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StreamFlatMap:
    """Expands rows by table functions; their results become columns `KSQL_SYNTH_<n>`."""

    context: str
    schema: LogicalSchema
    source: Step
    functions: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class StreamSelectKey:
    """PARTITION BY, and the new key that a join needs: the key becomes `keys`, which is empty for BY NULL.

    Value columns are the source's, then the new key columns that are not columns of the source.
    A repartition topic in `formats` is needed only if a later step (a join, an aggregation) needs equal keys in one
    partition; otherwise the sink chooses the partitions. If `keys` are the current key columns, only their bytes
    change, to those of `formats`. As in ksqlDB, if all keys read only key columns, a null value is forwarded with its
    new key.
    """

    context: str
    schema: LogicalSchema
    source: Step
    keys: tuple[Expression, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamGroupBy:
    """GROUP BY expressions other than the key: repartitions by them. Rows with a null group value are dropped."""

    context: str
    schema: LogicalSchema
    source: Step
    group_by: tuple[Expression, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamGroupByKey:
    """GROUP BY exactly the key: no repartition."""

    context: str
    schema: LogicalSchema
    source: Step
    formats: Formats


# --- aggregation: value columns are `non_aggregates`, then KSQL_AGG_VARIABLE_<n>, then window bounds if windowed


@dataclass(frozen=True, slots=True)
class StreamAggregate:
    """Aggregates a grouped stream per key into a table.

    `non_aggregates` come from the last row (the planner passes none: no step reads them). Arguments of `aggregates` are
    columns of the source and literals.
    """

    context: str
    schema: LogicalSchema
    source: Step
    non_aggregates: tuple[str, ...]
    aggregates: tuple[FunctionCall, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamWindowedAggregate:
    """Aggregates a grouped stream per key and window. The default grace is ksqlDB's: max(24 h - size, 0)."""

    context: str
    schema: LogicalSchema
    source: Step
    non_aggregates: tuple[str, ...]
    aggregates: tuple[FunctionCall, ...]
    formats: Formats
    window: Window
    emit_final: bool = False


@dataclass(frozen=True, slots=True)
class TableAggregate:
    """Aggregates a grouped table: a change subtracts the old row and adds the new one."""

    context: str
    schema: LogicalSchema
    source: Step
    non_aggregates: tuple[str, ...]
    aggregates: tuple[FunctionCall, ...]
    formats: Formats


# --- stateless table steps


@dataclass(frozen=True, slots=True)
class TableFilter:
    """Keeps rows for which the predicate is true; a row that stops matching becomes a tombstone."""

    context: str
    schema: LogicalSchema
    source: Step
    predicate: Expression


@dataclass(frozen=True, slots=True)
class TableSelect:
    """Projects a table's rows; see StreamSelect."""

    context: str
    schema: LogicalSchema
    source: Step
    key_names: tuple[str, ...]
    selects: tuple[SelectItem, ...]
    selected_key: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class TableSelectKey:
    """Writes a table's keys again in `formats`, for a join that needs equal key bytes on both sides.

    `keys` are always the current key columns.
    """

    context: str
    schema: LogicalSchema
    source: Step
    keys: tuple[Expression, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class TableGroupBy:
    """Groups a table's changes by expressions, through a repartition topic with old and new rows."""

    context: str
    schema: LogicalSchema
    source: Step
    group_by: tuple[Expression, ...]
    formats: Formats


# --- joins: output columns are `<ALIAS>_<NAME>` of both sides (pseudo columns too), the key column is `key_name`


@dataclass(frozen=True, slots=True)
class StreamTableJoin:
    """Looks each stream row's key up in a table; INNER or LEFT."""

    context: str
    schema: LogicalSchema
    left: Step
    right: Step
    kind: JoinKind
    key_name: str
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamStreamJoin:
    """Joins rows of equal key whose times lie within `before_ms`/`after_ms`.

    As in ksqlDB, without grace an unmatched row of LEFT/RIGHT/OUTER is emitted immediately, with grace when its window
    closes. `grace_ms` is None if the statement does not set it.
    """

    context: str
    schema: LogicalSchema
    left: Step
    right: Step
    kind: JoinKind
    key_name: str
    left_formats: Formats
    right_formats: Formats
    before_ms: int
    after_ms: int
    grace_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TableTableJoin:
    """Joins two tables on their primary keys."""

    context: str
    schema: LogicalSchema
    left: Step
    right: Step
    kind: JoinKind
    key_name: str


@dataclass(frozen=True, slots=True)
class ForeignKeyTableTableJoin:
    """Joins a table, by an expression over its columns, with another table's primary key; INNER or LEFT.

    `left_expression` reads columns of the left step. The result keeps the left step's key columns.
    """

    context: str
    schema: LogicalSchema
    left: Step
    right: Step
    kind: JoinKind
    left_expression: Expression
    formats: Formats


# --- sinks


@dataclass(frozen=True, slots=True)
class StreamSink:
    """Writes a stream's rows to a topic; `timestamp` names the column that sets the record's time."""

    context: str
    schema: LogicalSchema
    source: Step
    topic: str
    formats: Formats
    timestamp: TimestampColumn | None = None


@dataclass(frozen=True, slots=True)
class TableSink:
    """Writes a table's changes to a topic; null values are tombstones."""

    context: str
    schema: LogicalSchema
    source: Step
    topic: str
    formats: Formats
    timestamp: TimestampColumn | None = None


Step = (
    StreamSource
    | TableSource
    | StreamFilter
    | StreamSelect
    | StreamFlatMap
    | StreamSelectKey
    | StreamGroupBy
    | StreamGroupByKey
    | StreamAggregate
    | StreamWindowedAggregate
    | TableAggregate
    | TableFilter
    | TableSelect
    | TableSelectKey
    | TableGroupBy
    | StreamTableJoin
    | StreamStreamJoin
    | TableTableJoin
    | ForeignKeyTableTableJoin
    | StreamSink
    | TableSink
)


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query, ready to compile.

    `step` is the last step: a sink for persistent queries, otherwise the step whose rows the client receives (push
    query). `limit` ends a push query after that many rows. `result` says whether rows are a stream's rows or a table's
    changes.
    """

    query_id: str
    kind: Literal["CSAS", "CTAS", "INSERT", "CST", "PUSH"]
    sources: tuple[str, ...]
    sink: str | None
    step: Step
    result: Literal["STREAM", "TABLE"]
    schema: LogicalSchema
    limit: int | None = None


def sources_of(step: Step) -> tuple[Step, ...]:
    """The steps that feed a step, left before right."""
    match step:
        case StreamSource() | TableSource():
            return ()
        case StreamTableJoin() | StreamStreamJoin() | TableTableJoin() | ForeignKeyTableTableJoin():
            return (step.left, step.right)
        case _:
            return (step.source,)
