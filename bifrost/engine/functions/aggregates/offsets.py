"""EARLIEST_BY_OFFSET and LATEST_BY_OFFSET.

A state holds each value with the sequence number of its arrival, because sessions that are merged may overlap in time.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from bifrost.engine.functions.aggregates.basic import first_type
from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import BIGINT, SqlArray, SqlStruct, SqlType, SqlValue, StructField

LIBRARY = Library("AGGREGATE")

_sequence = itertools.count(time.time_ns())
"""Starts at the current time, so that numbers keep growing after a restart and stored states stay comparable."""

_SINGLE = ("val T -> T", "val T; ignoreNulls BOOLEAN -> T")
_SEVERAL = ("val T; n INTEGER -> ARRAY<T>", "val T; n INTEGER, ignoreNulls BOOLEAN -> ARRAY<T>")

Seen = list[SqlValue]
"""[order, value]"""


def _seen(types: Sequence[SqlType | None]) -> SqlType:
    return SqlStruct((StructField("SEQ", BIGINT), StructField("VAL", first_type(types))))


def _all_seen(types: Sequence[SqlType | None]) -> SqlType:
    return SqlArray(_seen(types))


def _ignores_nulls(literals: tuple[SqlValue, ...]) -> bool:
    return literals[-1] if literals and isinstance(literals[-1], bool) else True


def _value(state: Seen | None) -> SqlValue:
    return None if state is None else state[1]


@LIBRARY.aggregate(
    "LATEST_BY_OFFSET", *_SINGLE, description="Returns the last value of each key by offset.", state=_seen
)
def latest(context: AggregateContext) -> Aggregator:
    """Return the value that arrived last."""
    skip = _ignores_nulls(context.literals)

    def add(state: Seen | None, value: SqlValue) -> Seen | None:
        return state if value is None and skip else [next(_sequence), value]

    def merge(first: Seen | None, second: Seen | None) -> Seen | None:
        return max(filter(None, (first, second)), key=_order, default=None)

    return Aggregator(lambda: None, add, _value, None, merge)


@LIBRARY.aggregate(
    "EARLIEST_BY_OFFSET", *_SINGLE, description="Returns the first value of each key by offset.", state=_seen
)
def earliest(context: AggregateContext) -> Aggregator:
    """Return the value that arrived first."""
    skip = _ignores_nulls(context.literals)

    def add(state: Seen | None, value: SqlValue) -> Seen | None:
        return state if state is not None or (value is None and skip) else [next(_sequence), value]

    def merge(first: Seen | None, second: Seen | None) -> Seen | None:
        return min(filter(None, (first, second)), key=_order, default=None)

    return Aggregator(lambda: None, add, _value, None, merge)


def _order(seen: Seen) -> int:
    order: int = seen[0]
    return order


def _checked_size(name: str, literals: tuple[SqlValue, ...]) -> int:
    size: int = literals[0]
    if size < 1:
        raise ValueError(f"{name} must be called with n >= 1, got {size}")
    return size


@LIBRARY.aggregate(
    "LATEST_BY_OFFSET", *_SEVERAL, description="Returns the last n values of each key by offset.", state=_all_seen
)
def latest_several(context: AggregateContext) -> Aggregator:
    """Return the n values that arrived last, oldest first."""
    size = _checked_size("LATEST_BY_OFFSET", context.literals)
    skip = _ignores_nulls(context.literals)

    def add(state: list[Seen], value: SqlValue) -> list[Seen]:
        return state if value is None and skip else [*state, [next(_sequence), value]][-size:]

    return Aggregator(list, add, _values, None, lambda a, b: sorted(a + b, key=_order)[-size:])


@LIBRARY.aggregate(
    "EARLIEST_BY_OFFSET", *_SEVERAL, description="Returns the first n values of each key by offset.", state=_all_seen
)
def earliest_several(context: AggregateContext) -> Aggregator:
    """Return the n values that arrived first."""
    size = _checked_size("EARLIEST_BY_OFFSET", context.literals)
    skip = _ignores_nulls(context.literals)

    def add(state: list[Seen], value: SqlValue) -> list[Seen]:
        return state if len(state) >= size or (value is None and skip) else [*state, [next(_sequence), value]]

    return Aggregator(list, add, _values, None, lambda a, b: sorted(a + b, key=_order)[:size])


def _values(state: list[Seen]) -> list[SqlValue]:
    return [value for _, value in state]
