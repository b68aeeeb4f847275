"""The console's pages over the real platform: axe finds nothing serious, and the editor shows rows as they come."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from bifrost.clients import ksqldb
from bifrost.console.pages.page_frame import PAGES
from tests.fakes.axe import VERSION, script_in, serious_problems
from tests.fakes.browser import CHROMIUM, DRIVER, prefer, running_browser
from tests.live.conftest import Platform
from tests.live.waiting import eventually

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
SETUP_S = 300
PAGE_S = 60
DESK, PHONE = 1400, 390


@pytest.fixture(scope="module")
def axe(platform: Platform) -> str:
    """axe-core's script, installed once; the hermetic tests use it from then on."""
    script = script_in(platform.settings.cache)
    if not script.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        folder = script.parents[2]
        folder.mkdir(parents=True, exist_ok=True)
        command = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", f"axe-core@{VERSION}")
        done = subprocess.run(command, cwd=folder, timeout=SETUP_S, capture_output=True, text=True)
        if done.returncode or not script.exists():
            pytest.skip(f"axe-core cannot be installed: {done.stderr[-500:]}")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with running_browser(DESK, 900) as running:
        yield running


def open_page(browser: Chrome, url: str) -> None:
    browser.get(url)
    eventually(lambda: browser.find_element("id", "state").text != "connecting", f"{url} has its data", PAGE_S)


def test_axe_finds_nothing_serious_on_any_page(platform: Platform, browser: Chrome, axe: str) -> None:
    found = []
    for address, _ in PAGES:
        open_page(browser, platform.endpoints["console"] + address)
        for width, scheme in ((DESK, "light"), (PHONE, "dark")):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            prefer(browser, scheme)
            found += [f"{address} {width} px {scheme}: {problem}" for problem in serious_problems(browser, axe)]
    assert found == [], "\n".join(found)


def test_the_editor_shows_the_rows_of_a_push_query_and_ends_it_with_the_page(
    platform: Platform, browser: Chrome
) -> None:
    stream = f"EDITOR_{int(time.time())}"
    with ksqldb.from_settings(platform.settings) as client:
        client.execute(
            f"CREATE STREAM {stream} (ID STRING KEY, AMOUNT DOUBLE) "
            f"WITH (KAFKA_TOPIC='{stream}', PARTITIONS=1, VALUE_FORMAT='JSON');"
        )
        try:
            open_page(browser, platform.endpoints["console"] + "/ksqldb")
            text = browser.find_element("id", "text")
            text.send_keys("SET 'auto.offset.reset'='earliest';", Keys.ESCAPE, Keys.CONTROL, Keys.ENTER)
            text.send_keys(Keys.CONTROL, "a")
            text.send_keys(f"SELECT ID, AMOUNT FROM {stream} EMIT CHANGES;", Keys.ESCAPE, Keys.CONTROL, Keys.ENTER)
            eventually(lambda: push_queries(client, stream), "the push query runs", PAGE_S)
            client.execute(f"INSERT INTO {stream} (ID, AMOUNT) VALUES ('o1', 7.5);")
            rows = "return [...document.querySelectorAll('.result tbody tr')].map((row) => row.innerText)"
            eventually(lambda: browser.execute_script(rows) == ["o1\t7.5"], "the row is shown", PAGE_S)
            browser.get("about:blank")
            eventually(lambda: not push_queries(client, stream), "the push query ends", PAGE_S)
        finally:
            client.execute(f"DROP STREAM {stream} DELETE TOPIC;")


def push_queries(client: ksqldb.KsqlClient, stream: str) -> list[str]:
    """The push queries over a stream that the server lists; services have some of their own."""
    (entity,) = client.execute("SHOW QUERIES;")
    found = (entry for entry in entity["queries"] if entry.get("queryType") == "PUSH")
    return [entry["id"] for entry in found if stream in entry["queryString"]]
