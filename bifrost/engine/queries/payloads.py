"""Detects the format of a topic's bytes and shows them as text, as ksqlDB's PRINT does."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from functools import partial

from bifrost.engine.catalog.schema import Column, FormatInfo, ValueFormat
from bifrost.engine.functions.java.text import double_text
from bifrost.engine.serde import Decoder, RegistryUnavailable, SchemaRegistry, SerdeError, Serdes, infer_columns
from bifrost.errors import AnalysisError
from bifrost.sql.types import SqlValue

NOTHING_SEEN = "¯\\_(ツ)_/¯ - no data processed"
# Schema Registry's types of schemas, and the formats of ksqlDB that read them.
_FORMATS = {"AVRO": "AVRO", "PROTOBUF": "PROTOBUF", "JSON": "JSON_SR"}
_MAGIC = struct.Struct(">bI")
_BOUND = struct.Struct(">q")
_LATEST_MS = 4_102_444_800_000
"""No window starts after the year 2100; text that ends a plain key is a much larger number."""

_Show = Callable[[bytes], str | None]
"""Returns the text of a payload, or None if it is not of the format."""


class PayloadReader:
    """Shows the keys or values of one topic. Each payload narrows the possible formats."""

    def __init__(self, topic: str, registry: SchemaRegistry, *, is_key: bool = False) -> None:
        self._topic = topic
        self._registry = registry
        self._serdes = Serdes(registry)
        self._seen = False
        self._decoders: dict[int, tuple[tuple[str, ...], Decoder]] = {}
        self._possible: dict[str, _Show] = {
            "AVRO": lambda data: self._registered(data, "AVRO"),
            "PROTOBUF": lambda data: self._registered(data, "PROTOBUF"),
            "JSON": _json,
            "JSON_SR": lambda data: self._registered(data, "JSON"),
            "KAFKA_INT": lambda data: str(int.from_bytes(data, signed=True)) if len(data) == 4 else None,
            "KAFKA_BIGINT": lambda data: str(int.from_bytes(data, signed=True)) if len(data) == 8 else None,
            "KAFKA_DOUBLE": lambda data: double_text(struct.unpack(">d", data)[0]) if len(data) == 8 else None,
            "KAFKA_STRING": _text,
        }
        if is_key:
            # Windowed formats come first, because the first possible format is the one that is shown.
            self._possible = {**_windowed(self._possible), **self._possible}

    @property
    def formats(self) -> str:
        """The possible formats of the payloads so far, such as `JSON or KAFKA_STRING`."""
        if not self._seen:
            return NOTHING_SEEN
        return " or ".join(self._possible) or "UNRECOGNISED_BYTES"

    def show(self, data: bytes | None) -> str:
        """Returns the text of a payload in the first possible format."""
        if data is None:
            return "<null>"
        self._seen = True
        # Formats that do not fit drop out for good, so each payload is tried against fewer of them.
        texts = {name: text for name, show in self._possible.items() if (text := show(data)) is not None}
        if texts:
            self._possible = {name: self._possible[name] for name in texts}
            return next(iter(texts.values()))
        # A stray payload: it does not narrow the formats of the others.
        return f"[0x{data.hex().upper()}]"

    def _registered(self, data: bytes, kind: str) -> str | None:
        if len(data) < _MAGIC.size or data[0] != 0:
            return None
        try:
            schema = self._registry.by_id(_MAGIC.unpack_from(data)[1])
            if schema.type != kind:
                return None
            return data[_MAGIC.size :].decode() if kind == "JSON" else self._decoded(data, kind, schema.id)
        except (SerdeError, RegistryUnavailable, AnalysisError, UnicodeDecodeError):
            return None

    def _decoded(self, data: bytes, kind: str, schema_id: int) -> str:
        known = self._decoders.get(schema_id)
        if known is None:
            known = self._decoders[schema_id] = self._decoder(FormatInfo(_FORMATS[kind], {"schemaId": str(schema_id)}))
        names, decode = known
        values = decode(data) or ()
        shown = dict(zip(names, values, strict=False)) if names else values[0]
        return json.dumps(shown, default=_plain, ensure_ascii=False)

    def _decoder(self, info: FormatInfo) -> tuple[tuple[str, ...], Decoder]:
        """Returns the names of the fields, none for a schema that is not a record, and their decoder."""
        try:
            named, wrap = infer_columns(info, self._registry, self._topic, is_key=False, is_bare=False), None
        except AnalysisError:
            # A schema that is not a record has no columns; its value is one bare column.
            named, wrap = infer_columns(info, self._registry, self._topic, is_key=False, is_bare=True), False
        columns = tuple(Column(name, kind) for name, kind in named)
        decode = self._serdes.value_deserializer(self._topic, ValueFormat(info, wrap), columns)
        return tuple(name for name, _ in named) if wrap is None else (), decode


def _windowed(inner: Mapping[str, _Show]) -> dict[str, _Show]:
    """Returns the formats of keys with windows: those of time windows have a start, those of sessions both bounds."""
    found: dict[str, _Show] = {}
    for name, show in inner.items():
        found[f"SESSION({name})"] = partial(_session_text, show)
        # Both write the start only, so the bytes cannot say which of the two it is.
        found[f"HOPPING({name})"] = found[f"TUMBLING({name})"] = partial(_time_window_text, show)
    return found


def _time_window_text(show: _Show, data: bytes) -> str | None:
    start = _bound(data, 1)
    text = show(data[: -_BOUND.size]) if start is not None else None
    return None if text is None else f"[{text}@{start}/-]"


def _session_text(show: _Show, data: bytes) -> str | None:
    end, start = _bound(data, 2), _bound(data, 1)
    if end is None or start is None or start > end:
        return None
    text = show(data[: -2 * _BOUND.size])
    return None if text is None else f"[{text}@{start}/{end}]"


def _bound(data: bytes, place: int) -> int | None:
    """Returns the window bound at a place from the end of a key, if the key may have one there."""
    at = len(data) - place * _BOUND.size
    bound: int = _BOUND.unpack_from(data, at)[0] if at > 0 else -1
    return bound if 0 <= bound < _LATEST_MS else None


def _json(data: bytes) -> str | None:
    try:
        text = data.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char >= " " or char in "\t\r\n" for char in text) else None


def _plain(value: SqlValue) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
