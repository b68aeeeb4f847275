"""Functions of JSON texts."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from json import JSONDecodeError, JSONDecoder
from typing import Any

import orjson

from bifrost.engine.functions.java.text import decimal_text, double_text, value_text
from bifrost.engine.functions.javatime.isotime import date_text, time_text, timestamp_text
from bifrost.engine.functions.library import CallContext, FunctionError, Library
from bifrost.sql.types import BYTES, DATE, TIME, TIMESTAMP, SqlArray, SqlDecimal, SqlMap, SqlStruct, SqlType, SqlValue

LIBRARY = Library("JSON")

_PATH = re.compile(r"\.(?P<name>[^.\[\]'\"]+)|\[(?P<index>\d+)\]|\.?\[?(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]?")
_MISSING = object()


def _no_constant(name: str) -> Any:
    raise ValueError(f"not JSON: {name}")


_BLANKS = " \t\r\n"
_LENIENT = JSONDecoder(parse_constant=_no_constant, parse_float=Decimal)
"""Keeps the digits of fractions, as ksqlDB does."""


def _parsed(text: str) -> Any:
    """Parse the JSON value at the start of a text; as in ksqlDB, trailing text is ignored.

    Raises:
        FunctionError: the text does not start with a JSON value.
    """
    try:
        return _LENIENT.raw_decode(text.lstrip(_BLANKS))[0]
    except (JSONDecodeError, ValueError, RecursionError) as error:
        raise FunctionError(f"Invalid JSON format:{text}") from error


class PlainNumber(str):
    """A number's text, which JSON shows without quotes."""

    __slots__ = ()


def json_text(value: Any) -> str:
    """Return the value as compact JSON, numbers as Java prints them."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case PlainNumber():
            return str(value)
        case float():
            return double_text(value)
        case Decimal():
            return exact_text(value)
        case int():
            return str(value)
        case list():
            return f"[{','.join(map(json_text, value))}]"
        case dict():
            return f"{{{','.join(f'{_quoted(key)}:{json_text(item)}' for key, item in value.items())}}}"
        case _:
            return _quoted(value)


def exact_text(value: Decimal) -> str:
    """Return a number of a JSON text with its digits as they were written, as Java's BigDecimal prints it."""
    return str(value if value else abs(value))


def _quoted(value: Any) -> str:
    return orjson.dumps("null" if value is None else str(value)).decode()


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str | int, ...]:
    """Split a JSON path into names and indexes, such as `$.a[0].'b c'`."""
    if not path.startswith("$"):
        raise FunctionError(f"Invalid JSON path: {path}: it must begin with $")
    steps: list[str | int] = []
    place = 1
    while place < len(path):
        step = _PATH.match(path, place)
        if step is None:
            raise FunctionError(f"Invalid JSON path: {path}")
        index = step["index"]
        steps.append(int(index) if index is not None else step["name"] or step["quoted"])
        place = step.end()
    return tuple(steps)


@LIBRARY.scalar(
    "EXTRACTJSONFIELD",
    "input STRING, path STRING -> STRING",
    description="Returns the value at a JSON path in a text, as text.",
)
def extract_field(text: str, path: str) -> str | None:
    """Return the value at the path; null if it does not exist."""
    steps = _steps(path)
    try:
        found = _at(orjson.loads(text), steps)
    except orjson.JSONDecodeError:
        # A float sends the text to the exact parser below, which accepts more and raises the error if there is one.
        found = 0.0
    if _loses_digits(found):
        found = _at(_parsed(text), steps)
    return None if found is _MISSING else _bare_text(found)


def _loses_digits(value: Any) -> bool:
    """Return whether the fast parser may have changed a number in the value: it makes floats of fractions."""
    match value:
        case float():
            return True
        case list():
            return any(map(_loses_digits, value))
        case dict():
            return any(map(_loses_digits, value.values()))
        case _:
            return False


def _at(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = _step_into(value, step)
        if value is _MISSING:
            return _MISSING
    return value


def _bare_text(value: Any) -> str:
    """Return a text without quotes, any other value as JSON."""
    return value if isinstance(value, str) else json_text(value)


def _step_into(value: Any, step: str | int) -> Any:
    if isinstance(value, list):
        return value[step] if isinstance(step, int) and step < len(value) else _MISSING
    return value.get(str(step), _MISSING) if isinstance(value, dict) else _MISSING


@LIBRARY.scalar(
    "IS_JSON_STRING",
    "input STRING -> BOOLEAN",
    description="Returns whether a text is JSON.",
    nulls=True,
    total=True,
)
def is_json(text: str | None) -> bool:
    """Return whether the text is JSON; false for null."""
    if text is None:
        return False
    try:
        _parsed(text)
    except FunctionError:
        return False
    return True


@LIBRARY.scalar(
    "JSON_ARRAY_LENGTH",
    "jsonArray STRING -> INTEGER",
    description="Returns the length of a JSON array.",
)
def array_length(text: str) -> int | None:
    """Return the array's length; null for any other JSON value."""
    value = _parsed(text)
    return len(value) if isinstance(value, list) else None


@LIBRARY.scalar(
    "JSON_ARRAY_CONTAINS",
    *(f"jsonArray STRING, val {kind} -> BOOLEAN" for kind in ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "STRING")),
    description="Returns whether a JSON array contains a value.",
    nulls=True,
    total=True,
)
def array_contains(text: str | None, wanted: Any) -> bool:
    """Return whether an element has the value and its JSON type; false if the text is not an array."""
    try:
        value = _parsed(text) if text is not None else None
    except FunctionError:
        return False
    return isinstance(value, list) and any(_equals(item, wanted) for item in value)


