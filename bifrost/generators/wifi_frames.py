"""Generates the Wi-Fi traffic of a house as a pcap file: `python -m bifrost.generators.wifi_frames --count 1000 FILE`.

The file contains phones that probe for known networks, beacons of access points, data frames, and the damaged frames
that a receiver in monitor mode sees. The same seed generates the same file.
"""

from __future__ import annotations

import argparse
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

RADIOTAP = 127
FRAMES_PER_S = 30.0
MAX_TIME_S = 2**32
"""A pcap file holds seconds since the epoch in 32 bits."""
BROADCAST = b"\xff" * 6
_MAGIC = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")

NETWORKS = (
    b"RNM0",
    b"RNM-GUEST",
    b"FULLERS",
    b"skyclub",
    b"FreePubWiFi",
    b"_The Wheatley Free WiFi",
    b"CrossCountryWiFi",
    b"Marriott_PUBLIC",
    b"QConLondon2020",
    b"Loews",
    "Café Zürich".encode(),
    b'Bob\'s "5G" \\ net',
    "📡 home".encode(),
    b"caf\xe9",  # Latin-1, not valid UTF-8
)
"""SSIDs that devices probe for; the last ones are hard to handle."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device: its address, the networks that it probes for (indexes of NETWORKS), and its vendor data."""

    mac: bytes
    networks: tuple[int, ...] = ()
    vendor_elements: bytes = b""
    wps_name: bytes = b""


def _vendor(oui: str, kind: int, data: bytes = b"") -> bytes:
    return element(221, bytes.fromhex(oui) + bytes([kind]) + data)


def element(kind: int, data: bytes) -> bytes:
    """Return an element of a management frame."""
    return bytes([kind, len(data)]) + data


_APPLE = _vendor("0017f2", 10, bytes.fromhex("00010400000000")) + _vendor("0050f2", 8, b"\x00\x10\x00")
_BROADCOM = _vendor("001018", 2, bytes.fromhex("0000100000")) + _vendor("00904c", 51, bytes(26))

DEVICES = (
    Device(bytes.fromhex("a483e74e3915"), (0, 2, 3, 4, 5, 6, 7, 8, 9), _APPLE),
    Device(bytes.fromhex("7867d748e5c7"), (0, 1), _APPLE + _BROADCOM),
    Device(bytes.fromhex("3c0771a02b11"), (1,)),
    Device(bytes.fromhex("f0d2f1c40e55"), (0, 11), _BROADCOM),
    Device(bytes.fromhex("e0aa9644d210"), (0, 12), b"", b"Galaxy S10"),
    Device(bytes.fromhex("000ec6112233"), (10, 13), _vendor("8cfdf0", 1, b"\x01")),
    Device(bytes.fromhex("b827eb8a4c01"), (0,)),
)
ACCESS_POINTS = (
    (bytes.fromhex("24a43c000001"), b"RNM0"),
    (bytes.fromhex("24a43c000002"), b"RNM-GUEST"),
    (bytes.fromhex("b4fbe4d1a002"), b""),  # hidden
    (bytes.fromhex("f09fc2aa0b03"), b"\0\0\0\0"),  # hidden by zero bytes
)

_CCK, _OFDM = (2, 4, 11, 22), (12, 18, 24, 36, 48, 72, 96, 108)
_BANDS = (
    # Frequency in MHz, radiotap channel flags, rates in units of 500 kbit/s.
    *((2412, 0x00A0, _CCK), (2437, 0x00A0, _CCK), (2462, 0x0480, _CCK + _OFDM), (2484, 0x00A0, _CCK)),
    *((2437, 0x00C0, _OFDM), (5180, 0x0140, _OFDM), (5500, 0x0140, _OFDM), (5825, 0x0140, _OFDM)),
)

_RATES = element(1, bytes.fromhex("02040b160c121824"))
_MORE_RATES = element(50, bytes.fromhex("3048606c"))
_HT = element(45, bytes.fromhex("2d0017ff") + bytes(22))
_RSN = element(48, bytes.fromhex("0100000fac040100000fac040100000fac020000"))
_WMM = _vendor("0050f2", 2, bytes.fromhex("01018000" + "03a40000" + "27a40000" + "42435e00" + "62322f00"))
_COUNTRY = element(7, b"GB \x01\x0d\x14")


