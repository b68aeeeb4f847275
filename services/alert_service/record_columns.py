"""Reads a record of a stream or table into columns by name: value, key, and the window bounds in the key."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bifrost.clients import exact_json
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import Record
from bifrost.clients.ksqldb import KsqlClient

WINDOW_START = "WINDOWSTART"
WINDOW_END = "WINDOWEND"
SESSION = "SESSION"
_TIME_BYTES = 8
_BINARY_KEYS = {"INTEGER": ">i", "BIGINT": ">q", "DOUBLE": ">d"}


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """How a stream or table is stored in its topic.

    `keys` are (name, type), `window` is empty, `TUMBLING`, `HOPPING` or `SESSION`, `source` is the name of the stream
    or table and `values` are the names of its value columns.
    """

    keys: tuple[tuple[str, str], ...]
    key_format: str
    value_format: str
    window: str = ""
    source: str = ""
    values: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of a record, window bounds included."""
        bounds = (WINDOW_START, WINDOW_END) if self.window == SESSION else (WINDOW_START,) if self.window else ()
        return (*(name for name, _ in self.keys), *self.values, *bounds)


def find_layout(ksqldb: KsqlClient, topic: str) -> RecordLayout | None:
    """Return the layout of a topic's records; `None` while no stream or table of ksqlDB uses the topic.

    Raises:
        RemoteError: ksqlDB does not answer.
    """
    sources = [source for source in (*ksqldb.streams(), *ksqldb.tables()) if source.topic == topic]
    described = [(ksqldb.describe(source.name), source) for source in sources]
    # The sink of a query knows its window and all columns; a source declared over the same topic may not.
    described.sort(key=lambda pair: not pair[0].written_by)
    for description, source in described:
        keys, values = description.columns[: description.keys], description.columns[description.keys :]
        names = tuple(name for name, _ in values)
        return RecordLayout(keys, source.key_format, source.value_format, description.window, source.name, names)
    return None


def column_reader(layout: RecordLayout, avro: AvroReader) -> Callable[[Record], dict[str, Any] | None]:
    """Return a function from a record to its columns by name, or to `None` for a tombstone.

    The function raises `ValueError` for a record that cannot be read.
    """

    def read(record: Record) -> dict[str, Any] | None:
        if record.value is None:
            return None
        values = _value(layout, record.value, avro)
        return {**_key(layout, record.key, avro), **values}

    return read


def _value(layout: RecordLayout, data: bytes, avro: AvroReader) -> dict[str, Any]:
    value = avro.read(data) if layout.value_format == "AVRO" else _json(data)
    if not isinstance(value, dict):
        raise ValueError(
            "the value is not a JSON object" if layout.value_format == "JSON" else "the value is not an Avro record"
        )
    columns = {name: _unwrapped(field) for name, field in value.items()}
    # Like ksqlDB: a field in lower case fills the column in upper case.
    # The exact name comes last, so it wins over one that differs in case.
    return {**{name.upper(): field for name, field in columns.items()}, **columns}


def _key(layout: RecordLayout, data: bytes | None, avro: AvroReader) -> dict[str, Any]:
    if data is None or layout.key_format == "NONE":
        return {}
    bounds: dict[str, Any] = {}
    if layout.window:
        data, bounds = _without_window(data, is_session=layout.window == SESSION)
    match layout.key_format:
        case "AVRO":
            key = avro.read(data)
        case "JSON":
            key = _json(data)
        case _:
            key = _scalar(data, layout.keys[0][1]) if layout.keys else None
    if isinstance(key, dict):
        return {**key, **bounds}
    return {**({layout.keys[0][0]: key} if layout.keys else {}), **bounds}


def _without_window(data: bytes, *, is_session: bool) -> tuple[bytes, dict[str, Any]]:
    """Split a windowed key of Kafka Streams: key, then the window start; for a session, key, end and start."""
    width = 2 * _TIME_BYTES if is_session else _TIME_BYTES
    if len(data) < width:
        raise ValueError("the key is too short to hold a window")
    times = struct.unpack(f">{width // _TIME_BYTES}q", data[-width:])
    bounds = {WINDOW_START: times[-1], **({WINDOW_END: times[0]} if is_session else {})}
    return data[:-width], bounds


def _scalar(data: bytes, type_name: str) -> Any:
    form = _BINARY_KEYS.get(type_name)
    if form is None:
        return data.decode("utf-8", "replace")
    if len(data) != struct.calcsize(form):
        raise ValueError(f"the key is not of type {type_name}")
    return struct.unpack(form, data)[0]


def _json(data: bytes) -> Any:
    return exact_json.loads(data, exact_decimals=True)


def _unwrapped(value: Any) -> Any:
    """Unwrap a union value in Avro's JSON form: `{"string": "a"}`."""
    if isinstance(value, dict) and len(value) == 1:
        kind, inner = next(iter(value.items()))
        if kind in ("string", "int", "long", "float", "double", "boolean"):
            return inner
    return value
