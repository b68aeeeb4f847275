"""JSON schemas to SQL types and back, as Kafka Connect's JSON Schema converter and ksqlDB together convert them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.engine.functions.java.hashing import hash_map_order
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
class _SchemaContext:
    """The context of reading a schema: how to rename properties, the whole schema, and imported schemas by name."""

    rename: Callable[[str], str]
    root: Any
    others: Mapping[str, Any]


def json_sql_type(text: str, rename: Callable[[str], str], imports: Mapping[str, str] | None = None) -> SqlType | None:
    """Return the SQL type of a JSON schema, None if it has none; `rename` changes property names.

    `imports` are the texts of the schemas it refers to, by name.

    Raises:
        SerdeError: it is not a JSON schema, or it is recursive.
    """
    root = _loaded(text)
    others = {name: _loaded(other) for name, other in (imports or {}).items()}
    try:
        return _type(root, _SchemaContext(rename, root, others), ())
    except RecursionError:
        raise SerdeError("JSON schema is nested too deeply") from None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerdeError(f"Not a JSON schema: {error}") from error


def _type(schema: Any, context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    match schema:
        case {"$ref": str() as target}:
            if target in above:
                raise SerdeError(f"JSON schema is recursive at {target}; such schemas cannot be columns")
            found, root = _referenced(target, context)
            return _type(found, _SchemaContext(context.rename, root, context.others), (*above, target))
        case {"oneOf": list() as choices} | {"anyOf": list() as choices}:
            return _choice(choices, context, above)
        case {"allOf": list() as choices}:
            return _all(choices, context, above)
        case {"type": list() as kinds}:
            rest = {name: value for name, value in schema.items() if name != "type"}
            return _choice([{**rest, "type": kind} for kind in kinds], context, above)
        case {"enum": list()} | {"const": str()}:
            return STRING
        case {"type": str() as kind}:
            return _typed(kind, schema, context, above)
        case {"properties": dict()}:
            return _typed("object", schema, context, above)
        case _:
            return None


def _typed(kind: str, schema: Mapping[str, Any], context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    connect = schema.get("connect.type")
    title = str(schema.get("title", "")).removeprefix(_CONNECT)
    match kind:
        case "boolean":
            return BOOLEAN
        case "integer":
            return _TITLES.get(title, _NUMBERS.get(str(connect or "int64"), BIGINT))
        case "number" if title == "Decimal":
            return _decimal(schema.get("connect.parameters", {}))
        case "number":
            return _TITLES.get(title, _NUMBERS.get(str(connect or "float64"), DOUBLE))
        case "string" if connect == "bytes":
            return _decimal(schema.get("connect.parameters", {})) if title == "Decimal" else BYTES
        case "string":
            return STRING
        case "array":
            return _array(schema, context, above)
        case "object":
            return _object(schema, context, above)
        case _:
            return None


def _decimal(parameters: Any) -> SqlDecimal:
    stated = parameters if isinstance(parameters, dict) else {}
    try:
        return SqlDecimal(int(stated.get("connect.decimal.precision", 64)), int(stated.get("scale", 0)))
    except (TypeError, ValueError, OverflowError) as error:
        problem = "precision and scale of a decimal must be whole numbers"
        raise SerdeError(f"Not a JSON schema of Connect: {problem}, not {json.dumps(parameters)[:200]}") from error


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of an object; a schema in which they are something else describes none."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _array(schema: Mapping[str, Any], context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    items = schema.get("items")
    if isinstance(items, list):
        items = items[0] if items else None
    if schema.get("connect.type") == "map" and isinstance(items, dict):
        properties = _properties(items)
        key, value = (_type(properties.get(name), context, above) for name in ("key", "value"))
        return SqlMap(key, value) if key is not None and value is not None else None
    item = _type(items, context, above)
    return item and SqlArray(item)


def _object(schema: Mapping[str, Any], context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    additional = schema.get("additionalProperties")
    properties = _properties(schema)
    if isinstance(additional, dict) and (schema.get("connect.type") == "map" or not properties):
        value = _type(additional, context, above)
        return value and SqlMap(STRING, value)
    fields = [
        StructField(context.rename(name), kind)
        for name in _in_order(properties)
        if (kind := _type(properties[name], context, above)) is not None
    ]
    return SqlStruct(tuple(fields)) if fields else None


def _choice(choices: Sequence[Any], context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    """Return the type of a choice: of the only type besides null, else a struct with a field per choice."""
    present = [choice for choice in choices if not (isinstance(choice, dict) and choice.get("type") == "null")]
    if len(present) == 1:
        return _type(present[0], context, above)
    typed = [(f"connect_union_field_{at}", _type(choice, context, above)) for at, choice in enumerate(present)]
    fields = tuple(StructField(context.rename(name), kind) for name, kind in typed if kind is not None)
    return SqlStruct(fields) if fields else None


def _all(choices: Sequence[Any], context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    """Return the type of `allOf`: the fields of all objects together, else the first type."""
    kinds = [kind for choice in choices if (kind := _type(choice, context, above)) is not None]
    structs = [kind for kind in kinds if isinstance(kind, SqlStruct)]
    if not structs:
        return kinds[0] if kinds else None
    by_name = {field.name: field for struct in structs for field in struct.fields}
    return SqlStruct(tuple(by_name.values()))


def _referenced(target: str, context: _SchemaContext) -> tuple[Any, Any]:
    """Return the target of a reference, and the schema that contains it."""
    document, _, pointer = target.partition("#")
    root = context.others.get(document) if document else context.root
    found = root
    for step in pointer.strip("/").split("/") if pointer.strip("/") else ():
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise SerdeError(f"JSON schema refers to {target}, which does not exist")
    return found, root


def _in_order(properties: Mapping[str, Any]) -> list[str]:
    """Return property names by `connect.index`; those without one in the order of a Java HashMap, as in ksqlDB."""
    hashed = hash_map_order(properties, smallest=16)
    return sorted(hashed, key=lambda name: _index(properties[name]))


def _index(schema: Any) -> int:
    index = schema.get("connect.index") if isinstance(schema, dict) else None
    # Behind all indices: those are ints of 32 bits.
    return index if isinstance(index, int) else 1 << 31


# From SQL types to schemas.


def row_schema_text(fields: Sequence[StructField]) -> str:
    """Return the JSON schema that ksqlDB registers for columns."""
    return json.dumps(_struct(fields), separators=(",", ":"))


def single_schema_text(kind: SqlType) -> str:
    """Return the JSON schema of one unwrapped column."""
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
