"""Functions of maps."""

from __future__ import annotations

from typing import Any

from bifrost.engine.functions.library import Library

LIBRARY = Library("MAP")

_ENTRIES = tuple(
    f"map MAP<STRING, {kind}>, sorted BOOLEAN -> ARRAY<STRUCT<K STRING, V {kind}>>"
    for kind in ("INTEGER", "BIGINT", "DOUBLE", "BOOLEAN", "STRING")
)


@LIBRARY.scalar(
    "MAP_KEYS",
    "input MAP<STRING, V> -> ARRAY<STRING>",
    description="Gives the keys of a map.",
    total=True,
)
def keys(entries: dict[str, Any]) -> list[str]:
    """The keys."""
    return list(entries)


@LIBRARY.scalar(
    "MAP_VALUES",
    "input MAP<STRING, V> -> ARRAY<V>",
    description="Gives the values of a map.",
    total=True,
)
def values(entries: dict[str, Any]) -> list[Any]:
    """The values."""
    return list(entries.values())


@LIBRARY.scalar(
    "MAP_UNION",
    "map1 MAP<STRING, V>, map2 MAP<STRING, V> -> MAP<STRING, V>",
    description="Gives the entries of two maps; the second one's value of a key holds.",
    nulls=True,
    total=True,
)
def union(first: dict[str, Any] | None, second: dict[str, Any] | None) -> dict[str, Any] | None:
    """The entries of both maps; a null map does not count."""
    if first is None or second is None:
        return first if second is None else second
    return first | second


@LIBRARY.scalar(
    "AS_MAP",
    "keys ARRAY<STRING>, values ARRAY<T> -> MAP<STRING, T>",
    description="Makes a map of an array of keys and an array of values.",
    total=True,
)
def as_map(names: list[str], items: list[Any]) -> dict[str, Any]:
    """Each key with the value at its place; what has no partner is left out."""
    return dict(zip(names, items, strict=False))


@LIBRARY.scalar("ENTRIES", *_ENTRIES, description="Gives the entries of a map as structs of K and V.", total=True)
def entries(pairs: dict[str, Any], ordered: bool) -> list[dict[str, Any]]:
    """The entries, by their keys if wanted."""
    names = sorted(pairs, key=lambda name: (name is not None, name or "")) if ordered else pairs
    return [{"K": name, "V": pairs[name]} for name in names]