def _equals(item: Any, wanted: SqlValue) -> bool:
    if isinstance(item, Decimal) and isinstance(wanted, float):
        return float(item) == wanted
    # Types are compared as well, since True equals 1 in Python.
    return type(item) is type(wanted) and bool(item == wanted)


@LIBRARY.scalar(
    "JSON_KEYS",
    "jsonObj STRING -> ARRAY<STRING>",
    description="Returns the keys of a JSON object.",
)
def keys(text: str) -> list[str] | None:
    """Return the keys in order; null for any other JSON value."""
    value = _parsed(text)
    return list(value) if isinstance(value, dict) else None


@LIBRARY.scalar(
    "JSON_RECORDS",
    "jsonObj STRING -> MAP<STRING, STRING>",
    description="Returns the keys and values of a JSON object.",
)
def records(text: str) -> dict[str, str] | None:
    """Return the entries; null for any other JSON value."""
    value = _parsed(text)
    return {key: _bare_text(item) for key, item in value.items()} if isinstance(value, dict) else None


@LIBRARY.scalar(
    "JSON_ITEMS",
    "jsonItems STRING -> ARRAY<STRING>",
    description="Returns the elements of a JSON array, each as JSON.",
)
def items(text: str) -> list[str] | None:
    """Return the elements; null for any other JSON value."""
    value = _parsed(text)
    return [json_text(item) for item in value] if isinstance(value, list) else None


@LIBRARY.scalar(
    "JSON_CONCAT",
    "jsonStrings STRING... -> STRING",
    description="Merges JSON objects to one object; joins any other values to one array.",
)
def concat(*texts: str) -> str:
    """Merge objects (the last value of a key wins); if any value is not an object, concatenate all into one array."""
    values = [_with_plain_numbers(_parsed(text)) for text in texts]
    if len(values) == 1:
        return json_text(values[0])
    if all(isinstance(value, dict) for value in values):
        merged: dict[str, Any] = {}
        for value in values:
            merged |= value
        return json_text(merged)
    return json_text([item for value in values for item in (value if isinstance(value, list) else [value])])


def _with_plain_numbers(value: Any) -> Any:
    """Return a JSON value whose fractions are written without an exponent, as ksqlDB writes JSON."""
    match value:
        case Decimal():
            return PlainNumber(decimal_text(value if value else abs(value)))
        case list():
            return [_with_plain_numbers(item) for item in value]
        case dict():
            return {name: _with_plain_numbers(item) for name, item in value.items()}
        case _:
            return value


@LIBRARY.scalar(
    "TO_JSON_STRING",
    "val T -> STRING",
    description="Converts a value of any type to JSON.",
    nulls=True,
    total=True,
    made=True,
)
def make_to_json(context: CallContext) -> Callable[[Any], str]:
    """Make the conversion to JSON: members sorted by name, dates and times as text, bytes as base64."""
    plain = _plain(context.types[0])
    return lambda value: json_text(plain(value))


def _plain(sql_type: SqlType | None) -> Callable[[Any], Any]:
    """Return the conversion from values of the type to values that JSON can represent."""
    match sql_type:
        case SqlArray(item):
            inner = _plain(item)
            return _unless_null(lambda values: [inner(value) for value in values])
        case SqlMap(_, value_type):
            inner = _plain(value_type)
            return _unless_null(lambda entries: {key: inner(entries[key]) for key in sorted(entries, key=value_text)})
        case SqlStruct(fields):
            parts = sorted([(field.name, _plain(field.type)) for field in fields], key=lambda part: part[0])
            return _unless_null(lambda struct: {name: part(struct[name]) for name, part in parts})
        case SqlDecimal():
            return _unless_null(lambda value: PlainNumber(decimal_text(value)))
        case _ if sql_type == DATE:
            return _unless_null(date_text)
        case _ if sql_type == TIME:
            return _unless_null(time_text)
        case _ if sql_type == TIMESTAMP:
            return _unless_null(timestamp_text)
        case _ if sql_type == BYTES:
            return _unless_null(lambda value: base64.b64encode(value).decode())
        case _:
            return lambda value: value


def _unless_null(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)
