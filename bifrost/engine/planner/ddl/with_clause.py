"""Reads the properties of WITH clauses, and the formats that they define."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from bifrost.engine.catalog.schema import FormatInfo, KeyFormat, TimestampColumn, ValueFormat, WindowInfo, WindowKind
from bifrost.errors import AnalysisError
from bifrost.sql.tree import (
    BooleanLiteral,
    DecimalLiteral,
    DoubleLiteral,
    IntegerLiteral,
    Literal,
    LongLiteral,
    NullLiteral,
    StringLiteral,
    TimeUnit,
)

T = TypeVar("T")

FORMATS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "AVRO": frozenset({"fullSchemaName", "schemaId"}),
        "DELIMITED": frozenset({"delimiter"}),
        "JSON": frozenset(),
        "JSON_SR": frozenset({"fullSchemaName", "schemaId"}),
        "KAFKA": frozenset(),
        "NONE": frozenset(),
        "PROTOBUF": frozenset({"fullSchemaName", "schemaId", "unwrapPrimitives", "nullableRepresentation"}),
        "PROTOBUF_NOSR": frozenset({"unwrapPrimitives", "nullableRepresentation"}),
    }
)
"""Each format with the properties that it supports."""

_DEFAULTS: Mapping[str, Mapping[str, str]] = {"PROTOBUF": {"unwrapPrimitives": "true"}}

REGISTRY_FORMATS = frozenset({"AVRO", "JSON_SR", "PROTOBUF"})
"""Formats with schemas in the schema registry."""

_SINK_PROPERTIES = frozenset(
    {
        "KAFKA_TOPIC",
        "FORMAT",
        "KEY_FORMAT",
        "VALUE_FORMAT",
        "PARTITIONS",
        "REPLICAS",
        "RETENTION_MS",
        "CLEANUP_POLICY",
        "TIMESTAMP",
        "TIMESTAMP_FORMAT",
        "KEY_DELIMITER",
        "VALUE_DELIMITER",
        "WRAP_SINGLE_VALUE",
        "KEY_SCHEMA_ID",
        "VALUE_SCHEMA_ID",
        "KEY_SCHEMA_FULL_NAME",
        "VALUE_SCHEMA_FULL_NAME",
        "VALUE_AVRO_SCHEMA_FULL_NAME",
        "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
        "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
    }
)
_SOURCE_PROPERTIES = _SINK_PROPERTIES | {"WINDOW_TYPE", "WINDOW_SIZE", "SOURCED_BY_CONNECTOR"}
_POLICIES = frozenset({"compact", "delete", "compact,delete", "delete,compact"})
_INTEGER_MAX, _LONG_MAX = 2**31 - 1, 2**63 - 1
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_FULL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_LONGEST_SHOWN = 200
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_DURATION = re.compile(r"\s*([0-9]{1,20})\s+(\w+)\s*")


@dataclass(frozen=True, slots=True)
class PartProperties:
    """The properties of the key's or the value's format in WITH; None if WITH does not set one."""

    format: str | None = None
    delimiter: str | None = None
    schema_id: int | None = None
    schema_name: str | None = None
    nullable: str | None = None

    def format_info(self, default: str | None) -> FormatInfo | None:
        """The format with its properties; `default` if WITH names none.

        Raises:
            AnalysisError: the format is unknown, or does not support one of its properties.
        """
        name = default if self.format is None else self.format
        return None if name is None else format_info(name, self.as_format_properties())

    def as_format_properties(self) -> dict[str, str]:
        """The properties under the names that formats use."""
        pairs = {
            "delimiter": self.delimiter,
            "schemaId": None if self.schema_id is None else str(self.schema_id),
            "fullSchemaName": self.schema_name,
            "nullableRepresentation": self.nullable,
        }
        return {name: value for name, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SourceProperties:
    """The WITH clause of CREATE STREAM|TABLE (`of_source`) or of CREATE ... AS SELECT (`of_sink`)."""

    key: PartProperties = field(default_factory=PartProperties)
    value: PartProperties = field(default_factory=PartProperties)
    topic: str | None = None
    partitions: int | None = None
    replicas: int | None = None
    retention_ms: int | None = None
    cleanup_policy: str | None = None
    timestamp: str | None = None
    timestamp_format: str | None = None
    window: WindowInfo | None = None
    wrap_single_value: bool | None = None

    @classmethod
    def of_source(cls, properties: Mapping[str, Literal]) -> SourceProperties:
        """The properties of CREATE STREAM|TABLE.

        Raises:
            AnalysisError: a name is unknown, a value has a wrong type, KAFKA_TOPIC is missing, or two conflict.
        """
        return _read(properties, _SOURCE_PROPERTIES, needs_topic=True)

    @classmethod
    def of_sink(cls, properties: Mapping[str, Literal]) -> SourceProperties:
        """The properties of CREATE ... AS SELECT.

        Raises:
            AnalysisError: a name is unknown, a value has a wrong type, or two properties conflict.
        """
        return _read(properties, _SINK_PROPERTIES, needs_topic=False)


def insert_query_id(properties: Mapping[str, Literal]) -> str | None:
    """QUERY_ID of INSERT INTO ... WITH, in upper case.

    Raises:
        AnalysisError: the clause has another property.
    """
    _refuse_unknown(properties, frozenset({"QUERY_ID"}))
    query_id = _Reader(properties).text("QUERY_ID")
    return None if query_id is None else query_id.upper()


def format_info(name: str, properties: Mapping[str, str]) -> FormatInfo:
    """A format by name, in any case.

    Raises:
        AnalysisError: the format is unknown, or does not support a property.
    """
    known = FORMATS.get(name.strip().upper())
    if known is None:
        raise AnalysisError(f"Unknown format: {name.strip().upper()}")
    unknown = [prop for prop in properties if prop not in known]
    if unknown:
        raise AnalysisError(f"{name.upper()} does not support the following configs: [{', '.join(unknown)}]")
    named = name.strip().upper()
    return FormatInfo(named, MappingProxyType({**_DEFAULTS.get(named, {}), **properties}))


def key_format(info: FormatInfo, window: WindowInfo | None = None) -> KeyFormat:
    """A key format; as in ksqlDB, only Protobuf wraps a single key column."""
    return KeyFormat(info, unwrap_single=not info.name.startswith("PROTOBUF"), window=window)


def value_format(info: FormatInfo, columns: int, *, wrap: bool | None, default_wrap: bool | None) -> ValueFormat:
    """A value format for a number of value columns.

    Raises:
        AnalysisError: WRAP_SINGLE_VALUE does not apply to the format or to the number of columns.
    """
    if wrap is None:
        # The server's default applies where it can; only WITH has to suit the format.
        usable = columns == 1 and default_wrap is not None and _may_wrap(info.name, default_wrap)
        return ValueFormat(info, default_wrap if usable else None)
    if not _may_wrap(info.name, wrap):
        answer = str(wrap).lower()
        raise AnalysisError(f"Format '{info.name}' does not support 'WRAP_SINGLE_VALUE' set to '{answer}'.")
    if columns != 1:
        raise AnalysisError("'WRAP_SINGLE_VALUE' is only valid for single-field value schemas")
    return ValueFormat(info, wrap)


def avro_key_name(source: str) -> str:
    """The record name of a source's Avro key, as ksqlDB makes it: `CUSTOMER_RATINGS` gives `...CustomerRatingsKey`."""
    words = "".join(word.capitalize() for word in source.split("_"))
    return f"io.confluent.ksql.avro_schemas.{words}Key"


