"""Bad records in the topics that queries and alerts read.

A query of this program copies the position of every record that it can read, with all columns: a record is accounted
for by its row there, by its entry in the processing log, or, if the broker refuses it, by the delivery report.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import fastavro
from confluent_kafka import KafkaException, Message, Producer
from fastavro.utils import generate_one

from benchmarks.bad_input.ledger import DEAD_LETTER, PROCESSING_LOG, ROW, Ledger
from benchmarks.bad_input.topic_tail import TopicTail, header
from benchmarks.fuzz.mutation import damaged, damaged_value
from bifrost.clients.ksqldb import DescribedSource, KsqlClient, SourceSummary, quote_name
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.errors import RemoteError

PREFIX = "BAD_INPUT_"
MAX_BYTES = 1_048_588
"""`message.max.bytes` of the broker, of which headers and batch take some."""
YEAR_2100_MS, BEFORE_1970_MS = 4_102_444_800_000, -86_400_000
_FROM_NOW = {"auto.offset.reset": "latest"}


class SourceTopic:
    """A topic with the source that reads it, a readable sample, and the stream that copies positions."""

    def __init__(self, source: SourceSummary, described: DescribedSource, sample: tuple[bytes | None, bytes]) -> None:
        self.name = source.topic
        self.source = source
        self.described = described
        self.key, self.value = sample
        self.copy = f"{PREFIX}{source.name}"

    @property
    def is_avro(self) -> bool:
        """Whether its values are Avro."""
        return self.source.value_format == "AVRO"


class KafkaRecords:
    """Sends records to all topics that sources were declared over, and to the topics of alerts."""

    def __init__(
        self, kafka: str, ksql: KsqlClient, registry: SchemaRegistryClient, ledger: Ledger, sink_topics: Collection[str]
    ) -> None:
        """`sink_topics` are those that sink connectors read: Kafka Connect itself fails on times before 1970."""
        self._ksql, self._registry, self._ledger, self._sink_topics = ksql, registry, ledger, sink_topics
        # Each record is a separate batch: the broker refuses a batch as a whole.
        alone = {"batch.num.messages": 1, "message.max.bytes": 2_000_000}
        self._producer = Producer({"bootstrap.servers": kafka, **alone})
        self._tail = TopicTail(kafka)
        self.topics = list(self._find_topics())

    def start(self) -> None:
        """Create the streams that copy positions, and read where evidence arrives."""
        for topic in self.topics:
            for statement in _copy_statements(topic):
                self._ksql.execute(statement, properties=_FROM_NOW)
            self._tail.add(topic.copy)
        info = self._ksql.http.get("/info")["KsqlServerInfo"]
        self._tail.add(f"{info['ksqlServiceId']}ksql_processing_log")

    def send(self, rng: random.Random) -> None:
        """Send every kind of record to one topic of each format and some others."""
        for topic in rng.sample(self.topics, min(6, len(self.topics))):
            for kind, key, value, timestamp in _records(rng, topic):
                is_null = value.strip() == b"null"  # a tombstone, which is no bad input
                if not is_null and (timestamp != BEFORE_1970_MS or topic.name not in self._sink_topics):
                    self._send(f"Kafka: {kind}", topic.name, key, value, timestamp)
        self._producer.flush(30)

    def _send(self, kind: str, topic: str, key: bytes | None, value: bytes, timestamp: int | None) -> None:
        options = {} if timestamp is None else {"timestamp": timestamp}
        on_delivery = partial(self._delivered, kind, f"{topic} {value[:60]!r}")
        try:
            self._producer.produce(topic, value, key, on_delivery=on_delivery, **options)
            self._producer.poll(0)
        except (KafkaException, ValueError, OverflowError) as error:
            self._ledger.settled(kind, f"refused by the client: {type(error).__name__}")

    def _delivered(self, kind: str, what: str, error: Any, message: Message) -> None:
        if error is not None:
            self._ledger.settled(kind, f"refused by the broker: {error.name()}")
        else:
            self._ledger.expect(kind, (message.topic(), message.partition(), message.offset()), what)

    def collect(self) -> None:
        """Settle what has arrived in the copies and in the processing log."""
        topic_of = {topic.copy: topic.name for topic in self.topics}
        for message in self._tail.read():
            topic = topic_of.get(message.topic() or "")
            if topic is None:
                self._settle_logged(json.loads(message.value() or b"{}"), topic_of)
            elif message.value() is not None:  # a tombstone of the demo load carries no position
                row = json.loads(message.value() or b"{}")
                self._ledger.settle((topic, row["BAD_INPUT_P"], row["BAD_INPUT_O"]), ROW)

    def _settle_logged(self, entry: Mapping[str, Any], topic_of: Mapping[str, str]) -> None:
        body = next(value for value in entry["message"].values() if isinstance(value, dict))
        self._ledger.settle((body["topic"], body["partition"], body["offset"]), PROCESSING_LOG)
        refused = topic_of.get(body["topic"])
        if refused is not None and body["offset"] < 0:
            # A row that the broker refuses as too large has no position. Only the huge records are refused.
            for mark in self._ledger.awaited():
                if isinstance(mark, tuple) and mark[0] == refused and self._ledger.settle(mark, PROCESSING_LOG):
                    return

    def close(self) -> None:
        """Drop the streams of this program."""
        self._producer.flush(30)
        self._tail.close()
        for topic in self.topics:
            for name in (topic.copy, f"{topic.copy}_SOURCE"):
                delete = " DELETE TOPIC" if name == topic.copy else ""
                with suppress(RemoteError):
                    self._ksql.execute(f"DROP STREAM IF EXISTS {quote_name(name)}{delete};")

    def _find_topics(self) -> Iterator[SourceTopic]:
        seen: set[str] = set()
        for source in (*self._ksql.streams(), *self._ksql.tables()):
            described = self._ksql.describe(source.name)
            if described.written_by or source.topic in seen or source.name.startswith(PREFIX):
                continue
            if source.topic.endswith("ksql_processing_log"):
                continue
            seen.add(source.topic)
            yield SourceTopic(source, described, self._sample(source, described))

    def _sample(self, source: SourceSummary, described: DescribedSource) -> tuple[bytes | None, bytes]:
        if source.value_format == "AVRO":
            return self._avro(f"{source.topic}-key"), self._avro(f"{source.topic}-value") or b""
        values = described.columns[described.keys :]
        return b"1", json.dumps({name: _json_value(kind) for name, kind in values}).encode()

    def _avro(self, subject: str) -> bytes | None:
        found = self._registry.latest(subject)
        if found is None:
            return None
        schema = fastavro.parse_schema(json.loads(found.schema))
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, generate_one(schema))
        return b"\0" + found.id.to_bytes(4, "big") + out.getvalue()


def _copy_statements(topic: SourceTopic) -> Iterator[str]:
    """A stream with a row for every record that can be read; a table's topic is first declared as a stream."""
    name = quote_name(topic.source.name)
    if topic.source.type == "TABLE":
        name = quote_name(f"{topic.copy}_SOURCE")
        keys = topic.described.keys
        columns = ", ".join(
            f"{quote_name(column)} {kind}{' KEY' if at < keys else ''}"
            for at, (column, kind) in enumerate(topic.described.columns)
        )
        formats = f"KEY_FORMAT='{topic.source.key_format}', VALUE_FORMAT='{topic.source.value_format}'"
        yield f"CREATE STREAM {name} ({columns}) WITH (KAFKA_TOPIC='{topic.name}', {formats});"
    yield (
        f"CREATE STREAM {quote_name(topic.copy)} WITH (VALUE_FORMAT='JSON', PARTITIONS=1) AS "  # noqa: S608
        f"SELECT *, ROWPARTITION AS BAD_INPUT_P, ROWOFFSET AS BAD_INPUT_O FROM {name} EMIT CHANGES;"
    )


