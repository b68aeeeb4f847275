"""Numbers from their bytes."""

from __future__ import annotations

import struct
from typing import Any

from bifrost.engine.functions.library import Library

LIBRARY = Library("CONVERSIONS")

_ORDERS = {"BIG_ENDIAN": ">", "LITTLE_ENDIAN": "<"}


def _number(value: bytes, order: str, code: str, size: int) -> Any:
    """Decode the number; null if the size or the name of the byte order is wrong."""
    sign = _ORDERS.get(order.upper())
    return struct.unpack(f"{sign}{code}", value)[0] if sign is not None and len(value) == size else None


@LIBRARY.scalar(
    "INT_FROM_BYTES",
    "value BYTES -> INTEGER",
    "value BYTES, byteOrder STRING -> INTEGER",
    description="Returns the INT in 4 bytes, BIG_ENDIAN or LITTLE_ENDIAN.",
    total=True,
)
def integer_from_bytes(value: bytes, order: str = "BIG_ENDIAN") -> Any:
    """Decode an INT from 4 bytes."""
    return _number(value, order, "i", 4)


@LIBRARY.scalar(
    "BIGINT_FROM_BYTES",
    "value BYTES -> BIGINT",
    "value BYTES, byteOrder STRING -> BIGINT",
    description="Returns the BIGINT in 8 bytes, BIG_ENDIAN or LITTLE_ENDIAN.",
    total=True,
)
def bigint_from_bytes(value: bytes, order: str = "BIG_ENDIAN") -> Any:
    """The number in 8 bytes."""
    return _number(value, order, "q", 8)


@LIBRARY.scalar(
    "DOUBLE_FROM_BYTES",
    "value BYTES -> DOUBLE",
    "value BYTES, byteOrder STRING -> DOUBLE",
    description="Returns the DOUBLE in 8 bytes, BIG_ENDIAN or LITTLE_ENDIAN.",
    total=True,
)
def double_from_bytes(value: bytes, order: str = "BIG_ENDIAN") -> Any:
    """The number in 8 bytes."""
    return _number(value, order, "d", 8)