class FrameGenerator:
    """Generates frames."""

    def __init__(self, seed: int, *, start_s: float, rate: float = FRAMES_PER_S) -> None:
        """Begin at `start_s` (seconds since the epoch) with about `rate` frames per second."""
        self._random = Random(seed)
        self._time_s = start_s
        self._rate = rate
        self._sequence = 0
        kinds: tuple[tuple[Callable[[], bytes], int], ...] = (
            (self._probe_request, 34),
            (self._beacon, 24),
            (self._short_control, 20),
            (self._data, 12),
            (self._probe_response, 3),
            (self._joining, 3),
            (self._damaged, 4),
        )
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def frames(self) -> Iterator[tuple[float, bytes]]:
        """Yield time (seconds since the epoch) and bytes with a radiotap header, without end."""
        while True:
            self._time_s += self._random.expovariate(self._rate)
            (maker,) = self._random.choices(self._makers, self._weights)
            yield self._time_s, maker()

    def _probe_request(self) -> bytes:
        return self._radio(self._probe(self._random.choice(DEVICES)))

    def _probe(self, device: Device) -> bytes:
        mac = device.mac
        if self._random.random() < 0.15:  # a random address, as phones use to hide their identity
            mac = bytes([self._random.randrange(1, 64) << 2 | 0x02, *self._random.randbytes(5)])
        network = b"" if self._random.random() < 0.4 else NETWORKS[self._random.choice(device.networks)]
        wps = b""
        if device.wps_name:
            wps = _vendor("0050f2", 4, _attribute(0x104A, b"\x10") + _attribute(0x1011, device.wps_name))
        tail = _RATES + _MORE_RATES + _HT + device.vendor_elements + wps
        return self._management(4, BROADCAST, mac, BROADCAST, element(0, network) + tail)

    def _beacon(self) -> bytes:
        mac, name = self._random.choice(ACCESS_POINTS)
        return self._radio(self._management(8, BROADCAST, mac, mac, self._announcement(name)))

    def _probe_response(self) -> bytes:
        mac, name = self._random.choice(ACCESS_POINTS)
        return self._radio(self._management(5, self._station(), mac, mac, self._announcement(name)))

    def _announcement(self, name: bytes) -> bytes:
        fixed = struct.pack("<QHH", self._random.getrandbits(40), 100, 0x0411)
        return fixed + element(0, name) + _RATES + element(3, b"\x06") + _COUNTRY + _RSN + _HT + _WMM

    def _joining(self) -> bytes:
        """Return an authentication, association, their end, or an action frame."""
        mac, name = self._random.choice(ACCESS_POINTS)
        station = self._station()
        subtype, body = self._random.choice(
            (
                (11, struct.pack("<HHH", 0, 1, 0)),
                (0, struct.pack("<HH", 0x0411, 10) + element(0, name) + _RATES),
                (2, struct.pack("<HH", 0x0411, 10) + mac + element(0, name) + _RATES),
                (12, b"\x07\x00"),
                (10, b"\x08\x00"),
                (13, bytes.fromhex("030001021000000000")),
            )
        )
        return self._radio(self._management(subtype, mac, station, mac, body))

    def _short_control(self) -> bytes:
        mac, _ = self._random.choice(ACCESS_POINTS)
        subtype = self._random.choice((8, 9, 10, 11, 12, 12, 13, 13, 13, 14))
        addresses = mac + (self._station() if subtype < 12 else BROADCAST if subtype == 14 else b"")
        rest = {8: b"\x05\x00\x10\x00", 9: b"\x05\x00\x10\x00" + bytes(8)}.get(subtype, b"")
        return self._radio(bytes([subtype << 4 | 0x04, 0]) + b"\x3a\x01" + addresses + rest)

    def _data(self) -> bytes:
        mac, _ = self._random.choice(ACCESS_POINTS)
        station = self._station()
        other = self._random.choice((mac, bytes.fromhex("001b21334455"), bytes.fromhex("01005e0000fb"), BROADCAST))
        direction, addresses = self._random.choice(
            ((1, mac + station + other), (2, station + mac + other), (0, station + mac + other))
        )
        # Encrypted: the payload is random.
        kind, flags, body = self._random.choice(
            ((0x08, 0x40, self._ciphertext()), (0x88, 0x40, b"\0\0" + self._ciphertext()), (0x48, 0x00, b""))
        )
        header = bytes([kind, direction | flags]) + b"\x2c\x00" + addresses + self._next_sequence()
        if direction == 1 and self._random.random() < 0.2:  # between two access points
            header = bytes([kind, 3 | flags]) + header[2:] + ACCESS_POINTS[0][0]
        return self._radio(header + body)

    def _ciphertext(self) -> bytes:
        return b"\x01\x00\x00\x20\x00\x00\x00\x00" + self._random.randbytes(self._random.randrange(16, 400))

    def _damaged(self) -> bytes:
        """Return a truncated frame, one of another protocol version, or bytes that are not a frame."""
        probe = self._probe(self._random.choice(DEVICES))
        match self._random.randrange(5):
            case 0:
                return self._radio(probe[: self._random.randrange(2, len(probe))])
            case 1:
                return self._radio(bytes([probe[0] | 0x03]) + probe[1:])
            case 2:
                return bytes.fromhex("000040000100000000")
            case 3:
                return self._random.randbytes(self._random.randrange(8))
            case _:
                return self._radio(probe[: self._random.randrange(2, 10)])

    def _management(self, subtype: int, receiver: bytes, sender: bytes, network: bytes, body: bytes) -> bytes:
        return bytes([subtype << 4, 0]) + b"\x00\x00" + receiver + sender + network + self._next_sequence() + body

    def _next_sequence(self) -> bytes:
        self._sequence = (self._sequence + 1) % 4096
        return struct.pack("<H", self._sequence << 4)

    def _station(self) -> bytes:
        return self._random.choice(DEVICES).mac

    def _radio(self, frame: bytes) -> bytes:
        """Prefix a frame with one of the radiotap headers that receivers write."""
        signal = self._random.randrange(-92, -30)
        frequency, band, rates = self._random.choice(_BANDS)
        rate = self._random.choice(rates)
        match self._random.randrange(4):
            case 0:  # no more than the signal
                return _radiotap((1 << 3, 1 << 5), struct.pack("<HHb", frequency, band, signal)) + frame
            case 1:  # with a clock and the check sequence
                head = struct.pack("<QBBHHbB", self._random.getrandbits(40), 0x10, rate, frequency, band, signal, 0)
                return _radiotap((1, 2, 4, 8, 32, 1 << 11), head) + frame + self._random.randbytes(4)
            case 2:  # two antennas
                words = struct.pack("<II", 0xA000002E, 0x00000820)
                fields = struct.pack("<BBHHbbB", 0x02, rate, frequency, band, signal, signal - 3, 1)
                return struct.pack("<BBH", 0, 0, 4 + len(words) + len(fields)) + words + fields + frame
            case _:  # 802.11n
                mcs = self._random.randrange(16)
                fields = struct.pack("<BxHHbBBB", 0, frequency, band, signal, 0x07, self._random.randrange(2) * 4, mcs)
                return _radiotap((2, 8, 32, 1 << 19), fields) + frame


