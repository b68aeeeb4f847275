"""The Wi-Fi bot and the alerts on the running platform: written through the inbox, read there, as a person does."""

from __future__ import annotations

import uuid

import pytest

from bifrost.clients import ksqldb
from tests.fakes.browser import CHROMIUM, DRIVER, complaints, running_browser
from tests.live.conftest import Platform
from tests.live.waiting import wait_for
from tests.live.wifi_people import Air, Person, a_mac


@pytest.fixture
def person(platform: Platform) -> Person:
    return Person(platform)


@pytest.fixture
def air(platform: Platform) -> Air:
    return Air(platform)


def test_the_bot_answers_in_the_inbox(person: Person):
    assert "/watch SSID reason" in person.write("/help")
    assert person.write("/nonsense").startswith("Unknown command /nonsense.")


def test_a_device_is_told_by_its_mac_address_in_any_spelling(person: Person, air: Air):
    mac = a_mac()
    for number, ssid in enumerate(("RNM0", "it's 🦄", "RNM0")):
        air.probe(mac, ssid, 1_587_225_867_000 + 1000 * number)

    def delivered() -> str:
        text = person.write(mac.upper().replace(":", "-"))
        return text if "Probe count    : 3" in text else ""

    lines = wait_for(delivered).split("\n\t")
    assert lines[:3] == [
        f"📡 Wi-Fi probe stats for {mac}",
        "Earliest probe : 2020-04-18 17:04:27",
        "Latest probe   : 2020-04-18 17:04:29",
    ]
    assert lines[4].startswith("Unique SSIDs   : 2 ([")


def test_a_device_is_told_by_its_name(platform: Platform, person: Person, air: Air):
    with ksqldb.from_settings(platform.settings) as ksql:
        rows = wait_for(lambda: [row for row in ksql.pull("SELECT MAC, NAME FROM DEVICES;") if row["NAME"]])
    air.probe(rows[0]["MAC"], "RNM0")

    assert wait_for(lambda: "📡" in person.write(rows[0]["NAME"]))


def test_the_list_can_be_changed_while_frames_come_in(person: Person, air: Air):
    ssid, other = (f"live-{uuid.uuid4().hex[:8]}" for _ in range(2))
    person.write(f"/watch {other} to know that a later frame has come through")
    assert person.write(f"/watch {ssid} it's a test") == f"👀 I will notify you when a device probes for SSID `{ssid}`"
    first = a_mac()
    air.probe(first, ssid)
    (alert,) = wait_for(lambda: person.alerts(ssid))
    assert f"MAC address {first} probed" in alert
    assert alert.endswith("\n\nThis SSID is being tracked because: it's a test")

    wait_for(lambda: ssid in person.write("/list"))
    assert person.write(f"/unwatch {ssid}") == f"🙈 SSID `{ssid}` is no longer watched"
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


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
def test_a_dialogue_typed_on_the_page(platform: Platform, person: Person, air: Air):
    mac, ssid = a_mac(), f"typed-{uuid.uuid4().hex[:8]}"
    for _ in range(2):
        air.probe(mac, ssid, 1_587_225_867_000)
    wait_for(lambda: "Probe count    : 2" in person.write(mac))
    with running_browser() as browser:
        browser.get(f"{person.console}/telegram?chat={person.chat}")

        def answered(text: str, answer: str) -> None:
            browser.find_element("id", "text").send_keys(text + "\n")
            wait_for(lambda: answer in browser.find_element("id", "lines").text)

        answered(mac.upper().replace(":", "-"), f"Unique SSIDs   : 1 (['{ssid}'])")
        answered("'; DROP TABLE DEVICES;--", "🛎 No result found for device '; DROP TABLE DEVICES;--")
        answered(f"/watch {ssid} typed <b>here</b>", f"👀 I will notify you when a device probes for SSID `{ssid}`")
        wait_for(lambda: "typed <b>here</b>" in person.write("/list"))
        answered(f"/unwatch {ssid}", f"🙈 SSID `{ssid}` is no longer watched")
        assert complaints(browser) == []
