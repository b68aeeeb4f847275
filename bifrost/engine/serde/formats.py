"""Which columns each format supports, with ksqlDB's errors for the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bifrost.engine.catalog.schema import Column, FormatInfo, LogicalSchema, Namespace
from bifrost.engine.serde.avro.sql_types import checked_name
from bifrost.engine.serde.errors import SerdeError
from bifrost.errors import AnalysisError
from bifrost.sql.types import (
    BIGINT,
    BYTES,
    DOUBLE,
    INTEGER,
    STRING,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
)

_KAFKA_TYPES = frozenset({INTEGER, BIGINT, DOUBLE, STRING, BYTES})


def validate_format(
    format_info: FormatInfo, columns: Sequence[Column], *, is_key: bool, features: Sequence[str] = ()
) -> None:
    """Check that a format supports the columns of a key or value.

    `features` are the names of the serde features in effect (`WRAP_SINGLES`, `UNWRAP_SINGLES`), for the message.

    Raises:
        AnalysisError: with ksqlDB's text.
    """
    try:
        _check(format_info.name, columns)
    except SerdeError as error:
        part = "Key" if is_key else "Value"
        # ksqlDB prints key columns with the suffix KEY and value columns without one.
        listed = ", ".join(_text(column, is_key) for column in columns)
        raise AnalysisError(
            f"{part} format does not support schema.\n"
            f"format: {format_info.name}\n"
            f"schema: Persistence{{columns=[{listed}], features=[{', '.join(features)}]}}\n"
            f"reason: {error}"
        ) from error


def _check(name: str, columns: Sequence[Column]) -> None:
    match name:
        case "NONE" if columns:
            raise SerdeError(
                f"The 'NONE' format can only be used when no columns are defined. Got: [{_listed(columns)}]"
            )
        case "KAFKA":
            _check_kafka(columns)
        case "DELIMITED":
            for column in columns:
                if isinstance(column.type, SqlArray | SqlMap | SqlStruct):
                    raise SerdeError(f"{unsupported(name, column.type)}, column: `{column.name}`")
        case "PROTOBUF" | "PROTOBUF_NOSR" if _has_other_map_keys(columns):
            raise SerdeError("PROTOBUF format only supports MAP types with STRING keys")
        case "JSON" | "JSON_SR" if _has_other_map_keys(columns):
            raise SerdeError("JSON only supports MAP types with STRING keys")
        case "AVRO" if _has_other_map_keys(columns):
            raise SerdeError("Avro only supports MAPs with STRING keys")
        case "AVRO":
            for column in columns:
                checked_name(column.name)
            for kind in _parts(columns):
                if isinstance(kind, SqlStruct):
                    for field in kind.fields:
                        checked_name(field.name)


def _has_other_map_keys(columns: Sequence[Column]) -> bool:
    return any(isinstance(kind, SqlMap) and kind.key != STRING for kind in _parts(columns))


def _check_kafka(columns: Sequence[Column]) -> None:
    for column in columns:
        if column.type not in _KAFKA_TYPES:
            raise SerdeError(unsupported("KAFKA", column.type))
    if len(columns) > 1:
        raise SerdeError(f"The 'KAFKA' format only supports a single field. Got: [{_listed(columns)}]")


def unsupported(format_name: str, sql_type: SqlType) -> str:
    """Return the message for a type that a format does not support."""
    return f"The '{format_name}' format does not support type '{base_type(sql_type)}'"


def base_type(sql_type: SqlType) -> str:
    """Return the type's name without its parameters."""
    match sql_type:
        case SqlDecimal():
            return "DECIMAL"
        case SqlArray():
            return "ARRAY"
        case SqlMap():
            return "MAP"
        case SqlStruct():
            return "STRUCT"
        case _:
            return str(sql_type)


def _listed(columns: Sequence[Column]) -> str:
    return str(LogicalSchema(tuple(columns)))


def _text(column: Column, is_key: bool) -> str:
    return f"`{column.name}` {column.type}{' KEY' if is_key or column.namespace is Namespace.KEY else ''}"


def _parts(columns: Sequence[Column]) -> Iterator[SqlType]:
    """Yield all types in the columns, nested ones too."""
    pending = [column.type for column in columns]
    while pending:
        kind = pending.pop()
        yield kind
        match kind:
            case SqlArray(item):
                pending.append(item)
            case SqlMap(key, value):
                pending += [key, value]
            case SqlStruct(fields):
                pending += [field.type for field in fields]
