"""The graph of the pipelines, from what the parts of a platform answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bifrost.alerts import QuietHours
from bifrost.clients.connect import ConnectorStatus, TaskStatus
from bifrost.clients.csv_error_folder import RejectedFile
from bifrost.clients.ksqldb import QueryDetails
from bifrost.console.flow.consumer_lag import lag_samples
from bifrost.console.flow.graph import graph
from bifrost.console.flow.pipeline_owners import GroupReader, PipelineOwners
from bifrost.console.flow.snapshot import Snapshot

TRACE = "java.lang.A: a\n\tat x\nCaused by: java.lang.B: disk is full\n\tat y"


def status(name: str, state: str = "RUNNING", trace: str = "") -> ConnectorStatus:
    return ConnectorStatus(name, "sink", "RUNNING", "w", "", (TaskStatus(0, state, "w", trace),))


def query(state: str = "RUNNING", errors: tuple[str, ...] = ()) -> QueryDetails:
    return QueryDetails("CSAS_OUT_1", "CREATE ...", ("SRC",), ("OUT",), state, "_confluent-ksql-x", errors)


NOW = Snapshot(
    at=110.0,
    configs={
        "source": {"connector.class": "a.b.Source", "bifrost.pipeline": "ratings"},
        "sink": {"connector.class": "a.b.Sink", "topics": "out", "errors.deadletterqueue.topic.name": "sink-errors"},
    },
    statuses={"source": status("source"), "sink": status("sink")},
    written={"source": ("src",)},
    queries=(query(),),
    topics_of={"SRC": "src", "OUT": "out"},
    firsts={"src": {0: 5, 1: 0}, "out": {0: 0}, "alone": {0: 0}, "sink-errors": {0: 0}},
    ends={"src": {0: 15, 1: 10}, "out": {0: 30}, "alone": {0: 1}, "sink-errors": {0: 3}},
    positions={
        "_confluent-ksql-x": {"src": {0: 12, 1: 10}},
        "connect-sink": {"out": {0: 25}},
        "notifier": {"out": {0: 30}},
        "gone": {},
    },
)


def nodes(snapshot: Snapshot, before: Snapshot | None = None) -> dict[str, dict]:
    return {node["id"]: node for node in graph(snapshot, before)["nodes"]}


def test_it_goes_from_source_over_queries_to_sinks_and_services():
    edges = {tuple(edge) for edge in graph(NOW, None)["edges"]}

    assert edges == {
        ("connector:source", "topic:src"),
        ("topic:src", "query:CSAS_OUT_1"),
        ("query:CSAS_OUT_1", "topic:out"),
        ("topic:out", "connector:sink"),
        ("topic:out", "group:notifier"),
        ("connector:sink", "topic:sink-errors"),
    }


def test_every_end_of_an_edge_is_a_node_and_a_topic_alone_is_only_listed():
    found = graph(NOW, None)

    ids = {node["id"] for node in found["nodes"]}
    assert {end for edge in found["edges"] for end in edge} <= ids
    assert "topic:alone" not in ids
    assert "alone" in {topic["name"] for topic in found["topics"]}


def test_lags_counts_and_rates():
    before = replace(NOW, at=100.0, ends={"out": {0: 10}})
    found = nodes(NOW, before)

    assert found["query:CSAS_OUT_1"]["lag"] == 3
    assert found["connector:sink"]["lag"] == 5
    assert found["group:notifier"]["lag"] == 0
    assert found["connector:source"]["lag"] is None
    assert (found["topic:src"]["records"], found["topic:src"]["partitions"]) == (20, 2)
    assert found["topic:out"]["rate"] == 2.0
    assert found["topic:src"]["rate"] is None


def test_a_transactions_marker_that_stays_behind_is_no_lag_but_a_record_that_came_is():
    still = replace(NOW, ends={"out": {0: 31}, "src": {0: 13, 1: 10}})
    before = replace(still, at=100.0)
    assert nodes(still, before)["query:CSAS_OUT_1"]["lag"] == 0
    assert nodes(still, before)["connector:sink"]["lag"] == 6

    moved = replace(still, ends={"out": {0: 31}, "src": {0: 13, 1: 11}})
    assert nodes(moved, before)["query:CSAS_OUT_1"]["lag"] == 1


def test_a_reader_that_does_not_keep_up_is_not_well():
    behind = {"_confluent-ksql-x": 50.0, "connect-sink": 60.0, "notifier": 70.0}
    found = nodes_of(replace(NOW, owners=OWNERS), behind)

    for node, since in (("query:CSAS_OUT_1", 50.0), ("connector:sink", 60.0), ("group:notifier", 70.0)):
        assert (found[node]["health"], found[node]["behind_since"]) == ("busy", since)
    assert found["connector:source"]["behind_since"] is None
    assert {pipeline["health"] for pipeline in graph(replace(NOW, owners=OWNERS), None, behind)["pipelines"]} == {
        "busy"
    }


@pytest.mark.parametrize(("flush_size", "batch"), [("100", 200), ("", 0), ("x", 0), ("-1", 0)])
def test_a_sink_may_collect_records_for_each_of_its_partitions(flush_size: str, batch: int):
    positions = {"connect-sink": {"out": {0: 25, 1: 3}}, "connect-gone": {"out": {0: 1}}}
    configs = {"sink": {**NOW.configs["sink"], "flush.size": flush_size}}
    samples = lag_samples(replace(NOW, positions=positions, configs=configs), None)

    assert (samples["connect-sink"].batch, samples["connect-gone"].batch) == (batch, 0)


def test_a_group_that_no_file_declares_is_not_behind():
    assert nodes_of(NOW, {"notifier": 70.0})["group:notifier"]["behind_since"] is None


def test_an_alert_in_its_quiet_hours_is_not_behind():
    quiet = QuietHours(time(0, 1), time(0, 3), ZoneInfo("UTC"))
    owners = replace(OWNERS, readers={"notifier": GroupReader("ratings_unhappy", "alerts", "ratings", quiet)})
    behind = {"notifier": 70.0}

    asleep = nodes_of(replace(NOW, owners=owners), behind)["group:notifier"]
    assert (asleep["health"], asleep["behind_since"]) == ("good", None)
    awake = nodes_of(replace(NOW, owners=owners, at=NOW.at + 300), behind)["group:notifier"]
    assert (awake["health"], awake["behind_since"]) == ("busy", 70.0)


def nodes_of(snapshot: Snapshot, behind: dict[str, float]) -> dict[str, dict]:
    return {node["id"]: node for node in graph(snapshot, None, behind)["nodes"]}


def test_what_is_broken_is_bad_and_says_why():
    broken = replace(
        NOW,
        statuses={"source": status("source", "FAILED", TRACE)},
        queries=(query("ERROR", ("first", "no space left")),),
    )
    found = nodes(broken)

    source = found["connector:source"]
    assert (source["state"], source["health"], source["error"]) == ("FAILED", "bad", "java.lang.B: disk is full")
    assert source["tasks"] == [{"id": 0, "state": "FAILED", "error": "java.lang.B: disk is full", "trace": TRACE}]
    assert (found["query:CSAS_OUT_1"]["health"], found["query:CSAS_OUT_1"]["error"]) == ("bad", "no space left")
    assert found["connector:sink"]["health"] == "busy"  # no status yet


@pytest.mark.parametrize(("state", "health"), [("RUNNING", "good"), ("PAUSED", "busy"), ("FAILED", "bad")])
def test_a_connector_is_as_well_as_its_worst_task(state: str, health: str):
    assert nodes(replace(NOW, statuses={"sink": status("sink", state)}))["connector:sink"]["health"] == health


def test_a_connector_without_tasks_is_bad():
    idle = ConnectorStatus("sink", "sink", "RUNNING", "w", "", ())

    found = nodes(replace(NOW, statuses={"sink": idle}))["connector:sink"]
    assert (found["health"], found["error"]) == ("bad", "it has no task")


def test_a_topic_that_does_not_exist_is_bad():
    found = nodes(replace(NOW, ends={"src": {0: 1}}))["topic:out"]

    assert (found["state"], found["health"]) == ("missing", "bad")


def test_dead_letters_and_the_processing_log_are_recognised():
    ends = {
        name: {0: 1} for name in ("out", "sink-errors", "ratings_unhappy_platinum.dlq", "default_ksql_processing_log")
    }
    topics = {topic["name"]: topic["faults"] for topic in graph(replace(NOW, ends=ends), None)["topics"]}

    assert {name for name, faults in topics.items() if faults} == ends.keys() - {"out"}


def test_a_platform_of_which_nothing_answers_is_an_empty_graph_with_problems():
    found = graph(Snapshot(1.0, problems=("Kafka: no answer",)), None)

    assert (found["nodes"], found["edges"], found["problems"]) == ([], [], ["Kafka: no answer"])


OWNERS = PipelineOwners(
    sources={"OUT": "ratings"},
    services={"ratings_bot": "ratings", "ratings_page": "ratings"},
    readers={"notifier": GroupReader("ratings_unhappy", "alerts", "ratings")},
)


def component(name: str, state: str = "running", cause: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "cause": cause, "restarts": 0, "since": 0.0}


def test_everything_has_a_rate():
    positions = {**NOW.positions, "connect-sink": {"out": {0: 5}}, "_confluent-ksql-x": {"src": {0: 2, 1: 10}}}
    found = nodes(NOW, replace(NOW, at=100.0, ends={"src": {0: 5, 1: 10}, "out": {0: 10}}, positions=positions))

    assert found["connector:source"]["rate"] == 1.0
    assert found["query:CSAS_OUT_1"]["rate"] == 1.0
    assert found["connector:sink"]["rate"] == 2.0
    assert found["group:notifier"]["rate"] == 0.0


def test_a_pipeline_sums_up_its_parts():
    before = replace(NOW, at=100.0, ends={"src": {0: 5, 1: 10}, "out": {0: 10}})
    (ratings,) = graph(replace(NOW, owners=OWNERS), before)["pipelines"]

    assert {"connector:source", "topic:src", "query:CSAS_OUT_1", "topic:out", "group:notifier"} <= set(ratings["nodes"])
    assert (ratings["name"], ratings["health"], ratings["rate"], ratings["lag"]) == ("ratings", "good", 1.0, 8)
    assert ratings["faults"] == 3


def test_a_file_that_could_not_be_read_makes_its_pipeline_bad():
    broken = RejectedFile("ratings", Path("error"), "bad.csv", "bad.csv: line 2: no")
    found = graph(replace(NOW, owners=OWNERS, broken=(broken,)), None)

    assert found["pipelines"][0]["health"] == "bad"
    assert found["pipelines"][0]["faults"] == 4
    assert found["broken"] == [{"pipeline": "ratings", "file": "bad.csv", "cause": "bad.csv: line 2: no"}]


def test_services_are_shown_by_their_names_with_their_state_also_those_without_a_group():
    parts = (component("alerts"), component("ratings_bot", "backoff", "exit code 3"))
    found = nodes(replace(NOW, owners=OWNERS, components=parts))

    alert = found["group:notifier"]
    assert (alert["name"], alert["state"], alert["health"], alert["lag"]) == ("ratings_unhappy", "running", "good", 0)
    bot = found["service:ratings_bot"]
    assert (bot["health"], bot["error"], bot["pipeline"]) == ("bad", "exit code 3", "ratings")
    assert "service:ratings_page" not in found


def test_alerts_services_and_groups_of_others_differ():
    positions = {**NOW.positions, "someone": {"out": {0: 1}}}
    parts = (component("alerts"), component("ratings_bot"))
    found = nodes(replace(NOW, owners=OWNERS, components=parts, positions=positions))

    roles = {name: found[name]["role"] for name in ("group:notifier", "service:ratings_bot", "group:someone")}
    assert roles == {"group:notifier": "alert", "service:ratings_bot": "service", "group:someone": "group"}


def test_an_alert_that_is_not_sent_says_why():
    problems = {"ratings_unhappy": "Slack refuses the token"}
    found = nodes(replace(NOW, owners=OWNERS, components=(component("alerts"),), alert_problems=problems))

    assert (found["group:notifier"]["health"], found["group:notifier"]["error"]) == ("bad", "Slack refuses the token")


def test_the_dead_letters_of_an_alert_stand_behind_it():
    found = graph(replace(NOW, owners=OWNERS, ends={**NOW.ends, "ratings_unhappy.dlq": {0: 1}}), None)

    assert ["group:notifier", "topic:ratings_unhappy.dlq"] in found["edges"]
