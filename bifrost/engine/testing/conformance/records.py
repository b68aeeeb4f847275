"""Converts records of test cases between JSON values and bytes in a topic's formats."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bifrost.engine.catalog.schema import Column, FormatInfo, Formats, KeyFormat, LogicalSchema, Namespace, ValueFormat
from bifrost.engine.serde import SchemaRegistry, Serdes, split_windowed_key, windowed_key
from bifrost.engine.serde.inference import row_type
from bifrost.engine.serde.json.values import converter
from bifrost.engine.serde.record_part import RecordPart
from bifrost.engine.testing.conformance.exact_json import read_exact, write_exact
from bifrost.engine.testing.driver import TopicRecord
from bifrost.sql.types import BYTES, STRING, SqlArray, SqlMap, SqlStruct, SqlType, StructField

_REGISTERED = frozenset({"AVRO", "JSON_SR", "PROTOBUF"})


@dataclass(frozen=True, slots=True)
class TopicFormats:
    """A topic's formats and columns."""

    topic: str
    formats: Formats
    schema: LogicalSchema

    @classmethod
    def undeclared(cls, topic: str, key: str | None, value: str | None) -> TopicFormats:
        """The formats of a topic that no statement declares; its columns are text unless it has schemas."""
        formats = Formats(KeyFormat(FormatInfo(key or "KAFKA")), ValueFormat(FormatInfo(value or "JSON")))
        return cls(topic, formats, LogicalSchema.of(key=(("ROWKEY", STRING),), value=(("ROWVAL", STRING),)))

    @property
    def key_part(self) -> RecordPart:
        """The key half."""
        return RecordPart.of_key(self.topic, self.formats.key, self.schema.key)

    @property
    def value_part(self) -> RecordPart:
        """The value half."""
        return RecordPart.of_value(self.topic, self.formats.value, self.schema.value)


@dataclass(frozen=True, slots=True)
class RecordEncoder:
    """Encodes records of one topic."""

    registry: SchemaRegistry
    formats: TopicFormats

    def key(self, value: Any, window: Mapping[str, Any] | None) -> bytes | None:
        """The bytes of a key with its window."""
        data = self._bytes(self.formats.key_part, value)
        if window is None:
            return data
        end = window["end"] if window["type"] == "SESSION" else None
        return windowed_key(data or b"", window["start"], end)

    def value(self, value: Any) -> bytes | None:
        """The bytes of a value."""
        return self._bytes(self.formats.value_part, value)

    def headers(self, headers: Sequence[Mapping[str, Any]] | None) -> list[tuple[str, bytes | None]] | None:
        """The headers of a record."""
        if headers is None:
            return None
        return [(item["KEY"], None if item["VALUE"] is None else base64.b64decode(item["VALUE"])) for item in headers]

    def _bytes(self, part: RecordPart, value: Any) -> bytes | None:
        name = part.format.name
        if value is None or name == "NONE":
            return None
        if name == "JSON":
            return write_exact(value).encode()
        if name == "DELIMITED":
            return str(value).encode()
        if name == "KAFKA":
            return self._kafka(part, value)
        return self._typed(part, value)

    def _kafka(self, part: RecordPart, value: Any) -> bytes | None:
        if not part.columns:
            return str(value).encode()
        column = part.columns[0]
        if column.type in (STRING, BYTES):
            return str(value).encode()
        return Serdes(self.registry).encoder(part)((converter(column.type)(value),))

    def _typed(self, part: RecordPart, value: Any) -> bytes | None:
        """Encodes by the registered schema, or by the columns if there is none."""
        row = self._registered(part)
        if row is None:
            row = SqlStruct(part.fields) if part.is_wrapped else part.columns[0].type
            format_info = part.format
        else:
            row, format_info = row
        wrapped = isinstance(row, SqlStruct) and (part.is_wrapped or isinstance(value, dict))
        fields = row.fields if isinstance(row, SqlStruct) and wrapped else (StructField("ROWVAL", row),)
        columns = tuple(Column(field.name, field.type, Namespace.VALUE) for field in fields)
        whole = SqlStruct(fields) if wrapped else row
        found = converter(whole)(_renamed(value, whole))
        if not wrapped:
            found = {"ROWVAL": found}
        written = RecordPart(part.topic, part.is_key, format_info, columns, is_wrapped=wrapped)
        return Serdes(self.registry).encoder(written)(tuple(found[field.name] for field in fields))

    def _registered(self, part: RecordPart) -> Any:
        if part.format.name not in _REGISTERED:
            return None
        named = part.property("schemaId")
        schema = self.registry.by_id(int(named)) if named is not None else self.registry.latest(part.subject)
        if schema is None:
            return None
        format_info = FormatInfo(part.format.name, {**part.format.properties, "schemaId": str(schema.id)})
        row = row_type(schema, self.registry, format_info, str)
        return None if row is None else (row, format_info)


