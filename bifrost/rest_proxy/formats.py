"""Embedded formats: how keys and values lie in the JSON of requests and answers, and in Kafka."""

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
_UNFIT = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    StopIteration,
    RuntimeError,
    ValidationError,
)
"""What fastavro raises for JSON that does not fit its schema."""
_PLAIN = ("application/json", "application/octet-stream", "*/*", "application/*", "")


@dataclass(frozen=True, slots=True)
class Media:
    """What a media type asks for; `format` is None where it names none."""

    version: int = 2
    format: Format | None = None

    @property
    def name(self) -> str:
        """As it is written."""
        return f"application/vnd.kafka{f'.{self.format}' if self.format else ''}.v{self.version}+json"


def media_of(header: str) -> Media | None:
    """The first media type of a `Content-Type` or `Accept` header that this proxy speaks; `None`: it speaks none."""
    for entry in header.lower().split(","):
        name = entry.partition(";")[0].strip()
        found = _MEDIA.fullmatch(name)
        if found and (found["format"] is None or found["format"] in FORMATS):
            return Media(int(found["version"]), cast("Format | None", found["format"]))
        if name in _PLAIN:
            return Media()
    return None


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A schema with its id."""

    id: int
    parsed: Any


class Schemas:
    """Finds and registers the schemas of requests; remembers them."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._by_text: dict[tuple[str, str], AvroSchema] = {}
        self._by_id: dict[int, AvroSchema] = {}

    def named(self, subject: str, text: object, schema_id: object) -> AvroSchema | None:
        """The schema of a request, by its text (registered under the subject) or id; `None` where it names none.

        Raises:
            ProxyError: it is no schema, or the registry does not take or know it.
        """
        try:
            if schema_id is not None:
                return self._known(int(str(schema_id)))
            return self._registered(subject, str(text)) if text is not None else None
        except (Refused, ValueError) as error:
            problem = error.problem if isinstance(error, Refused) else str(error)
            raise ProxyError(SCHEMA_FAILED, f"Schema registration or lookup failed: {problem}") from error

    def _known(self, schema_id: int) -> AvroSchema:
        if schema_id not in self._by_id:
            self._by_id[schema_id] = AvroSchema(schema_id, avro.parsed(self._registry.by_id(schema_id).schema))
        return self._by_id[schema_id]

    def _registered(self, subject: str, text: str) -> AvroSchema:
        place = (subject, text)
        if place not in self._by_text:
            parsed = avro.parsed(text)
            self._by_text[place] = AvroSchema(self._registry.register(subject, text), parsed)
        return self._by_text[place]

    def read(self, data: bytes) -> Any:
        """An Avro record in Avro's JSON.

        Raises:
            ValueError: the bytes are no such record.
        """
        if len(data) < avro.HEAD or data[0] != 0:
            raise ValueError("Unknown magic byte!")
        try:
            schema = self._known(int.from_bytes(data[1 : avro.HEAD], "big"))
        except Refused as error:
            raise ValueError(error.problem) from error
        return _avro_json(schema.parsed, avro.decoded(schema.parsed, data))


def to_bytes(format_: Format, value: Any, schema: AvroSchema | None) -> bytes | None:
    """A key or value of a request as it goes to Kafka.

    Raises:
        ProxyError: it is not in its format.
    """
    if format_ == "json":
        return None if value is None else orjson.dumps(value)
    if format_ == "binary":
        return None if value is None else _decoded(value)
    if schema is None:
        return None
    if isinstance(schema.parsed, dict) and schema.parsed.get("type") == "record" and not isinstance(value, dict):
        raise ProxyError(CONVERSION_FAILED, "Conversion of JSON to Avro failed: expected an object of fields")
    try:
        # Avro's JSON names the branch of a union: {"string": "a"}.
        record = next(fastavro.json_reader(io.StringIO(json.dumps(value)), schema.parsed))
        # Neither reading nor writing looks at ranges: a number too large for its type would become a broken record.
        validate(record, schema.parsed, raise_errors=True)
        return avro.encoded(schema.id, schema.parsed, record)
    except _UNFIT as error:
        raise ProxyError(CONVERSION_FAILED, f"Conversion of JSON to Avro failed: {_cause(error)}") from error


def from_bytes(format_: Format, data: bytes | None, schemas: Schemas) -> Any:
    """A key or value of Kafka as an answer has it.

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


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ProxyError(422, "binary keys and values are texts in base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ProxyError(422, f"not base64: {error}") from error


def _avro_json(schema: Any, record: Any) -> Any:
    text = io.StringIO()
    fastavro.json_writer(text, schema, [record])
    return json.loads(text.getvalue())


def _cause(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{found.field or 'it'}: {found.datum!r} is no {found.schema}" for found in error.errors)
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) and error.args else str(error) or "no value"


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        ProxyError: it is something else.
    """
    if not isinstance(value, dict):
        raise ProxyError(422, f"{what} must be a JSON object")
    return value
