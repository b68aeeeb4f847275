"""Avro records in the registry's wire format: a zero byte, the schema id in four bytes, the record."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from bifrost.clients.schema_registry import SchemaRegistryClient

HEADER_BYTES = 5


class AvroReader:
    """Reads records with the schemas that they were written with. Not thread-safe."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        """Return the value of a record.

        Raises:
            ValueError: the bytes are not such a record.
            RemoteError: the registry does not answer, or does not know the schema.
        """
        if len(data) < HEADER_BYTES or data[0] != 0:
            raise ValueError("not Avro with a schema id (unknown magic byte)")
        return decode(self._schema(int.from_bytes(data[1:HEADER_BYTES], "big")), data)

    def _schema(self, schema_id: int) -> Any:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = parse_schema(self._registry.by_id(schema_id).schema)
        return self._schemas[schema_id]


def parse_schema(schema: str) -> Any:
    """Parse the text of a schema for fastavro.

    Raises:
        ValueError: the text is not an Avro schema.
    """
    try:
        # A dictionary per schema: a named type of one schema must not be visible in another one.
        return fastavro.parse_schema(json.loads(schema), named_schemas={})
    except json.JSONDecodeError as error:
        raise ValueError(f"not an Avro schema: not JSON (line {error.lineno}, column {error.colno})") from error
    except KeyError as error:
        raise ValueError(f"not an Avro schema: {error.args[0]} is missing") from error
    except RecursionError as error:
        raise ValueError("not an Avro schema: nested too deeply") from error
    except UnknownType as error:
        raise ValueError(f"not an Avro schema: unknown type {json.dumps(error.name)}") from error
    except (SchemaParseException, ValueError) as error:
        # The library's texts end with the schema as Python prints it.
        raise ValueError(f"not an Avro schema: {str(error).partition(' from the schema')[0]}") from error
    except (TypeError, AttributeError) as error:
        raise ValueError("not an Avro schema: a type, name or list of fields has the wrong JSON type") from error


def decode(schema: Any, data: bytes) -> Any:
    """Decode a record, header included, by its parsed schema.

    Raises:
        ValueError: the bytes are not such a record.
    """
    try:
        return fastavro.schemaless_reader(io.BytesIO(data[HEADER_BYTES:]), schema, None)
    except (ValueError, TypeError, EOFError, IndexError, OverflowError, KeyError) as error:
        raise ValueError(f"not a record of its schema: {error}") from error


def header(schema_id: int) -> bytes:
    """Return the bytes in front of each record: a zero byte, and the schema id."""
    return b"\0" + schema_id.to_bytes(4, "big")


def encode(schema_id: int, schema: Any, value: object) -> bytes:
    """Encode a record, header included, by its parsed schema.

    Raises:
        ValueError: the value does not fit the schema.
    """
    buffer = io.BytesIO()
    buffer.write(header(schema_id))
    try:
        fastavro.schemaless_writer(buffer, schema, value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError) as error:
        raise ValueError(f"does not fit the schema: {error}") from error
    return buffer.getvalue()
