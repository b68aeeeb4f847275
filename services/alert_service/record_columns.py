"""Records of a stream or table as columns by name: value, key, and the bounds of the window that the key carries."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import Record
from bifrost.clients.ksqldb import KsqlClient

WINDOW_START = "WINDOWSTART"
WINDOW_END = "WINDOWEND"
SESSION = "SESSION"
_TIME_WIDTH = 8
_BINARY_KEYS = {"INTEGER": ">i", "BIGINT": ">q", "DOUBLE": ">d"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a stream or table lies in its topic; `window` is empty, `TUMBLING`, `HOPPING` or `SESSION`.

    `source` is its name, `values` those of its value columns.
    """

    keys: tuple[tuple[str, str], ...]
    key_format: str
    value_format: str
    window: str = ""
    source: str = ""
    values: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All that a record can tell, the bounds of its window included."""
        bounds = (WINDOW_START, WINDOW_END) if self.window == SESSION else (WINDOW_START,) if self.window else ()
        return (*(name for name, _ in self.keys), *self.values, *bounds)


def shape_of(ksqldb: KsqlClient, topic: str) -> Shape | None:
    """The shape of what writes a topic, else of what reads it; `None` while ksqlDB knows nothing of the topic.

    Raises:
        RemoteError: ksqlDB does not answer.
    """
    found = [source for source in (*ksqldb.streams(), *ksqldb.tables()) if source.topic == topic]
    described = [(ksqldb.describe(source.name), source) for source in found]
    # What a query writes tells more than what was declared over the same topic.
    described.sort(key=lambda pair: not pair[0].written_by)
    for description, source in described:
        keys, values = description.columns[: description.keys], description.columns[description.keys :]
        names = tuple(name for name, _ in values)
        return Shape(keys, source.key_format, source.value_format, description.window, source.name, names)
    return None


def reader_of(shape: Shape, avro: AvroReader) -> Callable[[Record], dict[str, Any] | None]:
    """What makes columns by name of a record, `None` of a tombstone; it raises `ValueError` where it cannot."""

    def read(record: Record) -> dict[str, Any] | None:
        if record.value is None:
            return None
        values = _value(shape, record.value, avro)
        return {**_key(shape, record.key, avro), **values}

    return read


def _value(shape: Shape, data: bytes, avro: AvroReader) -> dict[str, Any]:
    value = avro.read(data) if shape.value_format == "AVRO" else _json(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object" if shape.value_format == "JSON" else "not a record with fields")
    columns = {name: _unwrapped(field) for name, field in value.items()}
    # A field's name may be in lower case, as ksqlDB reads it too; its column's name is not.
    return {**{name.upper(): field for name, field in columns.items()}, **columns}


def _key(shape: Shape, data: bytes | None, avro: AvroReader) -> dict[str, Any]:
    if data is None or shape.key_format == "NONE":
        return {}
    bounds: dict[str, Any] = {}
    if shape.window:
        data, bounds = _without_window(data, is_session=shape.window == SESSION)
    match shape.key_format:
        case "AVRO":
            key = avro.read(data)
        case "JSON":
            key = _json(data)
        case _:
            key = _scalar(data, shape.keys[0][1]) if shape.keys else None
    if isinstance(key, dict):
        return {**key, **bounds}
    return {**({shape.keys[0][0]: key} if shape.keys else {}), **bounds}


def _without_window(data: bytes, *, is_session: bool) -> tuple[bytes, dict[str, Any]]:
    """The key itself; Kafka Streams puts a window's start behind it, of a session end and start."""
    width = 2 * _TIME_WIDTH if is_session else _TIME_WIDTH
    if len(data) < width:
        raise ValueError("the key is too short to carry a window")
    times = struct.unpack(f">{width // _TIME_WIDTH}q", data[-width:])
    bounds = {WINDOW_START: times[-1], **({WINDOW_END: times[0]} if is_session else {})}
    return data[:-width], bounds


def _scalar(data: bytes, kind: str) -> Any:
    form = _BINARY_KEYS.get(kind)
    if form is None:
        return data.decode("utf-8", "replace")
    if len(data) != struct.calcsize(form):
        raise ValueError(f"the key is no {kind}")
    return struct.unpack(form, data)[0]


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error


def _unwrapped(value: Any) -> Any:
    """The value of the form that Avro's JSON has for a union: `{"string": "a"}`."""
    if isinstance(value, dict) and len(value) == 1:
        kind, inner = next(iter(value.items()))
        if kind in ("string", "int", "long", "float", "double", "boolean"):
            return inner
    return value
