"""The editor in a browser: what a person types, sees and saves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement

from bifrost.operations.action_log import ActionLog
from tests.fakes.browser import CHROMIUM, DRIVER, complaints, running_browser
from tests.fakes.console import Client
from tests.fakes.ksql_engine import RunningEngine
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")
_eventually = partial(eventually, deadline_s=60.0, pause_s=0.05)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with running_browser(1400, 1000) as running:
        yield running


@pytest.fixture
def text(browser: Chrome, editor: Client) -> Iterator[WebElement]:
    """The empty text area of a page that has read the live names."""
    browser.get(editor.url + "/ksqldb")
    browser.execute_script("sessionStorage.clear(); localStorage.clear()")
    browser.get("about:blank")
    browser.get(editor.url + "/ksqldb")
    _eventually(lambda: browser.find_element("id", "state").text == "live")
    area = browser.find_element("id", "text")
    area.click()
    yield area
    browser.get("about:blank")


DRAWN = """
return [...document.querySelectorAll("#query .drawing g")].map((group) =>
  [...group.querySelectorAll("text")].map((each) => each.textContent).join(" "))
"""
VISIBLE_TEXTS = """
return [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility())
  .map((each) => (each.innerText ?? each.textContent).trim().replaceAll("\\t", " "))
"""


def shown(browser: Chrome, selector: str) -> list[str]:
    """The texts of visible elements, read in one step: the page may redraw them at any time."""
    found: list[str] = browser.execute_script(VISIBLE_TEXTS, selector)
    return found


def press(browser: Chrome, selector: str) -> None:
    """Press a button that the page may redraw at any time, with the keyboard."""

    def is_pressed() -> bool:
        with suppress(StaleElementReferenceException):
            browser.find_element("css selector", selector).send_keys(Keys.ENTER)
            return True
        return False

    _eventually(is_pressed)


def run(area: WebElement, statement: str) -> None:
    area.send_keys(Keys.CONTROL, "a")
    area.send_keys(statement)
    area.send_keys(Keys.ESCAPE)
    area.send_keys(Keys.CONTROL, Keys.ENTER)


def test_names_of_streams_and_their_columns_complete(browser: Chrome, text: WebElement):
    text.send_keys("select CUST")
    _eventually(lambda: "CUSTOMERS\ntable" in shown(browser, "#names li"))
    text.send_keys(Keys.CONTROL, "a")
    text.send_keys("select * from ORD")
    _eventually(lambda: shown(browser, "#names li")[:1] == ["ORDERS\nstream"])

    text.send_keys(Keys.TAB)
    assert text.get_attribute("value") == "select * from ORDERS"
    text.send_keys(" o where o.")
    _eventually(lambda: "AMOUNT\nDOUBLE of ORDERS" in shown(browser, "#names li"))
    assert all("of ORDERS" in item for item in shown(browser, "#names li"))
    text.send_keys("UN", Keys.ARROW_DOWN, Keys.ENTER)
    assert text.get_attribute("value") == "select * from ORDERS o where o.UNITS"

    text.send_keys(" em", Keys.TAB)
    assert text.get_attribute("value").endswith(" emit")
    assert browser.switch_to.active_element == text


def test_completion_closes_with_escape_and_opens_with_control_and_space(browser: Chrome, text: WebElement):
    text.send_keys("SEL")
    _eventually(lambda: shown(browser, "#names li"))
    text.send_keys(Keys.ESCAPE)
    assert shown(browser, "#names li") == []
    text.send_keys(Keys.CONTROL, " ")
    _eventually(lambda: "SELECT\nkeyword" in shown(browser, "#names li"))
    text.send_keys(Keys.ESCAPE)
    text.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "run"


def test_the_statement_at_the_cursor_runs(browser: Chrome, text: WebElement):
    text.send_keys("SHOW STREAMS; -- a ; in a comment\nDESCRIBE 'no;name';\nSHOW TABLES;")
    text.send_keys(Keys.CONTROL, Keys.ENTER)

    _eventually(lambda: shown(browser, ".result td"))
    assert shown(browser, ".result header code") == ["SHOW TABLES;"]
    assert {"CUSTOMERS", "TOTALS"} <= set(shown(browser, ".result td"))


def test_a_statement_begins_behind_the_last_end(browser: Chrome, text: WebElement):
    text.send_keys("SHOW TABLES;  SHOW TYPES;", Keys.ESCAPE)
    expected = []
    for back, statement in ((0, "SHOW TYPES;"), (11, "SHOW TYPES;"), (12, "SHOW TABLES;"), (20, "SHOW TABLES;")):
        text.send_keys(Keys.END, Keys.ARROW_LEFT * back, Keys.CONTROL, Keys.ENTER)
        expected = [statement, *expected]
        _eventually(lambda wanted=expected: shown(browser, ".result header code") == wanted)


def test_an_error_is_underlined_where_it_is(browser: Chrome, text: WebElement):
    run(text, "SHOW TABLES; SELECT ID, NOPE FROM ORDERS EMIT CHANGES;")
    _eventually(lambda: shown(browser, "#shown mark") == ["NOPE"])
    assert "NOPE" in shown(browser, ".message.bad")[0]
    assert text.get_attribute("aria-invalid") is not None

    text.send_keys("x")
    assert shown(browser, "#shown mark") == []


def test_an_error_before_a_variable_is_underlined_and_one_behind_it_is_not_misplaced(browser: Chrome, text: WebElement):
    text.send_keys("DEFINE s='ORDERS'; SELECT NOPE FROM ${s} EMIT CHANGES;", Keys.ESCAPE)
    press(browser, "#run-all")
    _eventually(lambda: shown(browser, "#shown mark") == ["NOPE"])

    text.send_keys(Keys.CONTROL, "a")
    text.send_keys("SELECT ID FROM ${s} WHERE NOPE = 1 EMIT CHANGES;", Keys.ESCAPE)
    press(browser, "#run-all")
    _eventually(lambda: len(shown(browser, ".message.bad")) == 2)
    assert shown(browser, "#shown mark") == []


def test_an_error_of_the_language_is_underlined_and_nothing_runs(browser: Chrome, text: WebElement, actions: ActionLog):
    before = actions.newest(9)
    text.send_keys("CREATE STREAM Z AS SELECT * FROM ORDERS;\n  SELCT 1;")
    browser.find_element("id", "run-all").click()

    _eventually(lambda: shown(browser, "#shown mark") == ["SELCT"])
    assert "Did you mean 'SELECT'?" in shown(browser, ".message.bad")[0]
    assert actions.newest(9) == before


def test_a_push_query_shows_rows_as_they_come_until_it_is_stopped(
    browser: Chrome, text: WebElement, engine: RunningEngine
):
    run(text, "SELECT ID, AMOUNT FROM ORDERS WHERE AMOUNT = 501 EMIT CHANGES;")
    _eventually(lambda: len(engine.open_queries()) == 1)
    engine.order("first", 501.0)
    _eventually(lambda: shown(browser, ".result tbody tr") == ["first 501"])
    engine.order("second", 501.0)
    _eventually(lambda: shown(browser, ".result tbody tr") == ["second 501", "first 501"])

    button(browser, "Pause").click()
    engine.order("third", 501.0)
    _eventually(lambda: "paused · 3 rows" in shown(browser, ".count"))
    assert len(shown(browser, ".result tbody tr")) == 2
    button(browser, "Continue").click()
    _eventually(lambda: len(shown(browser, ".result tbody tr")) == 3)

    button(browser, "Stop").click()
    _eventually(lambda: "stopped · 3 rows" in shown(browser, ".count"))
    _eventually(lambda: engine.open_queries() == [])


def test_closing_the_page_ends_its_queries(browser: Chrome, text: WebElement, engine: RunningEngine):
    run(text, "SELECT * FROM ORDERS EMIT CHANGES;")
    _eventually(lambda: len(engine.open_queries()) == 1)
    browser.get("about:blank")
    _eventually(lambda: engine.open_queries() == [], "the query ends")


def test_a_live_table_keeps_the_newest_rows_only(browser: Chrome, text: WebElement, engine: RunningEngine):
    run(text, "SELECT ID FROM ORDERS WHERE AMOUNT = 502 EMIT CHANGES;")
    _eventually(lambda: len(engine.open_queries()) == 1)
    for number in range(520):
        engine.order(f"n{number}", 502.0)

    _eventually(lambda: any("520 rows, shows the newest 500" in count for count in shown(browser, ".count")))
    _eventually(lambda: browser.execute_script("return document.querySelectorAll('.result tbody tr').length") == 500)
    assert browser.find_element("css selector", ".result tbody td").text == "n519"
    button(browser, "Stop").click()


def test_rows_are_saved_as_csv_and_json(
    browser: Chrome, text: WebElement, engine: RunningEngine, tmp_path: Path, editor: Client
):
    engine.run(
        "CREATE TABLE SAVED AS SELECT ID, LATEST_BY_OFFSET(CUSTOMER) AS C FROM ORDERS WHERE AMOUNT=503 GROUP BY ID;"
    )
    engine.order("s1", 503.0, customer='a "quoted", one')
    eventually(lambda: len(engine.world.values("SAVED")) == 1)
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    run(text, "SELECT ID, C FROM SAVED;")
    _eventually(lambda: "ended · 1 row" in shown(browser, ".count"))

    button(browser, "CSV").click()
    _eventually((tmp_path / "rows.csv").exists)
    assert (tmp_path / "rows.csv").read_bytes() == b'ID,C\r\ns1,"a ""quoted"", one"\r\n'
    button(browser, "JSON").click()
    _eventually((tmp_path / "rows.json").exists)
    assert json.loads((tmp_path / "rows.json").read_text()) == [{"ID": "s1", "C": 'a "quoted", one'}]


def test_set_holds_for_what_follows_and_can_be_removed(browser: Chrome, text: WebElement, engine: RunningEngine):
    engine.order("early", 504.0)
    run(text, "SET 'auto.offset.reset' = 'earliest';")
    _eventually(lambda: browser.find_element("id", "reset").get_attribute("value") == "earliest")
    run(text, "SELECT ID FROM ORDERS WHERE AMOUNT = 504 EMIT CHANGES LIMIT 1;")
    _eventually(lambda: shown(browser, ".result tbody tr") == ["early"])

    browser.find_element("id", "set-name").send_keys("ksql.query.pull.table.scan.enabled")
    browser.find_element("id", "set-value").send_keys("true", Keys.ENTER)
    assert shown(browser, "#set button") == ["ksql.query.pull.table.scan.enabled = true ×"]
    browser.find_element("css selector", "#set button").click()
    assert shown(browser, "#set button") == []


def test_a_statement_that_loses_something_asks_first(
    browser: Chrome, text: WebElement, engine: RunningEngine, actions: ActionLog
):
    engine.run("CREATE STREAM GOING AS SELECT ID, UNITS FROM ORDERS;")
    run(text, "DROP STREAM GOING DELETE TOPIC;")
    _eventually(lambda: browser.find_element("id", "confirm").is_displayed())
    assert "its topic with all records" in browser.find_element("id", "losses").text
    # Enter takes the safe answer.
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    _eventually(lambda: not browser.find_element("id", "confirm").is_displayed())
    assert "GOING" in json.dumps(engine.run("LIST STREAMS;"))

    run(text, "DROP STREAM GOING DELETE TOPIC;")
    _eventually(lambda: browser.find_element("id", "confirm").is_displayed())
    browser.find_element("css selector", "#confirm .danger").click()
    _eventually(lambda: "DROP STREAM GOING DELETE TOPIC;" in [each.thing for each in actions.newest(9)])
    _eventually(lambda: "GOING" not in json.dumps(engine.run("LIST STREAMS;")))


def test_the_history_brings_a_statement_back_without_secrets(browser: Chrome, text: WebElement):
    run(text, "SHOW TYPES;")
    _eventually(lambda: shown(browser, ".result .message, .result table"))
    run(text, "CREATE SINK CONNECTOR S WITH ('connector.class'='x', 'password'='hunter22');")
    _eventually(lambda: len(shown(browser, ".result")) == 2)

    browser.find_element("id", "open-history").click()
    assert shown(browser, "#statements button") == ["SHOW TYPES;"]
    browser.find_element("css selector", "#statements button").click()
    assert text.get_attribute("value") == "SHOW TYPES;"


def test_explain_draws_the_plan_with_its_steps_as_text(browser: Chrome, text: WebElement):
    run(text, "EXPLAIN SELECT ID FROM ORDERS WHERE AMOUNT > 3 EMIT CHANGES;")
    _eventually(lambda: shown(browser, ".drawing svg"))

    image = browser.find_element("css selector", ".drawing svg")
    assert image.get_attribute("role") == "img"
    assert "ORDERS, Filter, Project" in image.get_attribute("aria-label")
    browser.find_element("css selector", ".drawing + details summary").click()
    items = shown(browser, ".drawing + details li")
    assert items[1].startswith("Filter AMOUNT > 3, from step 1")


def test_queries_are_listed_with_state_drawn_and_paused(browser: Chrome, text: WebElement, engine: RunningEngine):
    press(browser, "[data-view=queries]")
    _eventually(lambda: any(name.startswith("CTAS_TOTALS") for name in shown(browser, "#queries button.name")))
    name = next(each for each in shown(browser, "#queries button.name") if each.startswith("CTAS_TOTALS"))
    press(browser, f'#queries [data-id="{name}"]')
    _eventually(lambda: "Sink TOTALS" in browser.execute_script(DRAWN))

    press(browser, f'[aria-label="Pause {name}"]')
    _eventually(lambda: f"PAUSE {name};" in shown(browser, ".result header code"))
    press(browser, "[data-view=queries]")
    _eventually(lambda: "paused" in shown(browser, "#queries .state"))
    press(browser, f'[aria-label="Resume {name}"]')
    _eventually(lambda: f"RESUME {name};" in shown(browser, ".result header code"))
    _eventually(lambda: '"RUNNING"' in json.dumps(engine.run(f"EXPLAIN {name};")))


def test_no_name_becomes_markup(browser: Chrome, text: WebElement, engine: RunningEngine):
    engine.run("CREATE STREAM `<img src=x onerror=alert(1)>` AS SELECT ID, UNITS AS `<b>u</b>` FROM ORDERS;")
    browser.refresh()
    _eventually(lambda: browser.find_element("id", "state").text == "live")
    area = browser.find_element("id", "text")
    complaints(browser)
    run(area, "DESCRIBE `<img src=x onerror=alert(1)>`;")
    _eventually(lambda: "<b>u</b>" in shown(browser, ".result td"))
    area.send_keys(Keys.CONTROL, "a")
    area.send_keys("SELECT * FROM ")
    area.send_keys(Keys.CONTROL, " ")
    _eventually(lambda: any("onerror" in item for item in shown(browser, "#names li")))
    assert browser.find_elements("css selector", "main img, main b u, #names img") == []
    assert complaints(browser) == []


def button(browser: Chrome, words: str) -> WebElement:
    """The button of the newest result."""
    found = browser.find_elements("css selector", ".result:first-child button")
    return next(each for each in found if each.text == words)


def test_the_text_survives_a_reload(browser: Chrome, text: WebElement):
    text.send_keys("SHOW STREAMS;")
    browser.refresh()
    _eventually(lambda: browser.find_element("id", "text").get_attribute("value") == "SHOW STREAMS;")
