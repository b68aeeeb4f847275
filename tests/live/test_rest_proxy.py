"""Kafka over HTTP on real parts: what a web app posts with curl becomes an alert, and is read again over HTTP."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

AVRO = "application/vnd.kafka.avro.v2+json"
JSON = "application/vnd.kafka.json.v2+json"
PLAIN = "application/vnd.kafka.v2+json"
PLATINUM = 13


def rating(text: str, **changed: Any) -> dict[str, Any]:
    now = int(time.time() * 1000)
    fields = {"user_id": PLATINUM, "stars": 1, "route_id": 7, "channel": "web"}
    return {"rating_id": now, "rating_time": now, "message": text, **fields, **changed}


def posted(platform: Platform, *records: dict[str, Any], topic: str = "ratings") -> tuple[int, Any]:
    """What curl, as a web app's author would use it, gets for ratings; the schema's id is the registry's."""
    versions = f"{platform.endpoints['schema_registry']}/subjects/ratings-value/versions/latest"
    schema_id = requests.get(versions, timeout=10).json()["id"]
    body = {"value_schema_id": schema_id, "records": [{"value": record} for record in records]}
    url = f"{platform.endpoints['rest_proxy']}/topics/{topic}"
    command = ["curl", "-sS", "-X", "POST", url, "-H", f"Content-Type: {AVRO}", "-d", "@-", "-w", "\n%{http_code}"]
    done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, timeout=SOON_S, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def delivered(platform: Platform, marker: str) -> list[str]:
    answer = requests.get(f"{platform.endpoints['console']}/api/messages", timeout=10)
    return [message["text"] for message in answer.json() if marker in message["text"]]


@pytest.mark.far_end("rest_proxy", "inbox")
def test_a_rating_that_a_web_app_posts_is_told(platform: Platform) -> None:
    marker = uuid.uuid4().hex
    status, answer = posted(platform, rating(marker), rating(f"{marker} was fine", stars=5))

    assert status == 200
    assert [place["error_code"] for place in answer["offsets"]] == [None, None]
    eventually(lambda: bool(delivered(platform, marker)), "the alert")
    assert [f"> {marker}\n" in text for text in delivered(platform, marker)] == [True]


@pytest.mark.parametrize("changed", [{"stars": "one"}, {"stars": None}, {"stars": 2**40}, {"message": 7}])
def test_a_request_with_a_wrong_rating_places_none(platform: Platform, changed: dict[str, Any]) -> None:
    marker = uuid.uuid4().hex
    status, answer = posted(platform, rating(f"{marker} right"), rating(f"{marker} wrong", **changed))
    assert (status, answer["error_code"]) == (422, 42203)

    posted(platform, rating(f"{marker} last"))
    eventually(lambda: bool(delivered(platform, f"{marker} last")), "the alert behind it")
    assert len(delivered(platform, marker)) == 1


def test_a_topic_that_is_not_there_is_not_made(platform: Platform) -> None:
    name = f"none-{uuid.uuid4().hex}"
    for _ in range(2):
        assert posted(platform, rating("x"), topic=name) == (404, {"error_code": 40401, "message": "Topic not found."})
    assert name not in requests.get(f"{platform.endpoints['rest_proxy']}/topics", timeout=10).json()


@pytest.fixture
def instances(platform: Platform) -> Iterator[Callable[[str], str]]:
    """Makes consumer instances of a format, which are deleted in the end."""
    group = f"{platform.endpoints['rest_proxy']}/consumers/live-{uuid.uuid4().hex}"
    made: list[str] = []

    def create(format_: str) -> str:
        answer = requests.post(group, json={"format": format_}, headers={"Content-Type": PLAIN}, timeout=10)
        made.append(answer.json()["base_uri"])
        return made[-1]

    yield create
    for path in made:
        requests.delete(path, timeout=10)


def told_to(path: str, what: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{path}/{what}", json=body, headers={"Content-Type": PLAIN}, timeout=SOON_S)
    assert answer.status_code == 204, answer.text


def read(path: str, media: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{path}/records", headers={"Accept": media}, timeout=SOON_S)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_what_the_statements_make_of_it_is_read_over_http(platform: Platform, instances: Callable[[str], str]) -> None:
    path = instances("json")
    told_to(path, "subscription", {"topic_pattern": "UNHAPPY_PLATINUM_.*"})
    found: list[dict[str, Any]] = []

    def has_a_partition() -> bool:
        found.extend(read(path, JSON))
        return bool(requests.get(f"{path}/assignments", timeout=SOON_S).json()["partitions"])

    eventually(has_a_partition, "the group gives a partition")
    marker = uuid.uuid4().hex
    posted(platform, rating(marker))

    def has_it() -> bool:
        found.extend(read(path, JSON))
        return any(record["value"]["MESSAGE"] == marker for record in found)

    eventually(has_it, "the alert's record")
    (record,) = [record for record in found if record["value"]["MESSAGE"] == marker]
    assert (record["topic"], record["key"]) == ("UNHAPPY_PLATINUM_CUSTOMERS", PLATINUM)
    assert record["value"]["EMAIL"] == "ltoopinc@icio.us"
    assert requests.post(f"{path}/offsets", timeout=SOON_S).status_code == 200
    asked = {"partitions": [{"topic": record["topic"], "partition": record["partition"]}]}
    answer = requests.get(f"{path}/offsets", json=asked, headers={"Content-Type": PLAIN}, timeout=SOON_S).json()
    assert answer["offsets"][0]["offset"] > record["offset"]


def test_ratings_are_read_again_in_avros_json(platform: Platform, instances: Callable[[str], str]) -> None:
    marker = uuid.uuid4().hex
    _, answer = posted(platform, rating(marker, stars=5))
    (place,) = answer["offsets"]
    path, home = instances("avro"), {"topic": "ratings", "partition": place["partition"]}
    told_to(path, "assignments", {"partitions": [home]})
    told_to(path, "positions", {"offsets": [{**home, "offset": place["offset"]}]})

    found: list[dict[str, Any]] = []

    def has_it() -> bool:
        found.extend(read(path, AVRO))
        return bool(found)

    eventually(has_it, "the rating")
    assert (found[0]["offset"], found[0]["value"]["message"]) == (place["offset"], marker)
