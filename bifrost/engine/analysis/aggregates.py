"""The aggregate calls of a query with GROUP BY, and the checks of its other expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bifrost.engine.analysis.scope import columns_in, location_prefix
from bifrost.engine.catalog.schema import WINDOW_BOUNDS
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.errors import AnalysisError
from bifrost.sql.formatter import format_expression
from bifrost.sql.tree import ColumnRef, Expression, FunctionCall, children, walk

_REMEDY = "Either add the column(s) to the GROUP BY or remove them from the SELECT."


@dataclass(frozen=True, slots=True)
class AggregateCheck:
    """Checks a query's expressions against its GROUP BY; expressions refer to step columns, unqualified."""

    functions: FunctionRegistry
    group_by: tuple[Expression, ...]
    windowed: bool

    def calls_in(self, expressions: Collection[Expression]) -> tuple[FunctionCall, ...]:
        """The distinct aggregate calls, in order.

        Raises:
            AnalysisError: a call is nested in another, or reads the window's bounds.
        """
        # The same call in several expressions is computed once.
        found = dict.fromkeys(
            call for expression in expressions for call in aggregate_calls(expression, self.functions)
        )
        for call in found:
            for argument in call.arguments:
                self._check_argument(call, argument)
        return tuple(found)

    def _check_argument(self, call: FunctionCall, argument: Expression) -> None:
        for inner in aggregate_calls(argument, self.functions):
            raise AnalysisError(f"Aggregate functions can not be nested: {call.name}({inner.name}())")
        self.refuse_window_bounds(argument)

    def refuse_window_bounds(self, expression: Expression) -> None:
        """Refuses a windowed aggregation that reads its bounds outside SELECT.

        Raises:
            AnalysisError: the expression reads WINDOWSTART or WINDOWEND.
        """
        for column in columns_in(expression):
            if self.windowed and column.source is None and column.name in WINDOW_BOUNDS:
                raise AnalysisError(
                    f"{location_prefix(column)}Window bounds column {column.name} can only be used in the SELECT "
                    "clause of windowed aggregations and can not be passed to aggregate functions.\n"
                    "See https://github.com/confluentinc/ksql/issues/4397"
                )

    def check_selects(self, selects: Sequence[Expression]) -> None:
        """Checks that everything selected outside aggregates is in GROUP BY.

        Raises:
            AnalysisError: an expression or column is not in GROUP BY.
        """
        plain = [select for select in selects if not self._aggregates(select)]
        unmatched = [select for select in plain if self._outside(select)]
        if unmatched:
            names = ", ".join(dict.fromkeys(format_expression(select) for select in unmatched))
            raise AnalysisError(f"Non-aggregate SELECT expression(s) not part of GROUP BY: {names}\n{_REMEDY}")
        mixed = [column for select in selects if self._aggregates(select) for column in self._outside(select)]
        if mixed:
            names = ", ".join(dict.fromkeys(column.name for column in mixed))
            problem = (
                "Column used in aggregate SELECT expression(s) outside of aggregate functions not part of GROUP BY"
            )
            raise AnalysisError(f"{problem}: {names}\n{_REMEDY}")

    def check_having(self, having: Expression) -> None:
        """Checks that everything HAVING reads outside aggregates is in GROUP BY.

        Raises:
            AnalysisError: a column is not in GROUP BY.
        """
        outside = list(self._outside(having))
        if outside:
            names = ", ".join(dict.fromkeys(column.name for column in outside))
            raise AnalysisError(f"Non-aggregate HAVING expression not part of GROUP BY: {names}")
        self.refuse_window_bounds(having)

    def check_group_by(self) -> None:
        """Checks the expressions of GROUP BY.

        Raises:
            AnalysisError: one is an aggregate, or reads the window's bounds.
        """
        for expression in self.group_by:
            for call in aggregate_calls(expression, self.functions):
                raise AnalysisError(
                    f"GROUP BY does not support aggregate functions: {call.name} is an aggregate function."
                )
            self.refuse_window_bounds(expression)

    def _aggregates(self, expression: Expression) -> bool:
        return any(True for _ in aggregate_calls(expression, self.functions))

    def _outside(self, expression: Expression) -> tuple[ColumnRef, ...]:
        """The columns read outside aggregates and outside expressions of GROUP BY."""
        return tuple(self._columns_outside(expression))

    def _columns_outside(self, expression: Expression) -> Iterator[ColumnRef]:
        if expression in self.group_by:
            return
        if isinstance(expression, FunctionCall) and self.functions.is_aggregate(expression.name):
            return
        if isinstance(expression, ColumnRef):
            if not (self.windowed and expression.name in WINDOW_BOUNDS):
                yield expression
            return
        for child in children(expression):
            yield from self._columns_outside(child)  # type: ignore[arg-type]  # below an expression are expressions


def aggregate_calls(expression: Expression, functions: FunctionRegistry) -> Iterator[FunctionCall]:
    """The calls of aggregate functions in an expression, outermost first."""
    for node in walk(expression):
        if isinstance(node, FunctionCall) and functions.is_aggregate(node.name):
            yield node


def table_calls(expression: Expression, functions: FunctionRegistry) -> Iterator[FunctionCall]:
    """The calls of table functions in an expression, outermost first."""
    for node in walk(expression):
        if isinstance(node, FunctionCall) and functions.is_table(node.name):
            yield node
