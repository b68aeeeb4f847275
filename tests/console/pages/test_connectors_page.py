"""The pages of the connectors: states, traces, changes with a confirmation, and a validated edit without secrets."""

from __future__ import annotations

import html
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from selenium.webdriver import Chrome

from tests.console.pages.test_pages import needs_browser
from tests.deployer.conftest import Fakes
from tests.fakes.browser import complaints
from tests.fakes.console import Client
from tests.waiting import eventually

_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)
NAME = "mysql-demo-customers"
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: failed\n\tat x\nCaused by: java.sql.SQLException: no hunter22\n"
)


def plan(console: Client, action: str, **body: Any) -> dict[str, Any]:
    answer = console.post("/api/actions/plan", json={"action": action, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def carry_out(console: Client, token: str) -> str:
    answer = console.post("/api/actions/carry-out", json={"token": token})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["result"])


def test_connectors_are_listed_with_the_cause_of_a_failure(console: Client, deployed: Fakes):
    deployed.connect.traces[NAME] = TRACE
    connector = console.get("/api/connectors").json()["connectors"][0]
    assert (connector["name"], connector["state"]) == (NAME, "FAILED")
    assert connector["cause"].startswith("java.sql.SQLException: no ")
    assert "hunter22" not in console.get(f"/api/connectors/{NAME}").text


def test_the_configuration_is_shown_without_secrets(console: Client, deployed: Fakes):
    deployed.connect.configs[NAME]["database.password"] = "hunter22"
    config = console.get(f"/api/connectors/{NAME}").json()["config"]
    assert config["database.password"] == "********"
    assert config["tasks.max"] == "1"
    assert "name" not in config
    assert console.get("/api/connectors/none").status_code == 409


def test_a_connector_is_paused_resumed_stopped_and_restarted(console: Client, deployed: Fakes):
    for change, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "STOPPED"), ("resume", "RUNNING")):
        planned = plan(console, change, name=f"connector:{NAME}")
        assert deployed.connect.states[NAME] != state
        assert planned["lines"][0].startswith(f"{change} connector {NAME}: ")
        assert carry_out(console, planned["token"]) == f"connector {NAME} is {state}."
        assert deployed.connect.states[NAME] == state
    assert plan(console, "resume", name=f"connector:{NAME}")["token"] == ""
    deployed.connect.traces[NAME] = TRACE
    carry_out(console, plan(console, "restart", name=f"connector:{NAME}")["token"])
    assert NAME not in deployed.connect.traces
    assert console.post("/api/actions/plan", json={"action": "pause", "name": "none"}).status_code == 409


def test_an_edit_keeps_the_secrets_that_it_does_not_show(console: Client, deployed: Fakes):
    deployed.connect.configs[NAME]["database.password"] = "hunter22"
    config = console.get(f"/api/connectors/{NAME}").json()["config"]
    config["poll.interval.ms"] = "500"
    del config["database.user"]
    planned = plan(console, "connector.configure", name=NAME, config=config)
    assert planned["lines"][:2] == [
        "database.user: removed, was ${env:MYSQL_USER}",
        "poll.interval.ms: new, 500",
    ]
    assert deployed.connect.configs[NAME].get("poll.interval.ms") is None

    assert carry_out(console, planned["token"]) == f"Configuration of connector {NAME} changed."
    live = deployed.connect.configs[NAME]
    assert (live["poll.interval.ms"], live["database.password"]) == ("500", "hunter22")
    again = plan(
        console, "connector.configure", name=NAME, config=console.get(f"/api/connectors/{NAME}").json()["config"]
    )
    assert again["token"] == ""


@pytest.mark.parametrize(
    "edited",
    [
        {"database.passphrase": "********"},
        {"connection.url": "jdbc:postgresql://ann:********@new-host/shop"},
        {"database.password": "********x"},
    ],
)
def test_asterisks_never_become_a_secret(console: Client, deployed: Fakes, edited: dict[str, str]):
    secrets = {"database.password": "hunter22", "connection.url": "jdbc:postgresql://ann:hunter22@host/shop"}
    deployed.connect.configs[NAME].update(secrets)
    config = console.get(f"/api/connectors/{NAME}").json()["config"] | edited
    body = {"action": "connector.configure", "name": NAME, "config": config}
    for answer in (
        console.post("/api/actions/plan", json=body),
        console.post(f"/api/connectors/{NAME}/validate", json={"config": config}),
    ):
        assert answer.status_code == 409
        assert f"******** in {next(iter(edited))} stands for a secret" in answer.json()["error"]
        assert "hunter22" not in answer.text


