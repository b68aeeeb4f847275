"""TRANSFORM, FILTER and REDUCE: the functions that take lambdas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bifrost.engine.functions.library import Library

LIBRARY = Library("LAMBDA")


@LIBRARY.scalar(
    "TRANSFORM",
    "array ARRAY<T>, lambda (T) => R -> ARRAY<R>",
    description="Gives an array of what a lambda makes of each element.",
)
def transform_array(values: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    """The changed elements."""
    return [change(value) for value in values]


@LIBRARY.scalar(
    "TRANSFORM",
    "map MAP<K, V>, lambda1 (K, V) => R, lambda2 (K, V) => Q -> MAP<R, Q>",
    description="Gives a map of what two lambdas make of each key and value.",
)
def transform_map(
    entries: dict[Any, Any], change_key: Callable[[Any, Any], Any], change_value: Callable[[Any, Any], Any]
) -> dict[Any, Any]:
    """The changed entries."""
    return {change_key(key, value): change_value(key, value) for key, value in entries.items()}


@LIBRARY.scalar(
    "FILTER",
    "array ARRAY<T>, lambda (T) => BOOLEAN -> ARRAY<T>",
    description="Gives the elements of an array for which a lambda is true.",
)
def filter_array(values: list[Any], keep: Callable[[Any], Any]) -> list[Any]:
    """The elements that are kept."""
    return [value for value in values if keep(value)]


@LIBRARY.scalar(
    "FILTER",
    "map MAP<K, V>, lambda (K, V) => BOOLEAN -> MAP<K, V>",
    description="Gives the entries of a map for which a lambda is true.",
)
def filter_map(entries: dict[Any, Any], keep: Callable[[Any, Any], Any]) -> dict[Any, Any]:
    """The entries that are kept."""
    return {key: value for key, value in entries.items() if keep(key, value)}


@LIBRARY.scalar(
    "REDUCE",
    "list ARRAY<T>, state S, reduceFunction (S, T) => S -> S",
    description="Takes the elements of an array into a state, one after the other.",
    nulls=True,
)
def reduce_array(values: list[Any] | None, state: Any, take: Callable[[Any, Any], Any]) -> Any:
    """The last state; the first one where there is no array, null where that is null."""
    if state is None or values is None:
        return state
    for value in values:
        state = take(state, value)
    return state


@LIBRARY.scalar(
    "REDUCE",
    "map MAP<K, V>, state S, reduceFunction (S, K, V) => S -> S",
    description="Takes the entries of a map into a state, one after the other.",
    nulls=True,
)
def reduce_map(entries: dict[Any, Any] | None, state: Any, take: Callable[[Any, Any, Any], Any]) -> Any:
    """The last state; the first one where there is no map, null where that is null."""
    if state is None or entries is None:
        return state
    for key, value in entries.items():
        state = take(state, key, value)
    return state
