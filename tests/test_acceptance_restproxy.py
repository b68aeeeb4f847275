"""The source documents' requests to the REST proxy in version 1 of its API, if the cases are present."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bifrost.rest_proxy.record_producer import ProduceResult, RecordProducer, RecordToProduce
from tests.rest_proxy.conftest import DEADLINE_S, Proxy, mock_cluster, serving

CASES_FILE = Path(__file__).parents[2] / "shared" / "acceptance.json"
FOUND: list[dict[str, Any]] = json.loads(CASES_FILE.read_text()) if CASES_FILE.exists() else []
CASES = {case["id"]: case for case in FOUND if case["system"] == "restproxy"}
DOCUMENTED = "http://localhost:8082"


class OnePartition(RecordProducer):
    """In the documents, the topic has one partition; topics of the mock have four."""

    def produce(self, topic: str, records: Sequence[RecordToProduce]) -> list[ProduceResult]:
        return super().produce(topic, [replace(record, partition=0) for record in records])


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with mock_cluster() as cluster, serving(cluster, producer=OnePartition) as found:
        yield found


def asked(proxy: Proxy, given: dict[str, Any], media: str) -> httpx.Response:
    method, url = given["http"].split()
    body = json.dumps(given["json"]) if "json" in given else None
    headers = given.get("headers") or {"Content-Type": media, "Accept": media}
    return proxy.http.request(method, urlsplit(url).path, content=body, headers=headers)


@pytest.mark.skipif(not CASES, reason="../shared/acceptance.json: not present")
def test_two_avro_records_are_produced_and_consumed(proxy: Proxy) -> None:
    (produced,) = CASES["X01"]["expect"]
    answer = asked(proxy, CASES["X01"]["inputs"][0], "")
    assert (answer.status_code, answer.json()) == (produced["status"], produced["json"])

    create, read, delete = CASES["X02"]["inputs"]
    created, records, deleted = CASES["X02"]["expect"]
    media = "application/vnd.kafka.avro.v1+json"
    answer = asked(proxy, create, media)
    content = json.loads(answer.text.replace(str(proxy.http.base_url).rstrip("/"), DOCUMENTED))
    assert (answer.status_code, content) == (created["status"], created["json"])
    found: list[Any] = []
    end = time.monotonic() + DEADLINE_S
    while len(found) < len(records["json"]) and time.monotonic() < end:
        answer = asked(proxy, read, media)
        assert answer.status_code == records["status"]
        found += answer.json()
    assert found == records["json"]
    assert asked(proxy, delete, media).status_code == deleted["status"]
