"""The airtime of a frame in microseconds, by IEEE 802.11. Pure.

The length is the captured one: like tshark 4.0, it includes the 4-byte check sequence only if the receiver kept it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

DSSS_RATES = frozenset({2, 4, 11, 22, 44, 66})
OFDM_RATES = frozenset({12, 18, 24, 36, 48, 72, 96, 108})
"""In units of 500 kbit/s."""

_HT_BITS = (26, 52, 78, 104, 156, 208, 234, 260)
"""Data bits per symbol of one stream at 20 MHz, by MCS index."""
_HT_BITS_40 = (54, 108, 162, 216, 324, 432, 486, 540)
# Training fields by the number of space-time streams; the standard has no three.
_HT_TRAINING = (1, 2, 4, 4)


@dataclass(frozen=True, slots=True)
class HtRate:
    """The rate of an 802.11n frame: MCS index (0 to 31 are supported), width, guard interval, format."""

    index: int
    is_40_mhz: bool
    is_short_guard: bool
    is_greenfield: bool = False
    stbc_streams: int = 0


def airtime(length: int, rate: int, *, is_short_preamble: bool) -> int | None:
    """Return the airtime of a frame of `length` bytes at a rate in units of 500 kbit/s; `None` for an invalid rate."""
    if rate in DSSS_RATES:
        # Preamble and header in µs; then 8 bits per byte at `rate` / 2 Mbit/s.
        return ceil((96 if is_short_preamble else 192) + length * 16 / rate)
    if rate in OFDM_RATES:
        # 20 µs of preamble and signal, then symbols of 4 µs with `rate` * 2 bits; 16 bits of service and 6 of tail
        # belong to the data.
        return 20 + 4 * ceil((16 + 8 * length + 6) / (rate * 2))
    return None


def ht_airtime(length: int, rate: HtRate) -> int | None:
    """Return the airtime of an 802.11n frame of `length` bytes; `None` for an index with unequal streams."""
    if rate.index > 31:
        return None
    streams = rate.index // 8 + 1
    spread = streams + rate.stbc_streams
    if spread > len(_HT_TRAINING):
        return None
    preamble = (24 if rate.is_greenfield else 32) + 4 * _HT_TRAINING[spread - 1]
    bits_per_symbol = (_HT_BITS_40 if rate.is_40_mhz else _HT_BITS)[rate.index % 8] * streams
    # STBC sends symbols in pairs.
    group = 2 if rate.stbc_streams else 1
    encoders = 2 if bits_per_symbol >= 1080 else 1
    symbols = ceil((8 * length + 16 + 6 * encoders) / (bits_per_symbol * group)) * group
    # Symbols take 3.6 or 4 µs: counted in tenths, and rounded.
    return preamble + (symbols * (36 if rate.is_short_guard else 40) + 5) // 10
