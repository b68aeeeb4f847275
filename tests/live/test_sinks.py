"""The Elasticsearch and S3 sinks through the real worker: bad input, changing schemas, far ends that go away."""

import json
import os
import signal
import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from confluent_kafka import Consumer, TopicPartition

from benchmarks.platform import paced
from benchmarks.sink_trial import BUCKET, ES_SINK, S3_SINK, Lake, SinkTrial, rating
from bifrost.clients import avro, connect, kafka, schema_registry, search
from bifrost.clients.connect import ConnectClient
from bifrost.clients.kafka import TopicDescription
from bifrost.clients.search import SearchClient
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

ES_CLASS = "bifrost.connect.elasticsearch.ElasticsearchSinkConnector"
S3_CLASS = "bifrost.connect.s3.S3SinkConnector"
RECORDS, RATE = 2000, 500.0
LONG_WORD = "x" * 40_000  # a keyword holds 32766 bytes at most


@pytest.fixture(scope="module")
def workers(platform: Platform) -> Iterator[ConnectClient]:
    with connect.from_settings(platform.settings) as client:
        yield client


@pytest.fixture
def engine(platform: Platform) -> Iterator[SearchClient]:
    with search.from_settings(platform.settings) as client:
        yield client


@pytest.fixture(scope="module")
def trial(platform: Platform) -> Iterator[SinkTrial]:
    """Both declared sinks of the ratings on a topic of their own."""
    with SinkTrial(platform.settings) as found:
        found.both_sinks()
        yield found


@pytest.fixture
def lake(platform: Platform) -> Lake:
    return Lake(platform.settings)


class Topic:
    """A separate topic with sinks that are removed with it."""

    def __init__(self, platform: Platform, workers: ConnectClient) -> None:
        self.name = f"bad_{uuid.uuid4().hex[:8]}"
        self._client = platform.settings.kafka_client()
        self._workers = workers
        self._admin = kafka.admin(platform.settings)
        self._admin.create(TopicDescription(self.name, 1, 1, {}))
        self._producer = kafka.producer(self._client)
        self._sinks: list[str] = []

    def send(self, key: str | None, value: bytes | None, *, timestamp_ms: int = 0) -> None:
        self._producer.produce(self.name, value, key, timestamp=timestamp_ms)
        assert self._producer.flush(SOON_S) == 0

    def sink(self, name: str, **config: str) -> str:
        name = f"{self.name}-{name}"
        self._sinks.append(name)
        self._workers.put(name, {"topics": self.name, **{key.replace("__", "."): text for key, text in config.items()}})
        return name

    def dead_letters(self, count: int) -> dict[str | None, str]:
        """The reason by key."""
        consumer = Consumer({**self._client, "group.id": self.name, "enable.auto.commit": False})
        consumer.assign([TopicPartition(f"{self.name}.dlq", 0, 0)])
        found = {}
        for _ in range(count):
            message = consumer.poll(SOON_S)
            assert message is not None and message.error() is None
            headers = dict(message.headers() or ())
            key = message.key()
            found[key.decode() if key else None] = headers["__connect.errors.exception.message"].decode()
        consumer.close()
        return found

    def close(self) -> None:
        for name in self._sinks:
            self._workers.delete(name)
        self._admin.delete(self.name)


@pytest.fixture
def topic(platform: Platform, workers: ConnectClient) -> Iterator[Topic]:
    found = Topic(platform, workers)
    yield found
    found.close()


def documents(engine: SearchClient, index: str) -> dict[str, Any]:
    """All documents of a small index by id."""
    engine.http.call("POST", f"/{index}/_refresh", params={"ignore_unavailable": "true"})
    (answer,) = engine.search_all([search.SearchRequest(index, {"size": 1000})])
    return {hit["_id"]: hit["_source"] for hit in answer.get("hits", {"hits": ()})["hits"]}


