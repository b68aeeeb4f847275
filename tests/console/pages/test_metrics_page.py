"""The page of the metrics."""

from __future__ import annotations

from functools import partial

from selenium.webdriver import Chrome

from tests.console.pages.test_pages import needs_browser
from tests.fakes.browser import complaints
from tests.fakes.console import Client
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=20.0)


def test_the_data_holds_figures_and_programs(console: Client):
    found = console.get("/api/figures").json()
    (figure,) = found["figures"]
    assert (figure["group"], figure["title"], figure["value"]) == ("Notifications", "Delivered", 42)
    assert [(each["name"], each["state"]) for each in found["programs"]] == [
        ("alerts", "answers"),
        ("supervisor", "no answer"),
    ]


@needs_browser
def test_a_person_sees_figures_and_programs(browser: Chrome, console: Client):
    browser.get(f"{console.url}/figures")
    _eventually(lambda: browser.find_element("id", "count").text == "1 of 2 programs answer")
    assert "Delivered 42" in browser.find_element("id", "figures").text
    programs = browser.find_element("id", "programs").text
    assert "alerts answers" in programs and "40.0 MiB" in programs
    assert "supervisor no answer" in programs
    assert complaints(browser) == []
