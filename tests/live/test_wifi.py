"""Wi-Fi from a capture file and MongoDB to rows, answers and panels, beside what a real tshark says of the file."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from benchmarks.wifi_replay import (
    Counts,
    counted_by_tables,
    counted_by_tshark,
    differences,
    names_of_devices,
    replay,
    write_file,
)
from bifrost.clients import ksqldb, search
from bifrost.clients.ksqldb import KsqlClient, quote_text
from bifrost.clients.search import SearchRequest
from bifrost.clients.tombstone_writer import TombstoneWriter
from tests.live.conftest import Platform
from tests.live.waiting import eventually_equal, wait_for
from tests.live.wifi_people import Air, Person, a_mac

FRAMES = 10_000
DAY = date(2020, 9, 13)
TEN_YEARS_S = 315_360_000
NAMES = {
    "a4:83:e7:4e:39:15": "Robin's phone (Robins-iPhone)",
    "3c:07:71:a0:2b:11": "sony-vaio",
    "f0:d2:f1:c4:0e:55": "Amazon - Echo",
    "e0:aa:96:44:d2:10": "guest_SamsungE",
    "00:0e:c6:11:22:33": "nonguest_AsixElec",
}

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


@pytest.fixture(scope="module")
def ksql(platform: Platform) -> Iterator[KsqlClient]:
    with ksqldb.from_settings(platform.settings) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replayed file holds, and what the tables had counted before it."""

    expected: Counts
    before: Counts


@pytest.fixture(scope="module")
def replayed(platform: Platform, ksql: KsqlClient, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replayed capture file of a day that no other test uses."""
    path = tmp_path_factory.mktemp("capture") / "house.pcap"
    write_file(path, FRAMES, DAY, seed=11)
    # A probe joins the name that is known when it comes.
    wait_for(lambda: names_of_devices(ksql).keys() >= NAMES.keys())
    expected = counted_by_tshark(path, names_of_devices(ksql))
    before = counted_by_tables(ksql, str(DAY))
    replay(path, platform.settings.values)
    return Replay(expected, before)


@pytest.mark.far_end("mongodb")
@needs_tshark
def test_every_row_is_what_tshark_counts(replayed: Replay, ksql: KsqlClient):
    assert replayed.expected.probes.total() > FRAMES / 4
    assert {replayed.expected.names[name] for name in NAMES.values()}.isdisjoint({0})

    eventually_equal(lambda: differences(replayed.expected, replayed.before, counted_by_tables(ksql, str(DAY))), [])


@needs_tshark
def test_a_capture_of_years_ago_comes_all_the_way_to_the_dashboard(platform: Platform, replayed: Replay):
    begin_ms = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp() * 1000)
    of_day = {"gte": begin_ms, "lt": begin_ms + 86_400_000, "format": "epoch_millis"}
    kinds = {"kinds": {"terms": {"field": "wlan_fc_type_subtype", "size": 64}}}
    body = {"size": 0, "query": {"range": {"timestamp": of_day}}, "aggs": kinds}

    def indexed() -> dict[int, int]:
        with search.from_settings(platform.settings) as engine:
            (answer,) = engine.search_all([SearchRequest("pcap", body)])
        return {found["key"]: found["doc_count"] for found in answer["aggregations"]["kinds"]["buckets"]}

    eventually_equal(indexed, dict(replayed.expected.kinds))
    phone = NAMES["a4:83:e7:4e:39:15"]
    wait_for(lambda: phone in seen_devices(platform))
    # Each panel shows another index, which another sink fills.
    wait_for(lambda: probes_by_name(panels(platform)).get(phone, 0) >= replayed.expected.names[phone])
    shown = panels(platform)
    assert {name: panel.get("error") for name, panel in shown.items()} == dict.fromkeys(shown)
    assert "RNM0" in {group["key"] for group in shown["networks-looked-for"]["data"]["panel_data_0"]}
    assert "" not in {group["key"] for group in shown["networks-looked-for"]["data"]["panel_data_0"]}
    first = replayed.expected.devices["a4:83:e7:4e:39:15"].first
    assert seen_devices(platform)[phone] <= first


def panels(platform: Platform) -> dict[str, Any]:
    url = f"{platform.endpoints['console']}/api/dashboards/wifi/data"
    answer = requests.get(url, params={"last": TEN_YEARS_S}, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["panels"]
    return found


def probes_by_name(shown: dict[str, Any]) -> dict[str, int]:
    """How many probe requests the dashboard counts by the name of a device."""
    return {group["key"]: group["doc_count"] for group in shown["top-devices"].get("data", {}).get("panel_data_0", ())}


def seen_devices(platform: Platform) -> dict[str, str]:
    """When the table of the dashboard says that a device was seen first."""
    rows = panels(platform)["devices-seen"].get("rows", [])
    return {row["values"][0]: row["values"][1] for row in rows}


def test_documents_of_mongodb_are_what_the_bot_calls_devices(platform: Platform, ksql: KsqlClient):
    person, air, mac, mark = Person(platform), Air(platform), a_mac(), uuid.uuid4().hex[:8]
    document = {"mac": mac, "oui": "Acme", "hostname": f"it's-{mark}", "is_guest": False}
    named = f"SELECT NAME FROM DEVICES WHERE MAC = {quote_text(mac)};"

    def delivered(name: str) -> bool:
        air.probe(mac, "RNM0")
        return person.write(name).startswith(f"📡 Wi-Fi probe stats for {name}\n")

    with MongoClient(platform.endpoints["mongodb"]) as mongo:
        mongo.ace.user.insert_one(document)
        wait_for(lambda: delivered(f"it's-{mark}"))
        mongo.ace.user.update_one({"mac": mac}, {"$set": {"name": f"Ada 🦄 {mark}"}})
        wait_for(lambda: delivered(f"Ada 🦄 {mark} (it's-{mark})"))
        mongo.ace.user.delete_one({"mac": mac})
        mongo.ace.device.insert_one({"mac": mac, "name": f"{mark} AP", "type": "uap"})
        wait_for(lambda: delivered(f"{mark} AP"))
        mongo.ace.device.delete_one({"mac": mac})
    # What was known of a device stays known, and its probes stay counted, when its document goes.
    assert [row["NAME"] for row in ksql.pull(named)] == [f"{mark} AP"]
    assert delivered(f"it's-{mark}")


def test_the_list_begins_with_two_networks_and_a_second_up_writes_nothing(platform: Platform, ksql: KsqlClient):
    def listed() -> dict[str, str]:
        rows = ksql.pull("SELECT SSID, REASON FROM QUERYABLE_SSID_ALERT_LIST WHERE SSID LIKE 'RNM%';")
        return {row["SSID"]: row["REASON"] for row in rows}

    eventually_equal(listed, {"RNM0": "home network", "RNM-GUEST": "guest network"})
    change(ksql, "RNM0", "somebody is home")
    eventually_equal(listed, {"RNM0": "somebody is home", "RNM-GUEST": "guest network"})
    TombstoneWriter(platform.settings.kafka_client()).delete("ssid_alert_list_01", b"RNM-GUEST")
    eventually_equal(listed, {"RNM0": "somebody is home"})

    platform.run("up", "wifi", "--no-demo")

    assert listed() == {"RNM0": "somebody is home"}
    change(ksql, "RNM0", "home network")
    change(ksql, "RNM-GUEST", "guest network")


def change(ksql: KsqlClient, ssid: str, reason: str) -> None:
    ksql.execute(f"INSERT INTO SSID_ALERT_LIST (SSID, REASON) VALUES ({quote_text(ssid)}, {quote_text(reason)});")
