"""The running platform as a client sees it: endpoints and pids from `status --json`, an Avro producer, the inbox."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import fastavro
import requests
from confluent_kafka import Producer

from bifrost.settings import PROJECT

DEADLINE_S = 120.0
QUIET = {"log_level": "2"}
"""The client library does not print what a benchmark causes: lost connections and new leaders."""


def status() -> dict[str, Any]:
    """The output of `scripts/deploy.py status --json`."""
    command = [sys.executable, "-m", "bifrost.cli", "status", "--json"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return dict(json.loads(answer.stdout))


def pid_of(component: str) -> int | None:
    """The process id of a supervised component; None if it has none."""
    found = {entry["name"]: entry for entry in status()["components"]}
    pid = found[component]["pid"]
    return int(pid) if pid else None


class RatingsProducer:
    """Sends ratings as any Kafka client would: Avro in Confluent's wire format with the subject's latest schema."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        url = f"{endpoints['schema_registry']}/subjects/ratings-value/versions/latest"
        found = requests.get(url, timeout=10).json()
        self._prefix = b"\x00" + int(found["id"]).to_bytes(4, "big")
        self._schema = fastavro.parse_schema(json.loads(found["schema"]))
        # On a busy machine a retry would write a rating twice.
        self._producer = Producer({**QUIET, "bootstrap.servers": endpoints["kafka"], "enable.idempotence": True})
        self.errors = 0

    def send(self, rating_id: int, user_id: int, stars: int, message: str) -> None:
        """Queue one rating; block while the queue is full."""
        record = {
            "rating_id": rating_id,
            "user_id": user_id,
            "stars": stars,
            "route_id": 1,
            "rating_time": int(time.time() * 1000),
            "channel": "web",
            "message": message,
        }
        out = io.BytesIO()
        out.write(self._prefix)
        fastavro.schemaless_writer(out, self._schema, record)
        while True:
            try:
                self._producer.produce("ratings", out.getvalue(), on_delivery=self._delivered)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.05)

    def flush(self) -> int:
        """Wait until everything is written; return the number of records left after the deadline."""
        return int(self._producer.flush(DEADLINE_S))

    def _delivered(self, error: object, _message: object) -> None:
        self.errors += error is not None


CUSTOMERS = 100


class AlertProducer:
    """Sends records directly to the topic of the alerts, as the statements would write them for many customers."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        self._producer = Producer({"bootstrap.servers": endpoints["kafka"], "acks": "all"})

    def send(self, rating_id: int, _user_id: int, stars: int, message: str) -> None:
        """Queue one record. Messages of one key are sent one after another, so the keys are those of many customers."""
        value = {"CLUB_STATUS": "platinum", "EMAIL": "ltoopinc@icio.us", "STARS": stars, "MESSAGE": message}
        self._producer.produce(
            "UNHAPPY_PLATINUM_CUSTOMERS", json.dumps(value).encode(), str(rating_id % CUSTOMERS).encode()
        )
        self._producer.poll(0)

    def flush(self) -> int:
        """Wait until everything is written; return the number of records left after the deadline."""
        return int(self._producer.flush(DEADLINE_S))


class Inbox:
    """The messages in the console's inbox. Requests each message once, so that the measurement adds little load."""

    def __init__(self, endpoints: dict[str, str]) -> None:
        self._url = f"{endpoints['console']}/api/messages"
        self._found: list[dict[str, Any]] = []

    def messages(self) -> list[dict[str, Any]]:
        """All messages, oldest first, including those that the inbox has dropped since."""
        since = self._found[-1]["ts"] if self._found else "0"
        self._found += requests.get(self._url, params={"since": since}, timeout=60).json()
        return self._found

    def clear(self) -> None:
        """Empty the inbox."""
        requests.delete(self._url, timeout=60).raise_for_status()
        self._found.clear()


def paced(rate: float, count: int) -> Iterator[int]:
    """Yield 0, 1, ... `count` - 1, each at its time, `rate` per second."""
    begin = time.monotonic()
    for index in range(count):
        delay = begin + index / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        yield index


def wait_for(
    what: str, condition: Callable[[], bool], deadline_s: float = DEADLINE_S, *, pause_s: float = 0.2
) -> float:
    """Wait until the condition holds; return the seconds it took.

    Raises:
        TimeoutError: it does not hold within the deadline.
    """
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > deadline_s:
            raise TimeoutError(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(pause_s)
    return time.monotonic() - begin


def percentile(values: list[float], share: float) -> float:
    """The percentile of the values at `share` (0 to 1)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
