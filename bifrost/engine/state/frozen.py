"""Converts keys with arrays, maps or structs to a hashable form and back; other keys are hashable already."""

from __future__ import annotations

from bifrost.sql.types import SqlArray, SqlMap, SqlStruct, SqlType, SqlValue

Key = tuple[SqlValue, ...]


class FrozenList(tuple[SqlValue, ...]):
    """An array in a key."""

    __slots__ = ()


class FrozenDict(tuple[tuple[SqlValue, SqlValue], ...]):
    """A map or struct in a key, as its items in order of insertion."""

    __slots__ = ()

    # Maps are equal whatever the order of their entries.
    def __hash__(self) -> int:
        return hash(frozenset(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenDict) and frozenset(self) == frozenset(other)

    # `tuple` has a `__ne__`, which compares in order and ignores the `__eq__` above.
    def __ne__(self, other: object) -> bool:
        return not self == other


def is_plain(sql_type: SqlType) -> bool:
    """Whether values of the type are hashable without conversion."""
    return not isinstance(sql_type, SqlArray | SqlMap | SqlStruct)


def freeze(value: SqlValue) -> SqlValue:
    """Returns the value with its lists and dicts made hashable."""
    if isinstance(value, list):
        return FrozenList(freeze(item) for item in value)
    if isinstance(value, dict):
        return FrozenDict((freeze(name), freeze(item)) for name, item in value.items())
    return value


def thaw(value: SqlValue) -> SqlValue:
    """Reverts `freeze`."""
    if isinstance(value, FrozenList):
        return [thaw(item) for item in value]
    if isinstance(value, FrozenDict):
        return {thaw(name): thaw(item) for name, item in value}
    return value


def freeze_key(key: Key | None) -> Key | None:
    """Returns the key with each of its columns frozen."""
    return None if key is None else tuple(freeze(part) for part in key)


def thaw_key(key: Key) -> Key:
    """Returns the key with each of its columns thawed."""
    return tuple(thaw(part) for part in key)
