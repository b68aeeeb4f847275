"""Consumer instances: what they may read, where they go on, and what they may not."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from bifrost.rest_proxy import consumer_instances
from tests.rest_proxy.conftest import BINARY, DEADLINE_S, JSON, PLAIN, Proxy


def filled(proxy: Proxy, topic: str, *values: Any, partition: int = 0) -> None:
    answer = proxy.produce(topic, records=[{"value": value, "partition": partition} for value in values])
    assert answer.status_code == 200, answer.text


def values_of(records: list[dict[str, Any]]) -> list[Any]:
    return [record["value"] for record in records]


def test_partitions_can_be_assigned_manually(proxy: Proxy, topic: str):
    filled(proxy, topic, "a", "b")
    filled(proxy, topic, "elsewhere", partition=1)
    path = proxy.assigned("g-hand", (topic, 0))

    assert values_of(proxy.read(path, JSON, 2)) == ["a", "b"]
    assert proxy.http.get(f"{path}/assignments").json() == {"partitions": [{"topic": topic, "partition": 0}]}
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": []}


def test_a_consumer_continues_at_the_position_set(proxy: Proxy, topic: str):
    filled(proxy, topic, *"abcd")
    path = proxy.assigned("g-seek", (topic, 0))
    proxy.read(path, JSON, 4)
    place = {"topic": topic, "partition": 0}

    assert proxy.post(f"{path}/positions", {"offsets": [{**place, "offset": 2}]}).status_code == 204
    assert values_of(proxy.read(path, JSON, 2)) == ["c", "d"]
    assert proxy.post(f"{path}/positions/beginning", {"partitions": [place]}).status_code == 204
    assert values_of(proxy.read(path, JSON, 4)) == ["a", "b", "c", "d"]
    assert proxy.post(f"{path}/positions", {"offsets": [{**place, "offset": 1}]}).status_code == 204
    assert proxy.post(f"{path}/positions/end", {"partitions": [place]}).status_code == 204
    filled(proxy, topic, "e")
    assert values_of(proxy.read(path, JSON, 1)) == ["e"]


def test_an_unassigned_partition_has_no_position_to_set(proxy: Proxy, topic: str):
    path = proxy.assigned("g-elsewhere", (topic, 0))
    place = {"topic": topic, "partition": 1}
    for way, body in (
        ("positions", {"offsets": [{**place, "offset": 0}]}),
        ("positions/beginning", {"partitions": [place]}),
        ("positions/end", {"partitions": [place]}),
    ):
        answer = proxy.post(f"{path}/{way}", body)
        assert (answer.status_code, answer.json()["error_code"]) == (409, 40903)
        assert answer.json()["message"] == f"Illegal state: No current assignment for partition {topic}-1"


def test_topics_patterns_and_partitions_exclude_each_other(proxy: Proxy, topic: str):
    proxy.post("/consumers/g-one-way", {"name": "it", "format": "json"})
    path = "/consumers/g-one-way/instances/it"
    ways: dict[str, tuple[str, Any]] = {
        "topics": ("subscription", {"topics": [topic]}),
        "pattern": ("subscription", {"topic_pattern": f"{topic}.*"}),
        "partitions": ("assignments", {"partitions": [{"topic": topic, "partition": 0}]}),
    }
    for first, (way, body) in ways.items():
        assert proxy.post(f"{path}/{way}", body).status_code == 204
        for second, (other_way, other) in ways.items():
            answer = proxy.post(f"{path}/{other_way}", other)
            if first == second:
                assert answer.status_code == 204
            else:
                assert answer.json()["error_code"] == 40903
                assert "mutually exclusive" in answer.json()["message"]
        assert proxy.http.delete(f"{path}/subscription").status_code == 204
    both = proxy.post(f"{path}/subscription", {"topics": [topic], "topic_pattern": "x"})
    assert both.json()["error_code"] == 40903


def test_a_pattern_finds_its_topics_by_their_whole_name(proxy: Proxy, topic: str):
    filled(proxy, topic, "found")
    proxy.post("/consumers/g-pattern", {"name": "it", "format": "json", "auto.offset.reset": "earliest"})
    path = "/consumers/g-pattern/instances/it"
    assert proxy.post(f"{path}/subscription", {"topic_pattern": f"(other|{topic[:-1]}.)"}).status_code == 204

    assert values_of(proxy.read(path, JSON)) == ["found"]
    assert proxy.http.get(f"{path}/subscription").json() == {"topics": [topic]}


@pytest.mark.parametrize(
    "body", [{}, {"topics": "a"}, {"topics": [7]}, {"topic_pattern": ""}, {"topic_pattern": 7}, {"topic_pattern": "("}]
)
def test_a_subscription_to_nothing_is_refused(proxy: Proxy, body: Any):
    proxy.post("/consumers/g-nothing", {"name": "it"})
    answer = proxy.post("/consumers/g-nothing/instances/it/subscription", body)

    assert answer.json()["error_code"] in (422, 50002)


@pytest.mark.parametrize("way", ["assignments", "positions", "positions/beginning", "positions/end", "offsets"])
@pytest.mark.parametrize(
    "entry", [7, {"topic": 7}, {"topic": "a"}, {"topic": "a", "partition": -1}, {"topic": "a", "partition": True}]
)
def test_places_that_are_none_are_refused(proxy: Proxy, way: str, entry: Any):
    proxy.post("/consumers/g-places", {"name": "it"})
    answer = proxy.post(f"/consumers/g-places/instances/it/{way}", {"partitions": [entry], "offsets": [entry]})

    assert (answer.status_code, answer.json()["error_code"]) == (422, 422)


def test_auto_commit_continues_behind_the_records_returned(proxy: Proxy, topic: str):
    filled(proxy, topic, *"abc")
    first = proxy.assigned("g-auto", (topic, 0))
    assert values_of(proxy.read(first, JSON, 3)) == ["a", "b", "c"]
    assert proxy.http.delete(first).status_code == 204
    filled(proxy, topic, "d")

    assert values_of(proxy.read(proxy.assigned("g-auto", (topic, 0)), JSON)) == ["d"]


def test_a_group_that_commits_itself_is_left_to_do_so(proxy: Proxy, topic: str):
    filled(proxy, topic, "a")
    first = proxy.assigned("g-manual", (topic, 0), **{"auto.commit.enable": "false"})
    proxy.read(first, JSON)
    proxy.http.delete(first)

    assert values_of(proxy.read(proxy.assigned("g-manual", (topic, 0)), JSON)) == ["a"]


def test_a_record_in_another_format_keeps_no_other_back(proxy: Proxy, topic: str):
    filled(proxy, topic, "before")
    bad = {"value": base64.b64encode(b"{").decode(), "partition": 0}
    assert proxy.produce(topic, BINARY, records=[bad]).status_code == 200
    filled(proxy, topic, "behind")
    path = proxy.assigned("g-mixed", (topic, 0))

    assert values_of(proxy.read(path, JSON)) == ["before"]
    answer = proxy.http.get(f"{path}/records?timeout=10000", headers={"Accept": JSON})
    assert (answer.status_code, answer.json()["error_code"]) == (500, 50002)
    assert f"{topic}-0@1 is not json" in answer.json()["message"]
    assert values_of(proxy.read(path, JSON)) == ["behind"]


def test_a_read_is_as_large_and_as_long_as_was_asked(proxy: Proxy, topic: str):
    filled(proxy, topic, *("x" * 98 for _ in range(10)))  # 100 bytes each
    path = proxy.assigned("g-size", (topic, 0), **{"fetch.min.bytes": "100000", "consumer.request.timeout.ms": "1500"})
    begin = time.monotonic()
    while len(found := proxy.http.get(f"{path}/records", headers={"Accept": JSON}).json()) == 0:
        assert time.monotonic() - begin < DEADLINE_S
    assert len(found) == 10  # all there was after the timeout

    proxy.post(f"{path}/positions/beginning", {"partitions": [{"topic": topic, "partition": 0}]})
    few = proxy.http.get(f"{path}/records?max_bytes=250&timeout=5000", headers={"Accept": JSON}).json()
    assert len(few) == 3


def test_reads_that_wait_keep_no_record_from_being_produced(proxy: Proxy, topic: str):
    paths = [proxy.assigned(f"g-wait-{number}", (topic, 1)) for number in range(60)]
    waiting = [proxy.in_background("GET", f"{path}/records?timeout=30000", {"Accept": JSON}) for path in paths]

    filled(proxy, topic, "fast")
    assert not any(answer.done() for answer in waiting)
    filled(proxy, topic, "end", partition=1)
    assert [len(answer.result().json()) for answer in waiting] == [1] * 60


def test_the_number_of_instances_is_limited(fresh_proxy: Proxy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consumer_instances, "MAX_INSTANCES", 2)
    answers = [fresh_proxy.post("/consumers/g-many", {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error_code"] == 42901


@pytest.mark.parametrize("name", ["fetch.min.bytes", "consumer.request.timeout.ms"])
def test_numbers_of_a_consumer_are_numbers(proxy: Proxy, name: str):
    answer = proxy.post("/consumers/g-numbers", {name: "many"})

    assert (answer.status_code, answer.json()["error_code"]) == (422, 42204)
    assert proxy.post("/consumers/g-numbers", {name: -1}).status_code == 200


@pytest.mark.parametrize("query", ["timeout=soon", "max_bytes=1e3", f"timeout={'9' * 30}"])
def test_numbers_of_a_read_are_numbers(proxy: Proxy, topic: str, query: str):
    path = proxy.assigned("g-query", (topic, 0))

    assert proxy.http.get(f"{path}/records?{query}", headers={"Accept": JSON}).status_code == 400


def test_a_commit_of_nothing_is_fine(proxy: Proxy, topic: str):
    path = proxy.assigned("g-none", (topic, 0))

    assert proxy.http.post(f"{path}/offsets").status_code == 200
    asked = json.dumps({"partitions": [{"topic": topic, "partition": 0}]})
    answer = proxy.http.request("GET", f"{path}/offsets", content=asked, headers={"Content-Type": PLAIN})
    assert answer.json() == {"offsets": []}


def test_a_consumer_can_be_sent_somewhere_before_it_has_read_anything(proxy: Proxy, topic: str):
    filled(proxy, topic, *"abc")
    for number in range(5):
        path = proxy.assigned(f"g-at-once-{number}", (topic, 0))
        offsets = [{"topic": topic, "partition": 0, "offset": 1}]
        assert proxy.post(f"{path}/positions", {"offsets": offsets}).status_code == 204
        assert values_of(proxy.read(path, JSON, 2)) == ["b", "c"]
