"""What all pages share, over HTTP and in a browser: one header, readable colours, a keyboard's way, no other host."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from starlette.routing import BaseRoute

from bifrost import settings as project_settings
from bifrost.clients.topic_sample import SampledRecord
from bifrost.console.flow.graph import graph
from bifrost.console.ksql_editor import editor_page
from bifrost.console.pages import dashboards_page, pipelines_page
from bifrost.console.pages.page_frame import PAGES
from bifrost.console.panel_reader import PanelReader
from bifrost.console.vega_bundle import bundle
from bifrost.errors import Unreachable
from bifrost.operations.action_log import ActionLog
from bifrost.settings import PROJECT
from tests.console.flow.test_graph import NOW, OWNERS, TRACE, component, status
from tests.console.pages.test_inbox_page import parsed
from tests.console.test_panel_reader import Clock, Engine, rating
from tests.deployer.conftest import running_fakes, small_project
from tests.fakes.browser import CHROMIUM, DRIVER, complaints, prefer, running_browser
from tests.fakes.console import Client, running_console
from tests.fakes.ksql_engine import ORDERS, TOTALS, running_engine
from tests.fakes.operated import operating_pages, pool
from tests.operations.conftest import deploy
from tests.waiting import eventually

ADDRESSES = tuple(address for address, _ in PAGES)
SOON_S = 20.0
_eventually = partial(eventually, deadline_s=SOON_S)
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")

POOR_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


class Flows:
    """A platform in trouble: a connector has failed, a service is down, and records are in dead letters."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.behind: dict[str, float] | None = None

    def read(self) -> dict[str, Any]:
        if self.fault:
            raise self.fault
        if self.behind is not None:
            well = {"source": status("source"), "sink": status("sink")}
            return graph(replace(NOW, statuses=well), None, self.behind) | {"dashboards": [], "hints": {}}
        failed = {**NOW.statuses, "sink": status("sink", "FAILED", TRACE)}
        parts = (component("alerts"), component("broker", "ready"), component("s3", "failed", "exit code 1"))
        now = graph(replace(NOW, statuses=failed, components=parts, owners=OWNERS), None)
        return now | {"dashboards": ["ratings"], "hints": {"ratings": {"say": "Send", "command": "run me"}}}

    def records(self, topic: str, count: int) -> list[SampledRecord]:
        return [SampledRecord(topic, 0, 7, 0, "", "{}", {"dlq.reason": "no such channel"})]


@pytest.fixture(scope="module")
def flows() -> Flows:
    return Flows()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, flows: Flows) -> Iterator[Client]:
    vega = bundle(project_settings.load().cache)
    reader = PanelReader(PROJECT, Engine([rating("one"), rating("two", 1)]), Clock())
    folder = tmp_path_factory.mktemp("shell")
    with running_fakes() as fakes, running_engine() as engine, engine.client() as ksqldb:
        engine.run(ORDERS + TOTALS)
        project = small_project(folder)
        operated = operating_pages(pool(project, deploy(project, fakes)), folder)
        editor = editor_page.routes(ksqldb, ActionLog(folder / "editor" / "actions.jsonl", time.time))
        pages = [*dashboards_page.routes(reader, vega), *pipelines_page.routes(flows), *operated, *editor]
        yield from _served(folder, pages)


