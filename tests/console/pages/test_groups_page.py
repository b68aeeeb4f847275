"""The pages of the consumer groups: lags, members, and a reset that shows first what it repeats and skips."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import Select

from tests.console.pages.test_connectors_page import carry_out, plan
from tests.console.pages.test_pages import needs_browser
from tests.deployer.conftest import Fakes
from tests.fakes.browser import complaints
from tests.fakes.console import Client
from tests.fakes.records import FakeRecords
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)


@pytest.fixture
def read(deployed: Fakes) -> FakeRecords:
    """Two groups that have read the first 30 of 100 records of `ratings`; one has a member."""
    records = deployed.records = FakeRecords(deployed.kafka)
    for number in range(100):
        records.put("ratings", b"x", time_ms=1000 * number)
    deployed.kafka.committed = {"ratings_bot": {"ratings": {0: 30}}, "team/else": {"ratings": {0: 30}}}
    deployed.kafka.members = {"ratings_bot"}
    return records


def test_groups_are_listed_with_their_owners_lags_and_members(console: Client, read: FakeRecords):
    groups = {group["group"]: group for group in console.get("/api/groups").json()["groups"]}
    assert groups["ratings_bot"] == {
        "group": "ratings_bot",
        "owner": "service ratings_bot",
        "kind": "service",
        "state": "STABLE",
        "members": 1,
        "topics": ["ratings"],
        "lag": 70,
        "behind_s": 3570.0,
    }
    assert groups["team/else"]["state"] == "EMPTY"


def test_one_group_is_shown_by_partition_and_member(console: Client, read: FakeRecords):
    group = console.get("/api/groups/ratings_bot").json()
    assert group["partitions"] == [
        {"topic": "ratings", "partition": 0, "committed": 30, "end": 100, "lag": 70, "behind_s": 3570.0}
    ]
    assert group["member_list"] == [{"client_id": "ratings_bot-1", "host": "127.0.0.1", "partitions": ["ratings-0"]}]
    assert console.get("/api/groups/team%2Felse").json()["group"] == "team/else"
    assert console.get("/api/groups/none").status_code == 409


@pytest.mark.parametrize(("server", "named"), [("ksqldb", "ksqlDB"), ("connect", "Kafka Connect")])
def test_groups_are_shown_while_a_part_does_not_answer_but_not_reset(
    console: Client, read: FakeRecords, deployed: Fakes, server: str, named: str
):
    deployed.servers[server].respond = lambda _request: None  # type: ignore[assignment,return-value]
    found = console.get("/api/groups").json()
    assert {group["group"]: group["lag"] for group in found["groups"]} == {"ratings_bot": 70, "team/else": 70}
    assert [named in problem for problem in found["problems"]] == [True]
    one = console.get("/api/groups/ratings_bot").json()
    assert (one["owner"], one["lag"], named in one["problems"][0]) == ("service ratings_bot", 70, True)

    body = {"action": "offsets.reset", "name": "group:team/else", "to": "latest"}
    assert console.post("/api/actions/plan", json=body).status_code == 503


@pytest.mark.parametrize(
    ("to", "after", "effect"),
    [
        ("earliest", 0, "30 records are read again"),
        ("latest", 100, "70 records are skipped"),
        ("1970-01-01T00:00:50", 50, "20 records are skipped"),
        ("ratings-0@40", 40, "10 records are skipped"),
    ],
)
def test_a_group_is_moved_as_was_shown(
    console: Client, read: FakeRecords, deployed: Fakes, to: str, after: int, effect: str
):
    planned = plan(console, "offsets.reset", name="group:team/else", to=to)
    assert planned["lines"][0] == f"ratings-0: 30 -> {after}: {effect}"
    assert deployed.kafka.committed["team/else"]["ratings"] == {0: 30}
    assert carry_out(console, planned["token"]) == "1 offset of group team/else changed."
    assert deployed.kafka.committed["team/else"]["ratings"] == {0: after}


def test_a_group_that_moved_meanwhile_or_has_members_is_not_changed(
    console: Client, read: FakeRecords, deployed: Fakes
):
    planned = plan(console, "offsets.reset", name="group:team/else", to="earliest")
    deployed.kafka.committed["team/else"] = {"ratings": {0: 60}}
    assert console.post("/api/actions/carry-out", json={"token": planned["token"]}).status_code == 409
    assert deployed.kafka.committed["team/else"]["ratings"] == {0: 60}

    deployed.kafka.members.add("team/else")
    planned = plan(console, "offsets.reset", name="group:team/else", to="earliest")
    refused = console.post("/api/actions/carry-out", json={"token": planned["token"]})
    assert refused.status_code == 409
    assert "has members" in refused.json()["error"]


def test_invalid_positions_are_refused(console: Client, read: FakeRecords):
    def asked(**body: Any) -> int:
        return console.post("/api/actions/plan", json={"action": "offsets.reset", **body}).status_code

    for to in ("", "x", "ratings-x@1", "ratings-0@", "@", "ratings-0@" + "9" * 30, "99999999999999w", 1, None):
        assert asked(name="group:team/else", to=to) == 400, to
    assert asked(name="group:team/else", to="earliest", topics="ratings") == 400
    assert asked(name="group:team/else", to="ratings-0@4000") == 409
    assert asked(name="group:none", to="earliest") == 409


@needs_browser
def test_a_person_resets_a_group(browser: Chrome, console: Client, read: FakeRecords, deployed: Fakes):
    browser.get(f"{console.url}/groups")
    _eventually(lambda: browser.find_elements("link text", "team/else"))
    assert "70" in browser.find_element("id", "view").text
    browser.find_element("link text", "team/else").click()
    _eventually(lambda: "lag 70" in browser.find_element("id", "facts").text)

    Select(browser.find_element("id", "to")).select_by_value("latest")
    browser.find_element("css selector", "#reset .primary").click()
    _eventually(lambda: "70 records are skipped" in browser.find_element("id", "ask").text)
    browser.find_element("css selector", "#ask .danger").click()
    _eventually(lambda: deployed.kafka.committed["team/else"]["ratings"] == {0: 100})
    _eventually(lambda: "lag 0" in browser.find_element("id", "facts").text)
    assert complaints(browser) == []
