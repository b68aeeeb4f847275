"""One frame, one record: what is in it, and what is not."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.frames import CapturedFrame, LinkType, map_frame
from capture.vendors import Vendors

VENDORS = Vendors({"A4:83:E7": "Apple", "24:A4:3C": "Ubiquiti", "00:1B:C5:00:00:00/36": "Convergi"})
PHONE, POINT, BROADCAST = "a483e74e3915", "24a43c000001", "ff" * 6


def radiotap(signal: int = -60, frequency: int = 2437) -> bytes:
    return struct.pack("<BBHIBBHHb", 0, 0, 15, 0b101110, 0, 4, frequency, 0x00A0, signal)


def frame(text: str, body: bytes = b"", *, head: bytes | None = None) -> CapturedFrame:
    data = (radiotap() if head is None else head) + bytes.fromhex(text) + body
    return CapturedFrame(1_587_225_867_123_456, data, len(data))


def probe(ssid: bytes, more: bytes = b"") -> CapturedFrame:
    return frame(f"40000000{BROADCAST}{PHONE}{BROADCAST}1000", bytes([0, len(ssid)]) + ssid + more)


def record(captured: CapturedFrame) -> dict[str, object]:
    found = map_frame(captured, VENDORS)
    assert found.record is not None
    return found.record


def test_a_probe_request():
    assert record(probe(b"RNM0", bytes.fromhex("dd06 0017f2 0a 0001"))) == {
        "timestamp": "1587225867123",
        "wlan_fc_type": ["0"],
        "wlan_fc_type_subtype": ["4"],
        "wlan_radio_channel": ["6"],
        "wlan_radio_signal_dbm": ["-60"],
        "wlan_radio_duration": ["344"],
        **{f"wlan_{role}": ["ff:ff:ff:ff:ff:ff"] for role in ("ra", "da")},
        **{f"wlan_{role}_resolved": ["Broadcast"] for role in ("ra", "da")},
        **{f"wlan_{role}": ["a4:83:e7:4e:39:15"] for role in ("ta", "sa")},
        **{f"wlan_{role}_resolved": ["Apple_4e:39:15"] for role in ("ta", "sa")},
        "wlan_tagged_all": ["1"],
        "wlan_ssid": ["RNM0"],
        "wlan_tag_oui": ["6130"],
        "wlan_tag_vendor_oui_type": ["10"],
        "wlan_tag_vendor_data": ["0a0001"],
    }


@pytest.mark.parametrize(
    ("ssid", "text"),
    [
        (b"", ""),
        (b"\0\0\0\0", ""),
        ("Café 📡".encode(), "Café 📡"),
        (b"caf\xe9", "caf\\xe9"),
        (b"'; DROP TABLE x; --", "'; DROP TABLE x; --"),
    ],
)
def test_names_of_networks(ssid, text):
    assert record(probe(ssid))["wlan_ssid"] == [text]


def test_a_frame_without_a_name_has_no_field_for_it():
    assert "wlan_ssid" not in record(frame(f"d4000000{PHONE}"))


@pytest.mark.parametrize(("subtype", "head"), [(27, "b4"), (28, "c4"), (29, "d4"), (36, "48"), (8, "80")])
def test_subtypes_are_decimal(subtype, head):
    captured = frame(f"{head}000000{POINT}{PHONE}{POINT}0000", bytes(12))
    assert record(captured)["wlan_fc_type_subtype"] == [str(subtype)]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (0, {"da": PHONE, "sa": POINT, "staa": None}),
        (1, {"da": BROADCAST, "sa": POINT, "staa": POINT}),
        (2, {"da": PHONE, "sa": BROADCAST, "staa": PHONE}),
        (3, {"da": BROADCAST, "sa": "001b21334455", "staa": None}),
    ],
)
def test_addresses_of_data(direction, expected):
    found = record(frame(f"080{direction}0000{PHONE}{POINT}{BROADCAST}0000", bytes.fromhex("001b21334455")))
    have = {role: found.get(f"wlan_{role}") for role in expected}
    assert have == {role: mac and [bytes.fromhex(mac).hex(":")] for role, mac in expected.items()}


def test_country_and_device_name():
    beacon = frame(f"80000000{BROADCAST}{POINT}{POINT}0000", bytes(12) + b"\x07\x06GB \x01\x0d\x14")
    assert record(beacon)["wlan_country_info_code"] == ["GB"]
    wps = bytes.fromhex("dd12 0050f204 1011000a") + b"Galaxy S10"
    assert record(probe(b"", wps))["wps_device_name"] == ["Galaxy S10"]


def test_the_check_sequence_is_not_part_of_the_frame():
    head = struct.pack("<BBHIB", 0, 0, 9, 2, 0x10)
    whole = frame(f"40000000{BROADCAST}{PHONE}{BROADCAST}1000", b"\0\1a" + b"\xdd\xff\xff\xff", head=head)
    assert not map_frame(whole, VENDORS).is_malformed


def test_a_file_without_radiotap():
    data = bytes.fromhex(f"d4000000{PHONE}")
    mapped = map_frame(CapturedFrame(0, data, len(data), LinkType.IEEE802_11), VENDORS)
    assert mapped.record is not None
    assert mapped.record["wlan_ra"] == ["a4:83:e7:4e:39:15"]


def test_a_truncated_frame_has_the_fields_before_the_cut():
    cut = probe(b"RNM0", b"\x32\x40\x01")
    mapped = map_frame(cut, VENDORS)
    assert mapped.is_malformed
    assert mapped.record is not None
    assert mapped.record["wlan_ssid"] == ["RNM0"]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\x40\0\1\0\0\0", radiotap(), radiotap() + b"\x43\0\0\0"])
def test_garbage_has_no_record(data):
    mapped = map_frame(CapturedFrame(0, data, len(data)), VENDORS)
    assert (mapped.record, mapped.is_malformed) == (None, True)


@given(st.binary(max_size=300), st.sampled_from([b"", radiotap()]), st.sampled_from(list(LinkType)))
def test_no_bytes_are_fatal(data, head, link):
    mapped = map_frame(CapturedFrame(0, head + data, len(head + data), link), VENDORS)
    assert mapped.record is None or mapped.record["timestamp"] == "0"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a483e74e3915", "Apple_4e:39:15"),
        ("001bc50001ab", "Convergi_01:ab"),
        ("001bc51001ab", "00:1b:c5:10:01:ab"),
        ("01005e0000fb", "IPv4mcast_fb"),
        ("3333000000fb", "IPv6mcast_fb"),
        (BROADCAST, "Broadcast"),
    ],
)
def test_names_of_addresses(address, name):
    assert VENDORS.resolve(bytes.fromhex(address)) == name
