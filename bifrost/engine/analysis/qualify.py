"""Qualifies every column of a query with its source, and names every select item.

The result is the query as ksqlDB prints it. Unresolvable names stay as they are: the analyzer reports them with their
clause.
"""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.analysis.names import NameGenerator
from bifrost.engine.analysis.scope import (
    SYSTEM_COLUMNS,
    AnalyzedSource,
    QueryScope,
    columns_in,
    join_alias,
    location_prefix,
)
from bifrost.engine.catalog.schema import WINDOW_BOUNDS
from bifrost.errors import AnalysisError
from bifrost.sql.tree import (
    AllColumns,
    ColumnRef,
    Dereference,
    Expression,
    Join,
    Query,
    Relation,
    SelectItem,
    SingleColumn,
    StructAll,
    rewrite,
)


def qualify_query(query: Query, scope: QueryScope) -> Query:
    """The query with qualified columns and named select items.

    Raises:
        AnalysisError: a name is ambiguous, a qualifier is not a source of the query, or an alias is reserved.
    """
    for column in columns_in(query):
        if column.source is not None:
            scope.require(column.source)
    columns = _Columns(scope, windowed=query.window is not None)
    names = NameGenerator(_column_names(scope))
    return replace(
        query,
        select=tuple(_select_item(item, columns, names) for item in query.select),
        source=_relation(query.source, columns),
        where=columns.optional(query.where),
        group_by=tuple(columns.of(expression) for expression in query.group_by),
        partition_by=tuple(columns.of(expression) for expression in query.partition_by),
        having=columns.optional(query.having),
    )


def _column_names(scope: QueryScope) -> set[str]:
    return {column.name for source in scope.sources for column in source.source.schema}


def _select_item(item: SelectItem, columns: _Columns, names: NameGenerator) -> SelectItem:
    match item:
        case AllColumns(source):
            if source is not None:
                columns.scope.require(source)
            return item
        case StructAll(base):
            return replace(item, base=columns.of(base))
        case SingleColumn(expression, alias):
            if alias is not None and alias in SYSTEM_COLUMNS:
                raise AnalysisError(
                    f"{location_prefix(item)}`{alias}` is a reserved column name. "
                    "You cannot use it as an alias for a column."
                )
            expression = columns.of(expression)
            return replace(item, expression=expression, alias=alias or _alias(expression, columns.scope, names))


def _alias(expression: Expression, scope: QueryScope, names: NameGenerator) -> str:
    match expression:
        case ColumnRef(name, None):
            return name
        case ColumnRef(name, str(source)):
            prefixed = scope.clashes(name) or (scope.is_join and name in SYSTEM_COLUMNS)
            return join_alias(source, name) if prefixed else name
        case Dereference(field=field):
            return names.field(field)
        case _:
            return names.column()


def _relation(relation: Relation, columns: _Columns) -> Relation:
    if not isinstance(relation, Join):
        return relation
    return replace(relation, left=_relation(relation.left, columns), criteria=columns.of(relation.criteria))


class _Columns:
    """Qualifies column references."""

    def __init__(self, scope: QueryScope, *, windowed: bool) -> None:
        self.scope = scope
        self.windowed = windowed

    def of(self, expression: Expression) -> Expression:
        """The expression with its columns qualified."""
        return rewrite(expression, self._change)

    def optional(self, expression: Expression | None) -> Expression | None:
        """Like `of`; None stays None."""
        return None if expression is None else self.of(expression)

    def _change(self, part: Expression) -> Expression | None:
        if not isinstance(part, ColumnRef):
            return None
        if part.source is not None:
            return self._qualified(part, self.scope.require(part.source))
        aliases = self.scope.aliases_with(part.name)
        if len(aliases) > 1 and part.name not in WINDOW_BOUNDS:
            could_be = " or ".join(f"{alias}.{part.name}" for alias in aliases)
            raise AnalysisError(
                f"Exception while preparing statement: {location_prefix(part)}Column '{part.name}' is ambiguous. "
                f"Could be {could_be}."
            )
        return replace(part, source=aliases[0]) if aliases else part

    def _qualified(self, column: ColumnRef, source: AnalyzedSource) -> ColumnRef:
        """The column unchanged, except that window bounds of the query's own window belong to no source."""
        makes_bounds = self.windowed and column.name in WINDOW_BOUNDS and not source.offers(column.name)
        return replace(column, source=None) if makes_bounds else column
