"""Replays a capture file on the running platform, and compares every row of the tables with tshark's counts.

    python -m benchmarks.wifi_replay --frames 100000

The file has a day that no other has, so its rows are distinct. Earlier counts of its devices are subtracted;
for a new device, the first and last time and the networks must be right too.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from benchmarks.platform import wait_for
from benchmarks.processor_time import cpu_s
from bifrost import settings as project_settings
from bifrost.clients import ksqldb
from bifrost.clients.ksqldb import KsqlClient
from bifrost.generators.wifi_frames import FrameGenerator, write_pcap
from bifrost.settings import PROJECT
from capture.elements import ssid_text

LONDON = ZoneInfo("Europe/London")
PROBE_REQUEST = 4
FIELDS = ("frame.time_epoch", "wlan.fc.version", "wlan.fc.type_subtype", "wlan.sa", "wlan.ssid")
PATIENCE_S = 180.0
FIRST_DAY, DAYS = date(2019, 1, 1), 1800

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Device:
    """A row of PCAP_STATS_01: number of probe requests, first and last time, and networks."""

    probes: int
    first: str
    last: str
    networks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of frames; `kinds` are frames by the number of their type."""

    devices: Mapping[str, Device]
    names: Counter[str]
    kinds: Counter[int]

    @property
    def probes(self) -> Counter[str]:
        """Probe requests by address."""
        return Counter({mac: device.probes for mac, device in self.devices.items()})


@dataclass(frozen=True, slots=True)
class Sent:
    """The cost of sending a file: seconds, and CPU seconds."""

    seconds: float
    busy_s: float


def counted_by_tshark(path: Path, names: Mapping[str, str]) -> Counts:
    """Counts of tshark's output for a file. `names` are the devices' names by address."""
    probes: dict[str, list[tuple[int, str | None]]] = {}
    kinds: Counter[int] = Counter()
    for at, version, kind, sender, ssid in _tshark(path):
        if version != "0" or not kind:
            continue
        kinds[int(kind, 16)] += 1
        if int(kind, 16) == PROBE_REQUEST and sender:
            probes.setdefault(sender, []).append((_milliseconds(at), _network(ssid)))
    devices = {mac: _device(of_device) for mac, of_device in probes.items()}
    by_name = Counter[str]()
    for mac, device in devices.items():
        if mac in names:
            by_name[names[mac]] += device.probes
    return Counts(devices, by_name, kinds)


def counted_by_tables(ksql: KsqlClient, day: str) -> Counts:
    """The counts in the tables; `kinds` are those of a day like `2019-01-31`."""
    stats = ksql.pull("SELECT SOURCE_DEVICE, PROBE_COUNT, FIRST_PROBE, LAST_PROBE, SSIDS_PROBED FROM PCAP_STATS_01;")
    named = ksql.pull("SELECT DEVICE_NAME, PROBE_COUNT FROM PCAP_STATS_ENRICHED_01;")
    kinds = ksql.pull("SELECT SUBTYPE, PACKET_COUNT, WINDOW_DAY FROM PCAP_STATS;")
    devices = {
        row["SOURCE_DEVICE"]: Device(
            row["PROBE_COUNT"],
            row["FIRST_PROBE"],
            row["LAST_PROBE"],
            frozenset(name for name in row["SSIDS_PROBED"] if name is not None),
        )
        for row in stats
    }
    return Counts(
        devices,
        Counter({row["DEVICE_NAME"]: row["PROBE_COUNT"] for row in named}),
        Counter({row["SUBTYPE"]: row["PACKET_COUNT"] for row in kinds if row["WINDOW_DAY"] == day}),
    )


def differences(expected: Counts, before: Counts, now: Counts) -> list[str]:
    """The rows of the tables that are not the sum of the earlier and the expected counts."""
    found = [
        f"{mac}: expected {device}, found {now.devices.get(mac)}"
        for mac, device in expected.devices.items()
        if mac not in before.devices and now.devices.get(mac) != device
    ]
    found += _off("probes of", expected.probes, before.probes, now.probes)
    found += _off("probes of", expected.names, before.names, now.names)
    found += _off("frames of kind", expected.kinds, before.kinds, now.kinds)
    return found


