"""`offsets` as a person or a script uses it."""

import json

import pytest

from bifrost.clients.kafka import TopicDescription

SINK, SOURCE = "es_sink", "mysql-demo-customers"


@pytest.fixture
def sink(run, fakes):
    run("up", "--no-demo")
    fakes.connect.configs[SINK] = {"connector.class": "X"}
    fakes.connect.states[SINK] = "RUNNING"
    fakes.connect.sinks.add(SINK)
    fakes.kafka.there["orders"] = TopicDescription("orders", 1, 1)
    fakes.kafka.records["orders"] = 20
    fakes.kafka.committed["connect-es_sink"] = {"orders": {0: 12}}
    fakes.connect.offsets[SOURCE] = [{"partition": {"server": "asgard"}, "offset": {"pos": 4}}]
    fakes.forget_writes()
    return fakes


def test_show(run, sink):
    assert run("offsets", "show", SINK).out.splitlines() == [
        "partition  offset  end  lag",
        "orders-0   12      20   8",
        "connector es_sink: group connect-es_sink, 1 partitions.",
    ]
    assert json.loads(run("offsets", "show", SINK, "--json").out)["offsets"] == [
        {"topic": "orders", "partition": 0, "offset": 12, "end": 20, "lag": 8}
    ]
    assert '{"pos": 4}' in run("offsets", "show", SOURCE).out


def test_reset_says_what_is_repeated_and_asks(run, sink):
    asked = run("offsets", "reset", SINK)
    assert asked.code == 1
    assert "orders-0: 12 -> 0: 12 records are read again" in asked.err
    assert run("offsets", "reset", SINK, "--to", "latest", "--dry-run").out.splitlines()[:2] == [
        "orders-0: 12 -> 20: 8 records are skipped",
        "connector es_sink would read 0 records again and skip 8.",
    ]
    assert sink.writes() == []

    assert run("offsets", "reset", SINK, "--yes").out == "1 offsets of connector es_sink changed.\n"
    assert sink.connect.offsets[SINK][0]["offset"] == {"kafka_offset": 0}


def test_set_to_explicit_offsets(run, sink):
    found = json.loads(run("offsets", "set", SINK, "--offset", "orders-0@15", "--yes", "--json").out)
    assert found["changed"] is True
    assert found["offsets"] == [
        {"topic": "orders", "partition": 0, "before": 12, "after": 15, "repeated": 0, "skipped": 3}
    ]
    assert "nothing to do" in run("offsets", "set", SINK, "--offset", "orders-0@12").out


def test_the_offsets_of_a_source_go_through_a_file(run, sink, tmp_path):
    file = tmp_path / "offsets.json"
    file.write_text(run("offsets", "show", SOURCE, "--json").out.replace('"pos": 4', '"pos": 9'))

    asked = run("offsets", "set", SOURCE, "--file", str(file))
    assert (asked.code, '{"server": "asgard"} -> {"pos": 9}' in asked.err) == (1, True)
    assert run("offsets", "set", SOURCE, "--file", str(file), "--yes").code == 0
    assert sink.connect.offsets[SOURCE] == [{"partition": {"server": "asgard"}, "offset": {"pos": 9}}]

    assert "All 1 offsets" in run("offsets", "reset", SOURCE, "--dry-run").out
    assert run("offsets", "reset", SOURCE, "--yes").code == 0
    assert SOURCE not in sink.connect.offsets


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("peek", SINK), 2, "is not one of show, reset, set"),
        (("set", SINK), 2, "set needs --offset, or --file"),
        (("set", SINK, "--offset", "orders"), 2, "TOPIC-PARTITION@OFFSET"),
        (("reset", SINK, "--to", "yesterday"), 2, "is not a time such as"),
        (("reset", SOURCE, "--to", "latest"), 1, "reset takes earliest only"),
        (("set", SOURCE, "--offset", "orders-0@1"), 1, "takes its offsets from --file"),
        (("set", SOURCE, "--file", "/nosuch"), 1, "/nosuch cannot be read"),
        (("set", SINK, "--file", "/nosuch"), 1, "--file is for source connectors"),
        (("reset", "CSAS_ALERTS_2"), 1, "TERMINATE CSAS_ALERTS_2"),
        (("show", "nosuch"), 1, "nothing named 'nosuch' has offsets"),
    ],
)
def test_what_is_wrong_is_explained(run, sink, arguments, code, problem):
    found = run("offsets", *arguments)
    assert found.code == code
    assert problem in " ".join(found.err.replace("│", " ").split())
    assert sink.writes() == []
