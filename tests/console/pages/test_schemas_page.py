"""The pages of the schemas: subjects, versions, and two versions side by side."""

from __future__ import annotations

import json
from functools import partial

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import Select

from tests.console.pages.test_pages import needs_browser
from tests.deployer.conftest import Fakes
from tests.fakes.browser import complaints
from tests.fakes.console import Client
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)
SUBJECT = "orders-value"


@pytest.fixture
def versions(deployed: Fakes) -> None:
    """Three versions of a subject; each adds a field."""
    fields = [{"name": name, "type": "string"} for name in ("id", "city", "<b>note</b>")]
    schemas = [json.dumps({"type": "record", "name": "orders", "fields": fields[: n + 1]}) for n in range(3)]
    deployed.registry.versions[SUBJECT] = schemas
    deployed.registry.rules[SUBJECT] = "FULL"


def test_subjects_are_listed_with_their_newest_version(console: Client, versions: None):
    subjects = {entry["subject"]: entry for entry in console.get("/api/schemas").json()["subjects"]}
    assert subjects[SUBJECT] == {"subject": SUBJECT, "version": 3, "id": 3, "type": "AVRO"}
    assert "ratings-value" in subjects


def test_a_subject_is_shown_with_its_rule_and_all_versions(console: Client, versions: None):
    found = console.get(f"/api/schemas/{SUBJECT}").json()
    assert (found["rule"], found["count"]) == ("FULL", 3)
    assert [entry["version"] for entry in found["versions"]] == [3, 2, 1]
    assert console.get("/api/schemas/none").status_code == 409


def test_a_registry_that_is_down_is_reported(console: Client, deployed: Fakes):
    deployed.servers["registry"].respond = lambda _request: None  # type: ignore[assignment,return-value]
    answer = console.get("/api/schemas")
    assert answer.status_code == 503
    assert "Schema Registry" in answer.json()["error"]


@needs_browser
def test_a_person_compares_two_versions(browser: Chrome, console: Client, versions: None):
    browser.get(f"{console.url}/schemas")
    _eventually(lambda: browser.find_elements("link text", SUBJECT))
    browser.find_element("link text", SUBJECT).click()
    _eventually(lambda: "compatibility FULL · 3 versions" in browser.find_element("id", "facts").text)
    _eventually(lambda: "lines added, 0 removed" in browser.find_element("id", "outcome").text)
    added = [each.text for each in browser.find_elements("css selector", "td.come")]
    assert any('"name": "<b>note</b>"' in text for text in added)
    assert not browser.find_elements("css selector", "td.gone")

    Select(browser.find_element("id", "other")).select_by_value("")
    assert '"city"' in browser.find_element("css selector", "pre").text
    assert complaints(browser) == []
