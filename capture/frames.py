"""Maps a captured 802.11 frame to a record of the topic `pcap`. Pure.

The record has tshark's field names (`tshark -T ek`): `timestamp` is milliseconds since the epoch as a string, every
other field is an array of strings, and missing fields are omitted. Differences from tshark 4: the subtype is decimal
(`4`, not `0x0004`), an SSID is text (not hex), and an SSID of zero bytes is empty, since the name is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from capture import elements
from capture.airtime import airtime, ht_airtime
from capture.radiotap import Radio, read_radio
from capture.vendors import Named, Vendors

Record = dict[str, str | list[str]]

MANAGEMENT, CONTROL, DATA = 0, 1, 2
FCS_BYTES = 4
HEADER_BYTES = 24

_TO_ACCESS_POINT, _FROM_ACCESS_POINT, _BETWEEN_ACCESS_POINTS = 1, 2, 3
_MORE_FRAGMENTS, _PROTECTED, _ORDER = 0x04, 0x40, 0x80
_FIXED_BYTES = {0: 4, 1: 6, 2: 10, 3: 6, 4: 0, 5: 12, 8: 12}
"""Bytes before the elements of a management frame, by the subtypes that otherwise consist of elements only."""
_CONTROL_WITH_SENDER = frozenset({2, 4, 5, 8, 9, 10, 11})
_CONTROL_WITHOUT_SENDER = frozenset({12, 13, 14, 15})


class LinkType(IntEnum):
    """The header before each frame of a capture: none, or radiotap's."""

    IEEE802_11 = 105
    RADIOTAP = 127


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """Captured bytes at `time_us` (µs since the epoch); `length` is the frame's length before truncation."""

    time_us: int
    data: bytes
    length: int
    link: LinkType = LinkType.RADIOTAP


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record, `None` if not even its type is readable; a malformed frame's record ends before the fault."""

    record: Record | None
    is_malformed: bool = False


MALFORMED = Mapped(None, is_malformed=True)
_NO_RADIO = Radio(0)


def map_frame(frame: CapturedFrame, vendors: Vendors) -> Mapped:
    """Return the record of a captured frame. Never raises."""
    radio = read_radio(frame.data) if frame.link is LinkType.RADIOTAP else _NO_RADIO
    if radio is None:
        return MALFORMED
    body = frame.data[radio.length :]
    if len(body) < 2 or body[0] & 0x03:  # another protocol version
        return MALFORMED
    kind, subtype = body[0] >> 2 & 0x03, body[0] >> 4
    # A frame shorter than its header has no check sequence, even if the receiver claims one.
    if radio.has_fcs and frame.length == len(frame.data) and len(body) >= _header_length(kind, subtype) + FCS_BYTES:
        body = body[:-FCS_BYTES]
    record: Record = {
        "timestamp": str(frame.time_us // 1000),
        "wlan_fc_type": [str(kind)],
        "wlan_fc_type_subtype": [str(kind << 4 | subtype)],
    }
    _add_radio(record, radio, frame.length - radio.length)
    match kind:
        case 0:
            is_complete = _add_management(record, body, subtype, vendors)
        case 1:
            is_complete = _add_control(record, body, subtype, vendors)
        case 2:
            is_complete = _add_data(record, body, vendors)
        case _:
            is_complete = False
    return Mapped(record, not is_complete)


def _add_radio(record: Record, radio: Radio, length: int) -> None:
    if radio.channel is not None:
        record["wlan_radio_channel"] = [str(radio.channel)]
    if radio.signal is not None:
        record["wlan_radio_signal_dbm"] = [str(radio.signal)]
    duration = None
    if radio.rate is not None:
        duration = airtime(length, radio.rate, is_short_preamble=radio.is_short_preamble)
    elif radio.ht is not None:
        duration = ht_airtime(length, radio.ht)
    if duration is not None:
        record["wlan_radio_duration"] = [str(duration)]


def _header_length(kind: int, subtype: int) -> int:
    if kind != CONTROL:
        return HEADER_BYTES
    return 10 if subtype in _CONTROL_WITHOUT_SENDER else 16


def _add_management(record: Record, body: bytes, subtype: int, vendors: Vendors) -> bool:
    """Add the fields of a management frame; return whether it is complete."""
    if len(body) < HEADER_BYTES:
        # The receiver may be readable in a frame that is cut off behind it.
        return _add_receiver(record, body, vendors) and False
    receiver, sender = vendors.named(body[4:10]), vendors.named(body[10:16])
    _add_both(record, receiver, sender)
    record["wlan_da"], record["wlan_da_resolved"] = receiver
    record["wlan_sa"], record["wlan_sa_resolved"] = sender
    fixed, flags = _FIXED_BYTES.get(subtype), body[1]
    is_fragment = len(body) > HEADER_BYTES and (flags & _MORE_FRAGMENTS or body[22] & 0x0F)
    # The elements are encrypted, or spread over several frames.
    if fixed is None or flags & _PROTECTED or is_fragment:
        return True
    # In a management frame, the order bit announces four bytes of HT control.
    start = HEADER_BYTES + fixed + (4 if flags & _ORDER else 0)
    if start > len(body):
        return False
    record["wlan_tagged_all"] = ["1"]
    found = elements.read(body[start:])
    record.update(found.fields)
    return not found.is_cut


def _add_control(record: Record, body: bytes, subtype: int, vendors: Vendors) -> bool:
    if not _add_receiver(record, body, vendors):
        return False
    if subtype in _CONTROL_WITHOUT_SENDER:
        return True
    if subtype not in _CONTROL_WITH_SENDER or len(body) < 16:
        return False
    record["wlan_ta"], record["wlan_ta_resolved"] = vendors.named(body[10:16])
    return True


def _add_data(record: Record, body: bytes, vendors: Vendors) -> bool:
    direction = body[1] & 0x03
    if len(body) < HEADER_BYTES + (6 if direction == _BETWEEN_ACCESS_POINTS else 0):
        return _add_receiver(record, body, vendors) and False
    first, second, third = (vendors.named(body[at : at + 6]) for at in (4, 10, 16))
    _add_both(record, first, second)
    target, source, station = first, second, None
    if direction == _TO_ACCESS_POINT:
        target, station = third, second
    elif direction == _FROM_ACCESS_POINT:
        source, station = third, first
    elif direction == _BETWEEN_ACCESS_POINTS:
        target, source = third, vendors.named(body[24:30])
    record["wlan_da"], record["wlan_da_resolved"] = target
    record["wlan_sa"], record["wlan_sa_resolved"] = source
    if station is not None:
        record["wlan_staa"], record["wlan_staa_resolved"] = station
    return True


def _add_receiver(record: Record, body: bytes, vendors: Vendors) -> bool:
    if len(body) < 10:
        return False
    record["wlan_ra"], record["wlan_ra_resolved"] = vendors.named(body[4:10])
    return True


def _add_both(record: Record, receiver: Named, sender: Named) -> None:
    record["wlan_ra"], record["wlan_ra_resolved"] = receiver
    record["wlan_ta"], record["wlan_ta_resolved"] = sender
