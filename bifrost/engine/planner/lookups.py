"""Derives from WHERE how a pull query finds its rows: by keys, by a range of keys, or by a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bifrost.engine.analysis.scope import columns_in
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import WINDOWEND, WINDOWSTART, Column, LogicalSchema
from bifrost.engine.expressions import EVALUATION_ERRORS, evaluate, infer_type
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.planner.coercion import insertable
from bifrost.engine.planner.disjuncts import Conjunction, disjuncts
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.insert_values import insert_value
from bifrost.engine.planner.outcome import UNBOUNDED, Bounds, KeyLookup, LookupKind
from bifrost.engine.state.frozen import freeze
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import ColumnRef, Comparison, ComparisonOperator, Expression
from bifrost.sql.types import BIGINT, INTEGER, STRING

# `5 < ID` is `ID > 5`.
_FLIPPED = {
    ComparisonOperator.LESS_THAN: ComparisonOperator.GREATER_THAN,
    ComparisonOperator.LESS_THAN_OR_EQUAL: ComparisonOperator.GREATER_THAN_OR_EQUAL,
    ComparisonOperator.GREATER_THAN: ComparisonOperator.LESS_THAN,
    ComparisonOperator.GREATER_THAN_OR_EQUAL: ComparisonOperator.LESS_THAN_OR_EQUAL,
}
_NEEDS_SCAN = "Query requires table scan to be enabled."
_REPEATED = (
    "A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate."
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """How to find rows, as in `PullPlan`; `predicate` is None if all rows found match."""

    kind: LookupKind
    lookups: tuple[KeyLookup, ...] = ()
    key_range: Bounds = UNBOUNDED
    predicate: Expression | None = None


def find_lookup(
    where: Expression | None, source: DataSource, functions: FunctionRegistry, config: PlannerConfig
) -> Lookup:
    """The cheapest way to find the rows that match WHERE.

    Raises:
        AnalysisError: only a scan finds them and scans are disabled, or a key is compared with NULL or another type.
    """
    found = _found(where, source, functions, config)
    if isinstance(found, Lookup):
        return found
    if not config.table_scans:
        raise AnalysisError(
            f"{found} See https://cnfl.io/queries for more info.\n"
            "Add EMIT CHANGES if you intended to issue a push query.\n"
            "Enable table scans with SET 'ksql.query.pull.table.scan.enabled'='true';"
        )
    return Lookup(LookupKind.SCAN, predicate=where)


def _found(
    where: Expression | None, source: DataSource, functions: FunctionRegistry, config: PlannerConfig
) -> Lookup | str:
    """A look-up, or the reason why only a scan finds the rows."""
    if where is None:
        return "Missing WHERE clause."
    terms = disjuncts(where)
    if terms is None:
        return _NEEDS_SCAN
    read = [_Conditions.of(term, source, functions) for term in terms]
    if all(conditions.is_key for conditions in read):
        if not config.table_scans and any(conditions.is_repeated for conditions in read):
            return _REPEATED
        # Without duplicates: a row must not be returned once for each term that finds it.
        lookups = tuple(dict.fromkeys(conditions.lookup for conditions in read))
        exact = all(conditions.is_exact for conditions in read)
        return Lookup(LookupKind.KEYS, lookups, predicate=None if exact else where)
    if len(read) == 1 and read[0].is_range and config.range_scans:
        return Lookup(LookupKind.RANGE, key_range=read[0].key_range, predicate=where)
    return next(reason for conditions in read if (reason := conditions.reason()) is not None)


@dataclass(slots=True)
class _Conditions:
    """The conditions of one conjunction on the key and on the window."""

    source: DataSource
    equal: dict[str, object] = field(default_factory=dict)
    ranges: list[Bounds] = field(default_factory=list)
    window: dict[str, Bounds] = field(default_factory=lambda: {WINDOWSTART: UNBOUNDED, WINDOWEND: UNBOUNDED})
    problem: str | None = None
    is_exact: bool = True
    is_repeated: bool = False
    """Whether several conditions compare the same key column."""
    compared: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, term: Conjunction, source: DataSource, functions: FunctionRegistry) -> _Conditions:
        conditions = cls(source)
        for predicate in term:
            conditions._add(predicate, functions)
        return conditions

    @property
    def keys(self) -> LogicalSchema:
        return LogicalSchema(self.source.schema.key)

    @property
    def is_key(self) -> bool:
        return len(self.equal) == len(self.keys.columns)

    @property
    def is_range(self) -> bool:
        single = len(self.keys.columns) == 1 and not self.source.is_windowed
        return single and len(self.ranges) == 1 and not self.equal

    @property
    def key_range(self) -> Bounds:
        return self.ranges[0]

    @property
    def lookup(self) -> KeyLookup:
        # Arrays and structs are frozen, because look-ups are hashed.
        key = tuple(freeze(self.equal[column.name]) for column in self.keys.columns)
        return KeyLookup(key, self.window[WINDOWSTART], self.window[WINDOWEND])

    def reason(self) -> str | None:
        """Why only a scan finds the rows, in ksqlDB's words; None if the key finds them."""
        if self.is_key:
            return None
        several = len(self.keys.columns) > 1
        if len(self.ranges) > 1 and not several:
            return _REPEATED
        if several and (len(self.ranges) + len(self.equal) < len(self.keys.columns)) and self.problem is None:
            return "Multi-column sources must specify every key in the WHERE clause."
        if self.ranges:
            return _NEEDS_SCAN
        return self.problem or "WHERE clause missing key column for disjunct."

    def _add(self, predicate: Expression, functions: FunctionRegistry) -> None:
        if not isinstance(predicate, Comparison):
            self._need_scan(f"WHERE clause missing key column for disjunct: {format_expression(predicate)}.")
            return
        for operator, column, value in _orientations(predicate):
            if column.name in self.window and self.source.is_windowed and not columns_in(value):
                self._add_window(operator, column.name, value, functions)
                return
            key = self.keys.find(column.name)
            if key is not None:
                self._add_key(operator, key, value, predicate, functions)
                return
        self._need_scan(self._scan_reason(predicate))

    def _scan_reason(self, predicate: Comparison) -> str:
        names = {column.name for column in columns_in(predicate)}
        if any(column.name in names for column in self.keys.columns):
            return "A comparison must directly reference a key column."
        return f"WHERE clause missing key column for disjunct: {format_expression(predicate)}."

    def _need_scan(self, problem: str) -> None:
        self.is_exact = False
        self.problem = self.problem or problem

    def _add_key(
        self,
        operator: ComparisonOperator,
        key: Column,
        value: Expression,
        whole: Comparison,
        functions: FunctionRegistry,
    ) -> None:
        if columns_in(value):
            self._need_scan("A comparison must be between a key column and a resolvable expression.")
            return
        self.is_repeated = self.is_repeated or key.name in self.compared
        self.compared.add(key.name)
        if operator is not ComparisonOperator.EQUAL and operator not in _FLIPPED:
            self._need_scan(f"Bound on key columns '[{self.keys}]' must currently be '='. ")
            return
        constant = _key_value(key, value, whole, functions)
        if constant is None:
            self._need_scan(_NEEDS_SCAN)
        elif operator is not ComparisonOperator.EQUAL:
            self.is_exact = False
            self.ranges.append(_bounds(operator, constant[0]))
        elif self.equal.setdefault(key.name, constant[0]) != constant[0]:
            self._need_scan(_REPEATED)

    def _add_window(
        self, operator: ComparisonOperator, name: str, value: Expression, functions: FunctionRegistry
    ) -> None:
        constant = _window_bound(name, value, functions)
        if operator is not ComparisonOperator.EQUAL and operator not in _FLIPPED:
            self.is_exact = False
            return
        narrowed = _narrowed(self.window[name], _bounds(operator, constant))
        self.window[name] = narrowed


