"""Measures the capture on one core beside plain scapy and tshark.

    python -m benchmarks.wifi_capture                 # 100,000 generated frames
    python -m benchmarks.wifi_capture house.pcap

Each reads the same file and produces the JSON text of every record. The last line compares the capture with tshark:
frames per second, and in brackets per second of CPU.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from scapy.layers.dot11 import Dot11, Dot11Elt, RadioTap
from scapy.utils import PcapReader

from benchmarks.processor_time import cpu_s
from bifrost.generators.wifi_frames import FrameGenerator, write_pcap
from capture.frames import map_frame
from capture.sources import read_file
from capture.vendors import vendors

FRAMES = 100_000
SCAPY_FRAMES = 5_000  # few frames suffice, it is slow
TSHARK_FIELDS = (
    *("wlan.fc.type", "wlan.fc.type_subtype", "wlan_radio.channel", "wlan_radio.signal_dbm", "wlan_radio.duration"),
    *(f"wlan.{role}{kind}" for role in ("ra", "da", "ta", "sa", "staa") for kind in ("", "_resolved")),
    *("wlan.tagged.all", "wlan.tag.vendor.data", "wlan.tag.vendor.oui.type", "wlan.tag.oui", "wlan.ssid"),
    *("wlan.country_info.code", "wps.device_name"),
)


def ours(path: Path) -> int:
    """The work of `capture` up to the producer."""
    known = vendors()
    count = 0
    for frame in read_file(path):
        record = map_frame(frame, known).record
        if record is not None:
            orjson.dumps(record)
        count += 1
    return count


def plain_scapy(path: Path) -> int:
    """Dissect every frame completely, and read a few of its fields."""
    number = 0
    with PcapReader(str(path)) as reader:
        for number, packet in enumerate(reader, 1):
            if packet.haslayer(Dot11):
                head, radio = packet[Dot11], packet.getlayer(RadioTap)
                names = []
                element = packet.getlayer(Dot11Elt)
                while isinstance(element, Dot11Elt):
                    if element.ID == 0:
                        names.append(element.info.decode("utf-8", "backslashreplace"))
                    element = element.payload.getlayer(Dot11Elt)
                signal = getattr(radio, "dBm_AntSignal", None)
                orjson.dumps([head.type, head.subtype, head.addr1, head.addr2, signal, names])
            if number == SCAPY_FRAMES:
                break
    return number


def tshark(path: Path) -> int:
    """Run tshark with `-T ek`."""
    fields = [argument for name in TSHARK_FIELDS for argument in ("-e", name)]
    command = ("tshark", "-r", str(path), "-T", "ek", *fields)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return done.stdout.count(b'{"timestamp"')


def measured(name: str, run: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """Run once; print and return frames per second of wall-clock time and of CPU time."""
    started, used = time.perf_counter(), cpu_s()
    count = run(path)
    wall_s, busy_s = time.perf_counter() - started, cpu_s() - used
    print(f"{name:<12} {count:>8} frames  {count / wall_s:>9.0f}/s  {count / busy_s:>9.0f}/s of CPU", flush=True)
    return count / wall_s, count / busy_s


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a capture (default: generated frames)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="how many to generate")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.file or Path(folder) / "house.pcap"
        if args.file is None:
            write_pcap(path, FrameGenerator(1, start_s=1_587_225_867).frames(), args.frames)
        vendors()
        wall, cpu = measured("capture", ours, path)
        measured("plain scapy", plain_scapy, path)
        if not shutil.which("tshark"):
            print("tshark is not installed: nothing to compare with")
            return
        peer_wall, peer_cpu = measured("tshark", tshark, path)
        print(f"capture/tshark  {wall / peer_wall:.2f} ({cpu / peer_cpu:.2f})")


if __name__ == "__main__":
    main()