def test_what_the_search_engine_refuses_is_set_aside_with_its_reason(
    topic: Topic, workers: ConnectClient, engine: SearchClient
) -> None:
    fields = {"n": {"type": "integer"}, "word": {"type": "keyword"}}
    engine.http.call("PUT", f"/{topic.name}", body={"mappings": {"properties": fields}})
    name = topic.sink(
        "es",
        connector__class=ES_CLASS,
        connection__url="${env:ELASTICSEARCH_URL}",
        key__converter="org.apache.kafka.connect.storage.StringConverter",
        value__converter="org.apache.kafka.connect.json.JsonConverter",
        value__converter__schemas__enable="false",
        behavior__on__null__values="delete",
        behavior__on__malformed__documents="warn",
        drop__invalid__message="true",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=f"{topic.name}.dlq",
        errors__deadletterqueue__topic__replication__factor="1",
        errors__deadletterqueue__context__headers__enable="true",
    )
    for key, value in {
        "replaced": {"n": 1},
        "deleted": {"n": 2},
        "no number": {"n": "many"},
        None: {"n": 3},
        "dots": {"a.b": 4},
        "dots against a word": {"word.length": 5},
        "too large": {"word": LONG_WORD},
        "no object": "text",
        "last": {"n": 6},
    }.items():
        topic.send(key, json.dumps(value).encode())
    topic.send("broken", b"{")
    topic.send("replaced", b'{"n": 7}')
    topic.send("deleted", None)

    expected = {"replaced": {"n": 7}, "dots": {"a.b": 4}, "last": {"n": 6}}
    eventually(lambda: documents(engine, topic.name) == expected, "what can be a document is one")
    reasons = topic.dead_letters(6)
    delivered = {
        "no number": "failed to parse field [n] of type [integer]",
        None: "has no key",
        "dots against a word": "word.length",
        "too large": "immense term",
        "no object": "which is not an object",
        "broken": "Converting byte[] to Kafka Connect data failed",
    }
    assert reasons.keys() == delivered.keys()
    assert {key: text for key, text in reasons.items() if delivered[key] not in text} == {}
    status = workers.status(name)
    assert status is not None and [task.state for task in status.tasks] == ["RUNNING"]


OLDER = {"type": "record", "name": "Changing", "fields": [{"name": "ID", "type": "int"}]}
NEWER = {**OLDER, "fields": [*OLDER["fields"], {"name": "NOTE", "type": ["null", "string"], "default": None}]}


def test_a_changed_schema_ends_an_object_or_is_projected(platform: Platform, topic: Topic, lake: Lake) -> None:
    with schema_registry.from_settings(platform.settings) as registry:
        ids = {text: registry.register(f"{topic.name}-value", text) for text in map(json.dumps, (OLDER, NEWER))}
    for compatibility in ("NONE", "BACKWARD", "FORWARD"):
        topic.sink(
            compatibility.lower(),
            connector__class=S3_CLASS,
            store__url="${env:S3_ENDPOINT}",
            s3__bucket__name=BUCKET,
            topics__dir=f"{topic.name}/{compatibility}",
            flush__size="100",
            rotate__interval__ms="60000",
            format__class="io.confluent.connect.s3.format.avro.AvroFormat",
            schema__compatibility=compatibility,
        )
    rows = ((OLDER, {"ID": 0}), (NEWER, {"ID": 1, "NOTE": "new"}), (OLDER, {"ID": 2}), (OLDER, {"ID": 3}))
    for number, (schema, row) in enumerate(rows):
        value = avro.encode(ids[json.dumps(schema)], avro.parse_schema(json.dumps(schema)), row)
        # The last one is so much later that it ends what is open.
        topic.send(None, value, timestamp_ms=1_700_000_000_000 + (number == 3) * 60_000)

    expected = {
        "NONE": [[{"ID": 0}], [{"ID": 1, "NOTE": "new"}], [{"ID": 2}]],
        "BACKWARD": [[{"ID": 0}], [{"ID": 1, "NOTE": "new"}, {"ID": 2, "NOTE": None}]],
        "FORWARD": [[{"ID": 0}, {"ID": 1}, {"ID": 2}]],
    }

    def objects() -> dict[str, list[list[dict[str, Any]]]]:
        try:
            return {way: [lake.rows(name) for name in lake.names(f"{topic.name}/{way}/")] for way in expected}
        except ClientError as error:
            # The store lists an object for a moment before it can be read.
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return {}

    eventually(lambda: objects() == expected, "objects by schema.compatibility")


def test_a_large_object_is_uploaded_in_parts(topic: Topic, lake: Lake) -> None:
    topic.sink(
        "large",
        connector__class=S3_CLASS,
        store__url="${env:S3_ENDPOINT}",
        s3__bucket__name=BUCKET,
        s3__part__size=str(5 * 1024 * 1024),
        topics__dir=topic.name,
        flush__size="30",
        format__class="io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        value__converter="org.apache.kafka.connect.converters.ByteArrayConverter",
    )
    values = [bytes([65 + number]) * 400_000 for number in range(30)]
    for value in values:
        topic.send(None, value)
    name = f"{topic.name}/{topic.name}/partition=0/{topic.name}+0+0000000000.bin"
    # The store lists the parts too, while they are on their way.
    eventually(lambda: lake.names(f"{topic.name}/") == [name], "the object")
    assert lake.content(name).split() == values


def test_sixteen_enriched_orders_are_the_five_objects_of_the_documents(platform: Platform) -> None:
    with SinkTrial(platform.settings, partitions=1, flush_size=3) as orders:
        orders.sink("s3-sink-orders")
        orders.send(range(16))
        orders.flush()
        eventually(lambda: orders.object_count() == 5, "five objects")
        found = orders.objects()
    names = [f"topics/{orders.topic}/partition=0/{orders.topic}+0+{first:010d}.avro" for first in (0, 3, 6, 9, 12)]
    assert found == {name: [rating(3 * index + n) for n in range(3)] for index, name in enumerate(names)}


