"""Keys and values of records as text for people: by the schema registry, as JSON, as text, or as hexadecimal bytes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from bifrost.clients.avro import HEADER_BYTES, decode, parse_schema
from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.protobuf.format import message_in
from bifrost.engine.serde.protobuf.schema_files import ProtoFile, proto_file
from bifrost.errors import RemoteError

MAX_HEX_BYTES = 256
"""Bytes of a value that are shown where nothing can read it."""
_MOST_REFERENCES = 100
_NUMBER_SIZES = (2, 4, 8)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\s+|[,:]|[^\s",:]+', re.S)


class ValueForm(StrEnum):
    """How to show keys and values: by their content, or all of them as text, bytes (hex) or big-endian numbers."""

    AUTO = "auto"
    TEXT = "text"
    BYTES = "bytes"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class ReadableValue:
    """A key or value as text.

    `format` is `null`, `AVRO`, `JSON_SR`, `PROTOBUF`, `JSON`, `TEXT`, `NUMBER` or `BYTES` (hex).

    `problem` is why a value with a schema id is shown as bytes; otherwise empty.
    """

    format: str
    text: str
    problem: str = ""


class RecordText:
    """Makes keys and values readable; asks the registry once per schema. Not thread-safe."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, SubjectVersion] = {}
        self._failures: dict[int, RemoteError] = {}
        self._parsed: dict[int, Any] = {}

    def read(self, data: bytes | None, form: ValueForm = ValueForm.AUTO) -> ReadableValue:
        """The text of a key or value. Nothing that it contains is an error."""
        if data is None:
            return ReadableValue("null", "null")
        match form:
            case ValueForm.TEXT:
                return ReadableValue("TEXT", data.decode("utf-8", "replace"))
            case ValueForm.NUMBER if len(data) in _NUMBER_SIZES:
                return ReadableValue("NUMBER", str(int.from_bytes(data, "big", signed=True)))
            case ValueForm.BYTES | ValueForm.NUMBER:
                return _hex(data, problem="")
        if len(data) > HEADER_BYTES and data[0] == 0:
            try:
                return self._by_schema(data)
            except (ValueError, SerdeError, RemoteError, RecursionError, IndexError, DecodeError) as error:
                return _plain(data, problem=str(error))
        return _plain(data)

    def _by_schema(self, data: bytes) -> ReadableValue:
        number = int.from_bytes(data[1:HEADER_BYTES], "big")
        schema = self._schema(number)
        match schema.type:
            case "JSON":
                return ReadableValue("JSON_SR", _stored_json(data[HEADER_BYTES:].decode()))
            case "PROTOBUF":
                if number not in self._parsed:
                    self._parsed[number] = proto_file(schema.schema, self._imports(schema))
                return ReadableValue("PROTOBUF", _json(_protobuf(self._parsed[number], data)))
            case _:
                if number not in self._parsed:
                    self._parsed[number] = parse_schema(schema.schema)
                return ReadableValue("AVRO", _json(decode(self._parsed[number], data)))

    def _schema(self, number: int) -> SubjectVersion:
        # Binary keys may look like schema ids: an unknown one must not cost a request for every record.
        if number in self._failures:
            raise self._failures[number]
        if number not in self._schemas:
            try:
                self._schemas[number] = self._registry.by_id(number)
            except RemoteError as error:
                self._failures[number] = error
                raise
        return self._schemas[number]

    def _imports(self, schema: SubjectVersion) -> dict[str, str]:
        texts: dict[str, str] = {}
        pending = list(schema.references)
        while pending and len(texts) < _MOST_REFERENCES:
            reference = pending.pop()
            found = self._registry.version(reference.subject, reference.version)
            if found is None or reference.name in texts:
                continue
            texts[reference.name] = found.schema
            pending += found.references
        return texts


def _protobuf(file: ProtoFile, data: bytes) -> Any:
    message, payload = message_in(file, data)
    return MessageToDict(GetMessageClass(message).FromString(payload), preserving_proto_field_name=True)


def _plain(data: bytes, problem: str = "") -> ReadableValue:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _hex(data, problem)
    try:
        return ReadableValue("JSON", _stored_json(text), problem)
    except (ValueError, RecursionError):
        pass
    is_text = all(sign.isprintable() or sign in "\t\r\n" for sign in text)
    return ReadableValue("TEXT", text, problem) if is_text else _hex(data, problem)


def _hex(data: bytes, problem: str) -> ReadableValue:
    rest = len(data) - MAX_HEX_BYTES
    more = f" ... and {rest} more bytes" if rest > 0 else ""
    return ReadableValue("BYTES", data[:MAX_HEX_BYTES].hex(" ") + more, problem)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_json_value)
    # Half of a surrogate pair, as a cut emoji leaves it, has no bytes in UTF-8: it remains an escape.
    return text.encode("utf-8", "backslashreplace").decode()


class _InexactNumber(Exception):
    """A number that Python would write in another way than the record does."""


def _stored_json(text: str) -> str:
    """JSON of a record on one line. Numbers remain as they are written: a float has only 17 of their digits."""
    try:
        return _json(json.loads(text, parse_float=_exact_float))
    except _InexactNumber:
        json.loads(text)
        return "".join(map(_spaced, _TOKEN.findall(text)))


def _exact_float(literal: str) -> float:
    value = float(literal)
    if repr(value) != literal:
        raise _InexactNumber
    return value


def _spaced(part: str) -> str:
    if part[0] == '"':
        return _json(json.loads(part))
    return "" if part.isspace() else f"{part} " if part in ",:" else part


def _json_value(value: object) -> object:
    """What Avro's logical types decode to, and bytes, in JSON."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case Mapping():
            return dict(value)
        case _:
            return repr(value)