def test_a_new_secret_is_neither_shown_nor_logged(console: Client, deployed: Fakes):
    config = console.get(f"/api/connectors/{NAME}").json()["config"] | {"database.password": "fresh-secret"}
    planned = plan(console, "connector.configure", name=NAME, config=config)
    carry_out(console, planned["token"])
    assert deployed.connect.configs[NAME]["database.password"] == "fresh-secret"
    assert "fresh-secret" not in str(planned) + console.get("/api/actions").text


def test_what_connect_does_not_accept_is_not_saved(console: Client, deployed: Fakes):
    deployed.connect.errors = {"tasks.max": "Value must be at least 1"}
    config = console.get(f"/api/connectors/{NAME}").json()["config"] | {"tasks.max": 0}
    problems = console.post(f"/api/connectors/{NAME}/validate", json={"config": config}).json()["problems"]
    assert problems == [{"key": "tasks.max", "text": "Value must be at least 1", "is_error": True}]
    refused = console.post("/api/actions/plan", json={"action": "connector.configure", "name": NAME, "config": config})
    assert refused.status_code == 409
    assert "tasks.max: Value must be at least 1" in refused.json()["error"]
    assert deployed.connect.configs[NAME]["tasks.max"] == "1"


def test_a_configuration_that_somebody_changed_meanwhile_is_not_overwritten(console: Client, deployed: Fakes):
    config = console.get(f"/api/connectors/{NAME}").json()["config"] | {"poll.interval.ms": "500"}
    planned = plan(console, "connector.configure", name=NAME, config=config)
    deployed.connect.configs[NAME] = {**deployed.connect.configs[NAME], "tasks.max": "2"}
    refused = console.post("/api/actions/carry-out", json={"token": planned["token"]})
    assert refused.status_code == 409
    assert deployed.connect.configs[NAME]["tasks.max"] == "2"


def test_invalid_configurations_are_refused(console: Client):
    for config in (None, [], "x", {"a": None}, {"a": {}}, {"a": []}):
        body = {"action": "connector.configure", "name": NAME, "config": config}
        assert console.post("/api/actions/plan", json=body).status_code == 400
        assert console.post(f"/api/connectors/{NAME}/validate", json={"config": config}).status_code == 400
    body = {"action": "connector.configure", "name": "none", "config": {"connector.class": "x"}}
    assert console.post("/api/actions/plan", json=body).status_code == 409
    without_class = console.post(f"/api/connectors/{NAME}/validate", json={"config": {"a": "b"}}).json()
    assert without_class["problems"] == [{"key": "connector.class", "text": "is missing", "is_error": True}]


@pytest.mark.parametrize("name", ["a b?c#d%25", "ünï", "es*", "[a-z]"])
def test_a_connector_may_have_any_name(console: Client, deployed: Fakes, name: str):
    deployed.connect.configs[name] = {"connector.class": deployed.connect.configs[NAME]["connector.class"]}
    deployed.connect.states[name] = "RUNNING"
    path = quote(name, safe="")
    assert html.escape(name) in console.get(f"/connectors/{path}").text
    found = console.get(f"/api/connectors/{path}").json()
    assert found["name"] == name
    body = {"config": found["config"]}
    assert console.post(f"/api/connectors/{path}/validate", json=body).json() == {"problems": []}
    planned = plan(console, "pause", name=f"connector:{name}")
    assert carry_out(console, planned["token"]) == f"connector {name} is PAUSED."


@pytest.mark.parametrize("name", ["team/orders", "x/validate"])
def test_a_name_with_a_slash_is_one_name(console: Client, name: str):
    path = quote(name, safe="")
    assert html.escape(name) in console.get(f"/connectors/{path}").text
    assert console.get(f"/api/connectors/{path}").json()["error"] == f"connector {name} does not exist"
    answer = console.post(f"/api/connectors/{path}/validate", json={"config": {}})
    assert answer.json()["error"] == f"connector {name} does not exist"


def test_the_offsets_of_a_source_are_shown_and_deleted(console: Client, deployed: Fakes):
    deployed.connect.offsets[NAME] = [{"partition": {"server": "asgard"}, "offset": {"pos": 4}}]
    assert console.get(f"/api/connectors/{NAME}").json()["offsets"] == deployed.connect.offsets[NAME]
    planned = plan(console, "offsets.reset", name=f"connector:{NAME}", to="earliest")
    assert planned["loses"]
    assert carry_out(console, planned["token"]) == f"Offsets of connector {NAME} deleted."
    assert NAME not in deployed.connect.offsets
    assert deployed.connect.states[NAME] == "RUNNING"


SERVER, OTHER = {"server": "asgard"}, {"server": "midgard"}
LARGE = 2**62 + 1
"""A position that a browser would round."""