def _radiotap(bits: tuple[int, ...], fields: bytes) -> bytes:
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), sum(bits)) + fields


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack(">HH", kind, len(data)) + data


def write_pcap(path: Path, frames: Iterator[tuple[float, bytes]], count: int) -> None:
    """Write `count` frames as a pcap file."""
    with path.open("wb") as file:
        file.write(_MAGIC.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, RADIOTAP))
        for _ in range(count):
            at, data = next(frames)
            seconds = int(at)
            file.write(_RECORD.pack(seconds, int((at - seconds) * 1e6), len(data), len(data)) + data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; return 0, or 1 if it cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m bifrost.generators.wifi_frames", description=__doc__)
    parser.add_argument("file", type=Path, help="the pcap file to write")
    parser.add_argument("--count", type=int, default=1000, help="frames (default %(default)d)")
    parser.add_argument(
        "--seed", type=int, default=1, help="generate the same frames for the same seed (default %(default)d)"
    )
    parser.add_argument("--start", type=float, help="time of the first frame in seconds since the epoch (default: now)")
    parser.add_argument("--rate", type=float, default=FRAMES_PER_S, help="frames per second (default %(default)g)")
    given = parser.parse_args(arguments)
    if given.count < 0 or not 0 < given.rate < float("inf"):
        parser.error("--count must be 0 or above and --rate a finite number above 0")
    start_s = time.time() if given.start is None else given.start
    if not 0 <= start_s < MAX_TIME_S:
        parser.error("--start must be a time that a pcap file can hold, from 0 to 4294967295")
    try:
        write_pcap(given.file, FrameGenerator(given.seed, start_s=start_s, rate=given.rate).frames(), given.count)
    except OSError as error:
        print(f"{given.file}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
