"""Avro records in the registry's wire format: a zero byte, four bytes of the schema's id, the record."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from bifrost.clients.schema_registry import SchemaRegistryClient

HEAD = 5


class AvroReader:
    """Reads records with the schemas that they were written with. Not for several threads."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        """The value of a record.

        Raises:
            ValueError: the bytes are no such record.
            RemoteError: the registry does not answer, or does not know the schema.
        """
        if len(data) < HEAD or data[0] != 0:
            raise ValueError("not Avro with a schema's id in front (unknown magic byte)")
        return decoded(self._schema(int.from_bytes(data[1:HEAD], "big")), data)

    def _schema(self, schema_id: int) -> Any:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = parsed(self._registry.by_id(schema_id).schema)
        return self._schemas[schema_id]


def parsed(schema: str) -> Any:
    """A schema's text as fastavro wants it.

    Raises:
        ValueError: it is no Avro schema.
    """
    try:
        # Names of one schema must not be known to another one.
        return fastavro.parse_schema(json.loads(schema), named_schemas={})
    except (SchemaParseException, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an Avro schema: {error}") from error


def decoded(schema: Any, data: bytes) -> Any:
    """The value of a record of a parsed schema, which is that of the id in front of it.

    Raises:
        ValueError: the bytes are no such record.
    """
    try:
        return fastavro.schemaless_reader(io.BytesIO(data[HEAD:]), schema, None)
    except (ValueError, TypeError, EOFError, IndexError, OverflowError, KeyError) as error:
        raise ValueError(f"not a record of its schema: {error}") from error


def encoded(schema_id: int, schema: Any, value: object) -> bytes:
    """A record of a parsed schema.

    Raises:
        ValueError: the value does not fit the schema.
    """
    buffer = io.BytesIO()
    buffer.write(b"\0" + schema_id.to_bytes(4, "big"))
    try:
        fastavro.schemaless_writer(buffer, schema, value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError) as error:
        raise ValueError(f"does not fit the schema: {error}") from error
    return buffer.getvalue()
