"""COUNT, SUM, SUM_LIST, AVG, MIN, MAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from bifrost.engine.functions.java.integers import wrap_bigint, wrap_integer
from bifrost.engine.functions.java.text import DECIMALS
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import BIGINT, INTEGER, SqlArray, SqlDecimal, SqlStruct, SqlType, SqlValue, StructField

LIBRARY = Library("AGGREGATE")

Add = Callable[[SqlValue, SqlValue], SqlValue]
_ORDERED = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "STRING", "BYTES")


def result(state: SqlValue) -> SqlValue:
    """Return the state unchanged."""
    return state


def first_type(types: Sequence[SqlType | None]) -> SqlType:
    """Return the type of the first argument."""
    if types[0] is None:
        raise ValueError("the type of a null is not known")
    return types[0]


@LIBRARY.aggregate("COUNT", "-> BIGINT", description="Counts records by key.", listed=False)
def count_rows(context: AggregateContext) -> Aggregator:
    """COUNT(*) counts all rows."""
    return Aggregator(int, lambda state: state + 1, result, lambda state: state - 1, lambda a, b: a + b)


@LIBRARY.aggregate("COUNT", "val1 T -> BIGINT", description="Counts records by key.")
def count(context: AggregateContext) -> Aggregator:
    """COUNT(value) counts the rows where it is not null."""

    def add(state: int, value: SqlValue) -> int:
        return state if value is None else state + 1

    def remove(state: int, value: SqlValue) -> int:
        return state if value is None else state - 1

    return Aggregator(int, add, result, remove, lambda a, b: a + b)


def _arithmetic(sql_type: SqlType | None) -> tuple[SqlValue, Add, Add]:
    """Return the zero, the addition and the subtraction of a numeric type."""
    if sql_type == INTEGER:
        return 0, lambda a, b: wrap_integer(a + b), lambda a, b: wrap_integer(a - b)
    if sql_type == BIGINT:
        return 0, lambda a, b: wrap_bigint(a + b), lambda a, b: wrap_bigint(a - b)
    if isinstance(sql_type, SqlDecimal):
        return _decimal_arithmetic(sql_type)
    return 0.0, lambda a, b: a + b, lambda a, b: a - b


def _decimal_arithmetic(sql_type: SqlDecimal) -> tuple[SqlValue, Add, Add]:
    limit = Decimal((0, (1,), sql_type.precision - sql_type.scale))

    def within(value: Decimal) -> Decimal:
        if abs(value) >= limit:
            raise OverflowError(
                f"Numeric field overflow: A field with precision {sql_type.precision} and scale {sql_type.scale} "
                f"must round to an absolute value less than {limit:f}. Got {value:f}"
            )
        return value

    zero = Decimal((0, (0,), -sql_type.scale))
    return zero, lambda a, b: within(DECIMALS.add(a, b)), lambda a, b: within(DECIMALS.subtract(a, b))


def _skipping_null(operation: Add) -> Add:
    def apply(state: SqlValue, value: SqlValue) -> SqlValue:
        return state if value is None else operation(state, value)

    return apply


@LIBRARY.aggregate(
    "SUM",
    *(f"val {kind} -> {kind}" for kind in ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL")),
    description="Adds up the values of each key; nulls do not count.",
    result=first_type,
)
def total(context: AggregateContext) -> Aggregator:
    """Sum the values; 0 if all are null. A DECIMAL sum that exceeds its type's precision fails."""
    zero, add, subtract = _arithmetic(context.types[0])
    return Aggregator(lambda: zero, _skipping_null(add), result, _skipping_null(subtract), add)


@LIBRARY.aggregate(
    "SUM_LIST",
    *(f"val ARRAY<{kind}> -> {kind}" for kind in ("INTEGER", "BIGINT", "DOUBLE")),
    description="Adds up all numbers of the arrays of each key; nulls do not count.",
)
def total_of_lists(context: AggregateContext) -> Aggregator:
    """Sum all elements."""
    item = context.types[0].item if isinstance(context.types[0], SqlArray) else None
    zero, add, subtract = _arithmetic(item)

    def sum_of(values: list[SqlValue]) -> SqlValue:
        numbers = (value for value in values if value is not None)
        subtotal = zero
        for number in numbers:
            subtotal = add(subtotal, number)
        return subtotal

    return Aggregator(
        lambda: zero,
        _skipping_null(lambda state, values: add(state, sum_of(values))),
        result,
        _skipping_null(lambda state, values: subtract(state, sum_of(values))),
        add,
    )


def _average_state(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct((StructField("SUM", first_type(types)), StructField("COUNT", BIGINT)))


@LIBRARY.aggregate(
    "AVG",
    *(f"val {kind} -> DOUBLE" for kind in ("INTEGER", "BIGINT", "DOUBLE")),
    description="Returns the average of the values of each key; nulls do not count.",
    state=_average_state,
)
def average(context: AggregateContext) -> Aggregator:
    """Average the values; 0.0 if there are none."""
    zero, add, subtract = _arithmetic(context.types[0])

    def include(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        return state if value is None else [add(state[0], value), state[1] + 1]

    def exclude(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        return state if value is None else [subtract(state[0], value), state[1] - 1]

    return Aggregator(
        lambda: [zero, 0],
        include,
        lambda state: float(state[0]) / state[1] if state[1] else 0.0,
        exclude,
        lambda a, b: [add(a[0], b[0]), a[1] + b[1]],
    )


def _extreme(choose: Callable[[SqlValue, SqlValue], SqlValue]) -> Aggregator:
    def add(state: SqlValue, value: SqlValue) -> SqlValue:
        if state is None or value is None:
            return value if state is None else state
        return choose(state, value)

    # No `remove`: without the extreme value, the next one is unknown.
    return Aggregator(lambda: None, add, result, None, add)


@LIBRARY.aggregate(
    "MIN",
    *(f"val {kind} -> {kind}" for kind in _ORDERED),
    description="Returns the smallest value of each key; nulls do not count.",
    result=first_type,
)
def least(context: AggregateContext) -> Aggregator:
    """Return the smallest value, null if all are null."""
    return _extreme(min)


@LIBRARY.aggregate(
    "MAX",
    *(f"val {kind} -> {kind}" for kind in _ORDERED),
    description="Returns the largest value of each key; nulls do not count.",
    result=first_type,
)
def greatest(context: AggregateContext) -> Aggregator:
    """Return the largest value, null if all are null."""
    return _extreme(max)
