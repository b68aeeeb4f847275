"""Avro encoding of field defaults, which a schema states as JSON."""

from __future__ import annotations

import json
import struct
from typing import Any

from bifrost.engine.serde.avro.binary import encode_long
from bifrost.engine.serde.avro.scalar_readers import type_text
from bifrost.engine.serde.avro.schema import (
    NO_DEFAULT,
    NULL,
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


def missing_bytes(field: AvroField) -> bytes:
    """Return the bytes of a field that has no column.

    Raises:
        SerdeError: the field has no default and is not nullable.
    """
    if field.default is not NO_DEFAULT:
        return default_bytes(field.type, field.default)
    if isinstance(field.type, AvroUnion) and NULL in field.type.branches:
        return encode_long(field.type.branches.index(NULL))
    raise SerdeError(f"No column for the schema's required field: {field.name}")


def default_bytes(avro: AvroType, default: Any) -> bytes:
    """Return a default's bytes.

    Raises:
        SerdeError: the default does not have the type.
    """
    match avro, default:
        case AvroUnion(branches), _:
            return _first_fitting(branches, default)
        # Avro writes bytes in JSON as characters of the code points 0 to 255.
        case AvroFixed(), str():
            return default.encode("latin-1")
        case AvroEnum(symbols=symbols), str() if default in symbols:
            return encode_long(symbols.index(default))
        case AvroArray(item), list():
            return _block([default_bytes(item, value) for value in default])
        case AvroMap(value), dict():
            return _block([_text(key) + default_bytes(value, inner) for key, inner in default.items()])
        case AvroRecord(_, fields), dict():
            return b"".join(default_bytes(field.type, _member(field, default)) for field in fields)
        case AvroPrimitive(name), _:
            return _primitive(name, default)
        case _:
            raise _wrong(type_text(avro), default)


def _first_fitting(branches: tuple[AvroType, ...], default: Any) -> bytes:
    """Encode a union's default with the first branch that fits; Avro allows only the first, many schemas differ."""
    for index, branch in enumerate(branches):
        try:
            return encode_long(index) + default_bytes(branch, default)
        except SerdeError:
            continue
    raise _wrong("union", default)


def _primitive(name: str, default: Any) -> bytes:
    match name, default:
        case "null", None:
            return b""
        case "boolean", bool():
            return b"\1" if default else b"\0"
        case "int" | "long", int() if not isinstance(default, bool):
            return encode_long(default)
        case "float" | "double", int() | float():
            return struct.pack("<f" if name == "float" else "<d", default)
        case "string", str():
            return _text(default)
        case "bytes", str():
            return encode_long(len(default)) + default.encode("latin-1")
        case _:
            raise _wrong(name, default)


def _text(value: str) -> bytes:
    data = value.encode()
    return encode_long(len(data)) + data


def _block(items: list[bytes]) -> bytes:
    return (encode_long(len(items)) + b"".join(items) if items else b"") + b"\0"


def _member(field: AvroField, default: dict[str, Any]) -> Any:
    found = default.get(field.name, field.default)
    if found is NO_DEFAULT:
        raise _wrong("record", default)
    return found


def _wrong(word: str, default: Any) -> SerdeError:
    return SerdeError(f"The schema's default {json.dumps(default)} cannot be written as {word}")
