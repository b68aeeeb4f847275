"""COLLECT_LIST, COLLECT_SET, HISTOGRAM, ATTR."""

from __future__ import annotations

import sys

from bifrost.engine.functions.aggregates.basic import first_type, result
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library, Settings
from bifrost.sql.types import BIGINT, SqlArray, SqlStruct, SqlValue, StructField

LIBRARY = Library("AGGREGATE")

_HISTOGRAM_LIMIT = 1000


def _limit(settings: Settings, name: str) -> int:
    """Return the size limit from a property; unlimited by default."""
    return int(settings.get(name, sys.maxsize))


@LIBRARY.aggregate(
    "COLLECT_LIST",
    "val T -> ARRAY<T>",
    description="Collects all values of each key in an array, including nulls and duplicates.",
)
def collect_list(context: AggregateContext) -> Aggregator:
    """Collect all values in order of arrival, at most `ksql.functions.collect_list.limit`."""
    limit = _limit(context.settings, "ksql.functions.collect_list.limit")

    def add(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        return [*state, value] if len(state) < limit else state

    return Aggregator(list, add, result, without_last, lambda a, b: (a + b)[:limit])


def without_last(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
    """Return the list without its last item that equals the value."""
    for place in range(len(state) - 1, -1, -1):
        if state[place] == value:
            return state[:place] + state[place + 1 :]
    return state


@LIBRARY.aggregate(
    "COLLECT_SET",
    "val T -> ARRAY<T>",
    description="Collects the distinct values of each key in an array, including null.",
)
def collect_set(context: AggregateContext) -> Aggregator:
    """Collect distinct values in order of first arrival, at most `ksql.functions.collect_set.limit`."""
    limit = _limit(context.settings, "ksql.functions.collect_set.limit")

    def add(state: list[SqlValue], value: SqlValue) -> list[SqlValue]:
        return [*state, value] if len(state) < limit and value not in state else state

    def merge(first: list[SqlValue], second: list[SqlValue]) -> list[SqlValue]:
        return (first + [value for value in second if value not in first])[:limit]

    return Aggregator(list, add, result, None, merge)


@LIBRARY.aggregate(
    "HISTOGRAM",
    "val STRING -> MAP<STRING, BIGINT>",
    description="Counts how often each text occurs among the values of each key, for the first 1000 texts.",
)
def histogram(context: AggregateContext) -> Aggregator:
    """Count each text; the result is a map from text to count."""

    def add(state: dict[str, int], value: str | None) -> dict[str, int]:
        if value is None or (value not in state and len(state) >= _HISTOGRAM_LIMIT):
            return state
        return {**state, value: state.get(value, 0) + 1}

    def remove(state: dict[str, int], value: str | None) -> dict[str, int]:
        if value is None or value not in state:
            return state
        left = {**state, value: state[value] - 1}
        if left[value] < 1:
            del left[value]
        return left

    def merge(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
        merged = dict(first)
        for text, number in second.items():
            if text in merged or len(merged) < _HISTOGRAM_LIMIT:
                merged[text] = merged.get(text, 0) + number
        return merged

    return Aggregator(dict, add, result, remove, merge)


@LIBRARY.aggregate(
    "ATTR",
    "val T -> T",
    description="Returns the value that all rows of a key share, null if they differ.",
    state=lambda types: SqlArray(SqlStruct((StructField("VALUE", first_type(types)), StructField("COUNT", BIGINT)))),
)
def attribute(context: AggregateContext) -> Aggregator:
    """Return the only distinct value, else null; null counts as a value. The state is a list of [value, count]."""

    def change(state: list[list[SqlValue]], value: SqlValue, by: int) -> list[list[SqlValue]]:
        counts = [[seen, number + by] if seen == value else [seen, number] for seen, number in state]
        if all(seen != value for seen, _ in state):
            counts.append([value, by])
        return [entry for entry in counts if entry[1] > 0]

    def merge(first: list[list[SqlValue]], second: list[list[SqlValue]]) -> list[list[SqlValue]]:
        merged = first
        for value, number in second:
            merged = change(merged, value, number)
        return merged

    return Aggregator(
        list,
        lambda state, value: change(state, value, 1),
        lambda state: state[0][0] if len(state) == 1 else None,
        lambda state, value: change(state, value, -1),
        merge,
    )
