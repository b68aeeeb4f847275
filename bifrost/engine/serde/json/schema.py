"""JSON schemas to SQL types and back, as Kafka Connect's JSON Schema converter and ksqlDB do it between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    SqlPrimitive,
    SqlStruct,
    SqlType,
    StructField,
)

_CONNECT = "org.apache.kafka.connect.data."
_NULL = {"type": "null"}
_TITLES: dict[str, SqlType] = {"Date": DATE, "Time": TIME, "Timestamp": TIMESTAMP}
_NUMBERS: dict[str, SqlType] = {
    "int8": INTEGER,
    "int16": INTEGER,
    "int32": INTEGER,
    "int64": BIGINT,
    "float32": DOUBLE,
    "float64": DOUBLE,
}


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is seen while a schema is read: how to rename, the whole schema, and others by their names."""

    rename: Callable[[str], str]
    root: Any
    others: Mapping[str, Any]


def json_sql_type(text: str, rename: Callable[[str], str], imports: Mapping[str, str] | None = None) -> SqlType | None:
    """The SQL type of a JSON schema, None where it cannot be one; `rename` changes property names.

    `imports` are texts of the schemas it refers to, by name.

    Raises:
        SerdeError: it is not a JSON schema, or it is recursive.
    """
    root = _loaded(text)
    others = {name: _loaded(other) for name, other in (imports or {}).items()}
    try:
        return _type(root, _Sight(rename, root, others), ())
    except RecursionError:
        raise SerdeError("JSON schema is nested too deeply") from None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerdeError(f"Not a JSON schema: {error}") from error


