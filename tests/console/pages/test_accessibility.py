"""Every page with axe-core in light and dark, on a desk and on a phone; and with the keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from bifrost import settings as project_settings
from bifrost.clients.topic_sample import SampledRecord
from bifrost.console.flow.graph import graph
from bifrost.console.ksql_editor import editor_page
from bifrost.console.pages import dashboards_page, pipelines_page
from bifrost.console.panel_reader import PanelReader
from bifrost.console.vega_bundle import bundle
from bifrost.operations.action_log import ActionLog
from bifrost.settings import PROJECT
from tests.console.flow.test_graph import NOW, OWNERS, component
from tests.console.pages.test_pages import ADDRESSES, POOR_CONTRAST, client, flows
from tests.console.test_panel_reader import Clock, Engine
from tests.fakes.axe import script_in, serious_problems
from tests.fakes.browser import CHROMIUM, DRIVER, prefer, running_browser
from tests.fakes.console import Client, running_console
from tests.fakes.ksql_engine import running_engine
from tests.waiting import eventually

__all__ = ["client", "flows"]

AXE = script_in(project_settings.load().cache)
_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; the live tests install it")
WIDTHS = (1400, 390)
FOCUS_STOPS = 30
# What is wrong with the focus: it must move, and show on the element or on the frame around it.
FOCUS_PROBLEM = """
const element = document.activeElement;
const isStuck = element === window.lastFocused;
window.lastFocused = element;
if (element === document.body) return "none";
const name = element.outerHTML.slice(0, 80);
if (isStuck) return `keeps the focus: ${name}`;
const style = (each) => getComputedStyle(each);
const outline = (each) => style(each).outlineStyle !== "none" && style(each).outlineWidth !== "0px";
if (!outline(element) && !outline(element.parentElement)) return `no outline: ${name}`;
const box = element.getBoundingClientRect();
const isSeen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
return isSeen ? "" : `outside of the window: ${name}`;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with running_browser(1400, 1000) as running:
        yield running


def resize(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def open_page(browser: Chrome, client: Client, address: str) -> None:
    browser.get(client.url + address)
    _eventually(lambda: browser.find_element("id", "state").text == "live")


def problems(browser: Chrome) -> list[str]:
    """What axe, the contrast and the width say about the open page, in each width and colour scheme."""
    found = []
    for width in WIDTHS:
        resize(browser, width)
        for scheme in ("light", "dark"):
            prefer(browser, scheme)
            place = f"{width} px, {scheme}: "
            found += [place + problem for problem in serious_problems(browser, AXE.read_text(encoding="utf-8"))]
            found += [f"{place}contrast of {text}" for text in browser.execute_script(POOR_CONTRAST)]
        if browser.execute_script("return document.documentElement.scrollWidth") > width:
            found.append(f"{width} px: wider than the window")
    return found


@needs_axe
@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_serious_on_any_page(browser: Chrome, client: Client, address: str):
    open_page(browser, client, address)
    assert problems(browser) == []


class _Unchanging:
    """A platform that stays as it is."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def read(self) -> dict[str, Any]:
        return self._found

    def records(self, topic: str, count: int) -> list[SampledRecord]:
        return []


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The console of a platform that was just installed, with a long hint of how to begin."""
    folder = tmp_path_factory.mktemp("empty")
    hint = {"say": "Send the first records", "command": "scripts/demo.py ratings " + "--with-a-long-option value " * 12}
    nothing = replace(NOW, statuses={}, components=(component("broker", "ready"),), owners=OWNERS)
    found = graph(nothing, None) | {"dashboards": ["ratings"], "hints": {"ratings": hint}}
    reader = PanelReader(PROJECT, Engine([]), Clock())
    with running_engine() as engine, engine.client() as ksqldb:
        pages = [
            *dashboards_page.routes(reader, bundle(project_settings.load().cache), {"ratings": hint}),
            *pipelines_page.routes(_Unchanging(found)),
            *editor_page.routes(ksqldb, ActionLog(folder / "actions.jsonl", time.time)),
        ]
        with running_console(folder / "inbox.sqlite", time.time, pages) as served:
            yield served


@needs_axe
@pytest.mark.parametrize("address", ["/", "/dashboards", "/pipelines", "/ksqldb#queries", "/inbox", "/telegram"])
def test_axe_finds_nothing_serious_on_empty_pages(browser: Chrome, empty: Client, address: str):
    open_page(browser, empty, address)
    assert problems(browser) == []


@needs_axe
@pytest.mark.parametrize("view", ["connectors", "queries", "services", "topics", "faults", "components"])
def test_axe_finds_nothing_serious_in_the_tables_of_parts(browser: Chrome, client: Client, view: str):
    open_page(browser, client, f"/pipelines#{view}")
    _eventually(lambda: browser.find_elements("css selector", "#view table"))
    assert problems(browser) == []


@needs_axe
def test_axe_finds_nothing_serious_in_the_editor_with_results_and_dialogs(browser: Chrome, client: Client):
    open_page(browser, client, "/ksqldb")
    text = browser.find_element("id", "text")
    text.send_keys("SELECT * FROM CU")
    _eventually(lambda: browser.find_elements("css selector", "#names li"))
    assert problems(browser) == []

    resize(browser, WIDTHS[0])
    text.send_keys(Keys.ESCAPE, Keys.CONTROL, "a")
    text.send_keys(
        "SET 'auto.offset.reset'='earliest'; DEFINE x='y'; DESCRIBE ORDERS EXTENDED; SHOW QUERIES;"
        "SELECT * FROM TOTALS; EXPLAIN SELECT * FROM ORDERS EMIT CHANGES; SELECT 'x', NOPE FROM TOTALS;",
        Keys.ESCAPE,
    )
    browser.find_element("id", "run-all").send_keys(Keys.ENTER)
    _eventually(lambda: browser.find_elements("css selector", "#shown mark"))
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    assert problems(browser) == []

    browser.find_element("id", "open-history").send_keys(Keys.ENTER)
    _eventually(lambda: browser.find_element("id", "history").is_displayed())
    assert problems(browser) == []
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)

    text.send_keys(Keys.CONTROL, "a")
    text.send_keys("DROP TABLE TOTALS;", Keys.ESCAPE, Keys.CONTROL, Keys.ENTER)
    _eventually(lambda: browser.find_element("id", "confirm").is_displayed())
    assert problems(browser) == []
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_keyboard_shows_where_it_is_and_gets_through_the_page(
    browser: Chrome, client: Client, address: str, width: int
):
    resize(browser, width)
    open_page(browser, client, address)
    found = []
    for _ in range(FOCUS_STOPS):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        found.append(browser.execute_script(FOCUS_PROBLEM))
        if found[-1] == "none":
            break

    assert [problem for problem in found[:-1] if problem] == []
    assert found[-1] in ("", "none")
