"""JSON values to SQL values: one converter per type, with ksqlDB's coercions."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import orjson

from bifrost.engine.serde.avro.binary import fit_decimal, parse_decimal
from bifrost.engine.serde.errors import SerdeError
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
    render_type,
)

Converter = Callable[[Any], Any]
"""From a JSON value, which is not null, to a SQL value. Fractions are floats, or Decimals in an exact reading."""

INT_RANGE = (-(2**31), 2**31 - 1)
LONG_RANGE = (-(2**63), 2**63 - 1)
WHOLE_TYPES: dict[SqlType, tuple[int, int]] = {
    INTEGER: INT_RANGE,
    DATE: INT_RANGE,
    TIME: INT_RANGE,
    BIGINT: LONG_RANGE,
    TIMESTAMP: LONG_RANGE,
}

# A float holds every whole number up to this one.
_FLOAT_EXACT = 2.0**53

_WHOLE = re.compile(r"[+-]?[0-9]+")
# What Java's Double.parseDouble accepts, except hexadecimal forms.
_FRACTION = re.compile(r"[\s]*[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?[\s]*")


class NeedsExact(Exception):
    """A fraction was read as float, but its exact digits matter: parse the text again with Decimals."""


def converter(sql_type: SqlType) -> Converter:
    """Return the function that converts a JSON value to that type.

    The function raises SerdeError for a value that cannot be converted, and NeedsExact.
    """
    match sql_type:
        case SqlDecimal(precision, scale):
            return lambda value: fit_decimal(_decimal(value, sql_type), precision, scale)
        case SqlArray(item):
            return _array(item, sql_type)
        case SqlMap(key, value):
            return _map(key, value, sql_type)
        case SqlStruct():
            return _struct(sql_type)
        case _ if sql_type in WHOLE_TYPES:
            low, high = WHOLE_TYPES[sql_type]
            return lambda value: _whole(value, sql_type, low, high)
        case _:
            return _SCALARS[sql_type]


def _boolean(value: Any) -> bool:
    if value.__class__ is bool:
        return bool(value)
    raise invalid(value, BOOLEAN)


# Classes are compared exactly, since a bool is an instance of int.
def _whole(value: Any, sql_type: SqlType, low: int, high: int) -> int:
    if value.__class__ is int:
        number: int = value
    elif value.__class__ is str and _WHOLE.fullmatch(value):
        number = int(value)
    elif value.__class__ is str:
        raise SerdeError(f"Can't coerce string to type. targetType: {sql_type}")
    elif value.__class__ is float and abs(value) >= _FLOAT_EXACT:
        raise NeedsExact
    elif value.__class__ is float or value.__class__ is Decimal:
        # As in Java, a fraction is truncated. Check the range first: the int of Decimal("1e999999999") is huge.
        number = int(value) if low <= value <= high else high + 1
    else:
        raise invalid(value, sql_type)
    if not low <= number <= high:
        raise SerdeError(f"Number {number} is out of range for type {sql_type}")
    return number


def _double(value: Any) -> float:
    kind = value.__class__
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int or kind is Decimal:
        try:
            return float(value)
        # As in Java, a number beyond the range becomes infinite.
        except OverflowError:
            return math.copysign(math.inf, value)
    if kind is str and _FRACTION.fullmatch(value):
        return float(value.strip().rstrip("fFdD"))
    if kind is str:
        raise SerdeError(f"Can't coerce string to type. targetType: {DOUBLE}")
    raise invalid(value, DOUBLE)


def _decimal(value: Any, sql_type: SqlType) -> Decimal:
    kind = value.__class__
    if kind is int or kind is Decimal:
        return Decimal(value)
    if kind is float:
        raise NeedsExact
    if kind is str:
        number = parse_decimal(value)
        if number is not None:
            return number
        raise SerdeError(f"Can't coerce string to type. targetType: {sql_type}")
    raise invalid(value, sql_type)


def text_of(value: Any) -> str:
    """Convert any JSON value for a VARCHAR column as ksqlDB does: text as it is, an object as its JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            raise NeedsExact
        case Decimal():
            return _digits(value)
        # As in ksqlDB, an array gets the text of a Java list, not that of JSON.
        case list():
            return f"[{', '.join('null' if item is None else text_of(item) for item in value)}]"
        case _:
            return _compact(value)


def _digits(value: Decimal) -> str:
    """Return a number as Java's BigDecimal prints it: with its digits, and no minus before zero."""
    return str(value if value else abs(value))


def _compact(value: Any) -> str:
    """Return an object's compact JSON text, with its numbers as they were written."""
    return orjson.dumps(_printable(value)).decode()