def _type(schema: Any, sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    match schema:
        case {"$ref": str() as target}:
            if target in above:
                raise SerdeError(f"JSON schema is recursive at {target}; such schemas cannot be columns")
            found, root = _referenced(target, sight)
            return _type(found, _Sight(sight.rename, root, sight.others), (*above, target))
        case {"oneOf": list() as choices} | {"anyOf": list() as choices}:
            return _choice(choices, sight, above)
        case {"allOf": list() as choices}:
            return _all(choices, sight, above)
        case {"type": list() as kinds}:
            rest = {name: value for name, value in schema.items() if name != "type"}
            return _choice([{**rest, "type": kind} for kind in kinds], sight, above)
        case {"enum": list()} | {"const": str()}:
            return STRING
        case {"type": str() as kind}:
            return _typed(kind, schema, sight, above)
        case {"properties": dict()}:
            return _typed("object", schema, sight, above)
        case _:
            return None


def _typed(kind: str, schema: Mapping[str, Any], sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    connect = schema.get("connect.type")
    title = str(schema.get("title", "")).removeprefix(_CONNECT)
    match kind:
        case "boolean":
            return BOOLEAN
        case "integer":
            return _TITLES.get(title, _NUMBERS.get(connect or "int64", BIGINT))
        case "number" if title == "Decimal":
            return _decimal(schema.get("connect.parameters", {}))
        case "number":
            return _TITLES.get(title, _NUMBERS.get(connect or "float64", DOUBLE))
        case "string" if connect == "bytes":
            return _decimal(schema.get("connect.parameters", {})) if title == "Decimal" else BYTES
        case "string":
            return STRING
        case "array":
            return _array(schema, sight, above)
        case "object":
            return _object(schema, sight, above)
        case _:
            return None


def _decimal(parameters: Mapping[str, str]) -> SqlDecimal:
    return SqlDecimal(int(parameters.get("connect.decimal.precision", 64)), int(parameters.get("scale", 0)))


def _array(schema: Mapping[str, Any], sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    items = schema.get("items")
    if isinstance(items, list):
        items = items[0] if items else None
    if schema.get("connect.type") == "map" and isinstance(items, dict):
        properties = items.get("properties", {})
        key, value = (_type(properties.get(name), sight, above) for name in ("key", "value"))
        return SqlMap(key, value) if key is not None and value is not None else None
    item = _type(items, sight, above)
    return item and SqlArray(item)


def _object(schema: Mapping[str, Any], sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict) and (schema.get("connect.type") == "map" or not schema.get("properties")):
        value = _type(additional, sight, above)
        return value and SqlMap(STRING, value)
    properties = schema.get("properties", {})
    fields = [
        StructField(sight.rename(name), kind)
        for name in _in_order(properties)
        if (kind := _type(properties[name], sight, above)) is not None
    ]
    return SqlStruct(tuple(fields)) if fields else None


def _choice(choices: Sequence[Any], sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    """One of several: nullable where the other is null, a struct with a field for each where there are more."""
    present = [choice for choice in choices if not (isinstance(choice, dict) and choice.get("type") == "null")]
    if len(present) == 1:
        return _type(present[0], sight, above)
    typed = [(f"connect_union_field_{at}", _type(choice, sight, above)) for at, choice in enumerate(present)]
    fields = tuple(StructField(sight.rename(name), kind) for name, kind in typed if kind is not None)
    return SqlStruct(fields) if fields else None


def _all(choices: Sequence[Any], sight: _Sight, above: tuple[str, ...]) -> SqlType | None:
    """All of several: objects' fields together, else the one that says a type."""
    kinds = [kind for choice in choices if (kind := _type(choice, sight, above)) is not None]
    structs = [kind for kind in kinds if isinstance(kind, SqlStruct)]
    if not structs:
        return kinds[0] if kinds else None
    by_name = {field.name: field for struct in structs for field in struct.fields}
    return SqlStruct(tuple(by_name.values()))


def _referenced(target: str, sight: _Sight) -> tuple[Any, Any]:
    """What a reference points at, and the schema that it is part of."""
    document, _, pointer = target.partition("#")
    root = sight.others.get(document) if document else sight.root
    found = root
    for step in pointer.strip("/").split("/") if pointer.strip("/") else ():
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise SerdeError(f"JSON schema refers to {target}, which is not there")
    return found, root


def _in_order(properties: Mapping[str, Any]) -> list[str]:
    """Property names by `connect.index`; those without one in the order of a Java HashMap, as ksqlDB shows them."""
    hashed = sorted(properties, key=lambda name: _java_bucket(name, len(properties)))
    return sorted(hashed, key=lambda name: _index(properties[name]))


def _index(schema: Any) -> int:
    index = schema.get("connect.index") if isinstance(schema, dict) else None
    return index if isinstance(index, int) else 1 << 31


def _java_bucket(name: str, count: int) -> int:
    """The place of a text in a HashMap of that many entries (which fills up to three quarters)."""
    buckets = 16
    while count > buckets * 3 // 4:
        buckets *= 2
    units = name.encode("utf-16-be", "surrogatepass")
    code = 0
    for at in range(0, len(units), 2):
        code = (31 * code + int.from_bytes(units[at : at + 2], "big")) & 0xFFFFFFFF
    return (code ^ (code >> 16)) & (buckets - 1)


# --- and back


def row_schema_text(fields: Sequence[StructField]) -> str:
    """The JSON schema that ksqlDB registers for some columns."""
    return json.dumps(_struct(fields), separators=(",", ":"))


def single_schema_text(kind: SqlType) -> str:
    """The JSON schema of one unwrapped column."""
    return json.dumps(_nullable(kind), separators=(",", ":"))


def _struct(fields: Sequence[StructField]) -> dict[str, Any]:
    properties = {field.name: {"connect.index": at, **_nullable(field.type)} for at, field in enumerate(fields)}
    return {"type": "object", "properties": properties}


def _nullable(kind: SqlType) -> dict[str, Any]:
    return {"oneOf": [_NULL, _schema(kind)]}


def _schema(kind: SqlType) -> dict[str, Any]:
    match kind:
        case SqlDecimal(precision, scale):
            parameters = {"scale": str(scale), "connect.decimal.precision": str(precision)}
            return {**_logical("number", "Decimal", "bytes"), "connect.parameters": parameters}
        case SqlArray(item):
            return {"type": "array", "items": _nullable(item)}
        case SqlMap(key, value) if key == STRING:
            return {"type": "object", "connect.type": "map", "additionalProperties": _nullable(value)}
        case SqlMap(key, value):
            entry = _struct((StructField("key", key), StructField("value", value)))
            return {"type": "array", "items": entry, "connect.type": "map"}
        case SqlStruct(fields):
            return _struct(fields)
        case SqlPrimitive():
            return _SCHEMAS[kind]
        case _:
            raise SerdeError(f"Schema is not compatible with JSON_SR: type {kind}")


def _logical(kind: str, title: str, connect: str) -> dict[str, Any]:
    return {"type": kind, "title": f"{_CONNECT}{title}", "connect.version": 1, "connect.type": connect}


_SCHEMAS: dict[SqlPrimitive, dict[str, Any]] = {
    BOOLEAN: {"type": "boolean"},
    INTEGER: {"type": "integer", "connect.type": "int32"},
    BIGINT: {"type": "integer", "connect.type": "int64"},
    DOUBLE: {"type": "number", "connect.type": "float64"},
    STRING: {"type": "string"},
    BYTES: {"type": "string", "connect.type": "bytes"},
    DATE: _logical("integer", "Date", "int32"),
    TIME: _logical("integer", "Time", "int32"),
    TIMESTAMP: _logical("integer", "Timestamp", "int64"),
}
