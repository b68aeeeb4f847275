"""Confluent's wire format: a zero byte, the schema's id in four bytes, then the data."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NoReturn

from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.record_part import RecordPart, Row
from bifrost.engine.serde.schema_registry import RegisteredSchema, SchemaRegistry

Reader = Callable[[bytes], Row | None]
Writer = Callable[[Row], bytes]

HEAD = 5
_HEAD = struct.Struct(">bI")

_SCHEMA_TYPES = {"AVRO": "AVRO", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}


def head(schema_id: int) -> bytes:
    """Return the bytes before the data."""
    return _HEAD.pack(0, schema_id)


def schema_type(format_name: str) -> str:
    """Return the registry's name for a format's schemas."""
    return _SCHEMA_TYPES[format_name]


class ReadersBySchema(dict[bytes, Reader]):
    """Readers by the first five bytes of a payload, created when an id first occurs."""

    def __init__(self, registry: SchemaRegistry, part: RecordPart, make: Callable[[RegisteredSchema], Reader]) -> None:
        super().__init__()
        self.registry = registry
        self.wanted = schema_type(part.format.name)
        self.make = make

    def __missing__(self, first: bytes) -> Reader:
        if len(first) < HEAD or first[0] != 0:
            raise SerdeError("Unknown magic byte!")
        schema = self.registry.by_id(_HEAD.unpack(first)[1])
        try:
            if schema.type != self.wanted:
                raise SerdeError(f"Schema {schema.id} is of type {schema.type}, not {self.wanted}")
            reader = self.make(schema)
        except SerdeError as error:
            # A registered schema never changes, so its error is final.
            reader = _refusing(str(error))
        self[first] = reader
        return reader


def _refusing(message: str) -> Reader:
    def refuse(_: bytes) -> NoReturn:
        raise SerdeError(message)

    return refuse


def sink_schema(registry: SchemaRegistry, part: RecordPart, text: Callable[[], str]) -> RegisteredSchema:
    """Return the schema to write with: that of `schemaId`, else `text()`, registered under the part's subject.

    Raises:
        SerdeError: the schema is missing, or the registry refuses it.
        RegistryUnavailable: the registry does not answer.
    """
    named = part.property("schemaId")
    if named is not None:
        return registry.by_id(int(named))
    made, kind = text(), schema_type(part.format.name)
    return RegisteredSchema(registry.register(part.subject, kind, made), kind, made)


def referenced_texts(registry: SchemaRegistry, schema: RegisteredSchema) -> dict[str, str]:
    """Return the texts of the schemas that a schema refers to, by name, each after the schemas it refers to itself.

    Raises:
        SerdeError: one of them is missing.
    """
    texts: dict[str, str] = {}
    _collect(registry, schema, texts, frozenset({schema.id}))
    return texts


def _collect(registry: SchemaRegistry, schema: RegisteredSchema, texts: dict[str, str], above: frozenset[int]) -> None:
    for reference in schema.references:
        if reference.name in texts:
            continue
        found = registry.version(reference.subject, reference.version)
        # `above` ends a circle of references, which a registry does not rule out.
        if found is None or found.id in above:
            place = f"version {reference.version} of {reference.subject}"
            raise SerdeError(f"Schema {schema.id} refers to {place}, which is not in the schema registry")
        _collect(registry, found, texts, above | {found.id})
        texts[reference.name] = found.text
