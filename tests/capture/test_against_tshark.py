"""Every field of every record, compared with a real tshark on the same file."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bifrost.generators.wifi_frames import FrameGenerator, write_pcap
from capture.elements import ssid_text
from capture.frames import map_frame
from capture.sources import read_file
from capture.vendors import vendors

TSHARK = shutil.which("tshark") or ""
FIELDS = (
    *("wlan.fc.type", "wlan.fc.type_subtype", "wlan_radio.channel", "wlan_radio.signal_dbm", "wlan_radio.duration"),
    *(f"wlan.{role}{kind}" for role in ("ra", "da", "ta", "sa", "staa") for kind in ("", "_resolved")),
    *("wlan.tagged.all", "wlan.tag.vendor.data", "wlan.tag.vendor.oui.type", "wlan.tag.oui", "wlan.ssid"),
    *("wlan.country_info.code", "wps.device_name", "_ws.malformed"),
)

pytestmark = pytest.mark.skipif(not TSHARK, reason="tshark is not installed")


def tshark(path: Path) -> list[dict[str, object]]:
    """The records of a file as the documents' own capture makes them."""
    fields = [argument for name in FIELDS for argument in ("-e", name)]
    done = subprocess.run((TSHARK, "-r", str(path), "-T", "ek", *fields), capture_output=True, text=True, check=True)
    packets = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"timestamp"')]
    return [{"timestamp": packet["timestamp"], **packet["layers"]} for packet in packets]


def as_ours(theirs: dict[str, object]) -> dict[str, object]:
    """What is written differently on purpose: subtypes in decimal, SSIDs as text."""
    ours = {name: value for name, value in theirs.items() if name != "_ws_malformed"}
    if "wlan_fc_type_subtype" in ours:
        ours["wlan_fc_type_subtype"] = [str(int(value, 16)) for value in ours["wlan_fc_type_subtype"]]
    if "wlan_ssid" in ours:
        names = [b"" if value == "<MISSING>" else bytes.fromhex(value) for value in ours["wlan_ssid"]]
        ours["wlan_ssid"] = [ssid_text(name) for name in names]
    return ours


@pytest.mark.parametrize("seed", [1, 2])
def test_every_field_is_tsharks(tmp_path, seed):
    path = tmp_path / "house.pcap"
    write_pcap(path, FrameGenerator(seed, start_s=1_587_225_867).frames(), 5000)

    frames = list(read_file(path))
    expected = tshark(path)

    assert len(frames) == len(expected) == 5000
    for frame, theirs in zip(frames, expected, strict=True):
        mapped = map_frame(frame, vendors())
        if mapped.record is None:
            assert "wlan_fc_type" not in theirs
        else:
            assert mapped.record == as_ours(theirs)
            assert mapped.is_malformed == ("_ws_malformed" in theirs)
