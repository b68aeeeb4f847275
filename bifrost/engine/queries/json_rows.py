"""Converts the JSON rows of /inserts-stream to values of a source's columns."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import Column
from bifrost.engine.expressions import EVALUATION_ERRORS, evaluate
from bifrost.engine.functions.registry import default_registry
from bifrost.errors import AnalysisError
from bifrost.sql.tree import StringLiteral
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    SqlValue,
    StructField,
)

# The names of Java's classes stand in ksqlDB's error messages, which clients show.
_JAVA = {str: "String", int: "Integer", bool: "Boolean", float: "Double", Decimal: "BigDecimal"}


def insert_target(name: str, metastore: MetaStore) -> DataSource:
    """Returns the source that rows are inserted into.

    Raises:
        AnalysisError: it does not exist or cannot be written.
    """
    plain = _identifier(name)
    target = metastore.find(plain)
    if target is None:
        raise AnalysisError(f"Cannot insert values into an unknown stream/table: `{plain}`")
    if target.read_only:
        raise AnalysisError(f"Cannot insert values into read-only {target.kind.value.lower()}: {target.name}")
    if target.is_windowed:
        raise AnalysisError("Cannot insert values into windowed stream/table!")
    if target.schema.headers:
        raise AnalysisError(f"Cannot insert into {target.name} because it has header columns")
    return target


def json_row(target: DataSource, row: Mapping[str, Any]) -> tuple[tuple[SqlValue, ...], tuple[SqlValue, ...]]:
    """Returns the key and value columns of a JSON object.

    Names match in upper case, or exactly if quoted by backticks; unknown names are ignored.

    Raises:
        AnalysisError: a value cannot be converted to the type of its column.
    """
    given: dict[str, Any] = {}
    for name, value in row.items():
        column = _identifier(name)
        if column in given:
            raise AnalysisError(f"Found ambiguous column name: {column}. Send each column once, in one spelling")
        given[column] = value
    missing = [column.name for column in target.schema.key if given.get(column.name) is None]
    if missing:
        raise AnalysisError(f"Key field must be specified: {', '.join(missing)}")
    key = tuple(_column(column, given) for column in target.schema.key)
    return key, tuple(_column(column, given) for column in target.schema.value)


def _identifier(text: str) -> str:
    """The name that a text stands for, as ksqlDB's clients send it: upper case unless it is in quotes."""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in '`"'
    if not is_quoted:
        return text.upper()
    return text[1:-1].replace(text[0] * 2, text[0])


def _column(column: Column, given: Mapping[str, Any]) -> SqlValue:
    return coerced(given.get(column.name), column.type)


def coerced(value: Any, kind: SqlType) -> SqlValue:
    """Converts a JSON value to a type.

    Raises:
        AnalysisError: it cannot be converted.
    """
    if value is None:
        return None
    found = _coerce(value, kind)
    if found is None:
        shown = _JAVA.get(type(value), "JsonArray" if isinstance(value, list) else "JsonObject")
        place = f"java.lang.{shown}" if type(value) in _JAVA else f"io.vertx.core.json.{shown}"
        raise AnalysisError(f"Can't coerce a field of type class {place} into type {kind}")
    return found


def _coerce(value: Any, kind: SqlType) -> SqlValue:
    """Returns the converted value, or None if it does not fit."""
    match kind:
        case SqlArray(item):
            return [coerced(entry, item) for entry in value] if isinstance(value, list) else None
        case SqlMap(key, item):
            if not isinstance(value, dict):
                return None
            return {_map_key(name, key): coerced(entry, item) for name, entry in value.items()}
        case SqlStruct(fields):
            return _struct(value, fields) if isinstance(value, dict) else None
        case SqlDecimal():
            return _decimal(value, kind)
        case _:
            return _SCALARS[kind](value)


def _map_key(name: str, kind: SqlType) -> SqlValue:
    return name if kind is STRING else coerced(_number(name), kind)


def _struct(value: Mapping[str, Any], fields: tuple[StructField, ...]) -> dict[str, Any]:
    # A name in exact spelling wins over one that matches in upper case only.
    by_name = {name.upper(): entry for name, entry in value.items()} | dict(value)
    return {field.name: coerced(by_name.get(field.name), field.type) for field in fields}


def _number(text: str) -> SqlValue:
    try:
        return int(text)
    except ValueError:
        return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _whole(limit: int) -> Callable[[Any], int | None]:

    def convert(value: Any) -> int | None:
        # In Python a bool is an int; in ksqlDB true does not become 1.
        fits = isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
        return value if fits else None

    return convert


def _double(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _decimal(value: Any, kind: SqlDecimal) -> Decimal | None:
    """The value with the type's scale. As ksqlDB: more digits than that are rounded half up."""
    if not _is_number(value) and not isinstance(value, str):
        return None
    try:
        number = Decimal(str(value))
        rounded = number.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return rounded if rounded.is_finite() and len(rounded.as_tuple().digits) <= kind.precision else None


def _of_text(kind: SqlType) -> Callable[[Any], int | None]:
    def convert(value: Any) -> int | None:
        if not isinstance(value, str):
            return None
        try:
            found: int | None = evaluate(StringLiteral(value), default_registry(), target=kind)
        except EVALUATION_ERRORS:
            return None
        return found

    return convert


def _bytes(value: Any) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return None


_SCALARS: dict[SqlType, Callable[[Any], SqlValue]] = {
    STRING: lambda value: value if isinstance(value, str) else None,
    BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    INTEGER: _whole(1 << 31),
    BIGINT: _whole(1 << 63),
    DOUBLE: _double,
    DATE: _of_text(DATE),
    TIME: _of_text(TIME),
    TIMESTAMP: _of_text(TIMESTAMP),
    BYTES: _bytes,
}
