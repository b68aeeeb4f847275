"""Avro schemas to SQL types and back, as Kafka Connect's Avro converter and ksqlDB together convert them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from bifrost.engine.catalog.schema import Column
from bifrost.engine.serde.avro.schema import (
    AvroArray,
    AvroEnum,
    AvroField,
    AvroFixed,
    AvroMap,
    AvroPrimitive,
    AvroRecord,
    AvroType,
    AvroUnion,
)
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

NAMESPACE = "io.confluent.ksql.avro_schemas"
VALUE_SCHEMA_NAME = f"{NAMESPACE}.KsqlDataSourceSchema"

_PRIMITIVE_TYPES: dict[str, SqlType] = {
    "boolean": BOOLEAN,
    "int": INTEGER,
    "long": BIGINT,
    "float": DOUBLE,
    "double": DOUBLE,
    "bytes": BYTES,
    "string": STRING,
}
_LOGICAL_TYPES: dict[str, SqlType] = {
    "date": DATE,
    "time-millis": TIME,
    "timestamp-millis": TIMESTAMP,
}
_AVRO_TYPES: dict[SqlPrimitive, Any] = {
    BOOLEAN: "boolean",
    INTEGER: "int",
    BIGINT: "long",
    DOUBLE: "double",
    BYTES: "bytes",
    STRING: "string",
}
_CONNECT_NAMES: dict[SqlPrimitive, tuple[str, str, str]] = {
    DATE: ("int", "Date", "date"),
    TIME: ("int", "Time", "time-millis"),
    TIMESTAMP: ("long", "Timestamp", "timestamp-millis"),
}


def sql_type_of(avro: AvroType, rename: Callable[[str], str]) -> SqlType | None:
    """Return the SQL type of an Avro type, None if ksqlDB ignores it; `rename` changes field names.

    As in Connect, micros stay BIGINT, an enum is STRING, a union of several types a STRUCT with a field per branch.
    """
    match avro:
        case AvroPrimitive() | AvroFixed():
            return _scalar_type(avro)
        case AvroEnum():
            return STRING
        case AvroArray(AvroRecord(_, fields, is_entry=True)):
            parts = [sql_type_of(field.type, rename) for field in fields]
            return None if None in parts or len(parts) != 2 else SqlMap(*(part for part in parts if part is not None))
        case AvroArray(item):
            inner = sql_type_of(item, rename)
            return inner and SqlArray(inner)
        case AvroMap(value):
            inner = sql_type_of(value, rename)
            return inner and SqlMap(STRING, inner)
        case AvroRecord(_, fields):
            return _struct([(field.name, field.type) for field in fields], rename)
        case AvroUnion():
            return _union_type(avro, rename)


def _scalar_type(avro: AvroPrimitive | AvroFixed) -> SqlType | None:
    if avro.logical == "decimal":
        return SqlDecimal(avro.precision, avro.scale)
    if isinstance(avro, AvroFixed):
        return BYTES
    return _LOGICAL_TYPES.get(avro.logical or "", _PRIMITIVE_TYPES.get(avro.name))


def _union_type(union: AvroUnion, rename: Callable[[str], str]) -> SqlType | None:
    branches = present_branches(union)
    if len(branches) == 1:
        return sql_type_of(branches[0], rename)
    return _struct([(branch_name(branch), branch) for branch in branches], rename)


def _struct(fields: Sequence[tuple[str, AvroType]], rename: Callable[[str], str]) -> SqlStruct | None:
    typed = [(rename(name), sql_type_of(kind, rename)) for name, kind in fields]
    typed_fields = tuple(StructField(name, kind) for name, kind in typed if kind is not None)
    return SqlStruct(typed_fields) if typed_fields else None


def present_branches(union: AvroUnion) -> tuple[AvroType, ...]:
    """Return the branches of a union except null."""
    return tuple(branch for branch in union.branches if branch != AvroPrimitive("null"))


def branch_name(branch: AvroType) -> str:
    """Return Connect's field name for a union's branch."""
    match branch:
        case AvroRecord(name) | AvroEnum(name) | AvroFixed(name) | AvroPrimitive(name):
            return name
        case AvroArray():
            return "array"
        case AvroMap():
            return "map"
        case AvroUnion():
            raise SerdeError("Not an Avro schema: a union directly within a union")


def row_schema_text(columns: Sequence[Column], full_name: str) -> str:
    """Return the Avro record that ksqlDB registers for columns: all nullable, with null as default.

    Raises:
        SerdeError: a name is invalid in Avro.
    """
    fields = [StructField(column.name, column.type) for column in columns]
    return json.dumps(_record(fields, full_name), separators=(",", ":"))


def single_schema_text(sql_type: SqlType, full_name: str) -> str:
    """Return the Avro schema of one unwrapped column: not nullable, because null is a null payload."""
    return json.dumps(_avro_of(sql_type, full_name), separators=(",", ":"))


def _record(fields: Sequence[StructField], full_name: str) -> dict[str, Any]:
    namespace, _, name = full_name.rpartition(".")
    members = [_nullable(checked_name(field.name), field.type, f"{full_name}_{field.name}") for field in fields]
    head = {"type": "record", "name": name} | ({"namespace": namespace} if namespace else {})
    return head | {"fields": members, "connect.name": full_name}


def _nullable(name: str, sql_type: SqlType, full_name: str) -> dict[str, Any]:
    # Null comes first, because a default must fit the first type of its union.
    return {"name": name, "type": ["null", _avro_of(sql_type, full_name)], "default": None}


def checked_name(name: str) -> str:
    """Return the name if Avro allows it."""
    if not re.match(r"[A-Za-z_]", name):
        raise SerdeError(f"Schema is not compatible with Avro: Illegal initial character: {name}")
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise SerdeError(f"Schema is not compatible with Avro: Illegal character in: {name}")
    return name


def _avro_of(sql_type: SqlType, full_name: str) -> Any:
    match sql_type:
        case SqlDecimal(precision, scale):
            return _decimal(precision, scale)
        case SqlArray(item):
            return {"type": "array", "items": ["null", _avro_of(item, full_name)]}
        case SqlMap(key, value):
            return _entries(key, value, full_name)
        case SqlStruct(fields):
            return _record(fields, full_name)
        case SqlPrimitive() if sql_type in _CONNECT_NAMES:
            carrier, name, logical = _CONNECT_NAMES[sql_type]
            connect_name = f"org.apache.kafka.connect.data.{name}"
            return {"type": carrier, "connect.version": 1, "connect.name": connect_name, "logicalType": logical}
        case SqlPrimitive():
            return _AVRO_TYPES[sql_type]
        case _:
            raise SerdeError(f"Schema is not compatible with Avro: type {sql_type}")


def _decimal(precision: int, scale: int) -> dict[str, Any]:
    return {
        "type": "bytes",
        "scale": scale,
        "precision": precision,
        "connect.version": 1,
        "connect.parameters": {"scale": str(scale), "connect.decimal.precision": str(precision)},
        "connect.name": "org.apache.kafka.connect.data.Decimal",
        "logicalType": "decimal",
    }


def _entries(key: SqlType, value: SqlType, full_name: str) -> dict[str, Any]:
    """Return a map's schema as ksqlDB writes it: an array of entries, because Avro maps have no optional keys."""
    namespace, _, name = full_name.rpartition(".")
    entry = {"type": "record", "name": name} | ({"namespace": namespace} if namespace else {})
    fields = [_nullable("key", key, f"{full_name}_MapKey"), _nullable("value", value, f"{full_name}_MapValue")]
    items = entry | {"fields": fields, "connect.internal.type": "MapEntry"}
    return {"type": "array", "items": items, "connect.name": full_name}


def matching_field(name: str, fields: Sequence[AvroField]) -> AvroField | None:
    """Return the field that a column or struct field reads: first by exact name, then ignoring case."""
    upper = name.upper()
    found = None
    for field in fields:
        if field.name == name:
            return field
        if found is None and field.name.upper() == upper:
            found = field
    return found
