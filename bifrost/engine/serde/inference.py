"""Columns from the schema registry, for statements that do not list them."""

from __future__ import annotations

from collections.abc import Callable

from bifrost.engine.catalog.schema import FormatInfo
from bifrost.engine.serde.avro.format import parsed
from bifrost.engine.serde.avro.sql_types import sql_type_of
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.json.schema import json_sql_type
from bifrost.engine.serde.protobuf.format import parsed_proto
from bifrost.engine.serde.protobuf.sql_types import message_type
from bifrost.engine.serde.schema_registry import RegisteredSchema, SchemaRegistry
from bifrost.engine.serde.wire_format import referenced_texts, schema_type
from bifrost.errors import AnalysisError
from bifrost.sql.types import SqlStruct, SqlType

Named = tuple[str, SqlType]

_DOCS = "https://docs.confluent.io/current/schema-registry/docs"
_SINGLE_KEY, _SINGLE_VALUE = "ROWKEY", "ROWVAL"


def infer_columns(
    format_info: FormatInfo, registry: SchemaRegistry, topic: str, *, is_key: bool, is_bare: bool | None = None
) -> tuple[Named, ...]:
    """Return the names and types of the key or value columns of a registered schema.

    The format's `schemaId` selects the schema, whose names then keep their case; otherwise it is the newest version of
    the topic's subject, whose names become upper case, as in ksqlDB. `is_bare`: the schema describes one unwrapped
    column, named ROWKEY or ROWVAL; by default this holds for keys of formats that can unwrap.

    Raises:
        AnalysisError: the schema is missing, or it cannot be converted to columns (ksqlDB's texts).
        RegistryUnavailable: the registry does not answer.
    """
    named = format_info.properties.get("schemaId")
    schema = _found(registry, topic, is_key=is_key, schema_id=named)
    bare = is_key and format_info.name != "PROTOBUF" if is_bare is None else is_bare
    try:
        if schema.type != schema_type(format_info.name):
            raise SerdeError(f"The schema's type is {schema.type}, not {schema_type(format_info.name)}")
        row = row_type(schema, registry, format_info, str if named is not None else str.upper)
        return _columns(row, is_key=is_key, is_bare=bare)
    except SerdeError as error:
        raise AnalysisError(_incompatible(topic, schema, str(error), is_key=is_key)) from error


def row_type(
    schema: RegisteredSchema, registry: SchemaRegistry, format_info: FormatInfo, rename: Callable[[str], str]
) -> SqlType | None:
    """Return the SQL type of a schema; a record becomes a STRUCT of its columns.

    Raises:
        SerdeError: the text is not a schema of its type.
    """
    match schema.type:
        case "AVRO":
            return sql_type_of(parsed(registry, schema), rename)
        case "JSON":
            return json_sql_type(schema.text, rename, referenced_texts(registry, schema))
        case "PROTOBUF":
            file = parsed_proto(registry, schema)
            return message_type(file.message(format_info.properties.get("fullSchemaName")), file, rename)
        case kind:
            raise SerdeError(f"Unknown schema type {kind}")


def _columns(row: SqlType | None, *, is_key: bool, is_bare: bool) -> tuple[Named, ...]:
    if row is None:
        raise SerdeError("The schema has no field that ksqlDB can use")
    if is_bare:
        return ((_SINGLE_KEY if is_key else _SINGLE_VALUE, row),)
    if not isinstance(row, SqlStruct):
        raise SerdeError("Schema returned from schema registry is anonymous type")
    return tuple((field.name, field.type) for field in row.fields)


def _found(registry: SchemaRegistry, topic: str, *, is_key: bool, schema_id: str | None) -> RegisteredSchema:
    if schema_id is None:
        latest = registry.latest(f"{topic}-{'key' if is_key else 'value'}")
        if latest is None:
            raise AnalysisError(_missing(topic, None, is_key=is_key))
        return latest
    try:
        return registry.by_id(int(schema_id))
    except SerdeError:
        raise AnalysisError(_missing(topic, schema_id, is_key=is_key)) from None


def _missing(topic: str, schema_id: str | None, *, is_key: bool) -> str:
    part = "key" if is_key else "value"
    which = f"Subject: {topic}-{part}" if schema_id is None else f"Schema Id: {schema_id}"
    return (
        f"Schema for message {part}s on topic '{topic}' does not exist in the Schema Registry.\n"
        f"{which}\n"
        "Possible causes include:\n"
        "- The topic itself does not exist\n"
        "\t-> Use SHOW TOPICS; to check\n"
        "- Messages on the topic are not serialized using a format Schema Registry supports\n"
        f"\t-> Use PRINT '{topic}' FROM BEGINNING; to verify\n"
        "- Messages on the topic have not been serialized with a Confluent Schema Registry supported serializer\n"
        f"\t-> See {_DOCS}/serializer-formatter.html\n"
        "- The schema is registered on a different instance of the Schema Registry\n"
        f"\t-> Use the REST API to list available subjects\t{_DOCS}/api.html#get--subjects\n"
        "- You do not have permissions to access the Schema Registry.\n"
        f"\t-> See {_DOCS}/security.html"
    )


def _incompatible(topic: str, schema: RegisteredSchema, reason: str, *, is_key: bool) -> str:
    part = "key" if is_key else "value"
    return (
        f"Unable to verify if the {part} schema for topic: {topic} is compatible with ksqlDB.\n"
        f"Reason: {reason}\n"
        f"Schema:{schema.text}"
    )