def _served(folder: Path, pages: list[BaseRoute]) -> Iterator[Client]:
    with running_console(folder / "inbox.sqlite", time.time, pages) as served:
        alert = {"channel": "unhappy-customers", "text": "`a@b.c` is *unhappy*\n> meh", "username": "KSQL"}
        served.post("/api/chat.postMessage", json=alert)
        served.post("/api/telegram/messages", json={"chat_id": 4242, "text": "/list"})
        served.post("/bot1:A/sendMessage", json={"chat_id": 4242, "text": "none"})
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with running_browser(1400, 1000) as running:
        yield running


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_the_same_header_with_its_own_place_marked(client: Client, address: str):
    page = client.get(address)
    tags = parsed(page.text).found

    links = [attributes for tag, attributes in tags if tag == "a" and attributes.get("href") in ADDRESSES]
    menu = [attributes for attributes in links if "class" not in attributes][: len(ADDRESSES)]
    assert [attributes["href"] for attributes in menu] == list(ADDRESSES)
    assert [attributes["href"] for attributes in menu if "aria-current" in attributes] == [address]
    assert [attributes.get("href") for tag, attributes in tags if attributes.get("class") == "skip"] == ["#content"]
    assert [attributes.get("id") for tag, attributes in tags if tag == "main"] == ["content"]
    assert len([tag for tag, _ in tags if tag == "h1"]) == 1
    assert "$" not in page.text
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_a_browser_asks_whether_its_copy_of_a_file_is_still_good(client: Client):
    first = client.get("/static/page_frame.js")
    again = client.get("/static/page_frame.js", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_text_is_readable_at_any_width_and_no_other_host_is_contacted(
    browser: Chrome, client: Client, address: str, scheme: str
):
    for width, is_phone in ((1400, False), (390, True)):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": is_phone}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        prefer(browser, scheme)
        browser.get(client.url + address)
        _eventually(lambda: browser.find_element("id", "state").text == "live")

        assert browser.execute_script(POOR_CONTRAST) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    contacted = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert contacted
    assert all(name.startswith(client.url) for name in contacted)
    assert complaints(browser) == []


@needs_browser
@pytest.mark.parametrize("address", [address for address in ADDRESSES if address != "/telegram"])
def test_the_keyboard_skips_the_header(browser: Chrome, client: Client, address: str):
    browser.get(client.url + address)
    _eventually(lambda: browser.find_element("id", "state").text == "live")

    _press(browser, Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the content"
    assert skip.rect["y"] >= 0
    _press(browser, Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "content"


@needs_browser
def test_the_overview_names_what_is_in_trouble_and_why(browser: Chrome, client: Client):
    browser.get(client.url)
    _eventually(lambda: "2 parts in trouble" in browser.find_element("id", "overall").text)

    assert "· 1 service · 1 alert ·" in browser.find_element("id", "counts").text
    causes = browser.find_element("id", "causes").text
    assert "sink java.lang.B: disk is full" in causes
    assert "s3 exit code 1" in causes
    assert "3 faults" in browser.find_element("id", "pipelines").text
    assert "is unhappy" in browser.find_element("id", "messages").text


@needs_browser
def test_the_overview_names_the_part_that_does_not_keep_up_and_since_when(
    browser: Chrome, client: Client, flows: Flows
):
    flows.behind = {"_confluent-ksql-x": time.mktime((2026, 11, 30, 8, 12, 0, 0, 0, 0))}
    try:
        browser.get(client.url)
        _eventually(lambda: browser.find_element("id", "overall").text == "1 part behind")
        causes = browser.find_element("id", "causes").text
        assert re.search(r"OUT has not kept up since .*8:12:00.*: 3 records unread", causes)

        browser.get(f"{client.url}/pipelines#queries")
        _eventually(lambda: "has not kept up since" in browser.find_element("id", "view").text)
        flows.behind = {}
        browser.get(client.url)
        _eventually(lambda: browser.find_element("id", "overall").text == "All is well")
    finally:
        flows.behind = None


@needs_browser
def test_a_flow_wider_than_the_page_shows_that_it_scrolls_and_the_keyboard_reaches_it(browser: Chrome, client: Client):
    _set_width(browser, 700)
    browser.get(f"{client.url}/pipelines?pipeline=ratings")
    _eventually(lambda: browser.find_elements("css selector", ".edge.right:not([hidden])"))
    assert not browser.find_elements("css selector", ".edge.left:not([hidden])")
    scroll = browser.find_element("css selector", ".scroll")
    assert scroll.get_attribute("tabindex") == "0"
    browser.execute_script("arguments[0].focus()", scroll)
    for _ in range(40):
        _press(browser, Keys.ARROW_RIGHT)
    _eventually(lambda: not browser.find_elements("css selector", ".edge.right:not([hidden])"))
    _eventually(lambda: browser.find_elements("css selector", ".edge.left:not([hidden])"))
    browser.find_element("css selector", ".edge.left").click()
    _eventually(lambda: browser.find_elements("css selector", ".edge.right:not([hidden])"))


@needs_browser
def test_a_flow_that_fits_has_no_edges(browser: Chrome, client: Client):
    _set_width(browser, 1400)
    browser.get(f"{client.url}/pipelines?pipeline=ratings")
    _eventually(lambda: browser.find_elements("css selector", '.scroll[tabindex="-1"]'))
    assert not browser.find_elements("css selector", ".edge:not([hidden])")


@needs_browser
def test_the_overview_shows_a_message_as_it_comes(browser: Chrome, client: Client):
    browser.get(client.url)
    client.post("/api/chat.postMessage", json={"channel": "c", "text": "just sent"})

    _eventually(lambda: "just sent" in browser.find_element("css selector", "#messages .message").text)


@needs_browser
def test_a_pipeline_can_be_selected_and_its_dead_letters_are_explained(browser: Chrome, client: Client):
    browser.get(f"{client.url}/pipelines?pipeline=ratings")
    _eventually(lambda: len(browser.find_elements("css selector", ".flow")) == 1)
    flow = browser.find_element("css selector", ".flow")
    assert "disk is full" in flow.find_element("css selector", ".causes").text
    assert "run me" in flow.text
    assert flow.find_elements("css selector", ".node.bad")

    browser.find_element("css selector", '[data-view="faults"]').click()
    _eventually(lambda: "no such channel" in browser.find_element("id", "view").text)
    assert browser.current_url.endswith("/pipelines?pipeline=ratings#faults")


@needs_browser
def test_a_drawing_that_changes_keeps_the_focus(browser: Chrome, client: Client):
    browser.get(f"{client.url}/pipelines?pipeline=ratings")
    _eventually(lambda: len(browser.find_elements("css selector", ".flow")) == 1)
    node = browser.find_element("css selector", '[data-id="topic:out"]')
    browser.execute_script("arguments[0].focus(); arguments[0].closest('section').dataset.old = 'yes';", node)
    browser.execute_script("document.querySelector('#filter').dispatchEvent(new Event('input'))")

    assert browser.switch_to.active_element.get_attribute("data-id") == "topic:out"


@needs_browser
def test_a_console_that_cannot_read_the_system_says_so_and_recovers(browser: Chrome, client: Client, flows: Flows):
    browser.get(f"{client.url}/pipelines")
    _eventually(lambda: browser.find_element("id", "state").text == "live")
    flows.fault = Unreachable("Kafka", "list topics", "no answer")
    _eventually(lambda: browser.find_element("id", "problem").is_displayed())
    flows.fault = None
    _eventually(lambda: not browser.find_element("id", "problem").is_displayed())
    complaints(browser)


def _press(browser: Chrome, key: str) -> None:
    ActionChains(browser).send_keys(key).perform()


def _set_width(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@needs_browser
def test_a_person_restarts_a_component_and_reaches_what_operates_a_part(browser: Chrome, client: Client):
    browser.get(f"{client.url}/pipelines#components")
    _eventually(lambda: browser.find_elements("css selector", '[aria-label="restart broker"]'))
    browser.find_element("css selector", '[aria-label="restart broker"]').click()
    _eventually(lambda: "restart component broker" in browser.find_element("id", "ask").text)
    browser.find_element("css selector", "#ask .primary").click()
    _eventually(lambda: browser.find_elements("id", "done"))
    assert browser.find_element("id", "done").text == "component broker is RUNNING."

    browser.find_element("css selector", '[data-view="connectors"]').click()
    _eventually(lambda: browser.find_elements("css selector", '[data-id="connector:sink"]'))
    browser.find_element("css selector", '[data-id="connector:sink"]').click()
    details = browser.find_element("id", "details")
    addresses = [each.get_attribute("href") for each in details.find_elements("css selector", ".actions a")]
    assert addresses == [f"{client.url}/connectors/sink", f"{client.url}/groups/connect-sink"]
    assert details.find_elements("css selector", '[aria-label="restart sink"]')
