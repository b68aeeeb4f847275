"""The comparisons of ASSERT statements in test files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import PSEUDO_COLUMNS, ROWTIME, WINDOW_BOUNDS, WINDOWEND, WINDOWSTART, Column
from bifrost.engine.expressions import EVALUATION_ERRORS, evaluate
from bifrost.engine.functions.registry import default_registry
from bifrost.engine.planner import Planner
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.outcome import CreatePlan
from bifrost.engine.serde import split_windowed_key
from bifrost.engine.testing.driver import Driver, MemoryEnvironment, TopicRecord
from bifrost.errors import AnalysisError, BifrostError
from bifrost.sql.tree import (
    AssertSource,
    AssertTombstone,
    AssertValues,
    CreateSource,
    Expression,
    ParsedStatement,
    StringLiteral,
)
from bifrost.sql.types import SqlType


class ExpectationFailed(BifrostError):
    """A record differs from an ASSERT statement, or is missing."""


def check_record(
    driver: Driver, source: DataSource, record: TopicRecord, expected: AssertValues | AssertTombstone
) -> None:
    """Compares a record of the source's topic with the expected values of the listed columns.

    Raises:
        ExpectationFailed: the record differs.
        AnalysisError: a column is unknown, or an expected value does not have the column's type.
    """
    tombstone = isinstance(expected, AssertTombstone)
    shown = source.schema.key if tombstone else (*source.schema.key, *source.schema.value)
    names = expected.columns or tuple(column.name for column in shown)
    if len(names) != len(expected.values):
        raise AnalysisError(f"Expected a value for each column of {source.name}: {', '.join(names)}")
    wanted = {name: _value(source, name, text) for name, text in zip(names, expected.values, strict=True)}
    actual = _columns(driver, source, record)
    if tombstone and record.value is not None:
        raise ExpectationFailed(_different(source, f"{wanted} with a null value", actual))
    found = {name: actual.get(name) for name in names}
    if found != wanted:
        raise ExpectationFailed(_different(source, wanted, found))


def _different(source: DataSource, expected: object, actual: object) -> str:
    return f"Expected record does not match actual. Source: {source.name}. Expected: {expected}, actual: {actual}"


def _value(source: DataSource, name: str, expression: Expression) -> Any:
    try:
        return evaluate(expression, default_registry(), target=_type_of(source, name))
    except EVALUATION_ERRORS as error:
        raise AnalysisError(
            f"The expected value of {source.name}.{name} cannot be converted to the column's type: {error}"
        ) from error


def _type_of(source: DataSource, name: str) -> SqlType:
    column = source.schema.find(name)
    if column is not None:
        return column.type
    known = {**PSEUDO_COLUMNS, **(WINDOW_BOUNDS if source.is_windowed else {})}
    if name not in known:
        raise AnalysisError(f"Column `{name}` does not exist in {source.name}: {source.schema}")
    return known[name]


def _columns(driver: Driver, source: DataSource, record: TopicRecord) -> dict[str, Any]:
    """A record's columns by name."""
    found: dict[str, Any] = {ROWTIME: record.timestamp}
    key_bytes, window = record.key, source.formats.key.window
    if window is not None and key_bytes is not None:
        key_bytes, found[WINDOWSTART], found[WINDOWEND] = split_windowed_key(key_bytes, window)
    key = driver.serdes.key_deserializer(source.topic, source.formats.key, source.schema.key)(key_bytes)
    row = driver.serdes.value_deserializer(source.topic, source.formats.value, source.schema.value)(record.value)
    found |= _named(source.schema.key, key)
    found |= _named(source.schema.value, row)
    return found


def _named(columns: tuple[Column, ...], row: tuple[Any, ...] | None) -> dict[str, Any]:
    values = row if row is not None else (None,) * len(columns)
    return {column.name: value for column, value in zip(columns, values, strict=True)}


_PARTS: tuple[tuple[str, Callable[[DataSource], object]], ...] = (
    ("type", lambda source: source.kind.value),
    ("schema", lambda source: str(source.schema)),
    ("kafka topic", lambda source: source.topic),
    ("key format", lambda source: source.formats.key.format),
    ("value format", lambda source: source.formats.value.format),
    ("key serde features", lambda source: source.formats.key.unwrap_single),
    ("value serde features", lambda source: source.formats.value.wrap_single),
    ("timestamp column", lambda source: source.timestamp),
    ("window", lambda source: source.formats.key.window),
)


def check_source(driver: Driver, expected: AssertSource) -> None:
    """Compares a source with the one that CREATE with the same columns and properties would create.

    Raises:
        AnalysisError: no such source exists, or it differs.
    """
    actual = driver.metastore.find(expected.name)
    if actual is None:
        raise AnalysisError(f"Source `{expected.name}` does not exist.")
    wanted = _planned(driver, expected)
    for part, want, have in _parts(wanted, actual):
        if want != have:
            raise AnalysisError(
                f"Expected {part} does not match actual for source {actual.name}. Expected: {want}, actual: {have}"
            )


def _parts(wanted: DataSource, actual: DataSource) -> Iterator[tuple[str, object, object]]:
    return ((name, part(wanted), part(actual)) for name, part in _PARTS)


def _planned(driver: Driver, expected: AssertSource) -> DataSource:
    environment = MemoryEnvironment(registry=driver.environment.registry)
    topic = expected.properties.get("KAFKA_TOPIC")
    if isinstance(topic, StringLiteral):
        environment.add(topic.value, driver.environment.topic(topic.value))
    create = CreateSource(expected.kind, expected.name, expected.elements, expected.properties)
    metastore = MetaStore(types=dict(driver.metastore.types))
    planner = Planner(metastore, default_registry(), environment, PlannerConfig.of(driver.properties))
    planned = planner.plan(ParsedStatement("", create, 1, 1))
    assert isinstance(planned, CreatePlan)  # the metastore is empty, so the name is free
    return planned.source
