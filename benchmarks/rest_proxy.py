"""Measures records per second through the REST proxy, produced and consumed, by format and records per request.

    python -m benchmarks.rest_proxy --records 20000 --clients 4

Each client is a thread with a persistent connection; each consumer is assigned one partition. Prints one line per
format and request size.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from benchmarks.platform import status
from bifrost.clients.kafka import KafkaAdmin, TopicDescription

SCHEMA = {
    "type": "record",
    "name": "Rating",
    "fields": [
        {"name": "rating_id", "type": "long"},
        {"name": "user_id", "type": "int"},
        {"name": "stars", "type": "int"},
        {"name": "channel", "type": "string"},
        {"name": "message", "type": "string"},
    ],
}
MESSAGE = "worst. flight. ever. #neveragain"
DEADLINE_S = 120.0


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--records", type=int, default=20_000, help="per line; a tenth of it with one record per request"
    )
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    endpoints = status()["endpoints"]
    for format_ in ("json", "binary", "avro"):
        for size in (1, 100, 1000):
            count = sent(args.records if size > 1 else args.records // 10, size, args.clients)
            topic = f"bench-{format_}-{size}-{uuid.uuid4().hex[:8]}"
            KafkaAdmin({"bootstrap.servers": endpoints["kafka"]}).create(TopicDescription(topic, 1, 1))
            came_in = produce(endpoints["rest_proxy"], topic, format_, size, count, args.clients)
            came_out = consume(endpoints["rest_proxy"], topic, format_, count)
            print(f"{format_}, {size} per request: {came_in:,.0f} records/s in, {came_out:,.0f} out", flush=True)


def sent(count: int, size: int, clients: int) -> int:
    """About `count` records, so that each client sends the same number of requests, and at least one."""
    return max(1, count // size // clients) * size * clients


def produce(url: str, topic: str, format_: str, size: int, count: int, clients: int) -> float:
    """Records per second that the proxy accepts."""
    body = {"records": [{"value": value_of(format_, number)} for number in range(size)]}
    if format_ == "avro":
        body["value_schema"] = json.dumps(SCHEMA)  # type: ignore[assignment]
    data, media = json.dumps(body), {"Content-Type": f"application/vnd.kafka.{format_}.v2+json"}

    def post(requests_to_make: int) -> None:
        with requests.Session() as session:
            for _ in range(requests_to_make):
                answer = session.post(f"{url}/topics/{topic}", data=data, headers=media, timeout=DEADLINE_S)
                answer.raise_for_status()
                assert all(place["error_code"] is None for place in answer.json()["offsets"])

    begin = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(post, [count // size // clients] * clients))
    return count / (time.monotonic() - begin)


def consume(url: str, topic: str, format_: str, count: int) -> float:
    """Records per second that one consumer receives.

    Raises:
        TimeoutError: they do not arrive.
    """
    media = {"Content-Type": "application/vnd.kafka.v2+json", "Accept": f"application/vnd.kafka.{format_}.v2+json"}
    with requests.Session() as session:
        options = {"format": format_, "auto.offset.reset": "earliest"}
        made = session.post(f"{url}/consumers/{topic}", json=options, headers=media, timeout=DEADLINE_S).json()
        path, places = made["base_uri"], {"partitions": [{"topic": topic, "partition": 0}]}
        session.post(f"{path}/assignments", json=places, headers=media, timeout=DEADLINE_S).raise_for_status()
        begin, got = time.monotonic(), 0
        while got < count:
            answer = session.get(f"{path}/records", headers=media, timeout=DEADLINE_S)
            answer.raise_for_status()
            got += len(answer.json())
            if time.monotonic() - begin > DEADLINE_S:
                raise TimeoutError(f"{topic}: {got} of {count} records within {DEADLINE_S:.0f} s")
        took = time.monotonic() - begin
        session.delete(path, timeout=DEADLINE_S)
    return count / took


def value_of(format_: str, number: int) -> Any:
    """A rating in the form of the format."""
    rating = {"rating_id": number, "user_id": 13, "stars": 1, "channel": "web", "message": MESSAGE}
    return base64.b64encode(json.dumps(rating).encode()).decode() if format_ == "binary" else rating


if __name__ == "__main__":
    main()