def _orientations(predicate: Comparison) -> Sequence[tuple[ComparisonOperator, ColumnRef, Expression]]:
    """The comparison with each side that is a column on the left."""
    seen = []
    if isinstance(predicate.left, ColumnRef):
        seen.append((predicate.operator, predicate.left, predicate.right))
    if isinstance(predicate.right, ColumnRef):
        flipped = _FLIPPED.get(predicate.operator, predicate.operator)
        seen.append((flipped, predicate.right, predicate.left))
    return seen


def _key_value(key: Column, value: Expression, whole: Comparison, functions: FunctionRegistry) -> tuple[object] | None:
    """The value converted to the key's type; None if that type cannot represent it exactly.

    Raises:
        AnalysisError: the value is NULL, or its type cannot be compared with the key.
    """
    found = infer_type(value, {}, functions)
    if found is not None and (found is STRING) != (key.type is STRING) and not insertable(found, key.type):
        raise _not_a_key(key, value)
    if found is not None and not insertable(found, key.type):
        return None
    try:
        constant = None if found is None else insert_value(value, key.type, functions)
    except EVALUATION_ERRORS as error:
        raise _not_a_key(key, value) from error
    if constant is None:
        raise AnalysisError(f"Primary key columns can not be NULL: {format_expression(whole)}")
    return (constant,)