def timestamp_of(properties: SourceProperties) -> TimestampColumn | None:
    """The event-time column that WITH names, or None."""
    if properties.timestamp is None:
        return None
    return TimestampColumn(properties.timestamp, properties.timestamp_format)


def _may_wrap(name: str, wrap: bool) -> bool:
    if name in ("AVRO", "JSON", "JSON_SR"):
        return True
    return name.startswith("PROTOBUF") if wrap else name in ("KAFKA", "DELIMITED")


def _read(properties: Mapping[str, Literal], known: frozenset[str], *, needs_topic: bool) -> SourceProperties:
    try:
        _refuse_unknown(properties, known)
        reader = _Reader(properties)
        if needs_topic and reader.text("KAFKA_TOPIC") is None:
            raise AnalysisError('Missing required property "KAFKA_TOPIC" which has no default value.')
        return _properties_of(reader)
    except AnalysisError as error:
        raise AnalysisError(f"Failed to prepare statement: {error.message}") from error


def _refuse_unknown(properties: Mapping[str, Literal], known: frozenset[str]) -> None:
    unknown = [name for name in properties if name not in known]
    if unknown:
        raise AnalysisError(f"Invalid config variable(s) in the WITH clause: {','.join(unknown)}")


def _properties_of(reader: _Reader) -> SourceProperties:
    shared = reader.text("FORMAT")
    for name in ("KEY_FORMAT", "VALUE_FORMAT"):
        if shared is not None and reader.text(name) is not None:
            raise AnalysisError(
                f"Cannot supply both '{name}' and 'FORMAT' properties, as 'FORMAT' sets both key and value formats.\n"
                "Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."
            )
    policy, timestamp = reader.text("CLEANUP_POLICY"), reader.text("TIMESTAMP")
    if policy is not None and policy.lower() not in _POLICIES:
        raise AnalysisError(f"Configuration CLEANUP_POLICY is invalid: '{policy}' is not compact, delete or both")
    return SourceProperties(
        key=_part(reader, "KEY", shared, reader.text("KEY_SCHEMA_FULL_NAME")),
        value=_part(reader, "VALUE", shared, _value_schema_name(reader)),
        topic=_topic_name(reader.text("KAFKA_TOPIC")),
        partitions=_bounded(reader, "PARTITIONS", least=1, most=_INTEGER_MAX),
        replicas=_replicas(reader),
        retention_ms=_bounded(reader, "RETENTION_MS", least=-1, most=_LONG_MAX),
        cleanup_policy=None if policy is None else policy.lower(),
        timestamp=None if timestamp is None else column_name(timestamp),
        timestamp_format=reader.text("TIMESTAMP_FORMAT"),
        window=_window(reader),
        wrap_single_value=reader.flag("WRAP_SINGLE_VALUE"),
    )


