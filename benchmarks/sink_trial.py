"""A topic of numbered ratings with the declared Elasticsearch and S3 sinks, and the contents of index and bucket."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import boto3
import fastavro
from botocore.exceptions import BotoCoreError

from benchmarks.platform import wait_for
from bifrost.clients import avro, connect, kafka, s3, schema_registry, search
from bifrost.clients.connect import ConnectorStatus
from bifrost.clients.kafka import TopicDescription
from bifrost.clients.search import SearchRequest
from bifrost.deployer.declared.files import read_connectors
from bifrost.deployer.targets import config_for_target, substitutions
from bifrost.errors import RemoteError
from bifrost.settings import PROJECT, Settings

BUCKET = "sink-trials"
ES_SINK, S3_SINK = "es_sink_ratings-with-customer-data", "s3-sink-ratings"
TEMPLATE = PROJECT / "dashboards" / "ratings" / "templates" / "ratings-with-customer-data.json"
FIRST_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia", "Leslie")
CLUBS = ("bronze", "silver", "gold", "platinum")
MESSAGES = (
    "Surprisingly good, maybe you are getting your mojo back at long last!",
    "Exceeded all my expectations. Thank you !",
    "why is it so difficult to keep the bathrooms clean ?",
    "more peanuts please",
)
SCHEMA = {
    "type": "record",
    "name": "NumberedRating",
    "namespace": "bifrost.trial",
    "fields": [
        {"name": "RATING_ID", "type": "long"},
        {"name": "STARS", "type": ["null", "int"], "default": None},
        {"name": "MESSAGE", "type": ["null", "string"], "default": None},
        {"name": "CHANNEL", "type": ["null", "string"], "default": None},
        {"name": "CLUB_STATUS", "type": ["null", "string"], "default": None},
        {"name": "FIRST_NAME", "type": ["null", "string"], "default": None},
        {"name": "EMAIL", "type": ["null", "string"], "default": None},
    ],
}
"""About the content of a row of `ratings-with-customer-data`."""


def rating(number: int) -> dict[str, Any]:
    """The rating with a number; the same for each call."""
    name = FIRST_NAMES[number % len(FIRST_NAMES)]
    return {
        "RATING_ID": number,
        "STARS": number % 5 + 1,
        "MESSAGE": f"{MESSAGES[number % len(MESSAGES)]} ({number})",
        "CHANNEL": "web",
        "CLUB_STATUS": CLUBS[number % len(CLUBS)],
        "FIRST_NAME": name,
        "EMAIL": f"{name.lower()}{number % 1000}@example.com",
    }


class Lake:
    """The objects of a bucket, which is created if it is missing."""

    def __init__(self, settings: Settings, bucket: str = BUCKET) -> None:
        self._settings, self._bucket = settings, bucket
        store = s3.from_settings(settings)
        assert store is not None
        store.create_bucket(bucket)

    def names(self, prefix: str) -> list[str]:
        """The sorted names of the objects with a prefix."""
        pages = self._store.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def content(self, name: str) -> bytes:
        """The bytes of an object."""
        return bytes(self._store.get_object(Bucket=self._bucket, Key=name)["Body"].read())

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of an Avro object."""
        found = fastavro.reader(io.BytesIO(self.content(name)))
        return [dict(row) for row in found]  # type: ignore[arg-type, call-overload]

    def create(self, bucket: str) -> None:
        """Create another bucket."""
        self._store.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.REGION})

    def remove(self, bucket: str) -> None:
        """Remove an empty bucket."""
        self._store.delete_bucket(Bucket=bucket)

    def delete(self, prefix: str) -> None:
        """Remove the objects with a prefix."""
        for name in self.names(prefix):
            self._store.delete_object(Bucket=self._bucket, Key=name)

    @cached_property
    def _store(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self._settings.endpoints.s3,
            region_name=s3.REGION,
            aws_access_key_id=self._settings.local("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self._settings.local("AWS_SECRET_ACCESS_KEY"),
        )


class SinkTrial:
    """The topic, subject, index template and objects of a trial; removed at the end of the `with` block."""

    def __init__(self, settings: Settings, *, partitions: int = 2, flush_size: int = 100) -> None:
        self.topic = f"sinks_{uuid.uuid4().hex[:8]}"
        self.sent = 0
        self._settings = settings
        self._partitions = partitions
        self._flush_size = flush_size
        self._connect = connect.from_settings(settings)
        self._search = search.from_settings(settings)
        self._registry = schema_registry.from_settings(settings)
        self._admin = kafka.admin(settings)
        self._producer = kafka.producer(settings.kafka_client(), linger_ms=5, compression_type="lz4")
        self._schema = avro.parse_schema(json.dumps(SCHEMA))
        self._schema_id = 0
        self._connectors: list[str] = []
        self._folder = f"topics/{self.topic}/"
        self.lake = Lake(settings)

    def __enter__(self) -> Self:
        self._admin.create(TopicDescription(self.topic, self._partitions, 1, {}))
        self._schema_id = self._registry.register(f"{self.topic}-value", json.dumps(SCHEMA))
        body = json.loads(TEMPLATE.read_text(encoding="utf-8"))
        self._search.put_template(self.topic, {**body, "index_patterns": [self.topic]})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._connectors:
            self._connect.delete(name)
        self._admin.delete(self.topic)
        self._registry.delete(f"{self.topic}-value")
        self._search.delete_index(self.topic)
        self._search.delete_template(self.topic)
        self.lake.delete(self._folder)
        for client in (self._connect, self._search, self._registry):
            client.close()

    def config(self, declared: str) -> dict[str, str]:
        """The configuration of a declared sink for the trial's topic, as the target runs it."""
        found = next(item for item in read_connectors(PROJECT / "connectors") if item.name == declared)
        own = {
            "topics": self.topic,
            "errors.deadletterqueue.topic.name": f"{self.topic}.dlq",
            "errors.deadletterqueue.topic.replication.factor": "1",
        }
        if "s3.bucket.name" in found.config:
            own = {"topics": self.topic, "s3.bucket.name": BUCKET, "flush.size": str(self._flush_size)}
        item = replace(found, name=f"{self.topic}-{declared}", config={**found.config, **own})
        return config_for_target(item, substitutions(self._settings))

    def sink(self, declared: str, **changed: str) -> None:
        """Start a declared sink on the topic, with some keys (`_` for `.`) changed, and wait until its task runs."""
        config = self.config(declared) | {key.replace("_", "."): value for key, value in changed.items()}
        self._connect.put(config["name"], config)
        self._connectors.append(config["name"])
        wait_for(f"{config['name']} runs", lambda: is_running(self._connect.status(config["name"])))

    def both_sinks(self) -> None:
        """Both sinks as declared."""
        self.sink(ES_SINK)
        self.sink(S3_SINK)

    def send(self, numbers: Iterable[int]) -> None:
        """Send ratings, each number to its partition; numbering continues from the previous call."""
        for number in numbers:
            value = avro.encode(self._schema_id, self._schema, rating(number))
            while True:
                try:
                    self._producer.produce(self.topic, value, partition=number % self._partitions)
                    break
                except BufferError:
                    self._producer.poll(0.05)
            self._producer.poll(0)
            self.sent = number + 1

    def flush(self) -> None:
        """Wait until Kafka has everything that was sent."""
        left = self._producer.flush(120)
        if left:
            raise TimeoutError(f"{left} records of {self.topic} were not taken by Kafka")

    def indexed(self) -> int:
        """The number of documents that the search engine indexed, including those not yet visible to searches."""
        found = self._search.http.get_or_none(f"/{self.topic}/_stats/indexing")
        return 0 if found is None else int(found["_all"]["primaries"]["indexing"]["index_total"])

    def documents(self) -> int:
        """The number of visible documents; -1 if the search engine does not answer."""
        try:
            self._search.http.call("POST", f"/{self.topic}/_refresh")
            return self._search.count(self.topic)
        except RemoteError:
            return -1

    def finds(self, number: int) -> bool:
        """Whether a search finds the rating of a number."""
        request = SearchRequest(self.topic, {"size": 0, "query": {"term": {"RATING_ID": number}}})
        (found,) = self._search.search_all([request])
        return "hits" in found and bool(found["hits"]["total"]["value"])  # an error: the index was just created

    def object_count(self) -> int:
        """The number of objects; -1 if the store does not answer."""
        try:
            return len(self.lake.names(self._folder))
        except BotoCoreError:
            return -1

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """The ratings in each object by its name; none for an unfinished upload, which the store removes later."""
        return {name: self._whole(name) for name in self.lake.names(self._folder)}

    def _whole(self, name: str) -> list[dict[str, Any]]:
        try:
            return self.lake.rows(name)
        except (ValueError, EOFError):
            return []  # a kill of the store ended its upload

    def expected_objects(self, count: int) -> dict[str, list[dict[str, Any]]]:
        """The objects of an undisturbed run for the numbers below `count`: full objects of contiguous offsets."""
        found = {}
        for partition in range(self._partitions):
            numbers = range(partition, count, self._partitions)
            for first in range(0, len(numbers) - self._flush_size + 1, self._flush_size):
                name = f"topics/{self.topic}/partition={partition}/{self.topic}+{partition}+{first:010d}.avro"
                found[name] = [rating(number) for number in numbers[first : first + self._flush_size]]
        return found


def is_running(status: ConnectorStatus | None) -> bool:
    """Whether a connector and all its tasks run."""
    return status is not None and bool(status.tasks) and {status.state, *(t.state for t in status.tasks)} == {"RUNNING"}


def loadavg() -> str:
    """The machine's load average, which is printed with each figure."""
    with open("/proc/loadavg", encoding="ascii") as file:
        return file.read().split()[0]
