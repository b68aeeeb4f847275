"""The PROTOBUF and PROTOBUF_NOSR formats: readers and writers of a topic's keys or values."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, EncodeError
from google.protobuf.message_factory import GetMessageClass

from bifrost.engine.serde.avro.binary import encode_long, read_size
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.protobuf.row_reader import getters
from bifrost.engine.serde.protobuf.row_writer import setters
from bifrost.engine.serde.protobuf.schema_files import ProtoFile, proto_file
from bifrost.engine.serde.protobuf.sql_types import proto_text
from bifrost.engine.serde.record_part import RecordPart, Row
from bifrost.engine.serde.schema_registry import RegisteredSchema, SchemaRegistry
from bifrost.engine.serde.wire_format import (
    HEAD,
    Reader,
    ReadersBySchema,
    Writer,
    head,
    referenced_texts,
    sink_schema,
)

# Usually the message is the file's first: Confluent writes the path [0] as a single zero byte.
_FIRST = b"\0"


def proto_readers(registry: SchemaRegistry, part: RecordPart, needed: frozenset[str] | None) -> ReadersBySchema:
    """Return the readers by schema and message: each turns a payload into a row."""

    def make(schema: RegisteredSchema) -> Reader:
        return _by_message(parsed_proto(registry, schema), part, needed)

    return ReadersBySchema(registry, part, make)


def _by_message(file: ProtoFile, part: RecordPart, needed: frozenset[str] | None) -> Reader:
    """Return a reader that selects the message by the path before the data."""
    readers: dict[tuple[int, ...], Reader] = {}

    def read(data: bytes) -> Row | None:
        path, at = _path(data, HEAD)
        known = readers.get(path)
        if known is None:
            known = readers[path] = _message_reader(_message_at(file, path), part, needed)
        return known(data[at:])

    return read


def message_in(file: ProtoFile, data: bytes) -> tuple[Descriptor, bytes]:
    """Return the message that a payload with a schema id holds, and its bytes.

    Raises:
        SerdeError: the payload names a message that the file does not have.
    """
    path, at = _path(data, HEAD)
    return _message_at(file, path), data[at:]


def _path(data: bytes, at: int) -> tuple[tuple[int, ...], int]:
    if data[at] == 0:
        return (0,), at + 1
    count, at = read_size(data, at)
    if count > len(data) - at:
        raise SerdeError("Not Protobuf: a message path longer than the data")
    path = []
    for _ in range(count):
        index, at = read_size(data, at)
        path.append(index)
    return tuple(path), at


def _message_at(file: ProtoFile, path: tuple[int, ...]) -> Descriptor:
    messages = file.messages
    message = None
    for index in path:
        if index >= len(messages):
            raise SerdeError(f"The Protobuf schema has no message at {list(path)}")
        message = messages[index]
        messages = tuple(message.nested_types)
    if message is None:
        raise SerdeError("Not Protobuf: an empty message path")
    return message


def _message_reader(message: Descriptor, part: RecordPart, needed: frozenset[str] | None) -> Reader:
    parse = GetMessageClass(message).FromString
    gets = getters(message, part.targets(needed))

    def read(data: bytes) -> Row:
        try:
            found = parse(data)
        except DecodeError as error:
            raise SerdeError(f"Not Protobuf: {error}") from error
        return tuple([None if get is None else get(found) for get in gets])

    return read


def proto_writer(registry: SchemaRegistry, part: RecordPart) -> Writer:
    """Return the writer with the sink's schema, which is registered now if it is missing."""
    schema = sink_schema(registry, part, lambda: proto_schema_text(part))
    file = parsed_proto(registry, schema)
    message = file.message(part.property("fullSchemaName"))
    return _message_writer(message, part, head(schema.id) + _path_bytes(file, message))


def _path_bytes(file: ProtoFile, message: Descriptor) -> bytes:
    path: list[int] = []
    inner = message
    while inner.containing_type is not None:
        path.insert(0, _index(inner.full_name, inner.containing_type.nested_types))
        inner = inner.containing_type
    path.insert(0, _index(inner.full_name, file.messages))
    return _FIRST if path == [0] else b"".join(map(encode_long, (len(path), *path)))


def _index(full_name: str, messages: Any) -> int:
    return [message.full_name for message in messages].index(full_name)


def _message_writer(message: Descriptor, part: RecordPart, prefix: bytes) -> Writer:
    make = GetMessageClass(message)
    puts = setters(message, part.fields)

    def write(row: Row) -> bytes:
        made = make()
        for put, value in zip(puts, row, strict=True):
            if value is not None and put is not None:
                put(made, value)
        try:
            # The bytes of equal keys must be equal, maps included.
            data: bytes = made.SerializeToString(deterministic=True)
        except EncodeError as error:
            raise SerdeError(str(error)) from error
        return prefix + data

    return write


def plain_proto_reader(part: RecordPart, needed: frozenset[str] | None) -> Reader:
    """Return the reader of PROTOBUF_NOSR: the columns define the message, payloads name no schema."""
    return _message_reader(proto_file(proto_schema_text(part)).message(None), part, needed)


def plain_proto_writer(part: RecordPart) -> Writer:
    """Return the writer of PROTOBUF_NOSR: the message only."""
    return _message_writer(proto_file(proto_schema_text(part)).message(None), part, b"")


def proto_schema_text(part: RecordPart) -> str:
    """Return the schema that ksqlDB would register for the columns.

    Raises:
        SerdeError: Protobuf cannot represent them.
    """
    nullable = part.property("nullableRepresentation")
    if nullable is None and part.property("unwrapPrimitives") == "false":
        nullable = "WRAPPER"
    return proto_text(part.fields, part.property("fullSchemaName"), nullable)


def parsed_proto(registry: SchemaRegistry, schema: RegisteredSchema) -> ProtoFile:
    """Parse a registered schema's messages, with its imports."""
    return proto_file(schema.text, referenced_texts(registry, schema))
