"""Wi-Fi from a capture file to counts per table row, beside what a real tshark says of the same file."""

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from bifrost.clients import ksqldb
from bifrost.clients.ksqldb import KsqlClient, quote_text
from bifrost.clients.tombstones import Tombstones
from bifrost.generators.wifi_frames import Air, write_pcap
from bifrost.settings import PROJECT
from capture.elements import ssid_text
from tests.live.conftest import Platform

FRAMES = 20_000
START_S, DAY = 1_600_000_000, "2020-09-13"
NAMES = {
    "a4:83:e7:4e:39:15": "Robin's phone (Robins-iPhone)",
    "3c:07:71:a0:2b:11": "sony-vaio",
    "f0:d2:f1:c4:0e:55": "Amazon - Echo",
    "e0:aa:96:44:d2:10": "guest_SamsungE",
    "00:0e:c6:11:22:33": "nonguest_AsixElec",
}
SOON_S = 90.0
TSHARK = shutil.which("tshark") or ""
PROBES = "wlan.fc.type_subtype == 4"

pytestmark = pytest.mark.skipif(not TSHARK, reason="tshark is not installed")


def wait_for(found: Callable[[], Any], wanted: Any) -> None:
    """Wait until something has the wanted value; otherwise show what it had in the end."""
    end = time.monotonic() + SOON_S
    while (now := found()) != wanted:
        if time.monotonic() > end:
            assert now == wanted
        time.sleep(0.25)


def tshark(path, *fields: str, only: str = "") -> list[list[str]]:
    """The fields of a file's frames, as lines of text."""
    named = [argument for field in fields for argument in ("-e", field)]
    chosen = ("-Y", only) if only else ()
    command = (TSHARK, "-r", str(path), "-T", "fields", "-E", "occurrence=f", *chosen, *named)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def ksql(platform):
    client = ksqldb.from_settings(platform.settings)
    yield client
    client.close()


@dataclass(frozen=True, slots=True)
class Replay:
    """A replayed file, and what the tables had counted before it."""

    path: Path
    by_mac: Counter[str]
    by_name: Counter[str]


def counts(ksql: KsqlClient, table: str, key: str) -> Counter[str]:
    rows = ksql.pull(f"SELECT {key}, PROBE_COUNT FROM {table};")
    return Counter({row[key]: row["PROBE_COUNT"] for row in rows})


def by_mac(ksql: KsqlClient) -> Counter[str]:
    return counts(ksql, "PCAP_STATS_01", "SOURCE_DEVICE")


def by_name(ksql: KsqlClient) -> Counter[str]:
    return counts(ksql, "PCAP_STATS_ENRICHED_01", "DEVICE_NAME")


@pytest.fixture(scope="module")
def replayed(platform, ksql, tmp_path_factory):
    """A replayed capture file of a day of its own."""
    path = tmp_path_factory.mktemp("capture") / "house.pcap"
    write_pcap(path, Air(11, start_s=START_S).frames(), FRAMES)
    wait_for(lambda: by_names_known(ksql), True)
    before = Replay(path, by_mac(ksql), by_name(ksql))
    arguments = [sys.executable, "-m", "capture", "--replay", str(path), "--speed", "0"]
    subprocess.run(arguments, env=platform.settings.values, cwd=PROJECT, check=True, timeout=SOON_S)
    return before


def by_names_known(ksql: KsqlClient) -> bool:
    """Whether MongoDB's documents have arrived: a probe joins the name that is known when it comes."""
    known = {row["MAC"] for row in ksql.pull("SELECT MAC FROM DEVICES;")}
    return known >= NAMES.keys()


def test_probes_per_device(replayed, ksql):
    senders = Counter(sender for (sender,) in tshark(replayed.path, "wlan.sa", only=f"{PROBES} && wlan.sa"))
    assert senders.total() > FRAMES / 4

    wait_for(lambda: by_mac(ksql) - replayed.by_mac, senders)


