"""Converts a predicate to a disjunction of conjunctions (DNF), from which key look-ups are derived."""

from __future__ import annotations

from itertools import product

from bifrost.sql.tree import (
    Between,
    Comparison,
    ComparisonOperator,
    Expression,
    InList,
    LogicalBinary,
    LogicalOperator,
)

Conjunction = tuple[Expression, ...]
# AND multiplies the terms of both sides, so a short WHERE may grow to millions.
_MOST = 1000


def disjuncts(predicate: Expression) -> tuple[Conjunction, ...] | None:
    """The conjunctions whose disjunction is the predicate; None if there are more than `_MOST`."""
    match predicate:
        case LogicalBinary(LogicalOperator.OR, left, right):
            return _joined(disjuncts(left), disjuncts(right))
        case LogicalBinary(LogicalOperator.AND, left, right):
            return _combined(disjuncts(left), disjuncts(right))
        case InList(value, items):
            return tuple((Comparison(ComparisonOperator.EQUAL, value, item),) for item in items)
        case Between(value, low, high):
            at_least = Comparison(ComparisonOperator.GREATER_THAN_OR_EQUAL, value, low)
            return ((at_least, Comparison(ComparisonOperator.LESS_THAN_OR_EQUAL, value, high)),)
        case _:
            return ((predicate,),)


def _joined(
    left: tuple[Conjunction, ...] | None, right: tuple[Conjunction, ...] | None
) -> tuple[Conjunction, ...] | None:
    if left is None or right is None or len(left) + len(right) > _MOST:
        return None
    return left + right


def _combined(
    left: tuple[Conjunction, ...] | None, right: tuple[Conjunction, ...] | None
) -> tuple[Conjunction, ...] | None:
    if left is None or right is None or len(left) * len(right) > _MOST:
        return None
    return tuple((*one, *other) for one, other in product(left, right))
