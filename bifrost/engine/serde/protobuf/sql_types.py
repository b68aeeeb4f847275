"""Protobuf messages to SQL types and back, as Kafka Connect's Protobuf converter and ksqlDB together convert them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.protobuf.schema_files import ProtoFile
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

DECIMAL_MESSAGE = "confluent.type.Decimal"
DATE_MESSAGE = "google.type.Date"
TIME_MESSAGE = "google.type.TimeOfDay"
TIMESTAMP_MESSAGE = "google.protobuf.Timestamp"
WRAPPERS: Mapping[str, SqlType] = MappingProxyType(
    {
        "google.protobuf.BoolValue": BOOLEAN,
        "google.protobuf.Int32Value": INTEGER,
        "google.protobuf.Int64Value": BIGINT,
        "google.protobuf.UInt32Value": BIGINT,
        "google.protobuf.UInt64Value": BIGINT,
        "google.protobuf.FloatValue": DOUBLE,
        "google.protobuf.DoubleValue": DOUBLE,
        "google.protobuf.StringValue": STRING,
        "google.protobuf.BytesValue": BYTES,
    }
)
MESSAGE_TYPES: Mapping[str, SqlType] = MappingProxyType(
    {DATE_MESSAGE: DATE, TIME_MESSAGE: TIME, TIMESTAMP_MESSAGE: TIMESTAMP, **WRAPPERS}
)
SCALAR_TYPES: Mapping[int, SqlType] = MappingProxyType(
    {
        FieldDescriptor.TYPE_BOOL: BOOLEAN,
        FieldDescriptor.TYPE_INT32: INTEGER,
        FieldDescriptor.TYPE_SINT32: INTEGER,
        FieldDescriptor.TYPE_SFIXED32: INTEGER,
        FieldDescriptor.TYPE_UINT32: BIGINT,
        FieldDescriptor.TYPE_FIXED32: BIGINT,
        FieldDescriptor.TYPE_INT64: BIGINT,
        FieldDescriptor.TYPE_SINT64: BIGINT,
        FieldDescriptor.TYPE_SFIXED64: BIGINT,
        FieldDescriptor.TYPE_UINT64: BIGINT,
        FieldDescriptor.TYPE_FIXED64: BIGINT,
        FieldDescriptor.TYPE_FLOAT: DOUBLE,
        FieldDescriptor.TYPE_DOUBLE: DOUBLE,
        FieldDescriptor.TYPE_STRING: STRING,
        FieldDescriptor.TYPE_BYTES: BYTES,
        FieldDescriptor.TYPE_ENUM: STRING,
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Member:
    """The source of a column or struct field: one field, or a oneof, which is a struct of its fields."""

    name: str
    field: FieldDescriptor | None
    oneof: tuple[FieldDescriptor, ...] = ()


def members_of(message: Descriptor) -> tuple[Member, ...]:
    """Return a message's members in Connect's order: oneofs first, named `<oneof>_<index>`, then the other fields."""
    real = [oneof for oneof in message.oneofs if not _is_synthetic(oneof.fields)]
    oneofs = [Member(f"{oneof.name}_{at}", None, tuple(oneof.fields)) for at, oneof in enumerate(real)]
    inside = {field.number for oneof in real for field in oneof.fields}
    return (*oneofs, *(Member(field.name, field) for field in message.fields if field.number not in inside))


def _is_synthetic(fields: Sequence[FieldDescriptor]) -> bool:
    """Return whether this oneof only marks proto3's `optional`."""
    return len(fields) == 1 and fields[0].containing_oneof.name == f"_{fields[0].name}"


def map_fields(field: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor] | None:
    """Return key and value of a map field: a real map, or Connect's repeated message of that form."""
    entry = field.message_type
    if not field.is_repeated or entry is None or len(entry.fields) != 2:
        return None
    if not entry.GetOptions().map_entry and not entry.name.endswith("Entry"):
        return None
    by_name = {part.name: part for part in entry.fields}
    return (by_name["key"], by_name["value"]) if by_name.keys() == {"key", "value"} else None


