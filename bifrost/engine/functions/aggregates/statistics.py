"""CORRELATION, STDDEV_SAMP and STDDEV_SAMPLE, as running sums that can be undone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bifrost.engine.functions.aggregates.basic import first_type
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import BIGINT, DOUBLE, SqlStruct, SqlType, StructField

LIBRARY = Library("AGGREGATE")

_NUMERIC = ("INTEGER", "BIGINT", "DOUBLE")


def _deviation_state(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct((StructField("SUM", first_type(types)), StructField("COUNT", BIGINT), StructField("M2", DOUBLE)))


def _spread_change(count: int, total: float, value: float) -> float:
    """What one of `count` values that sum up to `total` adds to the sum of squared distances from the mean."""
    distance = count * value - total
    return distance * distance / (count * (count - 1)) if count > 1 else 0.0


def _include(state: list[Any], value: Any) -> list[Any]:
    if value is None:
        return state
    total, count, spread = state
    return [total + value, count + 1, spread + _spread_change(count + 1, total + value, value)]


def _exclude(state: list[Any], value: Any) -> list[Any]:
    if value is None:
        return state
    total, count, spread = state
    return [total - value, count - 1, spread - _spread_change(count, total, value)]


def _merge_spread(first: list[Any], second: list[Any]) -> list[Any]:
    (sum_a, count_a, spread_a), (sum_b, count_b, spread_b) = first, second
    if not count_a or not count_b:
        return second if not count_a else first
    distance = count_b * sum_a - count_a * sum_b
    between = distance * distance / (count_a * count_b * (count_a + count_b))
    return [sum_a + sum_b, count_a + count_b, spread_a + spread_b + between]


def _variance(state: list[Any]) -> float:
    spread: float = state[2]
    return spread / (state[1] - 1) if state[1] > 1 else 0.0


@LIBRARY.aggregate(
    "STDDEV_SAMPLE",
    *(f"val {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Gives the sample standard deviation of the values of each key.",
    state=_deviation_state,
)
def deviation(context: AggregateContext) -> Aggregator:
    """The square root of the sample variance; 0.0 of fewer than two values."""
    return Aggregator(lambda: [0, 0, 0.0], _include, lambda state: math.sqrt(_variance(state)), _exclude, _merge_spread)


@LIBRARY.aggregate(
    "STDDEV_SAMP",
    *(f"val {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Gives the sample variance of the values of each key; STDDEV_SAMPLE takes its root.",
    state=_deviation_state,
)
def variance(context: AggregateContext) -> Aggregator:
    """The sample variance: ksqlDB kept the old function's results and added STDDEV_SAMPLE."""
    return Aggregator(lambda: [0, 0, 0.0], _include, _variance, _exclude, _merge_spread)


_SUMS = ("N", "SUM_X", "SUM_Y", "SUM_XY", "SUM_XX", "SUM_YY")


def _correlation_state(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct(tuple(StructField(name, BIGINT if name == "N" else DOUBLE) for name in _SUMS))


@LIBRARY.aggregate(
    "CORRELATION",
    *(f"x {kind}, y {kind} -> DOUBLE" for kind in _NUMERIC),
    description="Gives the Pearson correlation of two columns over the rows of each key.",
    state=_correlation_state,
)
def correlation(context: AggregateContext) -> Aggregator:
    """Pearson's coefficient; rows with a null do not count, NaN of fewer than two rows."""

    def change(state: list[Any], x: Any, y: Any, sign: int) -> list[Any]:
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


def _pearson(state: list[Any]) -> float:
    n, x, y, xy, xx, yy = state
    if n < 2:
        return math.nan
    # In this order of operations the last digit is ksqlDB's.
    spread = math.sqrt(max(0.0, (n * xx - x * x) * (n * yy - y * y)))
    return (n * xy - x * y) / spread if spread else math.nan
