"""SQL values to Protobuf messages: setters from the descriptors, created once per schema."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bifrost.engine.serde.avro.binary import unscaled_bytes
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
    INTEGER,
    STRING,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    StructField,
)

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()

Setter = Callable[[Any, Any], None]
"""Puts a SQL value, which is not None, into a message."""
Convert = Callable[[Any], Any]

_LAST_DAY = datetime.date.max.toordinal()


def setters(message: Descriptor, fields: Sequence[StructField]) -> list[Setter | None]:
    """Return a setter per field; None if the message has no such member.

    Raises:
        SerdeError: a member cannot hold the field's type.
    """
    found: list[Setter | None] = []
    for field in fields:
        member = matching_member(field.name, message)
        found.append(None if member is None else _member_setter(member, field.type))
    return found


def _member_setter(member: Member, kind: SqlType) -> Setter:
    if member.field is not None:
        return _field_setter(member.field, kind)
    if not isinstance(kind, SqlStruct):
        raise SerdeError(f"Cannot serialize type {kind} as a oneof for path: ->{member.name}")
    by_name = {part.name.upper(): part for part in member.oneof}
    parts = [
        (field.name, _field_setter(by_name[field.name.upper()], field.type))
        for field in kind.fields
        if field.name.upper() in by_name
    ]
    return lambda message, value: _fill(message, value, parts)


def _fill(message: Any, value: Mapping[str, Any], parts: Sequence[tuple[str, Setter]]) -> None:
    for name, put in parts:
        inner = value.get(name)
        if inner is not None:
            put(message, inner)


def _field_setter(field: FieldDescriptor, kind: SqlType) -> Setter:
    name = field.name
    pair = map_fields(field)
    if pair is not None and isinstance(kind, SqlMap):
        return _map_setter(field, pair, kind)
    if field.is_repeated:
        if not isinstance(kind, SqlArray):
            raise mismatch(field, kind)
        return _repeated_setter(field, kind)
    if field.message_type is not None:
        fill = _message_filler(field, kind)

        def put(message: Any, value: Any) -> None:
            inner = getattr(message, name)
            # Without this a message of default values only would count as missing.
            inner.SetInParent()
            fill(inner, value)

        return put
    convert = _scalar_writer(field, kind)
    return lambda message, value: setattr(message, name, convert(value))


def _repeated_setter(field: FieldDescriptor, kind: SqlArray) -> Setter:
    name = field.name
    if field.message_type is None:
        convert = _scalar_writer(field, kind.item)

        def put(message: Any, value: list[Any]) -> None:
            _refuse_nulls(name, value)
            getattr(message, name).extend([convert(item) for item in value])

        return put
    fill = _message_filler(field, kind.item)

    def put_messages(message: Any, value: list[Any]) -> None:
        _refuse_nulls(name, value)
        repeated = getattr(message, name)
        for item in value:
            fill(repeated.add(), item)

    return put_messages


def _refuse_nulls(name: str, value: list[Any]) -> None:
    if None in value:
        raise SerdeError(f"Protobuf cannot represent a null element in the array {name}")


def _map_setter(field: FieldDescriptor, pair: tuple[FieldDescriptor, FieldDescriptor], kind: SqlMap) -> Setter:
    """Return a map's setter: for Connect's repeated entries, a real map of messages, or a map of scalars."""
    name = field.name
    if not field.message_type.GetOptions().map_entry:
        return _entries_setter(name, _field_setter(pair[0], kind.key), _field_setter(pair[1], kind.value))
    to_key = _scalar_writer(pair[0], kind.key)
    if pair[1].message_type is not None:
        return _message_map_setter(name, to_key, _message_filler(pair[1], kind.value))
    to_value = _scalar_writer(pair[1], kind.value)
    default = pair[1].default_value

    def put(message: Any, value: dict[Any, Any]) -> None:
        entries = getattr(message, name)
        for key, item in value.items():
            # A Protobuf map cannot hold a null.
            entries[to_key(key)] = default if item is None else to_value(item)

    return put


def _entries_setter(name: str, put_key: Setter, put_value: Setter) -> Setter:
    def put(message: Any, value: dict[Any, Any]) -> None:
        repeated = getattr(message, name)
        for key, item in value.items():
            entry = repeated.add()
            if key is not None:
                put_key(entry, key)
            if item is not None:
                put_value(entry, item)

    return put


def _message_map_setter(name: str, to_key: Convert, fill: Setter) -> Setter:
    def put(message: Any, value: dict[Any, Any]) -> None:
        entries = getattr(message, name)
        for key, item in value.items():
            entry = entries[to_key(key)]
            if item is not None:
                fill(entry, item)

    return put


def _message_filler(field: FieldDescriptor, kind: SqlType) -> Setter:
    """Return a function that copies a SQL value into an empty message."""
    message = field.message_type
    name = message.full_name
    if name in WRAPPERS:
        convert = _scalar_writer(message.fields_by_name["value"], kind)
        return lambda target, value: setattr(target, "value", convert(value))
    if name == DECIMAL_MESSAGE and isinstance(kind, SqlDecimal):
        return lambda target, value: _fill_decimal(target, value, kind)
    if name in _MESSAGE_FILLERS and MESSAGE_TYPES[name] == kind:
        return _MESSAGE_FILLERS[name]
    if isinstance(kind, SqlStruct):
        names = [part.name for part in kind.fields]
        known = zip(names, setters(message, kind.fields), strict=True)
        parts = [(part, put) for part, put in known if put is not None]
        return lambda target, value: _fill(target, value, parts)
    raise mismatch(field, kind)


def _fill_decimal(target: Any, value: Any, kind: SqlDecimal) -> None:
    target.value = unscaled_bytes(value, kind.precision, kind.scale)
    target.precision = kind.precision
    target.scale = kind.scale


def _fill_date(target: Any, value: int) -> None:
    if not 0 < value + EPOCH_DAY <= _LAST_DAY:
        raise SerdeError(f"Protobuf cannot represent the date {value} days from 1970-01-01")
    date = datetime.date.fromordinal(value + EPOCH_DAY)
    target.year, target.month, target.day = date.year, date.month, date.day


def _fill_time(target: Any, value: int) -> None:
    seconds, millis = divmod(value, 1000)
    minutes, target.seconds = divmod(seconds, 60)
    target.hours, target.minutes = divmod(minutes, 60)
    target.nanos = millis * 1_000_000


def _fill_timestamp(target: Any, value: int) -> None:
    target.seconds, millis = divmod(value, 1000)
    target.nanos = millis * 1_000_000


_MESSAGE_FILLERS: Mapping[str, Setter] = {
    DATE_MESSAGE: _fill_date,
    TIME_MESSAGE: _fill_time,
    TIMESTAMP_MESSAGE: _fill_timestamp,
}


def _scalar_writer(field: FieldDescriptor, kind: SqlType) -> Convert:
    natural = SCALAR_TYPES.get(field.type)
    if field.type == FieldDescriptor.TYPE_ENUM and kind == STRING:
        return _enum_writer({value.name: value.number for value in field.enum_type.values})
    if natural == kind or (natural == BIGINT and kind == INTEGER):
        return _same
    raise mismatch(field, kind)


def _enum_writer(numbers: Mapping[str, int]) -> Convert:
    def write(value: str) -> int:
        if value not in numbers:
            raise SerdeError(f"{value!r} is not a symbol of the schema's enum")
        return numbers[value]

    return write


def _same(value: Any) -> Any:
    return value