def matching_member(name: str, message: Descriptor) -> Member | None:
    """Return the member that a column or struct field reads: first by exact name, then ignoring case."""
    upper = name.upper()
    found = None
    for member in members_of(message):
        if member.name == name:
            return member
        if found is None and member.name.upper() == upper:
            found = member
    return found


def mismatch(field: FieldDescriptor, kind: SqlType) -> SerdeError:
    what = field.message_type.full_name if field.message_type is not None else SCALAR_TYPES.get(field.type, "group")
    word = f"repeated {what}" if field.is_repeated else what
    return SerdeError(f"Cannot convert between type {word} and type {kind} for path: ->{field.name}")


def message_type(message: Descriptor, file: ProtoFile, rename: Callable[[str], str]) -> SqlStruct | None:
    """Return the SQL type of a message; None if no member has one.

    Raises:
        SerdeError: the message is recursive.
    """
    return _message(message, _SchemaContext(file, rename), ())


@dataclass(frozen=True, slots=True)
class _SchemaContext:
    file: ProtoFile
    rename: Callable[[str], str]


def _message(message: Descriptor, context: _SchemaContext, above: tuple[str, ...]) -> SqlStruct | None:
    if message.full_name in above:
        raise SerdeError(f"Protobuf schema is recursive at {message.full_name}; such schemas cannot be columns")
    inner = (*above, message.full_name)
    fields = []
    for member in members_of(message):
        if member.field is not None:
            kind = _field(member.field, context, inner)
        else:
            parts = [(part.name, _field(part, context, inner)) for part in member.oneof]
            typed_fields = tuple(StructField(context.rename(name), part) for name, part in parts if part is not None)
            kind = SqlStruct(typed_fields) if typed_fields else None
        if kind is not None:
            fields.append(StructField(context.rename(member.name), kind))
    return SqlStruct(tuple(fields)) if fields else None