@pytest.mark.parametrize(
    ("sink", "changed", "key", "message"),
    [
        (S3_SINK, {"s3.bucket.name": "nowhere"}, "s3.bucket.name", "bucket nowhere does not exist at http://"),
        (S3_SINK, {"store.url": "http://127.0.0.1:1"}, "store.url", "http://127.0.0.1:1 does not answer"),
        (
            S3_SINK,
            {"aws.access.key.id": "someone", "aws.secret.access.key": "else"},
            "aws.access.key.id",
            "denies this access key access to bucket",
        ),
        (ES_SINK, {"connection.url": "http://127.0.0.1:1"}, "connection.url", "http://127.0.0.1:1 does not answer"),
        (
            ES_SINK,
            {"behavior.on.null.values": "perhaps"},
            "behavior.on.null.values",
            "must be one of (case insensitive): ",
        ),
    ],
)
def test_validate_says_what_is_wrong_and_where(
    trial: SinkTrial, workers: ConnectClient, sink: str, changed: dict[str, str], key: str, message: str
) -> None:
    config = {**trial.config(sink), "name": "wrong", **changed}
    report = workers.validate(config["connector.class"], config)
    errors = {found.name: " ".join(found.errors) for found in report.keys if found.errors}
    assert list(errors) == [key]
    assert message in errors[key]


def test_a_bucket_that_goes_away_fails_the_task_with_its_name(
    platform: Platform, topic: Topic, workers: ConnectClient, lake: Lake
) -> None:
    """What validate could not know is in the task's trace."""
    lake.create(topic.name)
    name = topic.sink(
        "s3",
        connector__class=S3_CLASS,
        store__url="${env:S3_ENDPOINT}",
        s3__bucket__name=topic.name,
        flush__size="1",
        format__class="io.confluent.connect.s3.format.json.JsonFormat",
        value__converter="org.apache.kafka.connect.storage.StringConverter",
    )
    lake.remove(topic.name)
    topic.send(None, b"lost?")

    def trace() -> str:
        status = workers.status(name)
        return status.tasks[0].trace if status is not None and status.tasks else ""

    eventually(lambda: f"bucket {topic.name}" in trace(), "the bucket in the trace")


def load(trial: SinkTrial) -> threading.Thread:
    """Sends the next ratings at a steady rate, on a separate thread."""

    def run() -> None:
        begin = trial.sent
        for number in paced(RATE, RECORDS):
            trial.send([begin + number])
        trial.flush()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def check_all_is_there_once(trial: SinkTrial) -> None:
    eventually(lambda: trial.documents() == trial.sent, f"{trial.sent} documents", 3 * SOON_S)
    expected = trial.expected_objects(trial.sent)
    eventually(lambda: trial.object_count() == len(expected), f"{len(expected)} objects", 3 * SOON_S)
    eventually(lambda: trial.objects() == expected, "objects as of an undisturbed run", SOON_S)


def test_a_rating_can_be_searched_before_the_page_asks_for_it(trial: SinkTrial) -> None:
    trial.send(range(trial.sent, trial.sent + 200))
    trial.flush()
    eventually(lambda: trial.finds(trial.sent - 1), "the first ratings")
    took = []
    for number in range(trial.sent, trial.sent + 20):
        begun = time.monotonic()
        trial.send([number])
        trial.flush()
        eventually(lambda n=number: trial.finds(n), f"rating {number}")  # type: ignore[misc]
        took.append(time.monotonic() - begun)
    assert statistics.median(took) < 2  # what a page has; `benchmarks.sinks` measures it


@pytest.mark.parametrize("part", ["search", "s3"])
def test_nothing_is_lost_while_a_far_end_hangs_under_load(platform: Platform, trial: SinkTrial, part: str) -> None:
    pid = platform.supervisor.component(part).pid
    assert pid is not None
    before = trial.sent
    sending = load(trial)
    eventually(lambda: trial.sent > before + RECORDS // 4, "some load")
    os.kill(pid, signal.SIGSTOP)
    try:
        sending.join(SOON_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    check_all_is_there_once(trial)


@pytest.mark.parametrize("part", ["connect", "search", "s3"])
def test_nothing_is_lost_or_doubled_when_a_part_is_killed_under_load(
    platform: Platform, trial: SinkTrial, part: str
) -> None:
    pid = platform.supervisor.component(part).pid
    assert pid is not None
    before = trial.sent
    sending = load(trial)
    eventually(lambda: trial.sent > before + RECORDS // 2, "half of the load")
    os.kill(pid, signal.SIGKILL)
    sending.join(SOON_S)
    check_all_is_there_once(trial)
