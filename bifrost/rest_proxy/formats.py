"""Embedded formats: keys and values in the JSON of requests and answers, and as bytes in Kafka."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import fastavro
import orjson
from fastavro.validation import ValidationError, validate

from bifrost.clients import avro
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.errors import Refused
from bifrost.rest_proxy.proxy_error import CONVERSION_FAILED, SCHEMA_FAILED, ProxyError

Format = Literal["binary", "json", "avro"]
FORMATS: tuple[Format, ...] = ("binary", "json", "avro")
_MEDIA = re.compile(r"application/vnd\.kafka(?:\.(?P<format>\w+))?\.v(?P<version>[12])\+json")
_MISMATCH_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    StopIteration,
    RuntimeError,
    ValidationError,
)
"""The exceptions of fastavro for JSON that does not fit a schema."""
_PLAIN_MEDIA_TYPES = ("application/json", "application/octet-stream", "*/*", "application/*", "")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type of the API; `format` is None if it names none."""

    version: int = 2
    format: Format | None = None

    @property
    def name(self) -> str:
        """Return the media type as text."""
        return f"application/vnd.kafka{f'.{self.format}' if self.format else ''}.v{self.version}+json"


def media_of(header: str) -> MediaType | None:
    """Return the first supported media type of a `Content-Type` or `Accept` header, `None` if there is none."""
    for entry in header.lower().split(","):
        name = entry.partition(";")[0].strip()
        found = _MEDIA.fullmatch(name)
        if found and (found["format"] is None or found["format"] in FORMATS):
            return MediaType(int(found["version"]), cast("Format | None", found["format"]))
        if name in _PLAIN_MEDIA_TYPES:
            return MediaType()
    return None


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A parsed schema with its id."""

    id: int
    parsed: Any


class Schemas:
    """Finds and registers the schemas of requests, with a cache."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._by_text: dict[tuple[str, str], AvroSchema] = {}
        self._by_id: dict[int, AvroSchema] = {}

    def find(self, subject: str, text: object, schema_id: object) -> AvroSchema | None:
        """Return the schema of a request by id, or by text (and register it); `None` if the request names none.

        Raises:
            ProxyError: the text is not a schema, or the registry refuses it or does not know the id.
        """
        try:
            if schema_id is not None:
                return self._by_id_cached(int(str(schema_id)))
            return self._register(subject, str(text)) if text is not None else None
        except (Refused, ValueError) as error:
            problem = error.problem if isinstance(error, Refused) else str(error)
            raise ProxyError(SCHEMA_FAILED, f"Schema registration or lookup failed: {problem}") from error

    def _by_id_cached(self, schema_id: int) -> AvroSchema:
        if schema_id not in self._by_id:
            self._by_id[schema_id] = AvroSchema(schema_id, avro.parse_schema(self._registry.by_id(schema_id).schema))
        return self._by_id[schema_id]

    def _register(self, subject: str, text: str) -> AvroSchema:
        key = (subject, text)
        if key not in self._by_text:
            parsed = avro.parse_schema(text)
            self._by_text[key] = AvroSchema(self._registry.register(subject, text), parsed)
        return self._by_text[key]

    def read(self, data: bytes) -> Any:
        """Return an Avro record of Kafka in Avro's JSON form.

        Raises:
            ValueError: the bytes are not such a record.
        """
        if len(data) < avro.HEADER_BYTES or data[0] != 0:
            raise ValueError("Unknown magic byte!")
        try:
            schema = self._by_id_cached(int.from_bytes(data[1 : avro.HEADER_BYTES], "big"))
        except Refused as error:
            raise ValueError(error.problem) from error
        return _to_avro_json(schema.parsed, avro.decode(schema.parsed, data))


def to_bytes(format_: Format, value: Any, schema: AvroSchema | None) -> bytes | None:
    """Encode a key or value of a request for Kafka.

    Raises:
        ProxyError: it is not in its format.
    """
    if format_ == "json":
        return None if value is None else orjson.dumps(value)
    if format_ == "binary":
        return None if value is None else _from_base64(value)
    if schema is None:
        return None
    if isinstance(schema.parsed, dict) and schema.parsed.get("type") == "record" and not isinstance(value, dict):
        raise ProxyError(CONVERSION_FAILED, "Conversion of JSON to Avro failed: expected an object of fields")
    try:
        # Avro's JSON form names the branch of a union: {"string": "a"}.
        record = next(fastavro.json_reader(io.StringIO(json.dumps(value)), schema.parsed))
        # fastavro checks no ranges: without this, a number too large for its type would become a corrupt record.
        validate(record, schema.parsed, raise_errors=True)
        return avro.encode(schema.id, schema.parsed, record)
    except _MISMATCH_ERRORS as error:
        raise ProxyError(CONVERSION_FAILED, f"Conversion of JSON to Avro failed: {_cause(error)}") from error


def from_bytes(format_: Format, data: bytes | None, schemas: Schemas) -> Any:
    """Decode a key or value of Kafka for an answer.

    Raises:
        ValueError: it is not in the format.
    """
    if data is None:
        return None
    match format_:
        case "binary":
            return base64.b64encode(data).decode()
        case "json":
            return orjson.loads(data)
        case _:
            return schemas.read(data)


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ProxyError(422, "binary keys and values must be base64 strings")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ProxyError(422, f"not base64: {error}") from error


def _to_avro_json(schema: Any, record: Any) -> Any:
    text = io.StringIO()
    fastavro.json_writer(text, schema, [record])
    return json.loads(text.getvalue())


def _cause(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{found.field or 'it'}: {found.datum!r} is no {found.schema}" for found in error.errors)
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) and error.args else str(error) or "no value"


def require_object(value: object, what: str) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object.

    Raises:
        ProxyError: it is something else; `what` names it.
    """
    if not isinstance(value, dict):
        raise ProxyError(422, f"{what} must be a JSON object")
    return value
