"""CORRELATION, STDDEV_SAMP and STDDEV_SAMPLE, as running sums from which values can be removed again."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bifrost.engine.functions.aggregates.basic import first_type
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import BIGINT, DOUBLE, SqlStruct, SqlType, SqlValue, StructField

LIBRARY = Library("AGGREGATE")

_NUMERIC = ("INTEGER", "BIGINT", "DOUBLE")


def _deviation_state(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct((StructField("SUM", first_type(types)), StructField("COUNT", BIGINT), StructField("M2", DOUBLE)))


def _spread_change(count: int, total: float, value: float) -> float:
    """Return how much one of `count` values with sum `total` adds to the sum of squared distances from the mean."""
    # A difference of sums of squares would lose its digits if the values are large and close to each other.
    distance = count * value - total
    return distance * distance / (count * (count - 1)) if count > 1 else 0.0


def _include(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
    if value is None:
        return state
    total, count, spread = state
    return [total + value, count + 1, spread + _spread_change(count + 1, total + value, value)]


def _exclude(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
    if value is None:
        return state
    total, count, spread = state
    return [total - value, count - 1, spread - _spread_change(count, total, value)]


def _merge_spread(first: list[SqlValue], second: list[SqlValue]) -> list[SqlValue]:
    (sum_a, count_a, spread_a), (sum_b, count_b, spread_b) = first, second
    if not count_a or not count_b:
        return second if not count_a else first
    distance = count_b * sum_a - count_a * sum_b
    between = distance * distance / (count_a * count_b * (count_a + count_b))
    return [sum_a + sum_b, count_a + count_b, spread_a + spread_b + between]


def _variance(state: list[SqlValue]) -> float:
    spread: float = state[2]
    return spread / (state[1] - 1) if state[1] > 1 else 0.0


@LIBRARY.aggregate(
    "STDDEV_SAMPLE",
    *(f"val {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the sample standard deviation of the values of each key.",
    state=_deviation_state,
)
def deviation(context: AggregateContext) -> Aggregator:
    """Return the square root of the sample variance; 0.0 for fewer than two values."""
    return Aggregator(lambda: [0, 0, 0.0], _include, lambda state: math.sqrt(_variance(state)), _exclude, _merge_spread)


@LIBRARY.aggregate(
    "STDDEV_SAMP",
    *(f"val {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the sample variance of the values of each key; STDDEV_SAMPLE takes its root.",
    state=_deviation_state,
)
def variance(context: AggregateContext) -> Aggregator:
    """Return the sample variance: ksqlDB kept the results of the old function and added STDDEV_SAMPLE."""
    return Aggregator(lambda: [0, 0, 0.0], _include, _variance, _exclude, _merge_spread)


_SUMS = ("N", "SUM_X", "SUM_Y", "SUM_XY", "SUM_XX", "SUM_YY")


def _correlation_state(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct(tuple(StructField(name, BIGINT if name == "N" else DOUBLE) for name in _SUMS))


@LIBRARY.aggregate(
    "CORRELATION",
    *(f"x {kind}, y {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Returns the Pearson correlation of two columns over the rows of each key.",
    state=_correlation_state,
)
def correlation(context: AggregateContext) -> Aggregator:
    """Return Pearson's coefficient; rows with a null do not count, NaN for fewer than two rows."""

    def change(state: list[SqlValue], x: SqlValue, y: SqlValue, sign: int) -> list[SqlValue]:
        if x is None or y is None:
            return state
        x, y = float(x), float(y)
        parts = (1, x, y, x * y, x * x, y * y)
        return [total + sign * part for total, part in zip(state, parts, strict=True)]

    return Aggregator(
        lambda: [0, 0.0, 0.0, 0.0, 0.0, 0.0],
        lambda state, x, y: change(state, x, y, 1),
        _pearson,
        lambda state, x, y: change(state, x, y, -1),
        lambda a, b: [first + second for first, second in zip(a, b, strict=True)],
    )


def _pearson(state: list[SqlValue]) -> float:
    n, x, y, xy, xx, yy = state
    if n < 2:
        return math.nan
    # ksqlDB evaluates in this order; another order changes the last digit.
    spread = math.sqrt(max(0.0, (n * xx - x * x) * (n * yy - y * y)))
    return (n * xy - x * y) / spread if spread else math.nan
