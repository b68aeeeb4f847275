"""`dlq` as a person or a script uses it."""

import json

import pytest

from bifrost.clients.kafka import TopicDescription
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC
from tests.operations.test_dead_letters import connect_headers


@pytest.fixture
def letters(run, fakes):
    fakes.connect.configs["es_sink"] = {DEAD_LETTER_TOPIC: "es_sink.dlq"}
    fakes.connect.states["es_sink"] = "RUNNING"
    fakes.kafka.there["orders"] = TopicDescription("orders", 1, 1)
    fakes.kafka.committed["connect-es_sink"] = {"orders": {0: 0}}
    for number in range(3):
        headers = connect_headers(number) | {"own": "x"}
        fakes.records.put("es_sink.dlq", b'{"id":%d}' % number, headers, key=b"k", time_ms=1000 * number)
    fakes.forget_writes()
    return fakes


def test_list(run, letters):
    found = run("dlq", "list")
    assert found.code == 0
    assert "es_sink.dlq  connector es_sink  3        0         1970-01-01 00:00:02" in found.out

    (queue,) = [queue for queue in json.loads(run("dlq", "list", "--json").out)["queues"] if queue["letters"]]
    assert queue == {
        "topic": "es_sink.dlq",
        "owner": {"kind": "connector", "name": "es_sink"},
        "letters": 3,
        "replayed": 0,
        "newest": "1970-01-01 00:00:02",
    }


def test_list_names_rejected_files_and_what_to_do(run, project, letters):
    project.write("home/data/orders/error/bad.csv.log", "bad.csv: line 2: column order_id: 'x' is not of type INT64\n")
    found = run("dlq", "list")
    assert "orders/error/bad.csv: bad.csv: line 2: column order_id" in found.out
    assert "move it to" in found.out


def test_show_has_the_reason_the_origin_and_the_value(run, letters):
    found = run("dlq", "show", "es_sink", "--limit", "1")
    assert found.out.splitlines() == [
        "es_sink.dlq-0@2  1970-01-01 00:00:02",
        "  reason    Failed to deserialize",
        "  exception org.apache.kafka.DataException",
        "  at        VALUE_CONVERTER, io.confluent.AvroConverter, task 0",
        "  from      orders-0@2",
        "  key       k  (TEXT)",
        '  value     {"id": 2}  (JSON)',
        "  header own x",
        "1 of 3 letters of es_sink.dlq (connector es_sink).",
    ]
    (letter,) = json.loads(run("dlq", "show", "es_sink", "--letter", "0@1", "--json").out)["letters"]
    assert (letter["origin"], letter["value"]) == ("orders-0@1", {"format": "JSON", "text": '{"id": 1}'})
    assert letter["headers"]["__connect.errors.stage"]["text"] == "VALUE_CONVERTER"


def test_replay_asks_names_the_readers_and_skips_what_was_replayed(run, letters):
    asked = run("dlq", "replay", "es_sink")
    assert asked.code == 1
    assert "3 letters of es_sink.dlq would be appended to orders, at least once each." in asked.err
    assert "All that reads there sees them again: connector es_sink." in asked.err
    assert "orders" not in letters.records.content

    assert run("dlq", "replay", "es_sink", "--dry-run").out.startswith("3 letters of es_sink.dlq would be appended")
    assert run("dlq", "replay", "es_sink", "--letter", "0@0", "--yes").out == "1 letter replayed and marked.\n"
    found = json.loads(run("dlq", "replay", "es_sink", "--yes", "--json").out)
    assert [item["to"] for item in found["replayed"]] == ["orders-0@1", "orders-0@2"]
    assert [item["letter"] for item in found["skipped"]] == ["es_sink.dlq-0@0"]
    assert "There is nothing to replay." in run("dlq", "replay", "es_sink").out
    assert len(letters.records.content["orders"]) == 3


def test_drop_needs_to_know_what_and_a_confirmation(run, letters):
    assert run("dlq", "drop", "es_sink", "--yes").code == 2
    asked = run("dlq", "drop", "es_sink", "--all")
    assert (asked.code, letters.kafka.deleted) == (1, {})
    assert "3 letters of es_sink.dlq would be deleted, 3 of which were never replayed." in asked.err

    assert run("dlq", "drop", "es_sink", "--letter", "0@1", "--yes").out == "2 letters of es_sink.dlq deleted.\n"
    assert run("dlq", "drop", "es_sink", "--all", "--yes").out == "1 letter of es_sink.dlq deleted.\n"
    assert letters.kafka.deleted == {"es_sink.dlq": 3}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("dlq", "peek", "x"), "'peek' is not one of"),
        (("dlq", "show"), "list takes no name"),
        (("dlq", "list", "x"), "list takes no name"),
        (("dlq", "show", "es_sink", "--since", "yesterday"), "is not a time such as"),
        (("dlq", "show", "es_sink", "--letter", "3"), "PARTITION@OFFSET"),
    ],
)
def test_wrong_usage_is_explained(run, letters, arguments, problem):
    found = run(*arguments)
    assert found.code == 2
    assert problem in " ".join(found.err.replace("│", " ").split())


def test_an_unknown_name_is_an_error(run, letters):
    found = run("dlq", "show", "nosuch")
    assert found.code == 1
    assert "those with some: es_sink.dlq" in found.err
