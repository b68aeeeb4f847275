"""Plans pull queries on tables, and refuses clauses that pull queries do not support."""

from __future__ import annotations

from bifrost.engine.analysis.aggregates import aggregate_calls
from bifrost.engine.analysis.analyzer import Analysis
from bifrost.engine.analysis.scope import SYSTEM_COLUMNS, columns_in
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import ROWOFFSET, ROWPARTITION, WINDOW_BOUNDS, Column, LogicalSchema, Namespace
from bifrost.engine.plan.steps import SelectItem
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.lookups import find_lookup
from bifrost.engine.planner.outcome import PullPlan
from bifrost.engine.planner.predicates import check_predicate
from bifrost.engine.planner.selection import expand_items
from bifrost.engine.planner.sources import source_stage
from bifrost.engine.planner.stage import Stage, known_type
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Expression

_HIDDEN = (ROWPARTITION, ROWOFFSET)


def pull_refusal(problem: str) -> AnalysisError:
    """The error of an unsupported pull query, with ksqlDB's advice."""
    return AnalysisError(
        f"{problem} See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query."
    )


def check_pull(analysis: Analysis, config: PlannerConfig) -> None:
    """Refuses clauses that only push queries support.

    Raises:
        AnalysisError: the query has one; the message names it.
    """
    query = analysis.query
    config.require("ksql.pull.queries.enable")
    if query.limit is not None:
        config.require("ksql.query.pull.limit.clause.enabled")
    for clause, given in (
        ("JOIN", bool(analysis.joins)),
        ("WINDOW", query.window is not None),
        ("GROUP BY", bool(query.group_by)),
        ("PARTITION BY", bool(query.partition_by)),
        ("HAVING", query.having is not None),
    ):
        if given:
            raise pull_refusal(f"Pull queries don't support {clause} clauses.")
    if query.limit is not None and query.limit < 0:
        raise pull_refusal("Pull queries don't support negative integers in the LIMIT clause.")
    _refuse_aggregates(analysis)
    _refuse_hidden("SELECT", analysis.selects)
    _refuse_hidden("WHERE", () if query.where is None else (query.where,))


def _refuse_aggregates(analysis: Analysis) -> None:
    calls = [call for select in analysis.selects for call in aggregate_calls(select, analysis.functions)]
    if calls:
        names = ", ".join(dict.fromkeys(call.name for call in calls))
        raise pull_refusal(
            f"Pull queries don't support aggregate functions: {names}. Create a table with CREATE TABLE ... AS SELECT "
            "... GROUP BY, and select its columns."
        )


def _refuse_hidden(clause: str, expressions: tuple[Expression, ...]) -> None:
    # A store keeps neither the partition nor the offset of a row.
    names = {column.name for expression in expressions for column in columns_in(expression)}
    hidden = [f"`{name}`" for name in _HIDDEN if name in names]
    if hidden:
        raise pull_refusal(
            f"Pull queries don't support the following columns in {clause} clauses: {', '.join(hidden)}\n"
        )


def plan_pull(analysis: Analysis, text: str, config: PlannerConfig) -> PullPlan:
    """A pull query on a table.

    Raises:
        AnalysisError: the table is not materialized, a clause is unsupported, or the query needs a scan and scans are
            disabled.
    """
    check_pull(analysis, config)
    source = analysis.scope.sources[0]
    stage = source_stage(source, "KsqlTopic", analysis.functions, persistent=False)
    where = analysis.where
    if where is not None:
        check_predicate(stage, where, "WHERE")
    _check_queryable(source.source)
    items = expand_items(analysis, stage)
    lookup = find_lookup(where, source.source, analysis.functions, config)
    return PullPlan(
        statement=text,
        source=source.source,
        kind=lookup.kind,
        selects=items,
        schema=LogicalSchema(tuple(_column(item, stage) for item in items)),
        lookups=lookup.lookups,
        key_range=lookup.key_range,
        predicate=lookup.predicate,
        limit=analysis.query.limit,
    )


def _check_queryable(source: DataSource) -> None:
    if source.created_by is None:
        remedy = f"'CREATE TABLE QUERYABLE_{source.name} AS SELECT * FROM {source.name}'"  # noqa: S608
        raise pull_refusal(
            f"The `{source.name}` table isn't queryable. To derive a queryable table, you can do {remedy}."
        )


def _column(item: SelectItem, stage: Stage) -> Column:
    kind = known_type(stage, item.expression)
    shown = item.expression.name if isinstance(item.expression, ColumnRef) else None
    keys = {column.name for column in stage.schema.key} | frozenset(WINDOW_BOUNDS)
    is_key = shown in keys and (shown not in SYSTEM_COLUMNS or stage.is_windowed)
    return Column(item.name, kind, Namespace.KEY if is_key else Namespace.VALUE)
