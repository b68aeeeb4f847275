"""Requests that make no sense: each gets its error as JSON, and the proxy keeps serving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.rest_proxy.conftest import AVRO, JSON, PLAIN, Proxy

NESTED = "[" * 600 + "]" * 600


@pytest.fixture(scope="module")
def instance(proxy: Proxy) -> Iterator[str]:
    made = proxy.post("/consumers/bad", {"name": "one", "format": "json", "auto.offset.reset": "earliest"})
    assert made.status_code == 200
    yield "/consumers/bad/instances/one"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"name": 7}, "name must be a string"),
        ({"name": ["a"]}, "name must be a string"),
        ({"name": {"a": 1}}, "name must be a string"),
        ({"name": "x" * 300}, "name must be a string"),
        ({"id": True}, "id must be a string"),
        ({"name": "a/b"}, "without '/'"),
        ({"format": None}, "format must be one of"),
        ({"format": "JSON "}, "format must be one of"),
        ({"format": {"a": 1}}, "format must be one of"),
        ({"auto.offset.reset": "earlist"}, "auto.offset.reset must be one of"),
        ({"auto.offset.reset": 0}, "auto.offset.reset must be one of"),
        ({"auto.commit.enable": "yes"}, "auto.commit.enable must be one of"),
        ({"auto.commit.enable": 1}, "auto.commit.enable must be one of"),
        ({"fetch.min.bytes": "many"}, "fetch.min.bytes must be an integer"),
        ({"fetch.min.bytes": 1.5}, "fetch.min.bytes must be an integer"),
        ({"fetch.min.bytes": True}, "fetch.min.bytes must be an integer"),
        ({"fetch.min.bytes": 10**30}, "fetch.min.bytes must be an integer"),
        ({"fetch.min.bytes": "٣"}, "fetch.min.bytes must be an integer"),
        ({"consumer.request.timeout.ms": None}, "consumer.request.timeout.ms must be an integer"),
        ({"consumer.request.timeout.ms": [1]}, "consumer.request.timeout.ms must be an integer"),
        ({"isolation.level": "read_committed"}, "Unrecognized field: isolation.level"),
        ({"": 1}, "Unrecognized field: "),
        ([], "the request must be a JSON object"),
        ("text", "the request must be a JSON object"),
    ],
)
def test_a_consumer_of_a_wrong_configuration_is_not_created(proxy: Proxy, body: Any, problem: str):
    answer = proxy.post("/consumers/bad", body)

    assert answer.status_code == 422, answer.text
    assert problem in answer.json()["message"]


def test_an_instance_with_a_name_that_urls_cannot_hold_as_it_is_can_be_used(proxy: Proxy):
    made = proxy.post("/consumers/" + quote("a b ü", safe=""), {"name": "x?y#z %41", "format": "json"})
    path = made.json()["base_uri"].removeprefix(str(proxy.http.base_url).rstrip("/"))

    assert proxy.http.get(f"{path}/subscription").json() == {"topics": []}
    assert proxy.http.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "subscription", "{}", 422),
        ("POST", "subscription", '{"topics": "a"}', 422),
        ("POST", "subscription", '{"topics": [""]}', 422),
        ("POST", "subscription", '{"topics": [7]}', 422),
        ("POST", "subscription", '{"topics": []}', 422),
        ("POST", "subscription", '{"topic_pattern": ""}', 422),
        ("POST", "subscription", '{"topic_pattern": 7}', 422),
        ("POST", "subscription", '{"topic_pattern": "["}', 500),
        ("POST", "subscription", '{"topics": ["a"], "topic_pattern": "b"}', 409),
        ("POST", "subscription", '{"topics": ["a' + "b" * 300 + '"]}', 422),
        ("POST", "assignments", '{"partitions": {}}', 422),
        ("POST", "assignments", '{"partitions": [7]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": "a"}]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": "a", "partition": -1}]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": "a", "partition": true}]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": "a", "partition": 99999999999}]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": 7, "partition": 0}]}', 422),
        ("POST", "assignments", '{"partitions": [{"topic": "", "partition": 0}]}', 422),
        ("POST", "positions", '{"offsets": [{"topic": "a", "partition": 0}]}', 422),
        ("POST", "positions", '{"offsets": [{"topic": "a", "partition": 0, "offset": -2}]}', 422),
        ("POST", "positions", '{"offsets": [{"topic": "a", "partition": 0, "offset": "0"}]}', 422),
        ("POST", "positions", '{"offsets": [{"topic": "a", "partition": 0, "offset": 1e3}]}', 422),
        ("POST", "positions", '{"offsets": [{"topic": "a", "partition": 0, "offset": 0}]}', 409),
        ("POST", "positions/end", '{"partitions": [{"topic": "a", "partition": 0}]}', 409),
        ("POST", "positions/end", "[]", 422),
        ("POST", "offsets", '{"offsets": 7}', 422),
        ("POST", "offsets", '{"offsets": [{"topic": "a", "partition": 0, "offset": 99999999999999999999}]}', 422),
        ("POST", "offsets", "{", 400),
        ("POST", "offsets", NESTED, 422),
        ("GET", "records?timeout=soon", "", 400),
        ("GET", "records?timeout=1.5", "", 400),
        ("GET", "records?timeout=99999999999999999999", "", 400),
        ("GET", "records?max_bytes=%00", "", 400),
        ("GET", "records?timeout=٣", "", 400),
        ("GET", "nothing", "", 404),
        ("PUT", "records", "", 405),
    ],
)
def test_wrong_requests_to_an_instance_are_refused(
    proxy: Proxy, instance: str, method: str, path: str, body: str, status: int
):
    headers = {"Content-Type": PLAIN} if body else {"Accept": JSON}
    answer = proxy.http.request(method, f"{instance}/{path}", content=body.encode(), headers=headers)

    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["error_code"], int) and answer.json()["message"]
    assert proxy.http.get(f"{instance}/subscription").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/vnd.kafka.protobuf.v2+json"}, 415),
        ({"Content-Type": "application/vnd.kafka.json.v9+json"}, 415),
        ({"Content-Type": "application/vnd.kafka.json.v2+xml"}, 415),
        ({"Content-Type": ";;;"}, 422),
        ({"Content-Type": JSON + "; charset=utf-8", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "x" * 5000}, 415),
        ({"Content-Type": f"{JSON}, {AVRO}"}, 422),
    ],
)
def test_wrong_types_of_content_are_refused(proxy: Proxy, topic: str, headers: dict[str, str], status: int):
    answer = proxy.http.post(f"/topics/{topic}", content=b'{"records": "none"}', headers=headers)

    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["error_code"], int)


@pytest.mark.parametrize("name", ["a b", "a/b", "ü", "a\0b", "x" * 250, "%41", "a:b", "*"])
def test_a_topic_with_an_impossible_name_does_not_exist(proxy: Proxy, name: str):
    path = f"/topics/{quote(name, safe='')}"
    answer = proxy.http.post(path, content=json.dumps({"records": [{"value": 1}]}), headers={"Content-Type": JSON})

    assert answer.status_code == 404, answer.text
    assert answer.json()["error_code"] in (404, 40401)
    assert proxy.http.get(path).status_code == 404
    assert proxy.http.get("/topics").status_code == 200
