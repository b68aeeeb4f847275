"""Dashboards over HTTP and in a browser, with a search engine whose answers the test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bifrost import settings as project_settings
from bifrost.clients.search import SearchRequest
from bifrost.console.pages import dashboards_page
from bifrost.console.pages.page_frame import HEADERS
from bifrost.console.panel_reader import FRESH_S, PanelReader
from bifrost.console.vega_bundle import bundle
from bifrost.errors import Unreachable
from bifrost.settings import PROJECT
from tests.fakes.browser import CHROMIUM, DRIVER, complaints, prefer, running_browser
from tests.fakes.console import Client, running_console
from tests.waiting import eventually

NOON = 1_528_804_500.0
SOON_S = 20.0
_eventually = partial(eventually, deadline_s=SOON_S)
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")


@dataclass
class Engine:
    """Answers every panel of the ratings' dashboard from a list of ratings."""

    ratings: list[dict[str, Any]] = field(default_factory=list)
    searches: list[list[SearchRequest]] = field(default_factory=list)
    fault: Exception | None = None
    broken: str = ""  # the name of an aggregation that fails

    def search_all(self, requests: list[SearchRequest]) -> list[Any]:
        self.searches.append(list(requests))
        if self.fault is not None:
            raise self.fault
        return [self._answer(request) for request in requests]

    def _answer(self, request: SearchRequest) -> dict[str, Any]:
        found = self.ratings if request.index == "ratings-with-customer-data" else []
        hits = [{"_id": str(number), "_source": rating} for number, rating in enumerate(found)]
        answer: dict[str, Any] = {"hits": {"total": {"value": len(found)}, "hits": hits[::-1]}}
        for name in request.body.get("aggs", {}):
            if name == self.broken:
                return {"error": {"root_cause": [{"type": "x", "reason": "no such field"}]}, "status": 400}
            answer.setdefault("aggregations", {})[name] = {"buckets": _BUCKETS[name](len(found))}
        return answer


def _minutes(count: int) -> list[dict[str, Any]]:
    start = int(NOON * 1000) - 600_000
    return [
        {
            "key": start + number * 60_000,
            "doc_count": count if number == 9 else 0,
            "poor": {"doc_count": 0},
            "stars": {"buckets": [{"key": 4, "doc_count": count}] if number == 9 else []},
        }
        for number in range(10)
    ]


def _groups(count: int) -> list[dict[str, Any]]:
    return (
        [{"key": "gold", "doc_count": count, "stars": {"buckets": [{"key": 4, "doc_count": count}]}}] if count else []
    )


_BUCKETS: dict[str, Callable[[int], list[dict[str, Any]]]] = {"time": _minutes, "groups": _groups}


def rating(message: str, stars: int = 4) -> dict[str, Any]:
    return {
        "EXTRACT_TS": int(NOON * 1000),
        "STARS": stars,
        "MESSAGE": message,
        "FIRST_NAME": "Ada",
        "CLUB_STATUS": "gold",
        "CHANNEL": None,
    }


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        self.now += 2 * FRESH_S  # every read is a new moment
        return self.now


@pytest.fixture(scope="module")
def vega() -> Path:
    return bundle(project_settings.load().cache)


@pytest.fixture
def engine() -> Engine:
    return Engine([rating("first"), rating("<b>second</b>", 5)])


@pytest.fixture
def client(engine: Engine, vega: Path, tmp_path: Path) -> Iterator[Client]:
    hints_by_pipeline = {"ratings": {"say": "Send some", "command": "send --now"}}
    routes = dashboards_page.routes(PanelReader(PROJECT, engine, Clock()), vega, hints_by_pipeline)
    with running_console(tmp_path / "inbox.sqlite", lambda: NOON, routes) as served:
        yield served


def test_the_first_dashboard_is_the_way_in(client: Client):
    answer = client.get("/dashboards", allow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "/dashboards/ratings")


