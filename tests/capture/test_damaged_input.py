"""Damaged frames and files: no bytes end the capture, and each frame is a record or counted as malformed."""

from __future__ import annotations

import struct
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.errors import SettingError
from bifrost.generators.wifi_frames import FrameGenerator, write_pcap
from capture.frames import CapturedFrame, LinkType, map_frame
from capture.program import main
from capture.radiotap import read_radio
from capture.sources import read_file
from capture.vendors import Vendors

VENDORS = Vendors({"A4:83:E7": "Apple"})
FRAMES = [data for _, data in islice(FrameGenerator(7, start_s=0).frames(), 60)]


def mapped(data: bytes, link: LinkType = LinkType.RADIOTAP, length: int | None = None) -> None:
    found = map_frame(CapturedFrame(0, data, len(data) if length is None else length, link), VENDORS)
    assert found.record is not None or found.is_malformed
    for name, value in (found.record or {}).items():
        texts = [value] if name == "timestamp" else value
        assert isinstance(texts, list) and all(isinstance(text, str) for text in texts)


@given(st.binary(max_size=200), st.sampled_from(LinkType))
def test_random_bytes_are_a_record_or_malformed(data: bytes, link: LinkType):
    mapped(data, link)


@given(st.sampled_from(FRAMES), st.data())
def test_a_frame_cut_off_anywhere_is_a_record_or_malformed(frame: bytes, data: st.DataObject):
    mapped(frame[: data.draw(st.integers(0, len(frame)))])


@given(st.sampled_from(FRAMES), st.data())
def test_a_frame_with_flipped_bytes_is_a_record_or_malformed(frame: bytes, data: st.DataObject):
    damaged = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(frame) - 1)) if frame else 0 : 0] = data.draw(st.binary(max_size=2))
    mapped(bytes(damaged))


@pytest.mark.parametrize("length", [-1, 0, 1, 2**31, 2**40])
def test_a_wrong_frame_length_is_accepted(length: int):
    for frame in FRAMES[:20]:
        mapped(frame, length=length)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\0" * 7,
        struct.pack("<BBHI", 1, 0, 8, 0),  # another version
        struct.pack("<BBHI", 0, 0, 7, 0),  # shorter than itself
        struct.pack("<BBHI", 0, 0, 0xFFFF, 0),  # longer than the capture
        struct.pack("<BBHI", 0, 0, 8, 1 << 31),  # announces another word that is missing
        struct.pack("<BBHI", 0, 0, 8, 0xFFFFFFFF),
        struct.pack("<BBHII", 0, 0, 12, 1 << 31, 1 << 31),
    ],
)
def test_an_incomplete_radiotap_header_is_none(header: bytes):
    assert read_radio(header) is None
    assert map_frame(CapturedFrame(0, header, len(header)), VENDORS).is_malformed


def test_fields_beyond_the_header_are_missing():
    radio = read_radio(struct.pack("<BBHI", 0, 0, 8, 0x0000002E))

    assert radio is not None
    assert (radio.channel, radio.signal, radio.rate) == (None, None, None)


@pytest.fixture(scope="module")
def capture_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("pcap") / "good.pcap"
    write_pcap(path, FrameGenerator(1, start_s=1_700_000_000).frames(), 5)
    return path.read_bytes()


def frames_of(folder: Path, content: bytes) -> int | None:
    """How many frames a file has; `None`: it is refused with its name."""
    path = folder / "x.pcap"
    path.write_bytes(content)
    try:
        return len(list(read_file(path)))
    except SettingError as error:
        assert str(path) in str(error)
        return None


@given(data=st.data())
def test_a_file_cut_off_anywhere_ends_early_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, capture_file: bytes, data: st.DataObject
):
    size = data.draw(st.integers(0, len(capture_file)))
    found = frames_of(tmp_path_factory.getbasetemp(), capture_file[:size])

    assert found is None or 0 <= found <= 5


@given(data=st.data())
def test_a_file_with_flipped_bytes_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, capture_file: bytes, data: st.DataObject
):
    damaged = bytearray(capture_file)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    frames_of(tmp_path_factory.getbasetemp(), bytes(damaged))


PCAPNG = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
INTERFACE = struct.pack("<IIHHII", 1, 20, 127, 0, 0, 20)


BAD_FILES = {
    "empty": b"",
    "text": b"no capture at all, only text",
    "zeros": bytes(100),
    "head of pcap": struct.pack("<I", 0xA1B2C3D4),
    "Ethernet": struct.pack("<IHHiIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1, 0, 0, 4, 4) + b"abcd",
    "a frame of 4 GB": struct.pack("<IHHiIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 127, 0, 0, 2**32 - 1, 4),
    "pcapng without interfaces": PCAPNG,
    "pcapng, a block that ends early": PCAPNG + struct.pack("<II", 6, 100),
    "pcapng, a block of 0 bytes": PCAPNG + struct.pack("<II", 6, 0),
    "pcapng, a packet of no interface": PCAPNG + struct.pack("<IIIIIIII", 6, 32, 9, 0, 0, 0, 0, 32),
    "pcapng, a clock of 2^-127": PCAPNG + struct.pack("<IIHHIHHB3xII", 1, 32, 127, 0, 0, 9, 1, 0xFF, 0, 32),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(60),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_damaged_capture_file_is_refused_or_ends_early(tmp_path: Path, name: str):
    found = frames_of(tmp_path, BAD_FILES[name])

    assert found is None or found <= 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--interface", "a", "--replay", "b"],
        ["--replay", "x", "--speed", "nan"],
        ["--replay", "x", "--speed", "-1"],
        ["--replay", "x", "--speed", "fast"],
        ["--replay", "x", "--rate", "inf"],
        ["--replay", "x", "--rate", "nan"],
        ["--replay", "x", "--count", "-1"],
        ["--replay", "x", "--count", "1.5"],
        ["--surprise"],
    ],
)
def test_arguments_that_make_no_sense_are_a_usage_error(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