def _printable(value: Any) -> Any:
    match value:
        case float():
            raise NeedsExact
        case Decimal():
            return orjson.Fragment(_digits(value))
        case int() if not LONG_RANGE[0] <= value <= LONG_RANGE[1]:
            return orjson.Fragment(str(value))
        case dict():
            return {name: _printable(inner) for name, inner in value.items()}
        case list():
            return [_printable(inner) for inner in value]
        case _:
            return value


def _bytes(value: Any) -> bytes:
    if value.__class__ is not str:
        raise invalid(value, BYTES)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise SerdeError(f"Can't coerce string to type. targetType: {BYTES}: it is not base64") from None


def _array(item: SqlType, sql_type: SqlArray) -> Converter:
    convert = converter(item)

    def read(value: Any) -> list[Any]:
        if value.__class__ is not list:
            raise invalid(value, sql_type)
        return [None if inner is None else convert(inner) for inner in value]

    return read


def _map(key: SqlType, item: SqlType, sql_type: SqlMap) -> Converter:
    convert, convert_key = converter(item), converter(key)

    def read(value: Any) -> dict[Any, Any]:
        if value.__class__ is list and key != STRING:
            return read_list(value)
        if value.__class__ is not dict:
            raise invalid(value, sql_type)
        return {convert_key(name): None if inner is None else convert(inner) for name, inner in value.items()}

    def read_list(value: list[Any]) -> dict[Any, Any]:
        # Connect writes a map whose keys are not text as pairs; in JSON_SR as objects of key and value.
        out: dict[Any, Any] = {}
        for pair in value:
            match pair:
                case [name, inner] | {"key": name, "value": inner}:
                    out[None if name is None else convert_key(name)] = None if inner is None else convert(inner)
                case _:
                    raise invalid(value, sql_type)
        return out

    return read


def _struct(sql_type: SqlStruct) -> Converter:
    members = [(field.name, converter(field.type)) for field in sql_type.fields]

    def read(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise invalid(value, sql_type)
        out: dict[str, Any] = {}
        upper: dict[str, Any] | None = None
        for name, convert in members:
            inner = value.get(name)
            if inner is None and name not in value:
                upper = upper or {key.upper(): member for key, member in value.items()}
                inner = upper.get(name)
            out[name] = None if inner is None else convert(inner)
        return out

    return read


_NODES: dict[type, str] = {
    bool: "BooleanNode",
    float: "DecimalNode",
    Decimal: "DecimalNode",
    str: "TextNode",
    list: "ArrayNode",
    dict: "ObjectNode",
}


def _node(value: Any) -> str:
    """Return the name of Jackson's class for a JSON value, which ksqlDB's errors show."""
    if value.__class__ is int:
        fits = (low <= value <= high for low, high in (INT_RANGE, LONG_RANGE))
        return "IntNode" if next(fits) else "LongNode" if next(fits) else "BigIntegerNode"
    return _NODES.get(type(value), "NullNode")


def invalid(value: Any, sql_type: SqlType) -> SerdeError:
    """Return the error for a JSON value of another type, in ksqlDB's words."""
    shown = render_type(sql_type, lambda name: name)
    return SerdeError(f"Can't convert type. sourceType: {_node(value)}, requiredType: {shown}")


def failing_path(value: Any, sql_type: SqlType) -> str:
    """Return where in a value the conversion fails, as in `.A[1].B`; empty for the value itself.

    Only errors need the path, so converters do not keep one: this function searches it afterwards.
    """
    for step, inner, kind in _parts(value, sql_type):
        if inner is not None and _fails(inner, kind):
            return step + failing_path(inner, kind)
    return ""


def _parts(value: Any, sql_type: SqlType) -> Iterator[tuple[str, Any, SqlType]]:
    match sql_type:
        case SqlArray(item) if isinstance(value, list):
            yield from ((f"[{at}]", inner, item) for at, inner in enumerate(value))
        case SqlMap(key, item) if isinstance(value, dict):
            for name, inner in value.items():
                yield f".{name}.key", name, key
                yield f".{name}.value", inner, item
        case SqlStruct(fields) if isinstance(value, dict):
            upper = {name.upper(): inner for name, inner in value.items()}
            yield from ((f".{f.name}", value.get(f.name, upper.get(f.name)), f.type) for f in fields)


def _fails(value: Any, sql_type: SqlType) -> bool:
    try:
        converter(sql_type)(value)
    except (SerdeError, ValueError, ArithmeticError):
        return True
    return False


_SCALARS: dict[SqlType, Converter] = {BOOLEAN: _boolean, DOUBLE: _double, STRING: text_of, BYTES: _bytes}
