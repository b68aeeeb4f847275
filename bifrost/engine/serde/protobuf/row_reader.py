"""Protobuf messages to SQL values: getters from the descriptors, created once per schema."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bifrost.engine.serde.avro.binary import fit_decimal, to_decimal
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.protobuf.sql_types import (
    DATE_MESSAGE,
    DECIMAL_MESSAGE,
    MESSAGE_TYPES,
    SCALAR_TYPES,
    TIME_MESSAGE,
    TIMESTAMP_MESSAGE,
    WRAPPERS,
    Member,
    map_fields,
    matching_member,
    mismatch,
)
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    STRING,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    SqlValue,
)

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()

Getter = Callable[[SqlValue], SqlValue]
"""From a message to one of its members' SQL value."""
Convert = Callable[[SqlValue], SqlValue]

_UNSIGNED = frozenset({FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64})


def getters(message: Descriptor, fields: Sequence[tuple[str, SqlType | None]]) -> list[Getter | None]:
    """Return a getter per named field; None if the message has no such member or the column is not needed.

    Raises:
        SerdeError: a member does not have the column's type.
    """
    found: list[Getter | None] = []
    for name, kind in fields:
        member = matching_member(name, message) if kind is not None else None
        found.append(None if member is None or kind is None else _member_getter(member, kind))
    return found


def _member_getter(member: Member, kind: SqlType) -> Getter:
    if member.field is not None:
        return _field_getter(member.field, kind)
    if not isinstance(kind, SqlStruct):
        raise SerdeError(f"Cannot deserialize a oneof as type {kind} for path: ->{member.name}")
    by_name = {part.name.upper(): part for part in member.oneof}
    parts: list[tuple[str, Getter | None]] = []
    for field in kind.fields:
        part = by_name.get(field.name.upper())
        parts.append((field.name, None if part is None else _field_getter(part, field.type)))
    return lambda message: {name: None if get is None else get(message) for name, get in parts}


def _field_getter(field: FieldDescriptor, kind: SqlType) -> Getter:
    name = field.name
    pair = map_fields(field)
    if pair is not None and isinstance(kind, SqlMap):
        return _map_getter(field, pair, kind)
    if field.is_repeated:
        if not isinstance(kind, SqlArray):
            raise mismatch(field, kind)
        convert = _reader(field, kind.item)
        return lambda message: [convert(item) for item in getattr(message, name)]
    convert = _reader(field, kind)
    # Without presence a missing field cannot be distinguished from its default, so the value is never null.
    if field.has_presence:
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else None
    return lambda message: convert(getattr(message, name))


def _map_getter(field: FieldDescriptor, pair: tuple[FieldDescriptor, FieldDescriptor], kind: SqlMap) -> Getter:
    name = field.name
    get_key, get_value = _field_getter(pair[0], kind.key), _field_getter(pair[1], kind.value)
    if not field.message_type.GetOptions().map_entry:
        return lambda message: {get_key(entry): get_value(entry) for entry in getattr(message, name)}
    to_key, to_value = _reader(pair[0], kind.key), _reader(pair[1], kind.value)
    return lambda message: {to_key(key): to_value(value) for key, value in getattr(message, name).items()}


def _reader(field: FieldDescriptor, kind: SqlType) -> Convert:
    """Return the conversion of one value of the protobuf library to the SQL value."""
    message = field.message_type
    if message is None:
        return _scalar_reader(field, kind)
    name = message.full_name
    if name in WRAPPERS:
        inner = _scalar_reader(message.fields_by_name["value"], kind)
        return lambda value: inner(value.value)
    if name == DECIMAL_MESSAGE and isinstance(kind, SqlDecimal):
        return lambda value: fit_decimal(to_decimal(value.value, value.scale), kind.precision, kind.scale)
    if name in _MESSAGE_READERS and MESSAGE_TYPES[name] == kind:
        return _MESSAGE_READERS[name]
    if isinstance(kind, SqlStruct):
        return _struct_reader(message, kind)
    raise mismatch(field, kind)


def _struct_reader(message: Descriptor, kind: SqlStruct) -> Convert:
    names = [field.name for field in kind.fields]
    parts = list(zip(names, getters(message, [(field.name, field.type) for field in kind.fields]), strict=True))
    return lambda value: {name: None if get is None else get(value) for name, get in parts}


def _scalar_reader(field: FieldDescriptor, kind: SqlType) -> Convert:
    natural = SCALAR_TYPES.get(field.type)
    if field.type == FieldDescriptor.TYPE_ENUM and kind == STRING:
        symbols = {value.number: value.name for value in field.enum_type.values}
        # proto3 keeps numbers that a newer schema may have added to the enum.
        return lambda value: symbols.get(value, str(value))
    if field.type in _UNSIGNED and kind == BIGINT:
        return _signed
    if natural == kind or (natural == INTEGER and kind == BIGINT):
        return _same
    if kind == STRING and natural in (INTEGER, BIGINT):
        return str
    if kind == STRING and natural == BOOLEAN:
        return lambda value: "true" if value else "false"
    raise mismatch(field, kind)


def _same(value: SqlValue) -> SqlValue:
    return value


def _signed(value: int) -> int:
    # As in Java, which has no unsigned numbers.
    return value - (1 << 64) if value >> 63 else value


def _date(value: SqlValue) -> int:
    return datetime.date(value.year, value.month, value.day).toordinal() - EPOCH_DAY


def _time(value: SqlValue) -> int:
    millis: int = ((value.hours * 60 + value.minutes) * 60 + value.seconds) * 1000 + value.nanos // 1_000_000
    return millis


def _timestamp(value: SqlValue) -> int:
    millis: int = value.seconds * 1000 + value.nanos // 1_000_000
    return millis


_MESSAGE_READERS: Mapping[str, Convert] = {
    DATE_MESSAGE: _date,
    TIME_MESSAGE: _time,
    TIMESTAMP_MESSAGE: _timestamp,
}
