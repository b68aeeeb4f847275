"""Embedded formats: keys and values in the JSON of requests and answers, and as bytes in Kafka."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from bifrost.clients import avro, exact_json
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.errors import Refused
from bifrost.rest_proxy.avro_json import AvroCodec
from bifrost.rest_proxy.proxy_error import CONVERSION_FAILED, SCHEMA_FAILED, ProxyError

Format = Literal["binary", "json", "avro"]
FORMATS: tuple[Format, ...] = ("binary", "json", "avro")
_MEDIA = re.compile(r"application/vnd\.kafka(?:\.(?P<format>\w+))?\.v(?P<version>[12])\+json")
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
    """A schema's id, and the codec for its values."""

    id: int
    codec: AvroCodec


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
                return self._by_id_cached(_schema_id(schema_id))
            return self._register(subject, _schema_text(text)) if text is not None else None
        except (Refused, ValueError) as error:
            problem = error.problem if isinstance(error, Refused) else str(error)
            raise ProxyError(SCHEMA_FAILED, f"Schema registration or lookup failed: {problem}") from error

    def _by_id_cached(self, schema_id: int) -> AvroSchema:
        # A cached entry never gets stale: an id is assigned to one schema for good.
        if schema_id not in self._by_id:
            text = self._registry.by_id(schema_id).schema
            self._by_id[schema_id] = AvroSchema(schema_id, AvroCodec(avro.parse_schema(text)))
        return self._by_id[schema_id]

    def _register(self, subject: str, text: str) -> AvroSchema:
        key = (subject, text)
        if key not in self._by_text:
            codec = AvroCodec(avro.parse_schema(text))
            self._by_text[key] = AvroSchema(self._registry.register(subject, text), codec)
        return self._by_text[key]

    def read(self, data: bytes) -> Any:
        """Return an Avro record of Kafka in Avro's JSON form.

        Raises:
            ValueError: the bytes are not such a record.
        """
        if len(data) < avro.HEADER_BYTES or data[0] != 0:
            # The text of Confluent's deserializer.
            raise ValueError("Unknown magic byte!")
        try:
            schema = self._by_id_cached(int.from_bytes(data[1 : avro.HEADER_BYTES], "big"))
        except Refused as error:
            # An unknown id makes this record unreadable, so it is skipped. An unreachable registry is another
            # error and skips nothing.
            raise ValueError(error.problem) from error
        return schema.codec.decode(data[avro.HEADER_BYTES :])


def to_bytes(format_: Format, value: Any, schema: AvroSchema | None) -> bytes | None:
    """Encode a key or value of a request for Kafka.

    Raises:
        ProxyError: it is not in its format.
    """
    if format_ == "json":
        return None if value is None else exact_json.dumps(value)
    if format_ == "binary":
        return None if value is None else _from_base64(value)
    if schema is None:
        return None
    try:
        return avro.header(schema.id) + schema.codec.encode(value)
    except ValueError as error:
        raise ProxyError(CONVERSION_FAILED, f"Conversion of JSON to Avro failed: {error}") from error


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
            return exact_json.loads(data)
        case _:
            return schemas.read(data)


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ProxyError(422, "binary keys and values must be base64 strings")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ProxyError(422, "binary keys and values must be base64 strings; this one is not base64") from error


def _schema_id(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", str(value)):
        raise ValueError("a schema id must be an integer")
    return int(str(value))


def _schema_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a schema must be a string that contains its JSON")
    return value


def require_object(value: object, what: str) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object.

    Raises:
        ProxyError: it is something else; `what` names it.
    """
    if not isinstance(value, dict):
        raise ProxyError(422, f"{what} must be a JSON object")
    return value