def test_the_offsets_of_a_source_are_set(console: Client, deployed: Fakes):
    before = [{"partition": SERVER, "offset": {"pos": 4}}, {"partition": OTHER, "offset": {"pos": LARGE}}]
    deployed.connect.offsets[NAME] = before
    shown = console.get(f"/api/connectors/{NAME}").json()["offsets_text"]
    planned = plan(console, "offsets.set", name=f"connector:{NAME}", offsets=f"[{shown}]")
    assert (planned["token"], "nothing to do" in planned["lines"][0]) == ("", True)

    planned = plan(
        console, "offsets.set", name=f"connector:{NAME}", offsets=f"[{shown}]".replace('"pos": 4}', '"pos": 9}')
    )
    assert planned["lines"][0] == '{"server": "asgard"} -> {"pos": 9}'
    assert "midgard" not in str(planned["lines"])
    assert deployed.connect.offsets[NAME] == before
    assert carry_out(console, planned["token"]) == f"Offsets of connector {NAME} changed."
    assert deployed.connect.offsets[NAME] == [{"partition": SERVER, "offset": {"pos": 9}}, before[1]]
    assert deployed.connect.states[NAME] == "RUNNING"


@pytest.mark.parametrize(
    ("offsets", "status", "problem"),
    [
        ("", 400, "offsets must be a text"),
        (["x"], 400, "offsets must be a text"),
        ("x" * 500_001, 400, "offsets must be a text"),
        ("{", 409, "cannot be read"),
        ("[" * 100_000, 409, "cannot be read"),
        ("[]", 409, "has no list of offsets"),
        ('{"offsets": 1}', 409, "has no list of offsets"),
        ('["x"]', 409, "has no list of offsets"),
        ('[{"partition": "x", "offset": {}}]', 409, "each offset is"),
        ('[{"partition": {}}]', 409, "each offset is"),
    ],
)
def test_offsets_that_are_none_are_refused(console: Client, offsets: Any, status: int, problem: str):
    body = {"action": "offsets.set", "name": f"connector:{NAME}", "offsets": offsets}
    answer = console.post("/api/actions/plan", json=body)
    assert (answer.status_code, problem in answer.json()["error"]) == (status, True), answer.text


@needs_browser
def test_a_person_sets_the_offsets_of_a_source(browser: Chrome, console: Client, deployed: Fakes):
    deployed.connect.offsets[NAME] = [{"partition": SERVER, "offset": {"pos": LARGE}}]
    browser.get(f"{console.url}/connectors/{NAME}")
    text = browser.find_element("id", "offsets-text")
    _eventually(lambda: str(LARGE) in text.get_property("value"))
    browser.find_element("css selector", "#set-offsets summary").click()
    browser.execute_script("arguments[0].value = arguments[0].value.replace('7905', '7907')", text)
    browser.find_element("id", "set").click()
    _eventually(lambda: str(LARGE + 2) in browser.find_element("id", "ask").text)
    browser.find_element("css selector", "#ask .danger").click()
    _eventually(lambda: deployed.connect.offsets[NAME] == [{"partition": SERVER, "offset": {"pos": LARGE + 2}}])
    _eventually(lambda: str(LARGE + 2) in text.get_property("value"))
    assert complaints(browser) == []


@needs_browser
def test_a_person_restarts_a_failed_connector_and_edits_its_configuration(
    browser: Chrome, console: Client, deployed: Fakes
):
    deployed.connect.traces[NAME] = TRACE
    browser.get(f"{console.url}/connectors")
    _eventually(lambda: "SQLException" in browser.find_element("id", "view").text)
    browser.find_element("css selector", f'[aria-label="restart {NAME}"]').click()
    _eventually(lambda: browser.find_elements("css selector", "#ask .primary"))
    browser.find_element("css selector", "#ask .primary").click()
    _eventually(lambda: browser.find_elements("id", "done"))
    _eventually(lambda: "SQLException" not in browser.find_element("id", "view").text)
    _eventually(lambda: "1 RUNNING" in browser.find_element("id", "view").text.replace("\u00a0", " "))

    browser.find_element("link text", NAME).click()
    _eventually(lambda: "tasks.max = 1" in browser.find_element("id", "config").get_property("value"))
    browser.execute_script("arguments[0].value += '\\npoll.interval.ms = 500'", browser.find_element("id", "config"))
    browser.find_element("id", "validate").click()
    _eventually(lambda: "Connect accepts it" in browser.find_element("id", "verdict").text)
    browser.find_element("id", "save").click()
    _eventually(lambda: "poll.interval.ms: new, 500" in browser.find_element("id", "ask").text)
    browser.find_element("css selector", "#ask .primary").click()
    _eventually(lambda: deployed.connect.configs[NAME].get("poll.interval.ms") == "500")
    _eventually(lambda: "Configuration of connector" in browser.find_element("id", "content").text)
    assert complaints(browser) == []
