"""Resolves hardware addresses to names in Wireshark's form: `Apple_4e:39:15`, `Broadcast`, `IPv4mcast_fb`.

The vendor list is that of an installed Wireshark, otherwise that of scapy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from scapy.data import MANUFDB

_BITS = 48
_BROADCAST = b"\xff" * 6
_MULTICAST = {b"\x01\x00\x5e": ("IPv4mcast_", 3), b"\x33\x33": ("IPv6mcast_", 2)}

Named = tuple[list[str], list[str]]
"""An address and its name, each as the one-element array of a record. Do not modify: it is cached."""


class Vendors:
    """Finds the vendor of an address in blocks of any size; the narrowest block wins."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        """Index names by block: `A4:83:E7`, `00:1B:C5:00:00:00/36` (with a number of bits), or a whole address."""
        self._names: dict[int, dict[int, str]] = {}
        for block, name in blocks.items():
            prefix, _, given = block.partition("/")
            digits = prefix.replace(":", "").replace("-", "")
            bits = int(given or len(digits) * 4)
            value = int(digits, 16) << _BITS - len(digits) * 4
            self._names.setdefault(bits, {})[value >> _BITS - bits] = name
        self._widths = sorted(self._names, reverse=True)
        self.named = lru_cache(maxsize=65536)(self._named)

    def _named(self, address: bytes) -> Named:
        """Return a 6-byte address as text, and its name, or the address itself if the vendor is unknown."""
        return [address.hex(":")], [self.resolve(address)]

    def resolve(self, address: bytes) -> str:
        """Return the name of a 6-byte address, or the address itself if the vendor is unknown."""
        if address == _BROADCAST:
            return "Broadcast"
        for prefix, (name, size) in _MULTICAST.items():
            if address.startswith(prefix):
                # Wireshark omits leading zero bytes.
                return name + (address[size:].lstrip(b"\0").hex(":") or "00")
        value = int.from_bytes(address, "big")
        for bits in self._widths:
            found = self._names[bits].get(value >> _BITS - bits)
            if found is not None:
                return f"{found}_{_tail(value, bits)}" if bits < _BITS else found
        return address.hex(":")


@lru_cache(maxsize=1)
def vendors() -> Vendors:
    """Return the vendors known on this machine."""
    return Vendors({block: names[0] for block, names in MANUFDB.d.items()})


def _tail(value: int, bits: int) -> str:
    """Return the bytes of an address behind its block."""
    size = (_BITS - bits + 7) // 8
    return (value & (1 << _BITS - bits) - 1).to_bytes(size, "big").hex(":")
