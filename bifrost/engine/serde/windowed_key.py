"""Windows in keys: the bytes that Kafka Streams appends to a key."""

from __future__ import annotations

import struct

from bifrost.engine.catalog.schema import WindowInfo
from bifrost.engine.serde.errors import SerdeError

_TIME = struct.Struct(">q")
_SESSION = struct.Struct(">qq")


def windowed_key(key: bytes, start: int, end: int | None = None) -> bytes:
    """Append the window (ms) to a key: the start of a window of fixed size, or end and start of a session."""
    return key + (_TIME.pack(start) if end is None else _SESSION.pack(end, start))


def split_windowed_key(data: bytes, window: WindowInfo) -> tuple[bytes, int, int]:
    """Split a windowed key into the key's own bytes, the window's start and its end in ms.

    Raises:
        SerdeError: the key is too short for a window.
    """
    size = _TIME.size if window.size_ms is not None else _SESSION.size
    if len(data) < size:
        raise SerdeError(f"A windowed key of {len(data)} bytes: the window alone takes {size}")
    if window.size_ms is not None:
        start: int = _TIME.unpack_from(data, len(data) - size)[0]
        return data[:-size], start, start + window.size_ms
    end, start = _SESSION.unpack_from(data, len(data) - size)
    return data[:-size], start, end