def _topic_name(name: str | None) -> str | None:
    if name is not None and (name in (".", "..") or _TOPIC_NAME.fullmatch(name) is None):
        raise AnalysisError(
            f"Topic name '{_shortened(name)}' is invalid: Kafka allows 1 to 249 letters, digits, '.', '_' and '-', but "
            "not '.' or '..'."
        )
    return name


def _bounded(reader: _Reader, name: str, *, least: int, most: int) -> int | None:
    number = reader.integer(name)
    if number is not None and not least <= number <= most:
        raise AnalysisError(f"Invalid value {number} for property {name}: expected a number from {least} to {most}")
    return number


def _replicas(reader: _Reader) -> int | None:
    """The number of replicas; -1 stands for the broker's default."""
    # Kafka's protocol holds this number in 16 bits.
    number = _bounded(reader, "REPLICAS", least=-1, most=2**15 - 1)
    if number == 0:
        raise AnalysisError("Invalid value 0 for property REPLICAS: expected at least one replica")
    return number


def _value_schema_name(reader: _Reader) -> str | None:
    return reader.text("VALUE_SCHEMA_FULL_NAME") or reader.text("VALUE_AVRO_SCHEMA_FULL_NAME")


def _part(reader: _Reader, part: str, shared: str | None, schema_name: str | None) -> PartProperties:
    delimiter = reader.text(f"{part}_DELIMITER")
    if delimiter is not None and len(delimiter) != 1 and delimiter.upper() not in ("TAB", "SPACE"):
        raise AnalysisError(
            f"Configuration {part}_DELIMITER is invalid: Invalid delimiter value: '{delimiter}'. "
            "Delimiter must be a single character or TAB,SPACE\nExample valid value: ';'"
        )
    if schema_name is not None and not schema_name.strip():
        raise AnalysisError(f"Schema name cannot be empty. Format: {part}_SCHEMA_FULL_NAME")
    if schema_name is not None and _FULL_NAME.fullmatch(schema_name.strip()) is None:
        raise AnalysisError(
            f"Invalid value '{schema_name}' for property {part}_SCHEMA_FULL_NAME: expected a name such as "
            "'com.example.Order'"
        )
    return PartProperties(
        format=shared or reader.text(f"{part}_FORMAT"),
        delimiter=delimiter,
        schema_id=reader.integer(f"{part}_SCHEMA_ID"),
        schema_name=schema_name,
        nullable=reader.text(f"{part}_PROTOBUF_NULLABLE_REPRESENTATION"),
    )


