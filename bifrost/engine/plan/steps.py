"""The query plan: what a query does, as data, between SQL and the topology.

Steps carry ksqlDB's names for execution steps. A step's `schema` is its output; `context` is its place in the query
(`KsqlTopic-Source`, `Aggregate-GroupBy`, `LeftSourceKeyed-SelectKey`, `Project`, `Join`, ...; the sink's is the sink's
name), from which loggers, stores and internal topics take their names.
Expressions refer to columns of the source step's schema by bare name. A plan is plain frozen data: it can be printed,
compared, written to JSON and read back, and it knows nothing of Kafka.
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
    """Fixed, gapless windows; `retention_ms` and `grace_ms` are None where the statement does not say."""

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
    """Windows of activity, closed by `gap_ms` of silence."""

    gap_ms: int
    retention_ms: int | None = None
    grace_ms: int | None = None


Window = Tumbling | Hopping | Session


# --- sources: schema is the topic's with pseudo columns (LogicalSchema.with_pseudo_columns)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Reads a stream's topic. `source_name` is the stream's name, `window` is set where its keys are windowed."""

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
    """Reads a table's topic: the last value of a key holds, null removes it.

    `materialized` is False where nothing needs the old value or a look-up: then nulls and repeats just pass on.
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
    """Projects: value columns from `selects`, key columns from the source's key, renamed to `key_names` in order.

    `selected_key` names the source key column (by position in the source's key) that each `key_names` entry shows,
    None = all, in order (ksqlDB's `selectedKeys`).
    """

    context: str
    schema: LogicalSchema
    source: Step
    key_names: tuple[str, ...]
    selects: tuple[SelectItem, ...]
    selected_key: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StreamFlatMap:
    """Explodes rows by table functions; results are added as columns `KSQL_SYNTH_<n>`."""

    context: str
    schema: LogicalSchema
    source: Step
    functions: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class StreamSelectKey:
    """PARTITION BY, and the new key that a join asks for: the key becomes `keys`, which may be none (BY NULL).

    Value columns are the source's, then those key columns that are no columns of the source, with the key's value.
    A repartition topic in `formats` is needed only where a step after this one (a join, an aggregation) wants equal
    keys in one partition; else the sink places the rows. Where `keys` are the key columns as they are, only their
    bytes change: to those of `formats`. Where all keys read key columns only, a null value is passed on with its new
    key (as ksqlDB).
    """

    context: str
    schema: LogicalSchema
    source: Step
    keys: tuple[Expression, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamGroupBy:
    """GROUP BY expressions other than the key: a repartition by them. Rows with a null group value are dropped."""

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


# --- aggregation: output value columns are `non_aggregates`, then KSQL_AGG_VARIABLE_<n>, then window bounds if windowed


@dataclass(frozen=True, slots=True)
class StreamAggregate:
    """Aggregates a grouped stream per key into a table.

    `non_aggregates` are kept from the last row (the planner leaves them out: nothing reads them). Arguments of
    `aggregates` are columns of the source and literals.
    """

    context: str
    schema: LogicalSchema
    source: Step
    non_aggregates: tuple[str, ...]
    aggregates: tuple[FunctionCall, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class StreamWindowedAggregate:
    """Aggregates a grouped stream per key and window. Grace as ksqlDB: max(24 h - size, 0) where not said."""

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
    """Aggregates a grouped table: a change undoes the old row's part and adds the new row's."""

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
    """A table whose keys are written anew in `formats`, for a join that wants both sides' keys alike byte by byte.

    `keys` are always the key columns as they are.
    """

    context: str
    schema: LogicalSchema
    source: Step
    keys: tuple[Expression, ...]
    formats: Formats


@dataclass(frozen=True, slots=True)
class TableGroupBy:
    """Groups a table's changes by expressions, through a repartition topic that carries old and new row."""

    context: str
    schema: LogicalSchema
    source: Step
    group_by: tuple[Expression, ...]
    formats: Formats


# --- joins: output columns are `<ALIAS>_<NAME>` of both sides (pseudo columns too), key column named by `key_name`


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

    Without grace an unmatched row of LEFT/RIGHT/OUTER is written at once, with grace when its window has closed
    (as ksqlDB); `grace_ms` is None where the statement does not say.
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
    """Joins a table by an expression over it with another table's primary key; INNER or LEFT; the left key stays.

    `left_expression` reads columns of the left step; key columns of the result are the left step's.
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
    """Writes a stream's rows to a topic; `timestamp` takes the record's time from a column."""

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
    """A query, ready to be compiled.

    `step` is the last step: a sink for persistent queries, else the step whose rows a person gets (push query);
    `limit` ends a push query after so many rows; `result` says whether rows are a stream's or a table's changes.
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