def _json_value(kind: str) -> object:
    if kind.startswith("ARRAY"):
        return ["1"]
    return {"INTEGER": 1, "BIGINT": 1, "DOUBLE": 1.5, "BOOLEAN": True}.get(kind, "text")


Kinds = Iterator[tuple[str, bytes | None, bytes, int | None]]


def _records(rng: random.Random, topic: SourceTopic) -> Kinds:
    """Kind, key, value and timestamp (epoch ms) of bad records."""
    key, value = topic.key, topic.value
    yield "random bytes", key, rng.randbytes(rng.choice((1, 5, 40, 500))), None
    yield "damaged", key, damaged(rng, value)[:500_000], None
    yield "truncated", key, value[: rng.randrange(1, max(len(value), 2))], None
    yield "empty value", key, b"", None
    yield "without key", None, value, None
    yield "random key", rng.randbytes(9), value, None
    yield "time in 2100", key, value, YEAR_2100_MS
    yield "time before 1970", key, value, BEFORE_1970_MS
    if topic.is_avro:
        yield "unknown schema id", key, b"\0" + rng.choice((b"\xff\xff\xff\xff", b"\0\0\xff\xff")) + value[5:], None
        yield "schema of another topic", key, value[:4] + bytes([value[4] % 20 + 1]) + value[5:], None
        yield "wrong magic byte", key, b"\1" + value[1:], None
    else:
        yield from _json_records(rng, topic)
    if rng.random() < 0.2:
        yield "up to the broker's limit", key, _large(topic, MAX_BYTES - 200), None
        yield "beyond the broker's limit", key, _large(topic, MAX_BYTES + 200), None