def names_of_devices(ksql: KsqlClient) -> dict[str, str]:
    """The devices' names by address, from MongoDB."""
    return {row["MAC"]: row["NAME"] for row in ksql.pull("SELECT MAC, NAME FROM DEVICES;") if row["NAME"] is not None}


def replay(path: Path, environment: Mapping[str, str]) -> Sent:
    """Send a file's frames as fast as possible, and wait until all are delivered."""
    started, used_s = time.monotonic(), cpu_s()
    command = (sys.executable, "-m", "capture", "--replay", str(path), "--speed", "0")
    subprocess.run(command, env=environment, cwd=PROJECT, check=True, timeout=PATIENCE_S)
    return Sent(time.monotonic() - started, cpu_s() - used_s)


def write_file(path: Path, frames: int, day: date, seed: int) -> None:
    """Write a file of frames that start in the morning of a day and end before midnight."""
    start = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    write_pcap(path, FrameGenerator(seed, start_s=start.timestamp(), rate=max(30.0, frames / 36_000)).frames(), frames)


def _off(what: str, expected: Counter[_Key], before: Counter[_Key], now: Counter[_Key]) -> list[str]:
    grown = {key: now[key] - before[key] for key in expected}
    return [
        f"{what} {key}: expected {count}, found {grown[key]}" for key, count in expected.items() if grown[key] != count
    ]


def _tshark(path: Path) -> list[list[str]]:
    named = [argument for field in FIELDS for argument in ("-e", field)]
    command = ("tshark", "-r", str(path), "-T", "fields", "-E", "occurrence=f", *named)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def _network(field: str) -> str | None:
    """A network's name from tshark's hexadecimal text; `None` if the frame has none."""
    if not field:
        return None
    return "" if field == "<MISSING>" else ssid_text(bytes.fromhex(field))


def _device(probes: list[tuple[int, str | None]]) -> Device:
    times = [at for at, _ in probes]
    networks = frozenset(network for _, network in probes if network is not None)
    return Device(len(probes), _time(min(times)), _time(max(times)), networks)


def _milliseconds(epoch: str) -> int:
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, LONDON).strftime("%Y-%m-%d %H:%M:%S")


def main() -> int:
    """Replay, wait, compare; return 1 if a row differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    given = parser.parse_args()
    values = project_settings.load()
    seed = random.SystemRandom().randrange(2**32)
    day = FIRST_DAY + timedelta(days=seed % DAYS)
    with tempfile.TemporaryDirectory() as folder, ksqldb.from_settings(values) as ksql:
        path = Path(folder) / "house.pcap"
        write_file(path, given.frames, day, seed)
        expected = counted_by_tshark(path, names_of_devices(ksql))
        before = counted_by_tables(ksql, str(day))
        sent = replay(path, values.values)
        return report(ksql, expected, before, str(day), sent)


def report(ksql: KsqlClient, expected: Counts, before: Counts, day: str, sent: Sent) -> int:
    """Wait until no row differs, and print the result."""
    started, frames = time.monotonic(), expected.kinds.total()
    speeds = f"{frames / sent.seconds:.0f}/s, {frames / sent.busy_s:.0f}/s of processor time"
    print(
        f"{frames} frames of {day} sent to Kafka in {sent.seconds:.1f} s, including the start of the program ({speeds})"
    )
    try:
        wait_for("all counts", lambda: not differences(expected, before, counted_by_tables(ksql, day)), PATIENCE_S)
    except TimeoutError:
        print(*differences(expected, before, counted_by_tables(ksql, day)), sep="\n")
        return 1
    rows = f"{len(expected.devices)} by address, {len(expected.names)} by name, {len(expected.kinds)} by kind of frame"
    print(f"all counted {time.monotonic() - started:.1f} s after that; rows equal to tshark's: {rows}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