@dataclass(frozen=True, slots=True)
class RecordDecoder:
    """Decodes records of one topic to the JSON of test cases."""

    serdes: Serdes
    formats: TopicFormats

    def record(self, record: TopicRecord) -> dict[str, Any]:
        """A record's parts."""
        key, window = self._key(record.key)
        return {
            "topic": self.formats.topic,
            "key": key,
            "value": self._read(self.formats.value_part, record.value),
            "timestamp": record.timestamp,
            "window": window,
            "headers": [
                {"KEY": name, "VALUE": None if value is None else base64.b64encode(value).decode()}
                for name, value in record.headers or ()
            ],
        }

    def _key(self, data: bytes | None) -> tuple[Any, dict[str, Any] | None]:
        info = self.formats.formats.key.window
        window = None
        if info is not None and data is not None:
            data, start, end = split_windowed_key(data, info)
            window = {"start": start, "end": end, "type": "SESSION" if info.size_ms is None else "TIME"}
        return self._read(self.formats.key_part, data), window

    def _read(self, part: RecordPart, data: bytes | None) -> Any:
        if data is None or part.format.name == "NONE" or not part.columns:
            return None
        if part.format.name == "JSON":
            return read_exact(data)
        if part.format.name == "DELIMITED":
            return data.decode()
        part = self._as_written(part, data)
        row = self.serdes.decoder(part)(data)
        if row is None:
            return None
        show = _shower(part.format.name)
        shown = {column.name: show(value, column.type) for column, value in zip(part.columns, row, strict=True)}
        return shown if part.is_wrapped else next(iter(shown.values()))

    def _as_written(self, part: RecordPart, data: bytes) -> RecordPart:
        """The part with all columns of the schema whose id the bytes contain."""
        if part.format.name not in _REGISTERED or not part.is_wrapped:
            return part
        schema = self.serdes.registry.by_id(int.from_bytes(data[1:5], "big"))
        row = row_type(schema, self.serdes.registry, part.format, str)
        if not isinstance(row, SqlStruct):
            return part
        return replace(part, columns=tuple(Column(field.name, field.type) for field in row.fields))


def _renamed(value: Any, sql_type: SqlType) -> Any:
    """The value with its objects' members renamed to the struct's fields, ignoring case."""
    match sql_type:
        case SqlStruct(fields) if isinstance(value, dict):
            members = {name.upper(): member for name, member in value.items()}
            return {field.name: _renamed(members.get(field.name.upper()), field.type) for field in fields}
        case SqlArray(item) if isinstance(value, list):
            return [_renamed(each, item) for each in value]
        case SqlMap(_, item) if isinstance(value, dict):
            return {name: _renamed(each, item) for name, each in value.items()}
        case _:
            return value


def _shower(format_name: str) -> Callable[[Any, SqlType], Any]:
    """A function from value and type to JSON. Avro stores maps whose keys are not text as lists of entries."""

    def show(value: Any, sql_type: SqlType) -> Any:
        match sql_type:
            case _ if value is None:
                return None
            case SqlArray(item):
                return [show(each, item) for each in value]
            case SqlMap(key, item) if format_name == "AVRO" and key != STRING:
                return [{"KEY": show(name, key), "VALUE": show(each, item)} for name, each in value.items()]
            case SqlMap(_, item):
                return {str(name): show(each, item) for name, each in value.items()}
            case SqlStruct(fields):
                return {field.name: show(value[field.name], field.type) for field in fields}
            case _ if sql_type == BYTES:
                return value.decode() if format_name == "KAFKA" else base64.b64encode(value).decode() or None
            case _:
                return Decimal(repr(value)) if isinstance(value, float) else value

    return show
