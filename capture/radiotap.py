"""Parses radiotap headers: the receiver's data about a frame (channel, signal, rate). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from capture.airtime import HtRate

FLAG_SHORT_PREAMBLE, FLAG_FCS = 0x02, 0x10

_FLAGS, _RATE, _CHANNEL, _SIGNAL, _MCS = 1, 2, 3, 5, 19
_EXTENDED, _VENDOR_SPACE, _RADIOTAP_SPACE = 31, 30, 29
_SIZES = (
    # Size and alignment in bytes of each field, by its bit number.
    *((8, 8), (1, 1), (1, 1), (4, 2), (2, 2), (1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (1, 1), (1, 1), (1, 1), (1, 1)),
    *(
        (2, 2),
        (2, 2),
        (1, 1),
        (1, 1),
        (8, 4),
        (3, 1),
        (8, 4),
        (12, 2),
        (12, 8),
        (12, 2),
        (12, 2),
        (6, 2),
        (1, 1),
        (4, 2),
    ),
)
_HEAD, _WORD, _PAIR = Struct("<BBHI"), Struct("<I"), Struct("<H")
_MCS_BANDWIDTH, _MCS_INDEX, _MCS_GUARD, _MCS_FORMAT, _MCS_STBC = 0x01, 0x02, 0x04, 0x08, 0x20


@dataclass(frozen=True, slots=True)
class Radio:
    """The fields of a radiotap header, `None` for missing ones.

    `length` is the header's in bytes, `rate` in units of 500 kbit/s, `signal` in dBm, `flags` are radiotap's.
    """

    length: int
    channel: int | None = None
    signal: int | None = None
    rate: int | None = None
    flags: int | None = None
    ht: HtRate | None = None

    @property
    def has_fcs(self) -> bool:
        """Whether the frame ends with its 4-byte check sequence."""
        return bool(self.flags and self.flags & FLAG_FCS)

    @property
    def is_short_preamble(self) -> bool:
        """Whether the short preamble was used; assumed if the flags are missing."""
        return self.flags is None or bool(self.flags & FLAG_SHORT_PREAMBLE)


def read_radio(data: bytes) -> Radio | None:
    """Parse the header at the start of captured bytes; `None` if it is incomplete."""
    if len(data) < _HEAD.size:
        return None
    version, _, length, first = _HEAD.unpack_from(data)
    if version != 0 or not _HEAD.size <= length <= len(data):
        return None
    words = [first]
    while words[-1] >> _EXTENDED:
        at = 4 + 4 * len(words)
        if at + 4 > length:
            return None
        words.append(_WORD.unpack_from(data, at)[0])
    return _read(data, length, _field_offsets(tuple(words), length))


@dataclass(frozen=True, slots=True)
class _FieldOffsets:
    """The offsets of the fields in bytes, -1 for missing ones."""

    flags: int = -1
    rate: int = -1
    channel: int = -1
    signal: int = -1
    mcs: int = -1


@lru_cache(maxsize=1024)
def _field_offsets(words: tuple[int, ...], length: int) -> _FieldOffsets:
    """Return the field offsets of a header. The cache helps because a receiver writes few different headers."""
    found = {bit: at for bit, at in _positions(words) if at + _SIZES[bit][0] <= length}
    offsets = (found.get(bit, -1) for bit in (_FLAGS, _RATE, _CHANNEL, _SIGNAL, _MCS))
    return _FieldOffsets(*offsets)


def _positions(words: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield bit and offset of each field; a field repeated for another antenna overrides the first."""
    at = 4 + 4 * len(words)
    for word in words:
        for bit, (size, alignment) in enumerate(_SIZES):
            if word >> bit & 1:
                # Each field is aligned as seen from the start of the header.
                at += -at % alignment
                yield bit, at
                at += size
        if word >> _VENDOR_SPACE & 1 or word >> 28 & 1:
            return  # a vendor's namespace follows: its layout is unknown


def _read(data: bytes, length: int, offsets: _FieldOffsets) -> Radio:
    frequency = _PAIR.unpack_from(data, offsets.channel)[0] if offsets.channel >= 0 else 0
    signal = data[offsets.signal] if offsets.signal >= 0 else None
    return Radio(
        length,
        channel_of(frequency),
        signal - 256 if signal is not None and signal > 127 else signal,
        data[offsets.rate] if offsets.rate >= 0 else None,
        data[offsets.flags] if offsets.flags >= 0 else None,
        _ht_rate(*data[offsets.mcs : offsets.mcs + 3]) if offsets.mcs >= 0 else None,
    )


@lru_cache(maxsize=256)
def channel_of(frequency: int) -> int | None:
    """Return the channel number of a frequency in MHz, `None` outside of the 2.4, 5 and 6 GHz bands."""
    # Channel 14 lies off the raster of 5 MHz.
    if frequency == 2484:
        return 14
    for first, last, base in ((2412, 2472, 2407), (5035, 5885, 5000), (5955, 7115, 5950)):
        if first <= frequency <= last:
            return (frequency - base) // 5
    return None


@lru_cache(maxsize=256)
def _ht_rate(known: int, flags: int, index: int) -> HtRate | None:
    needed = _MCS_BANDWIDTH | _MCS_INDEX | _MCS_GUARD
    if known & needed != needed:
        return None
    return HtRate(
        index=index,
        is_40_mhz=flags & 0x03 == 1,
        is_short_guard=bool(flags & 0x04),
        is_greenfield=bool(known & _MCS_FORMAT and flags & 0x08),
        stbc_streams=flags >> 5 & 0x03 if known & _MCS_STBC else 0,
    )
