"""Plans INSERT INTO ... VALUES: one record, with its values cast to the target's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bifrost.engine.analysis.scope import did_you_mean
from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import PSEUDO_COLUMNS, ROWTIME, Column
from bifrost.engine.expressions import EVALUATION_ERRORS, infer_type
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.planner.coercion import insertable
from bifrost.engine.planner.insert_values import insert_value
from bifrost.engine.planner.outcome import InsertValuesPlan
from bifrost.errors import AnalysisError
from bifrost.sql.tree import Expression, InsertValues, SourceKind
from bifrost.sql.types import BIGINT, SqlType, SqlValue


def plan_insert_values(
    statement: InsertValues, text: str, metastore: MetaStore, functions: FunctionRegistry
) -> InsertValuesPlan:
    """The record that a statement writes; columns that it does not name are null.

    Raises:
        AnalysisError: the target is not writable, a column is unknown, a value has a wrong type, or a key is missing.
    """
    target = _target(statement.target, metastore)
    names = statement.columns or tuple(column.name for column in (*target.schema.key, *target.schema.value))
    _check_names(target, names)
    if len(names) != len(statement.values):
        raise AnalysisError(f"Failed to insert values into '{target.name}'. Expected a value for each column.")
    given = dict(zip(names, statement.values, strict=True))
    values = {name: _value(target, name, value, functions) for name, value in given.items()}
    _check_key(target, values)
    timestamp = values.get(ROWTIME)
    if isinstance(timestamp, int) and timestamp < 0:
        raise AnalysisError(
            f"Failed to insert values into '{target.name}'. ROWTIME must not be negative, but is {timestamp}."
        )
    return InsertValuesPlan(
        statement=text,
        target=target,
        key=_row(target.schema.key, values),
        value=_row(target.schema.value, values),
        timestamp=timestamp if isinstance(timestamp, int) else None,
    )


def _target(name: str, metastore: MetaStore) -> DataSource:
    target = metastore.find(name)
    if target is None:
        raise AnalysisError(
            f"Cannot insert values into an unknown stream/table: `{name}`{did_you_mean(name, metastore)}"
        )
    if target.read_only:
        raise AnalysisError(f"Cannot insert values into read-only {target.kind.value.lower()}: {name}")
    if target.is_windowed:
        raise AnalysisError("Cannot insert values into windowed stream/table")
    return target


def _check_names(target: DataSource, names: Sequence[str]) -> None:
    headers = [column.name for column in target.schema.headers if column.name in names]
    if headers:
        raise AnalysisError(f"Cannot insert into HEADER columns: {', '.join(headers)}")
    for name in names:
        if name in PSEUDO_COLUMNS and name != ROWTIME:
            raise AnalysisError(f"Inserting into column `{name}` is not allowed.")
        if name != ROWTIME and target.schema.find(name) is None:
            raise AnalysisError(
                f"Failed to insert values into '{target.name}'. Column name `{name}` does not exist in the schema: "
                f"{target.schema}"
            )
        if names.count(name) > 1:
            raise AnalysisError(f"Failed to insert values into '{target.name}'. Column `{name}` occurs more than once.")


def _value(target: DataSource, name: str, expression: Expression, functions: FunctionRegistry) -> SqlValue:
    column = target.schema.find(name)
    wanted: SqlType = BIGINT if column is None else column.type
    try:
        found = infer_type(expression, {}, functions)
    except AnalysisError as error:
        raise AnalysisError(
            f"Failed to insert values into '{target.name}'. The value for field `{name}` is invalid: {error.message}"
        ) from error
    if not insertable(found, wanted):
        raise AnalysisError(
            f"Failed to insert values into '{target.name}'. Expected type {wanted} for field `{name}` but got {found}."
        )
    try:
        return insert_value(expression, wanted, functions)
    except EVALUATION_ERRORS as error:
        raise AnalysisError(
            f"Failed to insert values into '{target.name}'. The value for field `{name}` cannot be converted to "
            f"{wanted}: {error}"
        ) from error


def _check_key(target: DataSource, values: Mapping[str, object]) -> None:
    missing = [column.name for column in target.schema.key if values.get(column.name) is None]
    if target.kind is SourceKind.TABLE and missing:
        raise AnalysisError(
            f"Failed to insert values into '{target.name}'. Value for primary key column(s) {', '.join(missing)} "
            "is required for tables"
        )


def _row(columns: Sequence[Column], values: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(values.get(column.name) for column in columns)
