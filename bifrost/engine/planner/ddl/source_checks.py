"""Checks that apply to every stream and table, declared or created by a query."""

from __future__ import annotations

from collections.abc import Sequence

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import Column, Formats, LogicalSchema, TimestampColumn, ValueFormat
from bifrost.engine.functions.javatime.pattern import compile_pattern
from bifrost.engine.serde import validate_format
from bifrost.errors import AnalysisError
from bifrost.sql.tree import SourceKind
from bifrost.sql.types import BIGINT, STRING, TIMESTAMP, SqlArray, SqlMap, SqlStruct, SqlType


def check_formats(schema: LogicalSchema, formats: Formats) -> None:
    """Checks that the formats can hold the key and value columns.

    Raises:
        AnalysisError: a format does not support a column.
    """
    validate_format(formats.key.format, schema.key, is_key=True, features=())
    validate_format(formats.value.format, schema.value, is_key=False, features=_features(formats.value))


def _features(value: ValueFormat) -> tuple[str, ...]:
    if value.wrap_single is None:
        return ()
    return ("WRAP_SINGLES",) if value.wrap_single else ("UNWRAP_SINGLES",)


def check_timestamp(schema: LogicalSchema, timestamp: TimestampColumn | None) -> None:
    """Checks that event time can be read from the column.

    Raises:
        AnalysisError: the column does not exist, its type is not a time, or the pattern is invalid.
    """
    if timestamp is None:
        return
    column = schema.find(timestamp.column)
    if column is None:
        raise missing_timestamp(timestamp.column)
    if column.type is STRING and timestamp.pattern is not None:
        _check_pattern(timestamp.pattern)
        return
    if column.type not in (BIGINT, TIMESTAMP):
        raise AnalysisError(
            f"Timestamp column, `{timestamp.column}`, should be LONG(INT64), TIMESTAMP, "
            "or a String with a timestamp_format specified"
        )
    if timestamp.pattern is not None:
        raise AnalysisError(
            "'TIMESTAMP_FORMAT' set in the WITH clause can only be used with a timestamp column of type STRING."
        )


def _check_pattern(pattern: str) -> None:
    try:
        valid = bool(compile_pattern(pattern))
    except ValueError as error:
        raise AnalysisError(f"Invalid value '{pattern}' for property TIMESTAMP_FORMAT: {error}") from error
    if not valid:
        raise AnalysisError(
            "Invalid value '' for property TIMESTAMP_FORMAT: expected a pattern such as 'yyyy-MM-dd HH:mm:ss'"
        )


def missing_timestamp(column: str) -> AnalysisError:
    """The error of a TIMESTAMP property that names no column."""
    return AnalysisError(f"The TIMESTAMP column set in the WITH clause does not exist in the schema: '{column}'")


def check_replacement(old: DataSource, new: DataSource) -> None:
    """Checks that CREATE OR REPLACE may replace `old` by `new`.

    Raises:
        AnalysisError: they differ in more than columns added at the end.
    """
    name = f"{new.kind.value.lower()} '{new.name}'"
    if old.read_only or new.read_only:
        kind = new.kind.value.lower()
        raise AnalysisError(f"Cannot add {name}: CREATE OR REPLACE is not supported on source {kind}s.")
    for what, before, after in (
        ("type", old.kind.value, new.kind.value),
        ("topic", old.topic, new.topic),
        ("key format", old.formats.key, new.formats.key),
        ("value format", old.formats.value.format.name, new.formats.value.format.name),
    ):
        if before != after:
            raise AnalysisError(
                f"Cannot replace {name}: DataSource '`{new.name}`' has {what} = {before} "
                f"which is not upgradeable to {after}"
            )
    # Columns may be added to values only: another key would place the same rows on other partitions.
    changed = [*_changed(old.schema.key, new.schema.key, may_grow=False), *_changed(old.schema.value, new.schema.value)]
    if changed:
        raise AnalysisError(
            f"Cannot replace {name}: DataSource '`{new.name}`' has schema = {old.schema} which is not upgradeable to "
            f"{new.schema}. (The following columns are changed, missing or reordered: "
            f"[{LogicalSchema(tuple(changed))}])"
        )


def _changed(old: Sequence[Column], new: Sequence[Column], *, may_grow: bool = True) -> list[Column]:
    changed = [column for number, column in enumerate(old) if number >= len(new) or new[number] != column]
    if not may_grow:
        changed += new[len(old) :]
    return changed


def check_name_is_free(name: str, kind: SourceKind, taken: DataSource | None) -> None:
    """Checks that the name is unused.

    Raises:
        AnalysisError: `taken` has the name.
    """
    if taken is not None:
        raise AnalysisError(
            f"Cannot add {kind.value.lower()} '{name}': A {taken.kind.value.lower()} with the same name already exists"
        )


def check_struct_fields(columns: Sequence[Column]) -> None:
    """Checks that no struct has two fields of one name, as schemas with `a` and `A` would give.

    Raises:
        AnalysisError: one has.
    """
    for column in columns:
        repeated = _repeated_field(column.type)
        if repeated is not None:
            raise AnalysisError(
                f"Duplicate field found in STRUCT: '{repeated}', in column `{column.name}` {column.type}. "
                "Names of fields do not distinguish upper and lower case."
            )


def _repeated_field(kind: SqlType) -> str | None:
    match kind:
        case SqlArray(item):
            return _repeated_field(item)
        case SqlMap(key, value):
            return _repeated_field(key) or _repeated_field(value)
        case SqlStruct(fields):
            names = [field.name for field in fields]
            repeated = next((name for name in names if names.count(name) > 1), None)
            inner = (_repeated_field(field.type) for field in fields)
            return repeated or next((name for name in inner if name is not None), None)
        case _:
            return None


def check_key_types(keys: Sequence[tuple[str, SqlType]]) -> None:
    """Checks that no key column contains a map.

    Raises:
        AnalysisError: one does.
    """
    for name, kind in keys:
        if _contains_map(kind):
            raise AnalysisError(
                "Map keys, including types that contain maps, are not supported as they may lead to unexpected "
                f"behavior due to inconsistent serialization. Key column name: `{name}`. Column type: {kind}. "
                "See https://github.com/confluentinc/ksql/issues/6621 for more."
            )


def _contains_map(kind: SqlType) -> bool:
    match kind:
        case SqlMap():
            return True
        case SqlArray(item):
            return _contains_map(item)
        case SqlStruct(fields):
            return any(_contains_map(field.type) for field in fields)
        case _:
            return False


def names_and_types(columns: Sequence[Column]) -> tuple[tuple[str, SqlType], ...]:
    """The name and type of each column."""
    return tuple((column.name, column.type) for column in columns)
