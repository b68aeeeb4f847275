"""Whether a query that replaces another one can write into its topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import Column, FormatInfo
from bifrost.engine.catalog.topics import TopicInfo, TopicSpec
from bifrost.sql.types import BIGINT, DOUBLE, INTEGER, SqlType

_SCHEMA_FORMATS = frozenset({"AVRO", "PROTOBUF", "JSON_SR"})
_PROMOTIONS: frozenset[tuple[SqlType, SqlType]] = frozenset({(INTEGER, BIGINT), (INTEGER, DOUBLE), (BIGINT, DOUBLE)})
"""Changes of type with which a reader of the new schema still reads the old records."""


def misfit(before: DataSource, after: DataSource, wanted: TopicSpec, found: TopicInfo | None) -> str:
    """The first reason why the records of `after` cannot follow those of `before` in one topic; empty if they can.

    Args:
        wanted: the topic as the new query needs it.
        found: the live topic.
    """
    if before.topic != after.topic:
        return ""
    return next(_misfits(before, after, wanted, found), "")


def _misfits(before: DataSource, after: DataSource, wanted: TopicSpec, found: TopicInfo | None) -> Iterator[str]:
    if found is not None and found.partitions != wanted.partitions:
        yield f"partitions: {found.partitions} -> {wanted.partitions}"
    old_key, new_key = before.formats.key, after.formats.key
    if old_key.format.name != new_key.format.name:
        yield f"key format: {old_key.format.name} -> {new_key.format.name}"
    if (old_key.window and old_key.window.kind) != (new_key.window and new_key.window.kind):
        yield "keys with another kind of window"
    old_types, new_types = _types(before.schema.key), _types(after.schema.key)
    if old_types != new_types:
        yield f"key: {_listed(old_types)} -> {_listed(new_types)}"
    old_value, new_value = before.formats.value.format, after.formats.value.format
    if old_value.name != new_value.name:
        yield f"value format: {old_value.name} -> {new_value.name}"
    yield from _incompatible(before.schema.value, after.schema.value, new_value)


def _incompatible(before: Sequence[Column], after: Sequence[Column], value: FormatInfo) -> Iterator[str]:
    """Columns whose new type the registry refuses, because the old records could no longer be read."""
    if value.name not in _SCHEMA_FORMATS:
        return
    types = {column.name: column.type for column in before}
    for column in after:
        old = types.get(column.name, column.type)
        if old != column.type and (old, column.type) not in _PROMOTIONS:
            yield f"column {column.name}: {old} -> {column.type}, which the schema registry refuses"


def _types(columns: Sequence[Column]) -> list[SqlType]:
    return [column.type for column in columns]


def _listed(types: Sequence[SqlType]) -> str:
    return ", ".join(map(str, types)) or "none"
