"""The pages of the topics: what exists, who uses it, and its records, by pages and live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import Select
from starlette.requests import Request

from bifrost.clients.topic_records import StoredRecord
from bifrost.console.operated.target_pool import TargetPool
from bifrost.console.pages.topic_feed import MAX_TAILS, TopicFeed
from bifrost.operations.topic_catalog import topic_sizes
from tests.console.pages.test_pages import needs_browser
from tests.deployer.conftest import Fakes
from tests.fakes.browser import complaints
from tests.fakes.console import Client, running_console
from tests.fakes.operated import FakeTail, FakeTails, operating_pages
from tests.fakes.records import FakeRecords
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)
NO_NUMBERS = ("-1", "1.5", "²", "9" * 20, "x", "\0")


@pytest.fixture
def filled(deployed: Fakes) -> FakeRecords:
    """The topic `ratings` with 120 records."""
    records = deployed.records = FakeRecords(deployed.kafka)
    for number in range(120):
        value = {"user_id": number, "stars": number % 5, "message": f"flight {number} was <b>late</b>"}
        records.put(
            "ratings", json.dumps(value).encode(), {"trace": f"t{number}"}, key=b"%d" % number, time_ms=1000 * number
        )
    return records


def values(answer: dict[str, Any]) -> list[int]:
    return [json.loads(record["value"]["text"])["user_id"] for record in answer["records"]]


def test_the_topics_are_listed_with_their_writers_and_readers(console: Client, filled: FakeRecords, deployed: Fakes):
    deployed.kafka.committed = {"ratings_bot": {"ratings": {0: 5}}}
    found = {topic["name"]: topic for topic in console.get("/api/topics").json()["topics"]}

    assert found["ratings"] == {
        "name": "ratings",
        "partitions": 1,
        "records": 120,
        "size_bytes": None,
        "retention_ms": 604800000,
        "cleanup": "delete",
        "writers": [],
        "readers": ["service ratings_bot"],
        "is_internal": False,
    }
    assert found["ALERTS"]["writers"] == [
        next(f"query {query}" for query in deployed.ksqldb.queries if "ALERTS" in query)
    ]


def test_topics_are_listed_while_connect_and_ksqldb_are_down(console: Client, deployed: Fakes):
    for part in ("connect", "ksqldb"):
        deployed.servers[part].respond = lambda _request: None  # type: ignore[assignment,return-value]
    answer = console.get("/api/topics").json()

    assert "ratings" in {topic["name"] for topic in answer["topics"]}
    assert any("Kafka Connect" in problem for problem in answer["problems"])


def test_the_size_of_a_topic_is_that_of_its_segments(tmp_path: Path):
    for part, size in (("a-b-0", 10), ("a-b-1", 5), ("c-0", 1)):
        (tmp_path / part).mkdir()
        (tmp_path / part / "0.log").write_bytes(b"x" * size)
        (tmp_path / part / "0.index").write_bytes(b"x" * 1000)
    assert topic_sizes(tmp_path) == {"a-b": 15, "c": 1}
    assert topic_sizes(tmp_path / "missing") == {}


def test_records_are_read_by_pages(console: Client, filled: FakeRecords):
    first = console.get("/api/topics/ratings/browse?limit=50").json()
    assert values(first) == list(range(119, 69, -1))
    second = console.get("/api/topics/ratings/browse", params={"limit": 50, "cursor": first["cursor"]}).json()
    assert values(second) == list(range(69, 19, -1))
    last = console.get("/api/topics/ratings/browse", params={"limit": 50, "cursor": second["cursor"]}).json()
    assert (values(last), last["cursor"]) == (list(range(19, -1, -1)), "")


def test_records_are_read_from_a_time_an_offset_and_by_a_filter(console: Client, filled: FakeRecords):
    path = "/api/topics/ratings/browse"
    assert values(console.get(path, params={"from": "time", "at": "1970-01-01T00:01:40", "limit": 2}).json()) == [
        100,
        101,
    ]
    assert values(console.get(path, params={"from": "offset", "at": 7, "limit": 2}).json()) == [7, 8]
    found = console.get(path, params={"from": "beginning", "filter": "stars=3 header.trace=t13"}).json()
    assert values(found) == [13]
    assert (found["scanned"], found["complete"], found["cursor"]) == (120, True, "")


def test_one_record_is_read_whole(console: Client, filled: FakeRecords):
    record = console.get("/api/topics/ratings/record?partition=0&offset=3").json()
    assert record["key"] == {"format": "JSON", "text": "3", "size": 1, "is_cut": False, "problem": ""}
    assert record["headers"][0][0] == "trace"
    assert console.get("/api/topics/ratings/record?partition=0&offset=500").status_code == 409
    assert console.get("/api/topics/ratings/record?partition=0").status_code == 400


def test_invalid_parameters_are_refused(console: Client):
    for name, value in product(["limit", "partition", "cursor", "as", "from"], NO_NUMBERS):
        answer = console.get("/api/topics/ratings/browse", params={name: value})
        assert answer.status_code == 400, (name, value)
        assert name in answer.json()["error"]


def test_an_invalid_start_is_refused(console: Client):
    for start, value in product(["time", "offset"], ["", *NO_NUMBERS, "9999999999999w", "99999-01-01"]):
        answer = console.get("/api/topics/ratings/browse", params={"from": start, "at": value})
        assert answer.status_code == 400, (start, value)
        assert "at" in answer.json()["error"]


def test_a_missing_topic_and_a_long_filter_are_refused(console: Client):
    assert console.get("/api/topics/nothing/browse").status_code == 409
    assert console.get("/api/topics/ratings/browse", params={"filter": "x" * 501}).status_code == 400
    assert console.get("/api/topics/missing/live").status_code == 409


@pytest.mark.parametrize(
    ("params", "status", "named"),
    [
        *(({"partition": value}, 400, "partition") for value in NO_NUMBERS),
        ({"partition": 9}, 409, "no partition 9"),
        ({"filter": "x" * 501}, 400, "filter"),
        ({"as": "avro"}, 400, "as"),
    ],
)
def test_a_live_tail_of_what_does_not_exist_is_refused(console: Client, params: Any, status: int, named: str):
    answer = console.get("/api/topics/ratings/live", params=params)
    assert (answer.status_code, named in answer.json()["error"]) == (status, True)


@pytest.fixture
def tails() -> FakeTails:
    return FakeTails()


@pytest.fixture
def live_console(tmp_path: Path, operated: TargetPool, tails: FakeTails) -> Iterator[Client]:
    pages = operating_pages(operated, tmp_path, tails)
    with running_console(tmp_path / "console" / "inbox.sqlite", lambda: 0.0, pages) as client:
        yield client


def arrival(number: int) -> StoredRecord:
    return StoredRecord("ratings", 0, number, 1000, b"k", b'{"stars": %d}' % number)


def test_new_records_arrive_while_a_page_follows_a_topic(live_console: Client, tails: FakeTails):
    with live_console.get("/api/topics/ratings/live?filter=stars=2", stream=True) as feed:
        for number in range(3):
            _eventually(lambda: "ratings" in tails.opened)
            tails.opened["ratings"].arrived.put(arrival(number))
        events = (json.loads(line[6:]) for line in feed.iter_lines() if line.startswith(b"data: "))
        found = next(event for event in events if event["records"])
    assert [record["offset"] for record in found["records"]] == [2]
    assert found["seen"] == 3
    _eventually(lambda: tails.opened["ratings"].is_closed)


async def _leave_immediately(feed: TopicFeed) -> int:
    """Request a live tail, and close the page before the first event."""
    scope = {"type": "http", "asgi": {}, "query_string": b"", "headers": [], "path_params": {"topic": "ratings"}}

    async def disconnected() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def closed(_message: object) -> None:
        raise OSError("the connection is closed")

    response = await feed.live(Request(scope, disconnected))
    with suppress(Exception):
        await response(scope, disconnected, closed)
    return response.status_code


def test_pages_that_close_immediately_leave_room_for_others(operated: TargetPool, tails: FakeTails):
    feed = TopicFeed(operated, tails)
    for _ in range(MAX_TAILS + 1):
        assert asyncio.run(_leave_immediately(feed)) == 200
        assert tails.opened["ratings"].is_closed


def test_a_tail_that_cannot_be_opened_leaves_room_for_others(operated: TargetPool):
    def broken(_topic: str, _partition: int | None) -> FakeTail:
        raise RuntimeError("broken")

    feed = TopicFeed(operated, broken)
    for _ in range(MAX_TAILS + 1):
        with pytest.raises(RuntimeError):
            asyncio.run(_leave_immediately(feed))


def test_only_a_few_pages_follow_topics_at_a_time(live_console: Client):
    # The lines are kept, because an iterator that is dropped closes its connection.
    lines = []
    with ExitStack() as open_pages:
        for _ in range(MAX_TAILS):
            page = open_pages.enter_context(live_console.get("/api/topics/ratings/live", stream=True))
            lines.append(page.iter_lines())
            assert next(lines[-1]) == b"retry: 1000"
        with live_console.get("/api/topics/ratings/live", stream=True) as refused:
            assert (refused.status_code, "close one" in refused.json()["error"]) == (409, True)
    _eventually(lambda: _is_followed(live_console))


def _is_followed(console: Client) -> bool:
    with console.get("/api/topics/ratings/live", stream=True) as feed:
        return feed.status_code == 200


@needs_browser
def test_a_person_reads_filters_and_pages_through_a_topic(browser: Chrome, console: Client, filled: FakeRecords):
    browser.get(f"{console.url}/topics")
    _eventually(lambda: browser.find_elements("link text", "ratings"))
    browser.find_element("link text", "ratings").click()
    _eventually(lambda: "Page 1: 50 records" in browser.find_element("id", "outcome").text)
    assert "flight 119 was <b>late</b>" in browser.find_element("id", "view").text

    browser.find_element("id", "next").click()
    _eventually(lambda: "Page 2" in browser.find_element("id", "outcome").text)
    browser.find_element("id", "previous").click()
    _eventually(lambda: "Page 1" in browser.find_element("id", "outcome").text)

    Select(browser.find_element("id", "from")).select_by_value("beginning")
    browser.find_element("id", "filter").send_keys("stars=4 flight\n")
    _eventually(lambda: "Page 1: 24 records of 120 read" in browser.find_element("id", "outcome").text)
    assert "filter=stars" in browser.current_url

    browser.find_element("css selector", "button.open").click()
    details = browser.find_element("id", "details").text
    assert "ratings-0@4" in details
    assert '"message": "flight 4 was <b>late</b>"' in details
    assert "trace" in details
    browser.refresh()
    _eventually(lambda: "24 records of 120" in browser.find_element("id", "outcome").text)
    assert complaints(browser) == []


@needs_browser
def test_the_details_of_a_record_show_its_numbers_to_the_last_digit(browser: Chrome, console: Client, deployed: Fakes):
    records = deployed.records = FakeRecords(deployed.kafka)
    value = '{"id": 12345678901234567890, "price": 1.10, "none": [], "of": [{"a,}": "x: \\"1\\", 2"}]}'
    records.put("ratings", value.encode(), {"trace": "90071992547409931"}, key=b"90071992547409931", time_ms=1000)
    browser.get(f"{console.url}/topics/ratings")
    _eventually(lambda: browser.find_elements("css selector", "button.open"))
    browser.find_element("css selector", "button.open").click()

    key, shown = (each.get_property("textContent") for each in browser.find_elements("css selector", "#details pre"))
    assert key == "90071992547409931"
    assert shown.splitlines()[1:4] == ['  "id": 12345678901234567890,', '  "price": 1.10,', '  "none": [],']
    assert json.loads(shown) == json.loads(value)
    copied = browser.find_element("css selector", "#details .actions button").get_attribute("data-copy") or ""
    assert '"price": 1.10,' in copied
    assert json.loads(copied) == {
        "topic": "ratings",
        "partition": 0,
        "offset": 0,
        "time": "1970-01-01T00:00:01.000Z",
        "headers": [["trace", 90071992547409931]],
        "key": 90071992547409931,
        "value": json.loads(value),
    }
    assert complaints(browser) == []


@pytest.mark.parametrize("value", [b'{"message": "cut \\ud83d"}', b'{"a": "\\ude00"}', b"[1e400, -0.0, NaN]"])
def test_one_odd_record_does_not_hide_the_others(console: Client, filled: FakeRecords, value: bytes):
    filled.put("ratings", value, {"trace": "t"}, key=value, time_ms=200_000)
    found = console.get("/api/topics/ratings/browse?limit=2").json()["records"]
    assert found[0]["value"]["text"] == value.decode()
    assert len(found) == 2


@needs_browser
def test_a_person_follows_a_topic_live(browser: Chrome, live_console: Client, tails: FakeTails):
    browser.get(f"{live_console.url}/topics/ratings")
    _eventually(lambda: "No records" in browser.find_element("id", "content").text)
    browser.find_element("id", "live").click()
    _eventually(lambda: "Following" in browser.find_element("id", "outcome").text)
    tails.opened["ratings"].arrived.put(arrival(41))

    _eventually(lambda: '{"stars": 41}' in browser.find_element("id", "view").text)
    browser.find_element("id", "live").click()
    _eventually(lambda: tails.opened["ratings"].is_closed)
    assert complaints(browser) == []
