"""Avro schemas as a tree, with names resolved and Kafka Connect's additions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bifrost.engine.serde.errors import SerdeError

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
MAP_ENTRY = "MapEntry"
NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class AvroPrimitive:
    """A primitive; `logical` is the logical type, or the logical type that Connect's name implies."""

    name: str
    logical: str | None = None
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class AvroFixed:
    """`size` bytes."""

    name: str
    size: int
    logical: str | None = None
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class AvroEnum:
    """One of several symbols."""

    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AvroArray:
    """Items of one type."""

    item: AvroType


@dataclass(frozen=True, slots=True)
class AvroMap:
    """A map from text keys to values of one type."""

    value: AvroType


@dataclass(frozen=True, slots=True)
class AvroField:
    """A record's field; `default` is its JSON value or `NO_DEFAULT`."""

    name: str
    type: AvroType
    default: Any = NO_DEFAULT


@dataclass(frozen=True, slots=True)
class AvroRecord:
    """Fields in order; `is_entry` marks Connect's record of a map's key and value."""

    name: str
    fields: tuple[AvroField, ...]
    is_entry: bool = False


@dataclass(frozen=True, slots=True)
class AvroUnion:
    """One of several types, in order."""

    branches: tuple[AvroType, ...]


AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroRecord | AvroUnion
NULL = AvroPrimitive("null")

_CONNECT_LOGICAL = {
    "org.apache.kafka.connect.data.Decimal": "decimal",
    "org.apache.kafka.connect.data.Date": "date",
    "org.apache.kafka.connect.data.Time": "time-millis",
    "org.apache.kafka.connect.data.Timestamp": "timestamp-millis",
}
_CARRIERS = {
    "decimal": ("bytes",),
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
}


def parse_avro(text: str, imports: tuple[str, ...] = ()) -> AvroType:
    """Parse an Avro schema; `imports` are the texts of schemas whose names it uses.

    Raises:
        SerdeError: it is not an Avro schema, or it is recursive.
    """
    parser = _Parser()
    try:
        for imported in imports:
            parser.parse(_loaded(imported), "")
        return parser.parse(_loaded(text), "")
    except RecursionError:
        raise SerdeError("Avro schema is nested too deeply") from None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


class _Parser:
    """Reads the JSON form; `named` holds named types by full name, None while a type is being read."""

    def __init__(self) -> None:
        self.named: dict[str, AvroType | None] = {}

    def parse(self, schema: Any, namespace: str) -> AvroType:
        match schema:
            case str():
                return AvroPrimitive(schema) if schema in PRIMITIVES else self.known(schema, namespace)
            case []:
                raise SerdeError("Not an Avro schema: a union of no types")
            case list():
                return AvroUnion(tuple(self.parse(branch, namespace) for branch in schema))
            case {"type": dict() | list() as inner}:
                return self.parse(inner, namespace)
            case {"type": str() as kind}:
                return self.complex(kind, schema, namespace)
            case _:
                raise SerdeError(f"Not an Avro schema: {json.dumps(schema)[:200]}")

    def known(self, name: str, namespace: str) -> AvroType:
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        # Not found in the current namespace: it may have been defined without one.
        full = full if full in self.named else name
        if full not in self.named:
            raise SerdeError(f"Avro schema uses the name {name}, which it does not define")
        found = self.named[full]
        if found is None:
            raise SerdeError(f"Avro schema is recursive at {name}; such schemas cannot be columns")
        return found

    def complex(self, kind: str, schema: Mapping[str, Any], namespace: str) -> AvroType:
        match kind:
            case "array":
                return AvroArray(self.parse(_member(schema, "items"), namespace))
            case "map":
                return AvroMap(self.parse(_member(schema, "values"), namespace))
            case "record" | "error" | "enum" | "fixed":
                return self.named_type(kind, schema, namespace)
            case _ if kind in PRIMITIVES:
                return AvroPrimitive(kind, **_logical(schema, kind))
            case _:
                return self.known(kind, namespace)

    def named_type(self, kind: str, schema: Mapping[str, Any], namespace: str) -> AvroType:
        name = str(_member(schema, "name"))
        space = name.rpartition(".")[0] if "." in name else str(schema.get("namespace", namespace))
        short = name.rpartition(".")[2]
        full = f"{space}.{short}" if space else short
        self.named[full] = None
        made = self.made(kind, short, schema, space)
        self.named[full] = made
        return made

    def made(self, kind: str, name: str, schema: Mapping[str, Any], namespace: str) -> AvroType:
        match kind:
            case "enum":
                return AvroEnum(name, tuple(str(symbol) for symbol in _list(schema, "symbols")))
            case "fixed":
                return AvroFixed(name, _size(schema), **_logical(schema, "bytes"))
            case _:
                fields = tuple(self.field(field, namespace) for field in _list(schema, "fields"))
                return AvroRecord(name, fields, is_entry=_is_entry(name, schema))

    def field(self, field: Mapping[str, Any], namespace: str) -> AvroField:
        kind = self.parse(_member(field, "type"), namespace)
        return AvroField(str(_member(field, "name")), kind, field.get("default", NO_DEFAULT))


def _member(schema: Any, name: str) -> Any:
    try:
        return schema[name]
    except (KeyError, TypeError):
        raise SerdeError(f"Not an Avro schema: {json.dumps(schema)[:200]} has no '{name}'") from None


def _list(schema: Mapping[str, Any], name: str) -> list[Any]:
    found = _member(schema, name)
    if not isinstance(found, list):
        raise SerdeError(f"Not an Avro schema: '{name}' is {json.dumps(found)[:200]}, not a list")
    return found


def _size(schema: Mapping[str, Any]) -> int:
    size = _member(schema, "size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise SerdeError(f"Not an Avro schema: 'size' is {json.dumps(size)[:200]}, not a number of bytes")
    return size


def _is_entry(name: str, schema: Mapping[str, Any]) -> bool:
    return schema.get("connect.internal.type") == MAP_ENTRY or (
        name == MAP_ENTRY and schema.get("namespace") == "io.confluent.connect.avro"
    )


def _logical(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the logical type, which Connect may state by its own name only; ignore unknown ones, as Avro requires."""
    logical = _CONNECT_LOGICAL.get(str(schema.get("connect.name", "")), str(schema.get("logicalType", "")))
    if kind not in _CARRIERS.get(logical, ()):
        return {}
    if logical != "decimal":
        return {"logical": logical}
    stated = schema.get("connect.parameters", {})
    parameters = stated if isinstance(stated, dict) else {}
    # Connect's default if a schema states none.
    precision = schema.get("precision", parameters.get("connect.decimal.precision", 64))
    scale = schema.get("scale", parameters.get("scale", 0))
    try:
        return {"logical": logical, "precision": int(precision), "scale": int(scale)}
    except (TypeError, ValueError, OverflowError):
        return {}
