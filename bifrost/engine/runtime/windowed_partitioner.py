"""Partitions records with windowed keys by the key without the window, as Kafka Streams does."""

from __future__ import annotations

_SEED, _MIX, _SHIFT, _WORD = 0x9747B28C, 0x5BD1E995, 24, 0xFFFFFFFF
_KNOWN = 100_000


def murmur2(data: bytes) -> int:
    """Returns Kafka's hash of a key as an unsigned 32-bit number."""
    length = len(data)
    value = (_SEED ^ length) & _WORD
    whole = length & ~3
    for start in range(0, whole, 4):
        part = int.from_bytes(data[start : start + 4], "little") * _MIX & _WORD
        part = (part ^ (part >> _SHIFT)) * _MIX & _WORD
        value = (value * _MIX & _WORD) ^ part
    if whole < length:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MIX & _WORD
    value = (value ^ (value >> 13)) * _MIX & _WORD
    return value ^ (value >> 15)


class WindowedPartitioner:
    """Partitions the windowed keys of one topic. Caches partitions by key: hashing is slow and keys repeat."""

    def __init__(self, partitions: int, window_bytes: int) -> None:
        self._partitions = partitions
        self._window_bytes = window_bytes
        self._known: dict[bytes, int] = {}

    def partition(self, key: bytes | None) -> int:
        """Returns the partition of a key with its window; -1 (any) for a null key."""
        if key is None:
            return -1
        bare = key[: -self._window_bytes]
        found = self._known.get(bare)
        if found is None:
            # A bound on memory. Starting over is simpler than to track which keys are still in use.
            if len(self._known) >= _KNOWN:
                self._known.clear()
            found = self._known[bare] = (murmur2(bare) & 0x7FFFFFFF) % self._partitions
        return found
