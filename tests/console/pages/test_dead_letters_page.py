"""The pages of the dead letters and of the actions: read, replay and drop with a confirmation, logged."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.console.pages.test_pages import needs_browser
from tests.deployer.conftest import Fakes
from tests.fakes.browser import complaints
from tests.fakes.console import Client
from tests.fakes.records import FakeRecords
from tests.operations.test_dead_letters import connect_headers
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)
QUEUE = "sink.dlq"


@pytest.fixture
def records(deployed: Fakes) -> FakeRecords:
    """Four letters of records of `ratings`."""
    found = deployed.records = FakeRecords(deployed.kafka)
    for number in range(4):
        headers = connect_headers(number, topic="ratings", **{"exception.message": f"bad <b>{number}</b> hunter22"})
        found.put(QUEUE, b'{"n": %d}' % number, headers, key=b"k", time_ms=1000 * number)
    return found


def plan(console: Client, action: str, **body: Any) -> dict[str, Any]:
    answer = console.post("/api/actions/plan", json={"action": action, "topic": QUEUE, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def carry_out(console: Client, token: str) -> Any:
    return console.post("/api/actions/carry-out", json={"token": token})


def test_queues_and_letters_are_listed_without_secrets(console: Client, records: FakeRecords, operated: Any):
    queues = console.get("/api/dead-letters").json()["queues"]
    assert [(queue["topic"], queue["letters"], queue["replayed"]) for queue in queues] == [(QUEUE, 4, 0)]

    answer = console.get(f"/api/dead-letters/{QUEUE}?limit=2").json()
    assert [letter["place"] for letter in answer["letters"]] == ["0@3", "0@2"]
    assert answer["letters"][0]["value"]["text"] == '{"n": 3}'
    assert "hunter22" not in json.dumps(answer)


def test_letters_are_replayed_once_confirmed_and_logged(console: Client, records: FakeRecords, tmp_path: Path):
    planned = plan(console, "dead-letters.replay", letters=["0@1", "0@2"])
    assert planned["lines"][0] == "2 letters of sink.dlq would be appended to ratings, at least once each."
    assert "ratings" not in records.content

    assert carry_out(console, planned["token"]).json() == {"result": "2 letters of sink.dlq replayed and marked."}
    assert [record.value for record in records.content["ratings"]] == [b'{"n": 1}', b'{"n": 2}']
    assert carry_out(console, planned["token"]).status_code == 409
    assert len(records.content["ratings"]) == 2

    again = plan(console, "dead-letters.replay", letters=["0@1"])
    assert (again["token"], again["lines"]) == (
        "",
        ["Skipped sink.dlq-0@1: was replayed to ratings-0@0.", "There is nothing to replay."],
    )
    logged = console.get("/api/actions").json()["actions"]
    assert [(entry["action"], entry["thing"], entry["outcome"]) for entry in logged] == [
        ("replay dead letters", QUEUE, "done")
    ]
    assert logged[0]["who"].endswith(" from 127.0.0.1")
    assert logged[0]["lines"] == planned["lines"]


def test_a_letter_that_was_replayed_meanwhile_is_not_replayed_twice(console: Client, records: FakeRecords):
    first, second = plan(console, "dead-letters.replay"), plan(console, "dead-letters.replay")
    assert carry_out(console, first["token"]).status_code == 200
    refused = carry_out(console, second["token"])
    assert refused.status_code == 409
    assert "replayed meanwhile" in refused.json()["error"]
    assert len(records.content["ratings"]) == 4
    assert [entry["outcome"] for entry in console.get("/api/actions").json()["actions"]].count("failed") == 1


def test_only_the_letters_that_were_shown_are_dropped(console: Client, records: FakeRecords, deployed: Fakes):
    planned = plan(console, "dead-letters.drop")
    assert planned["lines"][0] == "4 letters of sink.dlq would be deleted, 4 of which were never replayed."
    assert planned["loses"]
    records.put(QUEUE, b"later", connect_headers(9), time_ms=9000)

    carry_out(console, planned["token"]).raise_for_status()
    assert deployed.kafka.deleted == {QUEUE: 4}
    assert [letter["place"] for letter in console.get(f"/api/dead-letters/{QUEUE}").json()["letters"]] == ["0@4"]


def test_dropping_a_letter_drops_those_before_it_and_says_so(console: Client, records: FakeRecords):
    assert plan(console, "dead-letters.drop", letters=["0@1"])["lines"][0].startswith("2 letters of sink.dlq")


def test_invalid_requests_are_refused(console: Client, records: FakeRecords):
    for body in (
        {},
        {"action": "x"},
        {"action": "dead-letters.drop"},
        {"action": "dead-letters.drop", "topic": 1},
        {"action": "dead-letters.drop", "topic": QUEUE, "letters": "0@1"},
        {"action": "dead-letters.drop", "topic": QUEUE, "letters": ["1"]},
        {"action": "dead-letters.drop", "topic": QUEUE, "letters": ["0@" + "9" * 30]},
        {"action": "dead-letters.replay", "topic": QUEUE, "again": "yes"},
        {"action": "dead-letters.replay", "topic": QUEUE, "to": "x" * 2000},
        [],
    ):
        assert console.post("/api/actions/plan", json=body).status_code == 400, body
    for raw in (b"", b"{", b"\xff", b'"x"'):
        assert console.post("/api/actions/plan", data=raw).status_code == 400
        assert console.post("/api/actions/carry-out", data=raw).status_code == 400
    assert console.post("/api/actions/plan", json={"action": "dead-letters.drop", "topic": "no"}).status_code == 409
    assert console.post("/api/actions/carry-out", json={"token": "x"}).status_code == 409
    assert console.get(f"/api/dead-letters/{QUEUE}?limit=x").status_code == 400
    assert console.get("/api/dead-letters/none").status_code == 409
    assert console.get("/api/actions").json() == {"actions": []}


def test_a_page_of_another_site_plans_and_carries_out_nothing(console: Client, records: FakeRecords):
    foreign = {"Origin": "https://evil.example"}
    body = {"action": "dead-letters.drop", "topic": QUEUE}
    assert console.post("/api/actions/plan", json=body, headers=foreign).status_code == 403
    token = plan(console, "dead-letters.drop")["token"]
    assert console.post("/api/actions/carry-out", json={"token": token}, headers=foreign).status_code == 403
    assert console.get("/api/actions/carry-out").status_code == 405


@needs_browser
def test_a_person_reads_replays_and_drops_letters(browser: Chrome, console: Client, records: FakeRecords):
    browser.get(f"{console.url}/dead-letters")
    _eventually(lambda: browser.find_elements("link text", QUEUE))
    browser.find_element("link text", QUEUE).click()
    _eventually(lambda: "bad <b>3</b>" in browser.find_element("id", "view").text)

    browser.find_element("css selector", "button.open").click()
    assert '"n": 3' in browser.find_element("id", "details").text
    browser.find_element("css selector", "#details form button").click()

    browser.find_element("css selector", '[data-place="0@2"]').click()
    assert browser.find_element("id", "replay").text == "Replay 1 letter"
    browser.find_element("id", "replay").click()
    _eventually(lambda: "1 letter of sink.dlq would be appended" in browser.find_element("id", "ask").text)
    assert "ratings" not in records.content
    browser.find_element("css selector", "#ask .primary").click()
    _eventually(lambda: browser.find_elements("id", "done"))
    assert browser.find_element("id", "done").text == "1 letter of sink.dlq replayed and marked."
    _eventually(lambda: "to ratings-0@0" in browser.find_element("id", "view").text)

    browser.find_element("id", "drop").click()
    _eventually(lambda: "cannot be undone" in browser.find_element("id", "ask").text)
    browser.find_element("css selector", "#ask menu button").click()
    _eventually(lambda: not browser.find_elements("id", "ask"))
    assert len(console.get(f"/api/dead-letters/{QUEUE}").json()["letters"]) == 4

    browser.find_element("id", "drop").click()
    _eventually(lambda: browser.find_elements("css selector", "#ask .danger"))
    browser.find_element("css selector", "#ask .danger").click()
    _eventually(lambda: "No letters" in browser.find_element("id", "content").text)

    browser.get(f"{console.url}/actions")
    _eventually(lambda: "drop dead letters" in browser.find_element("id", "view").text)
    assert "replay dead letters" in browser.find_element("id", "view").text
    assert complaints(browser) == []
