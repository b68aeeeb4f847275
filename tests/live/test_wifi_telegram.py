"""The Wi-Fi bot and the alerts on the running platform: written through the inbox, read there, as a person does."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from confluent_kafka import Producer

from bifrost.clients import ksqldb
from bifrost.settings import PROJECT
from tests.live.conftest import Platform

SOON_S = 60.0
STATEMENTS = PROJECT / "ksql" / "wifi.sql"
needs_statements = pytest.mark.skipif(
    not STATEMENTS.exists() or "QUERYABLE_SSID_ALERT_LIST" not in STATEMENTS.read_text(encoding="utf-8"),
    reason="the statements of the wifi pipeline are not declared",
)


class Person:
    """Writes to the bot in a chat of their own."""

    def __init__(self, platform: Platform) -> None:
        self._console = platform.endpoints["console"]
        self._chat = time.monotonic_ns() % 10**9 + 1

    def write(self, text: str) -> str:
        """The bot's answer."""
        url = f"{self._console}/api/telegram/messages"
        line = requests.post(url, json={"chat_id": self._chat, "text": text}, timeout=10).json()
        query = {"chat_id": self._chat, "since": line["message_id"]}

        def answers() -> list[str]:
            found = requests.get(url, params=query, timeout=10).json()
            return [entry["text"] for entry in found if entry["from"] == "bot"]

        return wait_for(answers)[0]

    def alerts(self, ssid: str) -> list[str]:
        """All that was told about a network."""
        found = requests.get(f"{self._console}/api/messages", timeout=30).json()
        return [message["text"] for message in found if f"probed for SSID `{ssid}`" in message["text"]]


class Air:
    """Sends probe requests as the capture writes them."""

    def __init__(self, platform: Platform) -> None:
        self._producer = Producer({"bootstrap.servers": platform.endpoints["kafka"]})

    def probe(self, mac: str, ssid: str, at_ms: int | None = None) -> None:
        """A device looks for a network."""
        frame = {
            "timestamp": str(at_ms or int(time.time() * 1000)),
            "wlan_fc_type_subtype": ["4"],
            "wlan_sa": [mac],
            "wlan_ssid": [ssid],
        }
        self._producer.produce("pcap", json.dumps(frame).encode())
        assert self._producer.flush(10) == 0


@pytest.fixture
def person(platform: Platform) -> Person:
    return Person(platform)


@pytest.fixture
def air(platform: Platform) -> Air:
    return Air(platform)


def wait_for(look: Callable[[], Any]) -> Any:
    """What a look finds as soon as it finds something."""
    end = time.monotonic() + SOON_S
    while not (found := look()):
        assert time.monotonic() < end, f"nothing within {SOON_S:.0f} s"
        time.sleep(0.05)
    return found


def a_mac() -> str:
    digits = uuid.uuid4().hex
    return "02:" + ":".join(digits[place : place + 2] for place in range(0, 10, 2))


def test_the_bot_answers_in_the_inbox(person: Person):
    assert "/watch SSID reason" in person.write("/help")
    assert person.write("/nonsense").startswith("I do not know the command /nonsense.")


@needs_statements
def test_a_device_is_told_by_its_mac_address_in_any_spelling(person: Person, air: Air):
    mac = a_mac()
    for number, ssid in enumerate(("RNM0", "it's 🦄", "RNM0")):
        air.probe(mac, ssid, 1_587_225_867_000 + 1000 * number)

    def told() -> str:
        text = person.write(mac.upper().replace(":", "-"))
        return text if "Probe count    : 3" in text else ""

    lines = wait_for(told).split("\n\t")
    assert lines[:3] == [
        f"📡 Wi-Fi probe stats for {mac}",
        "Earliest probe : 2020-04-18 17:04:27",
        "Latest probe   : 2020-04-18 17:04:29",
    ]
    assert lines[4].startswith("Unique SSIDs   : 2 ([")


@needs_statements
def test_a_device_is_told_by_its_name(platform: Platform, person: Person, air: Air):
    with ksqldb.from_settings(platform.settings) as ksql:
        rows = wait_for(lambda: [row for row in ksql.pull("SELECT MAC, NAME FROM DEVICES;") if row["NAME"]])
    air.probe(rows[0]["MAC"], "RNM0")

    assert wait_for(lambda: "📡" in person.write(rows[0]["NAME"]))


@needs_statements
def test_the_list_can_be_changed_while_frames_come_in(person: Person, air: Air):
    ssid, other = (f"live-{uuid.uuid4().hex[:8]}" for _ in range(2))
    person.write(f"/watch {other} to know that a later frame has come through")
    assert person.write(f"/watch {ssid} it's a test") == f"👀 I tell when a device probes for SSID `{ssid}`"
    first = a_mac()
    air.probe(first, ssid)
    (alert,) = wait_for(lambda: person.alerts(ssid))
    assert f"MAC address {first} probed" in alert
    assert alert.endswith("\n\nThis SSID is being tracked because: it's a test")

    wait_for(lambda: ssid in person.write("/list"))
    assert person.write(f"/unwatch {ssid}") == f"🙈 SSID `{ssid}` is off the list"
    wait_for(lambda: ssid not in person.write("/list"))
    unlisted = a_mac()
    air.probe(unlisted, ssid)
    wait_for(lambda: "📡" in person.write(unlisted))
    air.probe(a_mac(), other)
    wait_for(lambda: person.alerts(other))
    person.write(f"/watch {ssid} again")
    last = a_mac()
    air.probe(last, ssid)
    wait_for(lambda: len(person.alerts(ssid)) > 1)
    assert [last in text for text in person.alerts(ssid)] == [False, True]
