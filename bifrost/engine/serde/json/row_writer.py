"""Writers of JSON values: one function per set of columns; the output equals that of Connect's JSON converter."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import orjson

from bifrost.engine.functions.java.text import double_text
from bifrost.engine.serde.function_source import FunctionSource
from bifrost.sql.types import BYTES, DOUBLE, STRING, SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType, StructField

Writer = Callable[[tuple[Any, ...]], bytes]
Plain = Callable[[Any], Any]
"""From a SQL value, which is not None, to a value that orjson can write."""


def row_writer(
    columns: Sequence[StructField], prefix: bytes = b"", *, as_objects: bool = False, also: Sequence[str] = ()
) -> Writer:
    """Generate a function from a row to `prefix` and a JSON object.

    `also` names additional members, which are null. A map whose keys are not text becomes a list of pairs, with
    `as_objects` a list of objects of key and value.
    """
    source = FunctionSource("write(row)")
    names = [f"c{at}" for at in range(len(columns))]
    source.line(f"{', '.join(names)}, = row" if names else "pass")
    members = []
    for name, column in zip(names, columns, strict=True):
        convert = plain_of(column.type, as_objects=as_objects)
        value = name
        if convert is not None:
            value = f"None if {name} is None else {_inline(source, name, column.type, convert)}"
        members.append(f"{column.name!r}: {value}")
    members += [f"{name!r}: None" for name in also]
    dumps = source.constant(orjson.dumps, "dumps")
    start = f"{prefix!r} + " if prefix else ""
    source.line(f"return {start}{dumps}({{{', '.join(members)}}})")
    return source.compile("json writer")


def _inline(source: FunctionSource, name: str, kind: SqlType, convert: Plain) -> str:
    call = f"{source.constant(convert)}({name})"
    if kind == DOUBLE:
        return f"{name} if 1e-3 <= {name} < 1e7 else {call}"
    return call


def single_writer(sql_type: SqlType, prefix: bytes = b"", *, as_objects: bool = False) -> Writer:
    """Return a function from a row of one column to `prefix` and its unwrapped JSON value; see `row_writer`."""
    convert = plain_of(sql_type, as_objects=as_objects) or _same
    dumps = orjson.dumps
    return lambda row: prefix + dumps(None if row[0] is None else convert(row[0]))


def plain_of(sql_type: SqlType, *, as_objects: bool) -> Plain | None:
    """Return the conversion from a type's values to values that orjson can write; None if none is needed."""

    def inner(kind: SqlType) -> Plain | None:
        return plain_of(kind, as_objects=as_objects)

    match sql_type:
        case SqlDecimal():
            return _decimal
        case SqlArray(item):
            return _array(inner(item))
        case SqlMap(key, value) if key == STRING:
            return _map(inner(value))
        case SqlMap(key, value):
            return _entries(inner(key), inner(value), as_objects=as_objects)
        case SqlStruct(fields):
            return _struct([(field.name, inner(field.type)) for field in fields])
        case _ if sql_type == DOUBLE:
            return _double
        case _ if sql_type == BYTES:
            return _bytes
        case _:
            return None


def _same(value: Any) -> Any:
    return value


def _double(value: float) -> Any:
    # In this range Java prints a double as orjson does; beyond it Java uses its own form of exponents.
    if 1e-3 <= abs(value) < 1e7 or value == 0:
        return value
    text = double_text(value)
    # NaN and the infinities are no JSON numbers: Jackson writes them as texts.
    return orjson.Fragment(text if "E" in text else f'"{text}"')


def _decimal(value: Decimal) -> Any:
    return orjson.Fragment(format(value, "f"))


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _array(item: Plain | None) -> Plain | None:
    if item is None:
        return None
    return lambda value: [None if inner is None else item(inner) for inner in value]


def _map(item: Plain | None) -> Plain:
    def write(value: dict[str | None, Any]) -> dict[str, Any]:
        # JSON has no null keys; Connect writes this word.
        return {
            "null" if key is None else key: inner if inner is None or item is None else item(inner)
            for key, inner in value.items()
        }

    return write


def _entries(key: Plain | None, item: Plain | None, *, as_objects: bool) -> Plain:
    """Write a map whose keys are not text as Connect does: pairs, or objects of key and value."""
    to_key, to_item = key or _same, item or _same

    def write(value: dict[Any, Any]) -> list[Any]:
        pairs = [
            (None if name is None else to_key(name), None if inner is None else to_item(inner))
            for name, inner in value.items()
        ]
        return [{"key": name, "value": inner} for name, inner in pairs] if as_objects else pairs

    return write


def _struct(members: Sequence[tuple[str, Plain | None]]) -> Plain:
    def write(value: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, convert in members:
            inner = value.get(name)
            out[name] = inner if inner is None or convert is None else convert(inner)
        return out

    return write
