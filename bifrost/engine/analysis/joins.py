"""Analyzes join criteria: the source that each side reads, and the columns that can name the result's key."""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.engine.analysis.scope import AnalyzedSource, QueryScope, columns_in, location_prefix
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import (
    ColumnRef,
    Comparison,
    ComparisonOperator,
    Expression,
    Join,
    JoinKind,
    LogicalBinary,
    Relation,
    Within,
)


@dataclass(frozen=True, slots=True)
class AnalyzedJoin:
    """A join of its left side (a source or the previous join) with one source.

    The expressions are qualified; `left` reads only one source of the left side, `right` only the right source.
    `criteria` is the condition as written. `equivalent` are the expressions that equal the result's key.
    """

    kind: JoinKind
    left_source: AnalyzedSource
    right_source: AnalyzedSource
    left: Expression
    right: Expression
    criteria: str
    equivalent: frozenset[Expression]
    within: Within | None = None

    @property
    def viable_keys(self) -> tuple[ColumnRef, ...]:
        """The columns that can name the result's key; empty if the key needs a synthetic name."""
        if self.kind is JoinKind.OUTER:
            return ()
        return tuple(column for column in self.equivalent if isinstance(column, ColumnRef))

    @property
    def text(self) -> str:
        """The join as messages name it: both sources and the kind."""
        return f"{self.left_source.source.name} {_KIND_TEXT[self.kind]} {self.right_source.source.name}"


_KIND_TEXT = {
    JoinKind.INNER: "[INNER] JOIN",
    JoinKind.LEFT: "LEFT [OUTER] JOIN",
    JoinKind.RIGHT: "RIGHT [OUTER] JOIN",
    JoinKind.OUTER: "[FULL] OUTER JOIN",
}


def analyze_joins(relation: Relation, scope: QueryScope) -> tuple[AnalyzedJoin, ...]:
    """The joins of a qualified FROM clause, innermost first.

    Raises:
        AnalysisError: a condition is not an equality of one expression per side, or a source is joined with itself.
    """
    if not isinstance(relation, Join):
        return ()
    before = analyze_joins(relation.left, scope)
    return (*before, _analyzed(relation, scope, before))


def _analyzed(join: Join, scope: QueryScope, before: tuple[AnalyzedJoin, ...]) -> AnalyzedJoin:
    left, right = _sides(join.criteria)
    left_alias, right_alias = _only_source(left, join.criteria), _only_source(right, join.criteria)
    criteria = f"{format_expression(left)} = {format_expression(right)}"
    # The condition may name its sides in either order.
    if left_alias == join.right.alias:
        left, right, left_alias, right_alias = right, left, right_alias, left_alias
    if right_alias != join.right.alias or left_alias == join.right.alias:
        raise AnalysisError(
            "Each side of the join must reference exactly one source and not the same source. "
            f"Left side references `{left_alias}` and right references `{right_alias}`"
        )
    left_source, right_source = scope.require(left_alias), scope.require(right_alias)
    _refuse_self_joins(scope, right_source)
    return AnalyzedJoin(
        kind=join.kind,
        left_source=left_source,
        right_source=right_source,
        left=left,
        right=right,
        criteria=criteria,
        equivalent=_equivalent(left, right, before),
        within=join.within,
    )


def _sides(criteria: Expression) -> tuple[Expression, Expression]:
    match criteria:
        case Comparison(ComparisonOperator.EQUAL, left, right):
            return left, right
        case Comparison():
            raise AnalysisError("Only equality join criteria is supported.")
        case LogicalBinary():
            problem = "joins on multiple conditions are not yet supported"
        case _:
            problem = "the condition must be an equality"
    raise AnalysisError(f"Invalid join condition: {problem}. Got {format_expression(criteria)}.")


def _only_source(side: Expression, criteria: Expression) -> str:
    columns = columns_in(side)
    unknown = next((column for column in columns if column.source is None), None)
    if unknown is not None:
        raise AnalysisError(f"{location_prefix(unknown)}JOIN ON column '{unknown.name}' cannot be resolved.")
    aliases = {column.source for column in columns}
    if len(aliases) != 1:
        raise AnalysisError(
            f"Invalid comparison expression '{format_expression(side)}' in join '{format_expression(criteria)}'. "
            "Each side of the join comparision must contain references from exactly one source."
        )
    return str(aliases.pop())


def _refuse_self_joins(scope: QueryScope, right: AnalyzedSource) -> None:
    for other in scope.sources:
        if other.alias != right.alias and other.source.name == right.source.name:
            raise AnalysisError(
                f"Can not join '{right.source.name}' to '{right.source.name}': self joins are not yet supported."
            )


def _equivalent(left: Expression, right: Expression, before: tuple[AnalyzedJoin, ...]) -> frozenset[Expression]:
    both = frozenset({left, right})
    if before and before[-1].kind is not JoinKind.OUTER and left in before[-1].equivalent:
        return both | before[-1].equivalent
    return both
