"""Map functions."""

from __future__ import annotations

from bifrost.engine.functions.java.hashing import hash_map_order
from bifrost.engine.functions.library import Library
from bifrost.sql.types import SqlValue

LIBRARY = Library("MAP")

_ENTRIES = tuple(
    f"map MAP<STRING, {kind}>, sorted BOOLEAN -> ARRAY<STRUCT<K STRING, V {kind}>>"
    for kind in ("INTEGER", "BIGINT", "DOUBLE", "BOOLEAN", "STRING")
)


@LIBRARY.scalar(
    "MAP_KEYS",
    "input MAP<STRING, V> -> ARRAY<STRING>",
    description="Returns the keys of a map.",
    total=True,
)
def keys(entries: dict[str, SqlValue]) -> list[str]:
    """Return the keys."""
    return hash_map_order(entries)


@LIBRARY.scalar(
    "MAP_VALUES",
    "input MAP<STRING, V> -> ARRAY<V>",
    description="Returns the values of a map.",
    total=True,
)
def values(entries: dict[str, SqlValue]) -> list[SqlValue]:
    """Return the values."""
    return [entries[key] for key in hash_map_order(entries)]


@LIBRARY.scalar(
    "MAP_UNION",
    "map1 MAP<STRING, V>, map2 MAP<STRING, V> -> MAP<STRING, V>",
    description="Returns the entries of two maps; for a key of both, the second map's value wins.",
    nulls=True,
    total=True,
)
def union(first: dict[str, SqlValue] | None, second: dict[str, SqlValue] | None) -> dict[str, SqlValue] | None:
    """Return the entries of both maps; a null map is ignored."""
    if first is None or second is None:
        return first if second is None else second
    return first | second


@LIBRARY.scalar(
    "AS_MAP",
    "keys ARRAY<STRING>, values ARRAY<T> -> MAP<STRING, T>",
    description="Creates a map from an array of keys and an array of values.",
    total=True,
)
def as_map(names: list[str], items: list[SqlValue]) -> dict[str, SqlValue]:
    """Pair each key with the value at its position; keys or values without a partner are dropped."""
    return dict(zip(names, items, strict=False))


@LIBRARY.scalar("ENTRIES", *_ENTRIES, description="Returns the entries of a map as structs of K and V.", total=True)
def entries(pairs: dict[str, SqlValue], ordered: bool) -> list[dict[str, SqlValue]]:
    """Return the entries, sorted by key if requested."""
    names = sorted(pairs, key=lambda name: (name is not None, name or "")) if ordered else hash_map_order(pairs)
    return [{"K": name, "V": pairs[name]} for name in names]
