"""Whole numbers in Java's 32 and 64 bits."""

from __future__ import annotations


def wrap_integer(value: int) -> int:
    """The value in 32 bits, as Java wraps it around."""
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def wrap_bigint(value: int) -> int:
    """The value in 64 bits, as Java wraps it around."""
    return (value + 0x8000000000000000 & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000