def _field(field: FieldDescriptor, context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    pair = map_fields(field)
    if pair is not None:
        key, value = (_single(part, context, above) for part in pair)
        if pair[1].is_repeated:
            value = value and SqlArray(value)
        return None if key is None or value is None else SqlMap(key, value)
    single = _single(field, context, above)
    return SqlArray(single) if single is not None and field.is_repeated else single


def _single(field: FieldDescriptor, context: _SchemaContext, above: tuple[str, ...]) -> SqlType | None:
    if field.message_type is None:
        return SCALAR_TYPES.get(field.type)
    name = field.message_type.full_name
    if name == DECIMAL_MESSAGE:
        return SqlDecimal(*context.file.decimals.get((field.containing_type.full_name, field.name), (64, 0)))
    if name in MESSAGE_TYPES:
        return MESSAGE_TYPES[name]
    return _message(field.message_type, context, above)


# From SQL types to schemas.

_WORDS: Mapping[SqlType, str] = MappingProxyType(
    {BOOLEAN: "bool", INTEGER: "int32", BIGINT: "int64", DOUBLE: "double", STRING: "string", BYTES: "bytes"}
)
_WRAPPER_WORDS: Mapping[SqlType, str] = MappingProxyType(
    {
        kind: f"google.protobuf.{name}Value"
        for kind, name in (
            (BOOLEAN, "Bool"),
            (INTEGER, "Int32"),
            (BIGINT, "Int64"),
            (DOUBLE, "Double"),
            (STRING, "String"),
            (BYTES, "Bytes"),
        )
    }
)
_MESSAGE_WORDS: Mapping[SqlType, tuple[str, str]] = MappingProxyType(
    {
        DATE: (DATE_MESSAGE, "google/type/date.proto"),
        TIME: (TIME_MESSAGE, "google/type/timeofday.proto"),
        TIMESTAMP: (TIMESTAMP_MESSAGE, "google/protobuf/timestamp.proto"),
    }
)


@dataclass(slots=True)
class _Text:
    """Builds a `.proto` text. `nullable` is `OPTIONAL`, `WRAPPER` or None: nulls become defaults."""

    nullable: str | None
    imports: set[str] = field(default_factory=set)
    # ConnectDefault1 is the outermost message.
    names: int = 1

    def message(self, name: str, fields: Sequence[StructField], indent: str) -> list[str]:
        """Return a message's lines."""
        lines: list[str] = []
        nested: list[str] = []
        for number, part in enumerate(fields, 1):
            if not _NAME.fullmatch(part.name):
                raise SerdeError(f"Schema is not compatible with Protobuf: Illegal field name: {part.name}")
            words, options = self.words(part.type, nested, f"{indent}  ")
            lines.append(f"{indent}  {words} {part.name} = {number}{options};")
        gap = [""] if lines and nested else []
        return [f"{indent}message {name} {{", *lines, *gap, *nested, f"{indent}}}"]

    def words(self, kind: SqlType, nested: list[str], indent: str) -> tuple[str, str]:
        """Return a field's label and type, and its options."""
        match kind:
            case SqlArray(SqlArray() | SqlMap()):
                raise SerdeError(f"Schema is not compatible with Protobuf: an array cannot hold {kind.item}")
            case SqlArray(item):
                words, options = self.element(item, nested, indent)
                return f"repeated {words}", options
            case SqlMap(key, value):
                return f"repeated {self.entry(key, value, nested, indent)}", ""
            case _ if kind in _WORDS and self.nullable == "OPTIONAL":
                return f"optional {_WORDS[kind]}", ""
            case _ if kind in _WORDS and self.nullable == "WRAPPER":
                self.imports.add("google/protobuf/wrappers.proto")
                return _WRAPPER_WORDS[kind], ""
            case _:
                return self.element(kind, nested, indent)

    def element(self, kind: SqlType, nested: list[str], indent: str) -> tuple[str, str]:
        """Return the text of a type that may repeat."""
        match kind:
            case SqlStruct(fields):
                name = self.fresh()
                nested += self.message(name, fields, indent)
                return name, ""
            case SqlDecimal(precision, scale):
                self.imports |= {"confluent/meta.proto", "confluent/type/decimal.proto"}
                return DECIMAL_MESSAGE, _decimal_options(precision, scale)
            case SqlPrimitive() if kind in _MESSAGE_WORDS:
                name, file = _MESSAGE_WORDS[kind]
                self.imports.add(file)
                return name, ""
            case _:
                return _WORDS[kind], ""

    def entry(self, key: SqlType, value: SqlType, nested: list[str], indent: str) -> str:
        """Return the message of a map's entries: encoded like a map, but with values of any type."""
        name = f"{self.fresh()}Entry"
        nested += self.message(name, (StructField("key", key), StructField("value", value)), indent)
        return name

    def fresh(self) -> str:
        """Return Connect's name for the next message."""
        self.names += 1
        return f"ConnectDefault{self.names}"


def _decimal_options(precision: int, scale: int) -> str:
    pairs = f'{{value: "{precision}", key: "precision"}}, {{value: "{scale}", key: "scale"}}'
    return f" [(confluent.field_meta) = {{params: [{pairs}]}}]"


def proto_text(fields: Sequence[StructField], full_name: str | None, nullable: str | None) -> str:
    """Return the `.proto` text of a message with those fields.

    Raises:
        SerdeError: Protobuf does not support a type or a name.
    """
    package, _, name = (full_name or "ConnectDefault1").rpartition(".")
    text = _Text(nullable)
    lines = text.message(name, fields, "")
    head = ['syntax = "proto3";', *([f"package {package};"] if package else []), ""]
    imports = [f'import "{file}";' for file in sorted(text.imports)]
    return "\n".join([*head, *imports, *([""] if imports else []), *lines, ""])