def _window_bound(name: str, value: Expression, functions: FunctionRegistry) -> int:
    try:
        is_whole = infer_type(value, {}, functions) in (INTEGER, BIGINT)
        constant = evaluate(value, functions) if is_whole else None
    except EVALUATION_ERRORS:
        constant = None
    if not isinstance(constant, int):
        raise AnalysisError(
            "Window bounds must resolve to an INT, BIGINT, or STRING containing a datetime: "
            f"{name} is compared with {format_expression(value)}."
        )
    return constant


def _not_a_key(key: Column, value: Expression) -> AnalysisError:
    return AnalysisError(
        f"{format_expression(value)} can not be converted to the type of the key column: {key.name} {key.type} KEY"
    )


def _bounds(operator: ComparisonOperator, value: object) -> Bounds:
    match operator:
        case ComparisonOperator.LESS_THAN:
            return Bounds(upper=value, upper_inclusive=False)
        case ComparisonOperator.LESS_THAN_OR_EQUAL:
            return Bounds(upper=value)
        case ComparisonOperator.GREATER_THAN:
            return Bounds(lower=value, lower_inclusive=False)
        case ComparisonOperator.GREATER_THAN_OR_EQUAL:
            return Bounds(lower=value)
        case _:
            return Bounds(lower=value, upper=value)


def _narrowed(one: Bounds, other: Bounds) -> Bounds:
    """The intersection of two ranges."""
    # Of two equal limits, the exclusive one is narrower, so the second part of the sort key decides.
    lower, lower_inclusive = max(
        (_lower(bounds) for bounds in (one, other)), key=lambda bound: (bound[0], not bound[1])
    )
    upper, upper_inclusive = min((_upper(bounds) for bounds in (one, other)), key=lambda bound: (bound[0], bound[1]))
    return Bounds(
        None if lower == -_INFINITE else lower, None if upper == _INFINITE else upper, lower_inclusive, upper_inclusive
    )


# Beyond every BIGINT, so that open ends can be compared with window bounds.
_INFINITE = 2**64


def _lower(bounds: Bounds) -> tuple[int, bool]:
    return (bounds.lower if isinstance(bounds.lower, int) else -_INFINITE), bounds.lower_inclusive


def _upper(bounds: Bounds) -> tuple[int, bool]:
    return (bounds.upper if isinstance(bounds.upper, int) else _INFINITE), bounds.upper_inclusive