def test_a_page_may_load_nothing_from_elsewhere_and_run_no_text_as_code(client: Client):
    answer = client.get("/dashboards/ratings")

    policy = answer.headers["content-security-policy"]
    assert policy == HEADERS["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in answer.text.replace('http-equiv="', "")


def test_the_layout_holds_specs_without_their_searches(client: Client):
    panels = {panel["name"]: panel for panel in client.get("/api/dashboards/ratings").json()["panels"]}

    assert panels["ratings-per-minute"]["spec"]["data"] == {"name": "panel_data_0"}
    assert panels["live-feed"]["columns"][:2] == ["STARS", "MESSAGE"]
    assert panels["live-feed"]["place"]["w"] > 0


def test_all_panels_are_read_in_one_request_over_the_selected_time(client: Client, engine: Engine):
    found = client.get("/api/dashboards/ratings/data?last=3600").json()

    assert found["to"] - found["from"] == 3_600_000
    assert len(engine.searches) == 1
    assert len(engine.searches[0]) == len(found["panels"])
    feed = found["panels"]["live-feed"]
    assert (feed["total"], feed["rows"][0]["values"][1]) == (2, "<b>second</b>")
    assert found["panels"]["ratings-per-minute"]["data"]["panel_data_0"][-1]["doc_count"] == 2


def test_many_pages_share_one_search(engine: Engine):
    now = [NOON]
    reader = PanelReader(PROJECT, engine, lambda: now[0])
    dashboard = reader.dashboards()["ratings"]

    assert reader.read(dashboard, 900) is reader.read(dashboard, 900)
    now[0] += 2 * FRESH_S
    reader.read(dashboard, 900)

    assert len(engine.searches) == 2


def test_a_slow_dashboard_delays_no_other_and_is_read_once(engine: Engine):
    begun, go_on = threading.Event(), threading.Event()
    answer = engine.search_all

    def slow(requests: list[SearchRequest]) -> list[Any]:
        begun.set()
        if len(engine.searches) == 0:
            engine.searches.append([])
            assert go_on.wait(SOON_S)
        return answer(requests)

    engine.search_all = slow
    reader = PanelReader(PROJECT, engine, lambda: NOON)
    dashboard = reader.dashboards()["ratings"]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(reader.read, dashboard, 900)
        assert begun.wait(SOON_S)
        second = pool.submit(reader.read, dashboard, 900)
        other = pool.submit(reader.read, dashboard, 3600)
        assert other.result(SOON_S)["to"] == NOON * 1000
        assert not first.done()
        go_on.set()
        assert first.result(SOON_S) is second.result(SOON_S)


def test_who_waits_for_a_look_that_fails_hears_why(engine: Engine):
    engine.fault = Unreachable("search", "POST /_msearch", "no answer")
    reader = PanelReader(PROJECT, engine, lambda: NOON)
    dashboard = reader.dashboards()["ratings"]

    for _ in range(2):
        with pytest.raises(Unreachable, match="no answer"):
            reader.read(dashboard, 900)
    assert len(engine.searches) == 1


def test_a_panel_that_fails_does_not_affect_the_others(client: Client, engine: Engine):
    engine.broken = "groups"

    panels = client.get("/api/dashboards/ratings/data").json()["panels"]

    assert panels["median-by-club"] == {"error": "no such field"}
    assert panels["live-feed"]["total"] == 2


def test_a_search_engine_that_is_down_is_reported(client: Client, engine: Engine):
    engine.fault = Unreachable("search", "POST /_msearch", "no answer from http://127.0.0.1:9200")

    answer = client.get("/api/dashboards/ratings/data")

    assert answer.status_code == 503
    assert "search: POST /_msearch: no answer" in answer.json()["error"]


@pytest.mark.parametrize("last", ["0", "-1", "x", "1e9", "99999999999"])
def test_an_invalid_time_range_is_refused(client: Client, last: str):
    assert client.get(f"/api/dashboards/ratings/data?last={last}").status_code == 400


@pytest.mark.parametrize("path", ["/dashboards/none", "/api/dashboards/none", "/api/dashboards/none/data"])
def test_an_unknown_dashboard_is_not_found(client: Client, path: str):
    assert client.get(path).status_code == 404


@needs_browser
def test_a_new_rating_appears_on_the_open_page(client: Client, engine: Engine):
    with running_browser() as browser:
        browser.get(f"{client.url}/dashboards/ratings")
        _eventually(lambda: "<b>second</b>" in browser.find_element("id", "panels").text)
        _eventually(lambda: len(browser.find_elements("css selector", ".chart canvas")) == 4)

        engine.ratings.append(rating("just now", 1))

        _eventually(lambda: "just now" in browser.find_element("id", "panels").text)
        first = browser.find_element("css selector", ".rows tbody tr")
        assert "★" in first.text
        assert "just now" in first.text
        engine.ratings[-1] = rating("written again", 5)
        _eventually(lambda: "written again" in browser.find_element("id", "panels").text)
        assert "just now" not in browser.find_element("id", "panels").text
        assert complaints(browser) == []


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_empty_time_range_a_broken_panel_and_a_narrow_page(client: Client, engine: Engine, scheme: str):
    engine.ratings.clear()
    with running_browser(420, 900) as browser:
        prefer(browser, scheme)
        browser.get(f"{client.url}/dashboards/ratings?last=3600")
        _eventually(lambda: len(browser.find_elements("css selector", ".panel.bare")) == 6)
        assert "in the last hour" in browser.find_element("css selector", ".panel.bare .note").text
        assert "Send some send --now" in browser.find_element("id", "hint").text.replace("\n", " ")
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        is_dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 22)"
        assert is_dark == (scheme == "dark")

        engine.ratings.append(rating("here"))
        engine.broken = "groups"
        _eventually(lambda: "no such field" in browser.find_element("id", "panels").text)
        _eventually(lambda: "here" in browser.find_element("id", "panels").text)
        assert not browser.find_element("id", "hint").is_displayed()
        assert complaints(browser) == []


