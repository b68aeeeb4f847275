"""TRANSFORM, FILTER and REDUCE: the functions that take lambdas."""

from __future__ import annotations

from collections.abc import Callable

from bifrost.engine.functions.java.hashing import hash_map_order
from bifrost.engine.functions.java.text import value_text
from bifrost.engine.functions.library import FunctionError, Library
from bifrost.sql.types import SqlValue

LIBRARY = Library("LAMBDA")


@LIBRARY.scalar(
    "TRANSFORM",
    "array ARRAY<T>, lambda (T) => R -> ARRAY<R>",
    description="Returns an array with the lambda's result for each element.",
)
def transform_array(values: list[SqlValue], change: Callable[[SqlValue], SqlValue]) -> list[SqlValue]:
    """Return the transformed elements."""
    return [change(value) for value in values]


@LIBRARY.scalar(
    "TRANSFORM",
    "map MAP<K, V>, lambda1 (K, V) => R, lambda2 (K, V) => Q -> MAP<R, Q>",
    description="Returns a map whose keys and values are the results of two lambdas.",
)
def transform_map(
    entries: dict[SqlValue, SqlValue],
    change_key: Callable[[SqlValue, SqlValue], SqlValue],
    change_value: Callable[[SqlValue, SqlValue], SqlValue],
) -> dict[SqlValue, SqlValue]:
    """Return the transformed entries; two entries must not have the same new key."""
    changed: dict[SqlValue, SqlValue] = {}
    for key, value in entries.items():
        new_key = change_key(key, value)
        if new_key in changed:
            raise FunctionError(f"Duplicate key {value_text(new_key)}")
        changed[new_key] = _present(change_value(key, value))
    return changed


def _holds(condition: SqlValue) -> bool:
    """Return a lambda's condition, which must not be null: Java cannot unbox it, so ksqlDB fails."""
    if condition is None:
        raise FunctionError("The condition of FILTER is null")
    return bool(condition)


def _present(value: SqlValue) -> SqlValue:
    """Return the value, which must not be null: Java's collectors refuse null as a map's value, so ksqlDB does."""
    if value is None:
        raise FunctionError("A value of the resulting map is null")
    return value


@LIBRARY.scalar(
    "FILTER",
    "array ARRAY<T>, lambda (T) => BOOLEAN -> ARRAY<T>",
    description="Returns the elements of an array for which a lambda is true.",
)
def filter_array(values: list[SqlValue], keep: Callable[[SqlValue], SqlValue]) -> list[SqlValue]:
    """Return the elements for which the lambda is true."""
    return [value for value in values if _holds(keep(value))]


@LIBRARY.scalar(
    "FILTER",
    "map MAP<K, V>, lambda (K, V) => BOOLEAN -> MAP<K, V>",
    description="Returns the entries of a map for which a lambda is true.",
)
def filter_map(
    entries: dict[SqlValue, SqlValue], keep: Callable[[SqlValue, SqlValue], SqlValue]
) -> dict[SqlValue, SqlValue]:
    """Return the entries for which the lambda is true."""
    return {key: _present(value) for key, value in entries.items() if _holds(keep(key, value))}


@LIBRARY.scalar(
    "REDUCE",
    "list ARRAY<T>, state S, reduceFunction (S, T) => S -> S",
    description="Reduces the elements of an array to one state with a lambda.",
    nulls=True,
)
def reduce_array(
    values: list[SqlValue] | None, state: SqlValue, take: Callable[[SqlValue, SqlValue], SqlValue]
) -> SqlValue:
    """Return the final state; the initial one for a null array, null for a null initial state."""
    if state is None or values is None:
        return state
    for value in values:
        state = take(state, value)
    return state


@LIBRARY.scalar(
    "REDUCE",
    "map MAP<K, V>, state S, reduceFunction (S, K, V) => S -> S",
    description="Reduces the entries of a map to one state with a lambda.",
    nulls=True,
)
def reduce_map(
    entries: dict[SqlValue, SqlValue] | None, state: SqlValue, take: Callable[[SqlValue, SqlValue, SqlValue], SqlValue]
) -> SqlValue:
    """Return the final state; the initial one for a null map, null for a null initial state."""
    if state is None or entries is None:
        return state
    for key in hash_map_order(entries):
        state = take(state, key, entries[key])
    return state
