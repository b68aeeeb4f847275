"""The input of all contenders: topics of Avro ratings and customers."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Producer

from bifrost.clients.kafka import KafkaAdmin, TopicDescription, producer
from bifrost.clients.schema_registry import from_settings
from bifrost.settings import Settings

PARTITIONS = 4
APART_MS = 3
_MESSAGE = "airport refurb looks great, will fly outta here more!"
_RATING = {"RATING_ID": "long", "USER_ID": "int", "STARS": "int", "ROUTE_ID": "int", "RATING_TIME": "long"} | {
    "CHANNEL": "string",
    "MESSAGE": "string",
}
_CUSTOMER = dict.fromkeys(("FIRST_NAME", "LAST_NAME", "EMAIL", "CLUB_STATUS"), "string")
_JOINED = {"RATING_ID": "long", "CHANNEL": "string", "STARS": "int", "MESSAGE": "string"} | _CUSTOMER


def _record(name: str, fields: dict[str, str], *, nullable: bool) -> dict[str, Any]:
    made: list[dict[str, Any]] = [
        {"name": field, "type": ["null", kind], "default": None} if nullable else {"name": field, "type": kind}
        for field, kind in fields.items()
    ]
    return {"type": "record", "name": name, "fields": made}


SCHEMAS = {
    "rating": _record("Rating", _RATING, nullable=False),
    "customer": _record("Customer", _CUSTOMER, nullable=True),
    "joined": _record("Joined", _JOINED, nullable=True),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """The input topics of one measurement; `low_ratings` is the number of ratings with less than four stars."""

    ratings: str
    customers: str
    count: int
    low_ratings: int

    def expected(self, query: str) -> int:
        """The number of records that the query writes."""
        return self.low_ratings if query == "filter" else self.count


def write_schemas(folder: Path) -> None:
    """Write the schemas as files for programs that do not use the registry."""
    for name, schema in SCHEMAS.items():
        (folder / f"{name}.avsc").write_text(json.dumps(schema))


class Loader:
    """Creates input topics on the target's broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.admin = KafkaAdmin(settings.kafka_client())

    def load(self, run: str, count: int, customers: int) -> Workload:
        """Load all customers, then ratings of random customers, 3 ms apart in event time."""
        began_ms = int(time.time() * 1000) - count * APART_MS
        ratings, table = f"bench-{run}-ratings", f"bench-{run}-customers-{customers}"
        self.create(table, "customer")
        self._fill(table, "customer", ((key, began_ms - 1000, row) for key, row in _customers(customers)))
        self.create(ratings, "rating")
        return Workload(ratings, table, count, self.add_ratings(ratings, count, customers))

    def create(self, topic: str, schema: str) -> None:
        """Create an input topic and register the schema of its values."""
        self.admin.create(TopicDescription(topic, PARTITIONS, 1))
        with from_settings(self._settings) as registry:
            registry.register(f"{topic}-value", json.dumps(SCHEMAS[schema]))

    def add_ratings(self, topic: str, count: int, customers: int) -> int:
        """Write ratings of random customers; return how many have less than four stars."""
        began_ms = int(time.time() * 1000) - count * APART_MS
        low = 0

        def rows() -> Iterator[tuple[int, int, dict[str, Any]]]:
            nonlocal low
            for key, row in _ratings(count, customers):
                low += row["STARS"] < 4
                yield key, began_ms + row["RATING_ID"] * APART_MS, row

        self._fill(topic, "rating", rows())
        return low

    def drop(self, workload: Workload) -> None:
        """Remove the topics of a workload."""
        for topic in (workload.ratings, workload.customers):
            self.admin.delete(topic)

    def _fill(self, topic: str, schema: str, rows: Iterator[tuple[int, int, dict[str, Any]]]) -> None:
        with from_settings(self._settings) as registry:
            number = registry.register(f"{topic}-value", json.dumps(SCHEMAS[schema]))  # the id that it has
        encode = encoder(schema, number)
        writer = producer(self._settings.kafka_client(), compression_type="lz4", linger_ms=50)
        for key, timestamp, row in rows:
            _send(writer, topic, key.to_bytes(4, "big"), encode(row), timestamp)
        if writer.flush(120):
            raise TimeoutError(f"the broker did not take all records of {topic}")


def encoder(schema: str, number: int) -> Any:
    """An encoder of rows of a schema in Confluent's wire format; `number` is the schema's id."""
    parsed, prefix = fastavro.parse_schema(SCHEMAS[schema]), b"\x00" + number.to_bytes(4, "big")

    def encode(row: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        out.write(prefix)
        fastavro.schemaless_writer(out, parsed, row)
        return out.getvalue()

    return encode


def _send(writer: Producer, topic: str, key: bytes, value: bytes, timestamp: int) -> None:
    while True:
        try:
            writer.produce(topic, value, key, timestamp=timestamp)
            return
        except BufferError:
            writer.poll(0.1)


def _ratings(count: int, customers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    chance = random.Random(1)
    for number in range(count):
        user = chance.randrange(customers)
        stars, length = chance.randrange(1, 6), chance.randrange(20, 50)
        yield (
            user,
            {
                "RATING_ID": number,
                "USER_ID": user,
                "STARS": stars,
                "ROUTE_ID": chance.randrange(10_000),
                "RATING_TIME": number,
                "CHANNEL": chance.choice(("web", "ios", "android")),
                "MESSAGE": _MESSAGE[:length],
            },
        )


def _customers(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for user in range(count):
        yield (
            user,
            {
                "FIRST_NAME": f"First{user}",
                "LAST_NAME": f"Last{user}",
                "EMAIL": f"u{user}@example.com",
                "CLUB_STATUS": "platinum",
            },
        )
