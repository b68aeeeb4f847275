"""A person does the tasks of the console in a browser, and each has its effect in Kafka, Connect or ksqlDB."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from bifrost.clients import connect, ksqldb, schema_registry
from bifrost.clients.topic_records import NewRecord, TopicRecords
from bifrost.operations.action_log import account_name
from tests.fakes.browser import CHROMIUM, DRIVER, running_browser
from tests.live.conftest import Platform
from tests.live.test_jdbc_source import ids, mysql
from tests.live.test_operations import Sink, sink
from tests.live.waiting import eventually, eventually_equal

__all__ = ["sink"]
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed")


@dataclass(frozen=True, slots=True)
class Person:
    """Looks at pages of the console and uses them."""

    browser: Chrome
    url: str

    def open(self, path: str) -> None:
        self.browser.get(self.url + path)
        eventually(lambda: self.text("#state") in ("live", "read"), f"{path} has its data")

    def text(self, selector: str) -> str:
        # A drawing has no innerText.
        texts = "[...document.querySelectorAll(arguments[0])].map((each) => each.innerText ?? each.textContent)"
        return str(self.browser.execute_script(f"return {texts}.join('\\n')", selector))

    def sees(self, words: str, selector: str = "main") -> None:
        eventually(lambda: words in self.text(selector), f"{words!r} in {selector}")

    def element(self, name: str) -> WebElement:
        return self.browser.find_element("id", name)

    def press(self, selector: str, words: str = "") -> None:
        """Press a button, which the page may redraw at any time."""

        def is_pressed() -> bool:
            try:
                found = self.browser.find_elements("css selector", selector)
                next(each for each in found if words in each.text).click()
            except (StopIteration, WebDriverException):
                return False
            return True

        eventually(is_pressed, f"{selector} {words} is pressed")

    def confirm(self, announced: str, done: str) -> None:
        """Read what an action would do, and confirm it."""
        self.sees(announced, "#ask")
        self.press("#ask .primary, #ask .danger")
        self.sees(done, "#done")

    def cancel(self, announced: str) -> None:
        self.sees(announced, "#ask")
        self.press("#ask menu button", "C")
        eventually(lambda: not self.browser.find_elements("id", "ask"), "the question is closed")

    def choose(self, name: str, value: str) -> None:
        Select(self.element(name)).select_by_value(value)

    def enter(self, name: str, text: str) -> None:
        self.browser.execute_script("arguments[0].value = arguments[1]", self.element(name), text)

    def run(self, statement: str) -> None:
        """Run a statement in the editor."""
        text = self.element("text")
        text.send_keys(Keys.CONTROL, "a")
        text.send_keys(statement, Keys.ESCAPE, Keys.CONTROL, Keys.ENTER)


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Person]:
    with running_browser(1400, 1000) as browser:
        yield Person(browser, platform.endpoints["console"])


@pytest.fixture
def stream(platform: Platform) -> str:
    return f"CONSOLE_{uuid.uuid4().hex[:8].upper()}"


def logged(platform: Platform) -> list[tuple[str, str, str]]:
    """Who did what to what, oldest first; all were done."""
    entries = json.loads(platform.run("actions", "--limit", "100", "--json").stdout)["actions"]
    return [(entry["who"], entry["action"], entry["thing"]) for entry in entries if entry["outcome"] == "done"][::-1]


def test_a_sink_is_operated_with_its_dead_letters_and_group(platform: Platform, person: Person, sink: Sink) -> None:
    workers, name, queue = sink.parts.connect, sink.name, f"{sink.name}.dlq"
    sink.put(b"{bad")
    eventually_equal(sink.values, [b"{bad"])

    person.open(f"/connectors/{name}")
    for change, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("restart", "RUNNING")):
        person.press("#changes button", change)
        person.confirm(f"{change} connector {name}", f"connector {name} is {state}")
        assert workers.statuses()[name].state == state
    config = person.element("config").get_property("value")
    person.enter("config", f"{config}\nbatch.size = many")
    person.press("#validate")
    person.sees("batch.size", "#verdict .cause")
    person.press("#save")
    person.cancel("Connect does not accept it")
    assert "batch.size" not in (workers.config(name) or {})
    person.enter("config", f"{config}\nbatch.size = 7")
    person.press("#save")
    person.confirm("batch.size: new, 7", f"Configuration of connector {name} changed")
    assert (workers.config(name) or {})["batch.size"] == "7"

    person.open("/dead-letters")
    person.press("a", queue)
    person.sees(f"{name}-0@0", "#view")
    person.press("button.open")
    person.sees("{bad", "#details")
    assert "VALUE_CONVERTER" in person.text("#details")
    person.press("#details .primary")
    person.confirm("1 letter", "1 letter of")
    (replayed,) = sink.records.read({name: {0: (1, 2)}})
    assert replayed.value == b"{bad"
    eventually(lambda: any(each.earlier for each in sink.letters()), "the record fails again: its cause still exists")
    person.press("#drop")
    person.confirm("cannot be undone", "letters of")
    assert sink.letters() == []

    # A group without members, as a program of others leaves it.
    group = f"{name}-readers"
    sink.parts.kafka.move_group(group, name, {0: 0})
    person.open(f"/groups/{group}")
    person.choose("to", "offsets")
    person.enter("offsets", f"{name}-0@1")
    person.press("#reset .primary")
    person.cancel("1 records are skipped")
    assert sink.parts.kafka.positions([group])[group][name] == {0: 0}
    person.press("#reset .primary")
    person.confirm("1 records are skipped", "1 offset of")
    assert sink.parts.kafka.positions([group])[group][name] == {0: 1}
    sink.parts.kafka.delete_group(group)

    me = f"{account_name()} from 127.0.0.1"
    assert [entry for entry in logged(platform) if name in entry[2]] == [
        *((me, change, f"connector {name}") for change in ("pause", "resume", "restart", "change config")),
        (me, "replay dead letters", queue),
        (me, "drop dead letters", queue),
        (me, "reset offsets", f"group {group}"),
    ]


def test_the_offsets_of_a_source_are_set_and_it_reads_again(platform: Platform, person: Person) -> None:
    table = f"t{uuid.uuid4().hex[:8]}"
    with connect.from_settings(platform.settings) as workers, mysql(platform) as database:
        database.execute(f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(9))")
        database.execute(f"INSERT INTO {table} (note) VALUES ('a'), ('b'), ('c')")
        workers.put(table, {**database.config(table), "mode": "incrementing", "topic.prefix": "set-"})
        try:
            eventually(lambda: '"incrementing": 3' in json.dumps(workers.offsets(table)), "the offset is committed")
            person.open(f"/connectors/{table}")
            person.press("#set-offsets summary")
            text = str(person.element("offsets-text").get_property("value"))
            person.enter("offsets-text", text.replace('"incrementing": 3', '"incrementing": 1'))
            person.press("#set")
            person.confirm('{"incrementing": 1}', f"Offsets of connector {table} changed")
            eventually_equal(partial(ids, platform, f"set-{table}"), [1, 2, 3, 2, 3])
            assert (f"{account_name()} from 127.0.0.1", "set offsets", f"connector {table}") in logged(platform)
        finally:
            workers.delete(table)
            database.execute(f"DROP TABLE {table}")


@pytest.mark.parametrize("form", ["AVRO", "PROTOBUF", "JSON"])
def test_records_of_every_format_are_read_filtered_and_followed(
    platform: Platform, person: Person, stream: str, form: str
) -> None:
    with ksqldb.from_settings(platform.settings) as client:
        client.execute(
            f"CREATE STREAM {stream} (ID STRING KEY, NOTE STRING, PRICE DOUBLE) "
            f"WITH (KAFKA_TOPIC='{stream}', PARTITIONS=1, VALUE_FORMAT='{form}');"
        )
        try:
            for number in range(3):
                client.execute(
                    f"INSERT INTO {stream} (ID, NOTE, PRICE) VALUES ('k{number}', 'note {number}', {number}.5);"
                )
            # The same bytes once more, with a header.
            records = TopicRecords(platform.settings)
            eventually(lambda: len(list(records.read({stream: {0: (0, 3)}}))) == 3, "the records are written")
            (first,) = records.read({stream: {0: (0, 1)}})
            now_ms = int(time.time() * 1000)
            records.append([NewRecord(stream, 0, now_ms, b"k9", first.value, (("trace", b"x1"),))])

            person.open(f"/topics/{stream}?from=1h&filter=header.trace%3Dx1")
            person.sees("1 records of 4 read", "#outcome")
            person.press("button.open")
            details = person.text("#details")
            assert all(words in details for words in (form, "note 0", "trace", "x1", "k9")), details
            person.open(f"/topics/{stream}?filter=price%3D1.5")
            person.sees("1 records of 4 read", "#outcome")
            assert "note 1" in person.text("#view")

            person.open(f"/topics/{stream}?filter=note")
            person.press("#live")
            person.sees("Following", "#outcome")
            client.execute(f"INSERT INTO {stream} (ID, NOTE, PRICE) VALUES ('k4', 'a new note', 4.5);")
            person.sees("a new note", "#view")
        finally:
            client.execute(f"DROP STREAM {stream} DELETE TOPIC;")


def test_two_versions_of_a_schema_are_compared(platform: Platform, person: Person) -> None:
    subject = f"console-{uuid.uuid4().hex[:8]}-value"
    with schema_registry.from_settings(platform.settings) as registry:
        for fields in ([], [{"name": "city", "type": ["null", "string"], "default": None}]):
            schema = {"type": "record", "name": "Row", "fields": [{"name": "id", "type": "long"}, *fields]}
            registry.register(subject, json.dumps(schema))
        try:
            person.open(f"/schemas/{subject}")
            person.sees("2 versions", "#facts")
            person.sees("city", "td.come")
            assert person.text("td.gone") == ""
        finally:
            registry.delete(subject)


def test_statements_are_completed_explained_run_and_ended_in_the_editor(
    platform: Platform, person: Person, stream: str
) -> None:
    with ksqldb.from_settings(platform.settings) as client:
        client.execute(
            f"CREATE STREAM {stream} (ID STRING KEY, AMOUNT DOUBLE) "
            f"WITH (KAFKA_TOPIC='{stream}', PARTITIONS=1, VALUE_FORMAT='JSON');"
        )
        try:
            person.open("/ksqldb")
            person.element("text").send_keys(f"SELECT * FROM {stream[:14]}")
            person.sees(stream, "#names")
            person.element("text").send_keys(Keys.TAB)
            assert person.element("text").get_property("value") == f"SELECT * FROM {stream}"

            person.run(f"EXPLAIN SELECT ID FROM {stream} WHERE AMOUNT > 3 EMIT CHANGES;")
            person.sees("Filter", ".drawing svg")
            created = f"CREATE STREAM {stream}_LARGE AS SELECT * FROM {stream} WHERE AMOUNT > 3;"
            person.run(created)
            eventually(lambda: queries_of(client, stream), "the query runs")
            (query,) = queries_of(client, stream)
            person.run(f"TERMINATE {query};")
            person.sees(query, "#confirm")
            person.press("#confirm .danger")
            eventually(lambda: not queries_of(client, stream), "the query is terminated")
            me = f"{account_name()} from 127.0.0.1"
            done = [(who, thing) for who, _, thing in logged(platform)]
            assert (me, f"TERMINATE {query};") in done
            assert any(who == me and thing.startswith(f"CREATE STREAM {stream}_LARGE") for who, thing in done)
        finally:
            client.execute(f"DROP STREAM IF EXISTS {stream}_LARGE DELETE TOPIC;")
            client.execute(f"DROP STREAM {stream} DELETE TOPIC;")


def queries_of(client: ksqldb.KsqlClient, stream: str) -> list[str]:
    """The persistent queries over a stream."""
    return [query.id for query in client.queries() if stream in query.id]
