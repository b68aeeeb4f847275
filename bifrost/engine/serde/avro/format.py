"""The AVRO format: readers and writers of a topic's keys or values."""

from __future__ import annotations

from bifrost.engine.serde.avro.row_reader import row_reader, single_reader
from bifrost.engine.serde.avro.row_writer import row_writer, single_writer
from bifrost.engine.serde.avro.schema import AvroType, parse_avro
from bifrost.engine.serde.avro.sql_types import VALUE_SCHEMA_NAME, row_schema_text, single_schema_text
from bifrost.engine.serde.record_part import RecordPart
from bifrost.engine.serde.schema_registry import RegisteredSchema, SchemaRegistry
from bifrost.engine.serde.wire_format import HEAD, Reader, ReadersBySchema, Writer, head, referenced_texts, sink_schema


def avro_readers(
    registry: SchemaRegistry, part: RecordPart, needed: frozenset[str] | None, *, lenient: bool = False
) -> ReadersBySchema:
    """Return the readers by schema: each turns a payload into a row; see `row_reader` for `lenient`."""
    targets = part.targets(needed)

    def make(schema: RegisteredSchema) -> Reader:
        writer = parsed(registry, schema)
        if part.is_wrapped:
            return row_reader(writer, targets, HEAD, lenient=lenient)
        return single_reader(writer, part.columns[0].type, HEAD, lenient=lenient)

    return ReadersBySchema(registry, part, make)


def avro_writer(registry: SchemaRegistry, part: RecordPart) -> Writer:
    """Return the writer with the sink's schema, which is registered now if it is missing."""
    schema = sink_schema(registry, part, lambda: avro_text(part))
    avro = parsed(registry, schema)
    if part.is_wrapped:
        return row_writer(avro, part.fields, head(schema.id))
    return single_writer(avro, part.columns[0].type, head(schema.id))


def avro_text(part: RecordPart) -> str:
    """Return the schema that ksqlDB would register for the columns.

    Raises:
        SerdeError: a column's name is invalid in Avro.
    """
    name = part.property("fullSchemaName") or VALUE_SCHEMA_NAME
    if part.is_wrapped:
        return row_schema_text(part.columns, name)
    return single_schema_text(part.columns[0].type, name)


def parsed(registry: SchemaRegistry, schema: RegisteredSchema) -> AvroType:
    """Parse a registered schema with the schemas it refers to."""
    return parse_avro(schema.text, tuple(referenced_texts(registry, schema).values()))
