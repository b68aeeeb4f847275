"""Names for hardware addresses, as Wireshark writes them: `Apple_4e:39:15`, `Broadcast`, `IPv4mcast_fb`.

The vendors are those of an installed Wireshark, otherwise those that scapy brings along.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from scapy.data import MANUFDB

_BITS = 48
_BROADCAST = b"\xff" * 6
_MULTICAST = {b"\x01\x00\x5e": ("IPv4mcast_", 3), b"\x33\x33": ("IPv6mcast_", 2)}

Named = tuple[list[str], list[str]]
"""An address and its name, each as the array of one string that a record holds; not to be changed."""


class Vendors:
    """Finds the vendor of an address in blocks of any size; the narrowest block counts."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        """Take names by block: `A4:83:E7`, `00:1B:C5:00:00:00/36` (the number of bits), or a whole address."""
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
        """An address of 6 bytes as text, and its name or itself where nobody is known."""
        return [address.hex(":")], [self.resolve(address)]

    def resolve(self, address: bytes) -> str:
        """The name of an address of 6 bytes, or itself in hexadecimal where nobody is known."""
        if address == _BROADCAST:
            return "Broadcast"
        for prefix, (name, size) in _MULTICAST.items():
            if address.startswith(prefix):
                return name + (address[size:].lstrip(b"\0").hex(":") or "00")
        value = int.from_bytes(address, "big")
        for bits in self._widths:
            found = self._names[bits].get(value >> _BITS - bits)
            if found is not None:
                return f"{found}_{_tail(value, bits)}" if bits < _BITS else found
        return address.hex(":")


@lru_cache(maxsize=1)
def vendors() -> Vendors:
    """The vendors that this machine knows."""
    return Vendors({block: names[0] for block, names in MANUFDB.d.items()})


def _tail(value: int, bits: int) -> str:
    """What a block leaves open of an address."""
    size = (_BITS - bits + 7) // 8
    return (value & (1 << _BITS - bits) - 1).to_bytes(size, "big").hex(":")