def _window(reader: _Reader) -> WindowInfo | None:
    kind_text, size_text = reader.text("WINDOW_TYPE"), reader.text("WINDOW_SIZE")
    if kind_text is None:
        if size_text is not None:
            raise AnalysisError("'WINDOW_SIZE' property cannot be used without 'WINDOW_TYPE'.")
        return None
    if kind_text.upper() not in WindowKind.__members__:
        raise AnalysisError(
            f"Configuration WINDOW_TYPE is invalid: Invalid window type: {kind_text}\nValid values are: "
            "SESSION, HOPPING, TUMBLING"
        )
    kind = WindowKind(kind_text.upper())
    if kind is WindowKind.SESSION:
        if size_text is not None:
            raise AnalysisError("'WINDOW_SIZE' should not be set for SESSION windows.")
        return WindowInfo(kind)
    if size_text is None:
        raise AnalysisError(
            f"{kind.value} windows require 'WINDOW_SIZE' to be provided in the WITH clause. "
            "For example: 'WINDOW_SIZE'='10 SECONDS'"
        )
    size_ms = duration_ms(size_text)
    if not 0 < size_ms < 2**63:
        raise AnalysisError(
            f"Configuration WINDOW_SIZE is invalid: '{size_text}' must be greater than zero and at most "
            f"{2**63 - 1} milliseconds."
        )
    return WindowInfo(kind, size_ms)


def duration_ms(text: str) -> int:
    """`10 SECONDS` in milliseconds.

    Raises:
        AnalysisError: the text is not a number and a unit of time.
    """
    match = _DURATION.fullmatch(text)
    unit = "" if match is None else match.group(2).upper()
    unit = unit if unit.endswith("S") else f"{unit}S"
    if match is None or unit not in TimeUnit.__members__:
        raise AnalysisError(
            f"Configuration WINDOW_SIZE is invalid: Invalid duration: '{_shortened(text)}'. "
            "Should be a number and a unit of time, e.g. '10 SECONDS'."
        )
    return int(match.group(1)) * TimeUnit[unit].value


def column_name(text: str) -> str:
    """The column that a property names: in upper case unless in back quotes or double quotes."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in '`"':
        quote = text[0]
        return text[1:-1].replace(quote * 2, quote)
    return text.upper()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Converts literals to the types of properties."""

    literals: Mapping[str, Literal]

    def text(self, name: str) -> str | None:
        return self._read(name, "STRING", _as_text)

    def integer(self, name: str) -> int | None:
        return self._read(name, "INT", _as_integer)

    def flag(self, name: str) -> bool | None:
        return self._read(name, "BOOLEAN", _as_flag)

    def _read(self, name: str, kind: str, convert: Callable[[Literal], T]) -> T | None:
        literal = self.literals.get(name)
        if literal is None or isinstance(literal, NullLiteral):
            return None
        try:
            return convert(literal)
        except ValueError as error:
            raise AnalysisError(
                f"Invalid value {_shortened(_as_text(literal))} for property {name}: Not a value of type {kind}"
            ) from error


def _shortened(text: str) -> str:
    """The text as messages show it."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _as_text(literal: Literal) -> str:
    match literal:
        case StringLiteral(value):
            return value
        case BooleanLiteral(value):
            return str(value).lower()
        case IntegerLiteral(value) | LongLiteral(value) | DoubleLiteral(value):
            return str(value)
        case DecimalLiteral(text):
            return text
        case _:
            return str(literal)


def _as_integer(literal: Literal) -> int:
    text = _as_text(literal).strip()
    if _WHOLE.fullmatch(text) is None:  # int() also takes underscores, and very long texts take long
        raise ValueError(text)
    return int(text)


def _as_flag(literal: Literal) -> bool:
    text = _as_text(literal).lower()
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"
