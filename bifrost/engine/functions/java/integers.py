"""Java's 32-bit and 64-bit integers."""

from __future__ import annotations


def wrap_integer(value: int) -> int:
    """Wrap the value around to 32 bits, as Java does on overflow."""
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def wrap_bigint(value: int) -> int:
    """Wrap the value around to 64 bits, as Java does on overflow."""
    return (value + 0x8000000000000000 & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000
