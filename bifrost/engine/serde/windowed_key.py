"""Windows in keys: Kafka Streams' bytes after the key's own."""

from __future__ import annotations

import struct

from bifrost.engine.catalog.schema import WindowInfo
from bifrost.engine.serde.errors import SerdeError

_TIME = struct.Struct(">q")
_SESSION = struct.Struct(">qq")


def windowed_key(key: bytes, start: int, end: int | None = None) -> bytes:
    """A key with its window in ms: only the start of a window whose size is known, start and end of a session."""
    return key + (_TIME.pack(start) if end is None else _SESSION.pack(end, start))


def split_windowed_key(data: bytes, window: WindowInfo) -> tuple[bytes, int, int]:
    """The key's own bytes, the window's start and its end in ms.

    Raises:
        SerdeError: there are too few bytes for a window.
    """
    size = _TIME.size if window.size_ms is not None else _SESSION.size
    if len(data) < size:
        raise SerdeError(f"A windowed key of {len(data)} bytes: the window alone takes {size}")
    if window.size_ms is not None:
        start: int = _TIME.unpack_from(data, len(data) - size)[0]
        return data[:-size], start, start + window.size_ms
    end, start = _SESSION.unpack_from(data, len(data) - size)
    return data[:-size], start, end
