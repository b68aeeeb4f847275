"""The order in which a java.util.HashMap gives its entries back, which some results show."""

from __future__ import annotations

import struct
from collections.abc import Collection
from functools import lru_cache

from bifrost.sql.types import SqlValue

_INT_MASK = 0xFFFFFFFF


@lru_cache(maxsize=4096)
def _text_hash(text: str) -> int:
    """Return String.hashCode, unsigned: a polynomial over the UTF-16 units."""
    units = text.encode("utf-16-be", "surrogatepass")
    code = 0
    for at in range(0, len(units), 2):
        code = (31 * code + int.from_bytes(units[at : at + 2], "big")) & _INT_MASK
    return code


def java_hash(value: SqlValue) -> int:
    """Return Java's hashCode of a map key, unsigned; 0 for null and for types without a stable one."""
    match value:
        case str():
            return _text_hash(value)
        case bool():
            return 1231 if value else 1237
        case int() if -(1 << 31) <= value < 1 << 31:
            return value & _INT_MASK
        case int():
            return (value ^ value >> 32) & _INT_MASK
        case float():
            bits: int = struct.unpack(">Q", struct.pack(">d", value))[0]
            return (bits ^ bits >> 32) & _INT_MASK
        case _:
            return 0


def bucket(value: SqlValue, buckets: int) -> int:
    """Return the index of a key's bucket in a table of so many buckets, a power of two."""
    code = java_hash(value)
    # HashMap mixes the upper half into the lower one, since small tables use only the lowest bits.
    return (code ^ code >> 16) & (buckets - 1)


def hash_map_order(keys: Collection[SqlValue], *, smallest: int = 2) -> list[SqlValue]:
    """Return the keys in the order of a HashMap; keys of one bucket keep the order in which they were added.

    A table has at least `smallest` buckets and doubles when it is more than three quarters full. ksqlDB creates the
    maps of JSON records with the room that they need, others with 16 buckets.
    """
    buckets = smallest
    while len(keys) > buckets * 3 // 4:
        buckets *= 2
    return sorted(keys, key=lambda key: bucket(key, buckets))
