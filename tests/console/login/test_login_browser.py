"""The login in a real browser, over TLS: with the keyboard, on a phone, in light and dark."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from bifrost.console.app import console_login
from bifrost.security.secure_folder import SecureFolder
from tests.console.pages.test_accessibility import needs_axe, problems
from tests.fakes.browser import CHROMIUM, DRIVER, complaints, running_browser
from tests.fakes.console import Client, running_console
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=30.0, pause_s=0.05)
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> SecureFolder:
    made = SecureFolder(tmp_path_factory.mktemp("secure") / "secure")
    made.prepare(datetime.now(UTC))
    return made


@pytest.fixture(scope="module")
def console(folder: SecureFolder) -> Iterator[Client]:
    path = folder.root.with_name("inbox.sqlite")
    with running_console(path, time.time, pem=folder.server_pem, login=console_login(folder)) as client:
        yield client


@pytest.fixture(scope="module")
def browser(console: Client) -> Iterator[Chrome]:
    """As of a person who has accepted the certificate; it ends before the console, which so ends no open connection."""
    with running_browser(1400, 1000, accept_any_certificate=True) as running:
        yield running


def test_a_person_logs_in_with_the_keyboard_uses_the_pages_and_logs_out(
    browser: Chrome, console: Client, folder: SecureFolder
):
    password = folder.console_password.renew()
    browser.get(f"{console.url}/inbox")
    assert browser.title == "Log in – Bifrost"
    assert browser.switch_to.active_element.get_attribute("id") == "user"
    complaints(browser)

    ActionChains(browser).send_keys("admin", Keys.TAB, "wrong", Keys.ENTER).perform()
    _eventually(lambda: browser.title == "Login failed – Bifrost")
    assert browser.find_element("css selector", "[role=alert]").text == "The user or the password is wrong."
    # The user is kept, so the next thing to type is the password.
    field = browser.switch_to.active_element
    assert (field.get_attribute("id"), field.get_attribute("aria-describedby")) == ("password", "problem")
    complaints(browser)  # Chromium reports the status 401 of the page

    ActionChains(browser).send_keys(password, Keys.ENTER).perform()
    _eventually(lambda: browser.current_url == f"{console.url}/inbox")
    _eventually(lambda: browser.find_element("id", "state").text == "live")
    assert browser.find_element("css selector", ".who span").text == "admin"
    token = next(each for each in browser.get_cookies() if each["name"] == "__Host-bifrost-session")
    assert (token["httpOnly"], token["secure"], token["sameSite"]) == (True, True, "Strict")
    assert token["value"] not in browser.execute_script("return document.cookie")
    assert complaints(browser) == []

    browser.find_element("css selector", ".who button").send_keys(Keys.ENTER)
    _eventually(lambda: browser.title == "Log in – Bifrost")
    browser.get(f"{console.url}/telegram")
    assert browser.title == "Log in – Bifrost"


@needs_axe
def test_axe_finds_nothing_serious_on_the_login_page(browser: Chrome, console: Client):
    browser.get(f"{console.url}/login")
    browser.find_element("css selector", "summary").click()
    assert problems(browser) == []
    browser.find_element("id", "user").send_keys("admin")
    browser.find_element("id", "password").send_keys("wrong", Keys.ENTER)
    _eventually(lambda: browser.find_elements("css selector", "[role=alert]"))
    assert problems(browser) == []


@needs_axe
def test_axe_finds_nothing_serious_in_the_header_with_the_button_to_log_out(
    browser: Chrome, console: Client, folder: SecureFolder
):
    browser.get(f"{console.url}/login?next=/inbox")
    browser.find_element("id", "user").send_keys("admin")
    browser.find_element("id", "password").send_keys(folder.console_password.renew(), Keys.ENTER)
    _eventually(lambda: browser.find_elements("css selector", ".who button"))
    _eventually(lambda: browser.find_element("id", "state").text == "live")
    assert browser.find_element("css selector", ".who button").is_displayed()
    assert problems(browser) == []
