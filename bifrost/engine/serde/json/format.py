"""The JSON and JSON_SR formats: readers and writers of a topic's keys or values."""

from __future__ import annotations

from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.json import row_reader, row_writer
from bifrost.engine.serde.json.schema import json_sql_type, row_schema_text, single_schema_text
from bifrost.engine.serde.record_part import RecordPart, Row
from bifrost.engine.serde.schema_registry import RegisteredSchema, SchemaRegistry
from bifrost.engine.serde.wire_format import HEAD, Reader, Writer, head, referenced_texts, sink_schema
from bifrost.sql.types import SqlStruct

_NO_MAGIC_BYTE = (
    "Got unexpected JSON serialization format that did not start with the magic byte. If this stream was not "
    "serialized using the JsonSchemaConverter, then make sure the stream is declared with JSON format (not JSON_SR)."
)


def json_reader(part: RecordPart, needed: frozenset[str] | None, start: int = 0) -> Reader:
    """Return a function from a payload, whose JSON begins at `start`, to the row."""
    if part.is_wrapped:
        return row_reader.row_reader(part.targets(needed), start)
    return row_reader.single_reader(part.columns[0].type, start)


def json_writer(part: RecordPart) -> Writer:
    """Return a function from a row to JSON."""
    if part.is_wrapped:
        return row_writer.row_writer(part.fields)
    return row_writer.single_writer(part.columns[0].type)


def json_sr_reader(part: RecordPart, needed: frozenset[str] | None) -> Reader:
    """Return a function from a payload to the row. As in ksqlDB, the schema is not needed: JSON describes itself."""
    read_json = json_reader(part, needed, HEAD)

    def read(data: bytes) -> Row | None:
        if len(data) < HEAD or data[0] != 0:
            raise SerdeError(_NO_MAGIC_BYTE)
        return read_json(data)

    return read


def json_sr_writer(registry: SchemaRegistry, part: RecordPart) -> Writer:
    """Return the writer with the sink's schema, which is registered now if it is missing."""
    schema = sink_schema(registry, part, lambda: json_schema_text(part))
    prefix = head(schema.id)
    if not part.is_wrapped:
        return row_writer.single_writer(part.columns[0].type, prefix, as_objects=True)
    return row_writer.row_writer(part.fields, prefix, as_objects=True, also=_others(registry, schema, part))


def json_schema_text(part: RecordPart) -> str:
    """Return the schema that ksqlDB would register for the columns."""
    if part.is_wrapped:
        return row_schema_text(part.fields)
    return single_schema_text(part.columns[0].type)


def _others(registry: SchemaRegistry, schema: RegisteredSchema, part: RecordPart) -> list[str]:
    """Return the schema's properties that have no column."""
    if part.property("schemaId") is None:
        return []
    kind = json_sql_type(schema.text, str, referenced_texts(registry, schema))
    if not isinstance(kind, SqlStruct):
        raise SerdeError("The schema is not that of an object, but an object with the columns is needed")
    names = {column.name for column in part.columns}
    return [field.name for field in kind.fields if field.name not in names]