def _json_records(rng: random.Random, topic: SourceTopic) -> Kinds:
    key, row = topic.key, json.loads(topic.value)
    name = rng.choice(sorted(row))
    yield "wrong types", key, json.dumps(damaged_value(rng, row)).encode("utf-8", "surrogatepass")[:500_000], None
    yield "deeply nested", key, b'{"' + name.encode() + b'":' + b"[" * 5000 + b"]" * 5000 + b"}", None
    yield "byte order mark", key, b"\xef\xbb\xbf" + topic.value, None
    yield "NaN", key, json.dumps({**row, name: float("nan")}).encode(), None
    yield "field twice", key, topic.value[:-1] + b', "' + name.encode() + b'": null}', None
    yield "not UTF-8", key, topic.value[:-1] + b', "x": "\xff\xfe\xed\xa0\x80"}', None
    yield "more after the document", key, topic.value + b"}{", None
    yield "huge number", key, b'{"' + name.encode() + b'": ' + b"9" * 5000 + b"}", None


def _large(topic: SourceTopic, size: int) -> bytes:
    if topic.is_avro:
        return topic.value + b"\0" * (size - len(topic.value))
    head = topic.value[:-1] + b', "x": "'
    return head + b"x" * (size - len(head) - 2) + b'"}'


class AlertRecords:
    """Sends records to the topics of alerts: each unreadable one becomes a dead letter of each alert on its topic."""

    def __init__(self, kafka: str, dead_letters: Mapping[str, list[str]], ledger: Ledger) -> None:
        """`dead_letters` are the dead-letter topics of the alerts, by topic."""
        self._dead_letters, self._ledger = dead_letters, ledger
        self._producer = Producer({"bootstrap.servers": kafka})
        self._tail = TopicTail(kafka)

    def start(self) -> None:
        """Nothing to prepare: dead-letter topics are created for their first record."""

    def send(self, rng: random.Random) -> None:
        """Send one unreadable record to each topic."""
        for topic in self._dead_letters:
            value = rng.choice((b"{", b"\xff\xfe", b"[]", b'"text"', b"\0\0\0\0\1", b'{"A":' * 3000, rng.randbytes(30)))
            self._producer.produce(topic, value, b"bad", on_delivery=self._delivered)
        self._producer.flush(30)

    def _delivered(self, error: Any, message: Message) -> None:
        if error is not None:
            self._ledger.settled("alert topic: unreadable record", f"refused by the broker: {error.name()}")
            return
        topic, place = message.topic() or "", (message.partition(), message.offset())
        for letters in self._dead_letters[topic]:
            self._ledger.expect("alert topic: unreadable record", (letters, *place), f"{topic} {place}")

    def collect(self) -> None:
        """Settle what arrived in the dead-letter topics."""
        for letters in {name for names in self._dead_letters.values() for name in names} - self._tail.topics():
            self._tail.add(letters, from_start=True)
        for message in self._tail.read():
            place = (header(message, "dlq.partition"), header(message, "dlq.offset"))
            with suppress(TypeError, ValueError):
                if header(message, "dlq.reason"):
                    self._ledger.settle((message.topic(), *(int(part or "") for part in place)), DEAD_LETTER)

    def close(self) -> None:
        """Close the clients."""
        self._producer.flush(10)
        self._tail.close()
