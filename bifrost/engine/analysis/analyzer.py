"""Analyzes SELECT: finds sources, qualifies columns, names select items and checks clauses.

The result still has the query's clauses as written; the planner turns them into steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bifrost.engine.analysis.aggregates import AggregateCheck, aggregate_calls, table_calls
from bifrost.engine.analysis.joins import AnalyzedJoin, analyze_joins
from bifrost.engine.analysis.names import synthetic_key
from bifrost.engine.analysis.qualify import qualify_query
from bifrost.engine.analysis.rowtime_literals import with_time_literals
from bifrost.engine.analysis.scope import QueryScope, columns_in, join_alias, location_prefix, scope_of, unqualify
from bifrost.engine.catalog.metastore import MetaStore
from bifrost.engine.catalog.schema import ROWTIME, WINDOW_BOUNDS
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import (
    AllColumns,
    ColumnRef,
    Expression,
    FunctionCall,
    Query,
    SingleColumn,
    SourceKind,
    StructAll,
    rewrite,
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analyzed query. Its expressions are qualified; `unqualify` converts them to refer to step columns.

    `synthetic_key` is the name of the outermost join's key if no source column can name it.
    """

    query: Query
    scope: QueryScope
    joins: tuple[AnalyzedJoin, ...]
    synthetic_key: str
    functions: FunctionRegistry

    def unqualify(self, expression: Expression) -> Expression:
        """The expression over step columns, with `COUNT(*)` as COUNT(ROWTIME)."""
        rowtime = self._rowtime()

        def change(part: Expression) -> Expression | None:
            # ROWTIME is never null, so that every row counts.
            if isinstance(part, FunctionCall) and not part.arguments and self.functions.is_aggregate(part.name):
                return FunctionCall(part.name, (rowtime,), location=part.location)
            return None

        return rewrite(unqualify(expression, self.scope), change)

    @property
    def group_by(self) -> tuple[Expression, ...]:
        """GROUP BY, over step columns."""
        return tuple(self.unqualify(expression) for expression in self.query.group_by)

    @property
    def where(self) -> Expression | None:
        """WHERE, over step columns, with texts that are compared with times converted to epoch milliseconds."""
        where = self.query.where
        return None if where is None else self.unqualify(with_time_literals(where))

    @property
    def selects(self) -> tuple[Expression, ...]:
        """The explicit select expressions, over step columns."""
        return tuple(self.unqualify(item.expression) for item in self.query.select if isinstance(item, SingleColumn))

    @property
    def aggregate_check(self) -> AggregateCheck:
        """The checks of this query's GROUP BY."""
        return AggregateCheck(self.functions, self.group_by, self.query.window is not None)

    def _rowtime(self) -> ColumnRef:
        first = self.scope.sources[0].alias
        return ColumnRef(join_alias(first, ROWTIME) if self.scope.is_join else ROWTIME)


def prepare(query: Query, metastore: MetaStore) -> tuple[Query, QueryScope]:
    """The query with qualified columns and named select items, as statements are shown.

    Raises:
        AnalysisError: a source does not exist, a name is ambiguous.
    """
    scope = scope_of(query.source, metastore)
    return qualify_query(query, scope), scope


def analyze(query: Query, scope: QueryScope, functions: FunctionRegistry) -> Analysis:
    """Analyzes a query that `prepare` returned.

    Raises:
        AnalysisError: a column does not exist, or clauses cannot be combined.
    """
    _check_columns_of_criteria(query, scope)
    joins = analyze_joins(query.source, scope)
    key = synthetic_key(
        column.name for source in scope.sources for column in source.source.schema.with_pseudo_columns(windowed=False)
    )
    analysis = Analysis(query, scope, joins, key, functions)
    _check_columns(analysis)
    _check_clauses(analysis)
    return analysis


def _check_columns_of_criteria(query: Query, scope: QueryScope) -> None:
    relation = query.source
    while not hasattr(relation, "alias"):
        _resolve("JOIN ON", (relation.criteria,), scope, frozenset())
        relation = relation.left


def _check_columns(analysis: Analysis) -> None:
    query, scope = analysis.query, analysis.scope
    synthetic = frozenset({analysis.synthetic_key}) if scope.is_join else frozenset()
    bounds = frozenset(WINDOW_BOUNDS) if query.window is not None and not scope.is_join else frozenset()
    selects = [
        item.base if isinstance(item, StructAll) else item.expression
        for item in query.select
        if not isinstance(item, AllColumns)
    ]
    _resolve("SELECT", selects, scope, synthetic | bounds)
    _resolve("WHERE", _given(query.where), scope, synthetic | bounds)
    _resolve("GROUP BY", query.group_by, scope, synthetic | bounds)
    _resolve("PARTITION BY", query.partition_by, scope, synthetic)
    _resolve("HAVING", _given(query.having), scope, synthetic | bounds)


def _given(expression: Expression | None) -> tuple[Expression, ...]:
    return () if expression is None else (expression,)


def _resolve(clause: str, expressions: Iterable[Expression], scope: QueryScope, also: frozenset[str]) -> None:
    for column in (column for expression in expressions for column in columns_in(expression)):
        if column.source is None:
            known = column.name in also
        else:
            source = scope.find(column.source)
            known = source is not None and source.offers(column.name)
        if not known:
            shown = column.name if column.source is None else format_expression(column)
            raise AnalysisError(f"{location_prefix(column)}{clause} column '{shown}' cannot be resolved.")


def _check_clauses(analysis: Analysis) -> None:
    query = analysis.query
    grouped = bool(query.group_by)
    if query.having is not None and not grouped:
        raise AnalysisError("HAVING clause requires a GROUP BY clause")
    if query.window is not None and not grouped and query.emit is not None:
        raise AnalysisError("WINDOW clause requires a GROUP BY clause.")
    if query.partition_by and grouped:
        raise AnalysisError("Only one of PARTITION BY and GROUP BY is supported.")
    _check_value_formats(analysis, grouped)
    _check_table_functions(analysis, grouped)


def _check_value_formats(analysis: Analysis, grouped: bool) -> None:
    """As in ksqlDB, sources with KAFKA values cannot be joined or grouped."""
    clause = "JOIN" if analysis.scope.is_join else "GROUP BY" if grouped else ""
    names = [
        source.source.name for source in analysis.scope.sources if source.source.formats.value.format.name == "KAFKA"
    ]
    if clause and names:
        raise AnalysisError(
            f"Source(s) {', '.join(names)} are using the 'KAFKA' value format. This format does not yet support "
            f"{clause}.\nSee https://docs.confluent.io/current/ksql/docs/developer-guide/serialization.html#kafka"
        )


def _check_table_functions(analysis: Analysis, grouped: bool) -> None:
    calls = [call for select in analysis.selects for call in table_calls(select, analysis.functions)]
    if not calls:
        return
    for call in calls:
        if any(True for argument in call.arguments for _ in table_calls(argument, analysis.functions)):
            raise AnalysisError("Table functions cannot be nested.")
    if grouped or any(True for select in analysis.selects for _ in aggregate_calls(select, analysis.functions)):
        raise AnalysisError("Table functions cannot be used with aggregations.")
    # A stream-table join is a stream, whose rows can be expanded.
    if all(source.source.kind is SourceKind.TABLE for source in analysis.scope.sources):
        raise AnalysisError("Table source is not supported with table functions")