def test_networks_of_a_device(replayed, ksql):
    phone = "a4:83:e7:4e:39:15"
    rows = tshark(replayed.path, "wlan.ssid", only=f"{PROBES} && wlan.sa == {phone}")
    names = {"" if name == "<MISSING>" else ssid_text(bytes.fromhex(name)) for (name,) in rows if name}

    def missing() -> set[str]:
        (row,) = ksql.pull(f"SELECT SSIDS_PROBED FROM PCAP_STATS_01 WHERE SOURCE_DEVICE = {quote_text(phone)};")
        return names - set(row["SSIDS_PROBED"])

    wait_for(missing, set())


def test_frames_per_kind_and_day(replayed, ksql):
    kind_field = "wlan.fc.type_subtype"
    kinds = Counter(
        int(kind, 16) for (kind,) in tshark(replayed.path, kind_field, only=f"{kind_field} && wlan.fc.version == 0")
    )

    def found() -> dict[int, int]:
        rows = ksql.pull("SELECT SUBTYPE, PACKET_COUNT, WINDOW_DAY FROM PCAP_STATS;")
        return {row["SUBTYPE"]: row["PACKET_COUNT"] for row in rows if row["WINDOW_DAY"] == DAY}

    wait_for(found, dict(kinds))


def test_probes_by_the_name_of_a_device_from_mongodb(replayed, ksql):
    senders = Counter(sender for (sender,) in tshark(replayed.path, "wlan.sa", only=f"{PROBES} && wlan.sa"))

    def found() -> Counter[str]:
        return Counter({name: count for name, count in (by_name(ksql) - replayed.by_name).items() if name in names})

    names = set(NAMES.values())
    wait_for(found, Counter({name: senders[mac] for mac, name in NAMES.items()}))


def test_a_changed_document_is_a_changed_name(platform, ksql):
    with MongoClient(platform.endpoints["mongodb"]) as mongo:
        mongo.ace.user.update_one({"mac": "78:67:d7:48:e5:c7"}, {"$set": {"name": "Kitchen tablet"}})
    query = "SELECT NAME FROM DEVICES WHERE MAC = '78:67:d7:48:e5:c7';"
    wait_for(lambda: [row["NAME"] for row in ksql.pull(query)], ["Kitchen tablet (iPad)"])


def test_the_list_begins_with_two_networks_and_a_second_up_writes_nothing(platform, ksql):
    def listed() -> dict[str, str]:
        rows = ksql.pull("SELECT SSID, REASON FROM QUERYABLE_SSID_ALERT_LIST;")
        return {row["SSID"]: row["REASON"] for row in rows}

    wait_for(listed, {"RNM0": "home network", "RNM-GUEST": "guest network"})
    change(ksql, "RNM0", "somebody is home")
    wait_for(listed, {"RNM0": "somebody is home", "RNM-GUEST": "guest network"})
    Tombstones(platform.settings.kafka_client()).put("ssid_alert_list_01", b"RNM-GUEST")
    wait_for(listed, {"RNM0": "somebody is home"})

    platform.run("up", "wifi", "--no-demo")

    assert listed() == {"RNM0": "somebody is home"}
    change(ksql, "RNM0", "home network")
    change(ksql, "RNM-GUEST", "guest network")


def change(ksql: KsqlClient, ssid: str, reason: str) -> None:
    ksql.execute(f"INSERT INTO SSID_ALERT_LIST (SSID, REASON) VALUES ({quote_text(ssid)}, {quote_text(reason)});")


def test_a_replay_plays_the_house_in_demos(platform: Platform):
    started = platform.supervisor.start("wifi_replay", wait_s=10)
    assert started.is_up
    log = platform.settings.logs / "wifi_replay.log"
    wait_for(lambda: "records sent" in log.read_text(), True)
    platform.supervisor.stop("wifi_replay")