@needs_browser
def test_a_search_engine_that_goes_and_comes_back(client: Client, engine: Engine):
    with running_browser() as browser:
        browser.get(f"{client.url}/dashboards/ratings")
        _eventually(lambda: browser.find_element("id", "state").text == "live")
        engine.fault = Unreachable("search", "POST /_msearch", "no answer")
        _eventually(lambda: browser.find_element("id", "problem").is_displayed())
        assert browser.find_element("id", "state").text == "not connected"
        engine.fault = None
        _eventually(lambda: browser.find_element("id", "state").text == "live")
        assert not browser.find_element("id", "problem").is_displayed()


@needs_browser
def test_a_page_begins_with_its_dashboards_own_range_where_its_address_names_none(client: Client):
    with running_browser() as browser:
        for address, chosen in (("ratings", "900"), ("ratings?last=3600", "3600"), ("ratings?last=7", "900")):
            browser.get(f"{client.url}/dashboards/{address}")
            _eventually(lambda: browser.find_element("id", "state").text == "live")
            assert browser.find_element("id", "last").get_attribute("value") == chosen


@needs_browser
def test_the_keyboard_pauses_and_walks_through_the_panels(client: Client):
    with running_browser() as browser:
        browser.get(f"{client.url}/dashboards/ratings")
        _eventually(lambda: browser.find_element("id", "state").text == "live")
        body = browser.find_element("tag name", "body")
        body.send_keys("p")
        _eventually(lambda: browser.find_element("id", "state").text == "paused")
        body.send_keys("p")
        _eventually(lambda: browser.find_element("id", "state").text == "live")
        body.send_keys("j")
        assert browser.switch_to.active_element.get_attribute("aria-label") == "Ratings per minute, by stars"
