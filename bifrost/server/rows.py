"""Rows of query results as JSON, as ksqlDB prints them: exact decimals, times as text, bytes as base64."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from bifrost.engine.functions.java.text import decimal_text, double_text
from bifrost.engine.queries.rows import ResultColumn
from bifrost.sql.types import BYTES, DATE, DOUBLE, TIME, TIMESTAMP, SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType

Convert = Callable[[Any], Any]
RowEncoder = Callable[[Sequence[Any]], bytes]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_encoder(columns: Sequence[ResultColumn]) -> RowEncoder:
    """A function that encodes a row as the JSON array of its values."""
    converters = [(at, _nullable(convert)) for at, c in enumerate(columns) if (convert := converter(c.type))]
    dumps = orjson.dumps
    if not converters:
        return dumps

    def encode(row: Sequence[Any]) -> bytes:
        values = list(row)
        for at, convert in converters:
            values[at] = convert(values[at])
        return dumps(values)

    return encode


def converter(kind: SqlType) -> Convert | None:
    """A function that converts values of a type for JSON; None if they need no conversion."""
    match kind:
        case SqlDecimal():
            # A fragment goes into the JSON as it is: orjson has no decimals, and a float would lose digits.
            return lambda value: orjson.Fragment(decimal_text(value))
        case SqlArray():
            return _array(converter(kind.item))
        case SqlMap():
            return _map(converter(kind.value))
        case SqlStruct():
            return _struct([(field.name, converter(field.type)) for field in kind.fields])
        case _:
            return _SCALARS.get(kind)


def _double(value: float) -> Any:
    text = double_text(value)
    # JSON has no numbers for NaN and Infinity, so they are strings; only they end with a letter.
    return orjson.Fragment(text) if text[-1].isdigit() else text


def _timestamp(value: int) -> str:
    return (_EPOCH + timedelta(milliseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value % 1000:03d}"


def _date(value: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=value)).isoformat()


def _time(value: int) -> str:
    seconds, rest = divmod(value, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    # As Java's `LocalTime.toString`, which omits seconds and fractions that are zero.
    if seconds % 60 or rest:
        text += f":{seconds % 60:02d}"
    return f"{text}.{rest:03d}" if rest else text


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


_SCALARS: dict[SqlType, Convert] = {DOUBLE: _double, TIMESTAMP: _timestamp, DATE: _date, TIME: _time, BYTES: _bytes}


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _array(item: Convert | None) -> Convert | None:
    if item is None:
        return None
    each = _nullable(item)
    return lambda value: [each(entry) for entry in value]


def _map(item: Convert | None) -> Convert:
    each = _nullable(item) if item is not None else lambda value: value
    return lambda value: {_name(key): each(entry) for key, entry in value.items()}


def _name(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return double_text(key) if isinstance(key, float) else str(key)


def _struct(fields: list[tuple[str, Convert | None]]) -> Convert:
    each = [(name, _nullable(convert) if convert is not None else None) for name, convert in fields]
    return lambda value: {
        name: value.get(name) if convert is None else convert(value.get(name)) for name, convert in each
    }
