"""Deserializers of all formats, columns from registered schemas, and the queries of all pipelines."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import fastavro
from fastavro.utils import generate_one

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.mutation import damaged, damaged_value
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.deployer.declared.files import read_subjects, read_topics
from bifrost.engine.catalog.schema import Column, FormatInfo, LogicalSchema, ValueFormat
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.serde import InMemoryRegistry, Serdes
from bifrost.engine.serde.inference import infer_columns
from bifrost.engine.testing.driver import Driver
from bifrost.settings import PROJECT
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    StructField,
)

COLUMNS = LogicalSchema.of(
    value=(
        ("A", INTEGER),
        ("B", STRING),
        ("C", SqlDecimal(5, 2)),
        ("D", DOUBLE),
        ("E", SqlArray(BIGINT)),
        ("F", SqlMap(STRING, BOOLEAN)),
        ("G", SqlStruct((StructField("X", BYTES), StructField("Y", TIMESTAMP)))),
        ("H", DATE),
    )
).value
ROW = (1, "é", Decimal("1.25"), 0.5, [1, -(2**63)], {"a": True}, {"X": b"\0\xff", "Y": 1000}, 18262)
_FLAT = tuple(column for column in COLUMNS if column.name not in "EFG")
_FLAT_ROW = tuple(value for column, value in zip(COLUMNS, ROW, strict=True) if column.name not in "EFG")
_KAFKA = LogicalSchema.of(value=(("A", BIGINT),)).value
_FORMATS: dict[str, tuple[tuple[Column, ...], Any]] = {
    **dict.fromkeys(("AVRO", "JSON", "JSON_SR", "PROTOBUF", "PROTOBUF_NOSR"), (COLUMNS, ROW)),
    "DELIMITED": (_FLAT, _FLAT_ROW),
    "KAFKA": (_KAFKA, (5,)),
}
_TEXT_FORMATS = ("JSON", "JSON_SR")
_HEAD = 5
_TIMES = (0, -1, 1000, 1_700_000_000_000, 4_102_444_800_000, 2**62, 2**63 - 1)

_PROTOBUF = """
syntax = "proto3"; package p;
message R { int32 a = 1; repeated string b = 2; map<string, int64> c = 3; message I { double x = 1; } I d = 4;
  oneof o { bool e = 5; bytes f = 6; } enum K { ZERO = 0; } K g = 7; }
"""
SCHEMAS = {
    "AVRO": json.dumps(
        {
            "type": "record",
            "name": "R",
            "fields": [
                {"name": "a", "type": ["null", "int"], "default": None},
                {"name": "b", "type": {"type": "array", "items": {"type": "map", "values": "string"}}},
                {"name": "c", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
                {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}},
                {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
                {
                    "name": "g",
                    "type": ["null", {"type": "record", "name": "I", "fields": [{"name": "x", "type": "E"}]}],
                },
            ],
        }
    ),
    "JSON": json.dumps(
        {
            "type": "object",
            "title": "R",
            "properties": {
                "a": {"oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int64"}]},
                "b": {"type": "array", "items": {"type": "string"}},
                "c": {"type": "object", "connect.type": "map", "additionalProperties": {"type": "number"}},
                "d": {"$ref": "#/definitions/D"},
                "e": {
                    "connect.type": "bytes",
                    "title": "org.apache.kafka.connect.data.Decimal",
                    "type": "number",
                    "connect.parameters": {"scale": "2", "connect.decimal.precision": "4"},
                },
            },
            "definitions": {"D": {"type": "boolean"}},
        }
    ),
    "PROTOBUF": _PROTOBUF,
}

_PAYLOAD = b'{"a":1,"b":["x"],"c":{"k":1.5},"d":true,"e":1.25}'
"""Of the JSON schema."""


@contextmanager
def deserializers() -> Iterator[Fuzzer]:
    """Damaged bytes of every format: a row, which is the same when written and read again, or a SerdeError."""
    serdes = Serdes(InMemoryRegistry())
    samples = {
        name: serdes.value_serializer("t", ValueFormat(FormatInfo(name, {}), None), columns)(row) or b""
        for name, (columns, row) in _FORMATS.items()
    }
    readers = {
        name: serdes.value_deserializer("t", ValueFormat(FormatInfo(name, {}), None), columns)
        for name, (columns, _) in _FORMATS.items()
    }

    def make(rng: random.Random) -> Input:
        name = rng.choice(sorted(_FORMATS))
        return Input(name, _bytes_of(rng, name, samples[name]))

    writers = {
        name: serdes.value_serializer("t", ValueFormat(FormatInfo(name, {}), None), columns)
        for name, (columns, _) in _FORMATS.items()
    }

    def feed(found: Input) -> None:
        name = found.target
        row = _read(readers[name], found.given, len(_FORMATS[name][0]))
        again = None if row is None else readers[name](writers[name](row) or b"")
        if row is not None and again is not None and _comparable(again) != _comparable(row):
            raise Finding(f"written and read again, the row is another one: {row} and {again}")

    yield Fuzzer(make, feed)


def _comparable(row: Sequence[Any]) -> str:
    """A row as text, in which NaN equals itself; DELIMITED cannot tell an empty text from none."""
    return repr([None if value in ("", b"") else value for value in row])


def _bytes_of(rng: random.Random, name: str, sample: bytes) -> bytes:
    if name in _TEXT_FORMATS and rng.random() < 0.6:
        head = sample[:_HEAD] if name == "JSON_SR" else b""
        value = damaged_value(rng, json.loads(sample[len(head) :]))
        return head + json.dumps(value).encode("utf-8", "surrogatepass")
    if name in ("AVRO", "PROTOBUF", "JSON_SR") and rng.random() < 0.8:
        return sample[:_HEAD] + damaged(rng, sample[_HEAD:])
    return damaged(rng, sample)


def _read(reader: Callable[[bytes], Any], data: bytes, width: int) -> Any:
    row = reader(data)
    if row is not None and len(row) != width:
        raise Finding(f"a row of {len(row)} columns")
    return row


@contextmanager
def inference() -> Iterator[Fuzzer]:
    """Damaged schemas in the registry, and payloads that name them: columns and rows, or an error with its cause."""

    def make(rng: random.Random) -> Input:
        kind = rng.choice(sorted(SCHEMAS))
        payload = rng.choice((rng.randbytes(rng.choice((0, 1, 8, 40))), b"\0" * 40, _PAYLOAD, damaged(rng, _PAYLOAD)))
        return Input(kind, [_schema(rng, kind), b"\0\0\0\0\1" + payload])

    yield Fuzzer(make, lambda found: _infer(found.target, *found.given))


def _schema(rng: random.Random, kind: str) -> str:
    if kind != "PROTOBUF" and rng.random() < 0.7:
        return json.dumps(damaged_value(rng, json.loads(SCHEMAS[kind])))
    return damaged(rng, SCHEMAS[kind].encode()).decode("utf-8", "replace")


def _infer(kind: str, text: str, payload: bytes) -> None:
    registry = InMemoryRegistry()
    registry.register("t-value", kind, text)
    info = FormatInfo({"JSON": "JSON_SR"}.get(kind, kind), {})
    columns = infer_columns(info, registry, "t", is_key=False)
    Serdes(registry).value_deserializer("t", ValueFormat(info, None), LogicalSchema.of(value=columns).value)(payload)


@contextmanager
def pipelines() -> Iterator[Fuzzer]:
    """Damaged records in the source topics of all pipelines: rows, or entries of the processing log."""
    random.seed(0)  # for fastavro, which makes the samples
    driver = _deployed()
    topics = sorted({topic for query in driver.queries.values() for topic in query.topics})
    sample_of = {topic: _sample(driver, topic) for topic in topics}

    def make(rng: random.Random) -> Input:
        topic = rng.choice(topics)
        key, value = sample_of[topic]
        key, value = (part if rng.random() < 0.5 else damaged(rng, part) for part in (key, value))
        record = rng.choice((key, None)), rng.choice((value, value, value, None))
        return Input(topic, [*record, rng.choice(_TIMES)])

    yield Fuzzer(make, lambda found: _produce(driver, found.target, *found.given))


def _deployed() -> Driver:
    """A driver with the topics, schemas and statements of the project."""
    driver = Driver(functions=registry_of(PROJECT / "ksql" / "udf"))
    topics = read_topics(PROJECT / "topics")
    driver.environment.declared.update({topic.name: TopicInfo(topic.partitions) for topic in topics})
    for subject in read_subjects(PROJECT / "topics" / "schemas", topics):
        driver.environment.registry.register(subject.name, "AVRO", subject.schema)
    for pipeline in ("customers", "ratings", "orders", "logons", "patterns", "wifi", "syslog"):
        driver.run((PROJECT / "ksql" / f"{pipeline}.sql").read_text(encoding="utf-8"))
    return driver


def _sample(driver: Driver, topic: str) -> tuple[bytes, bytes]:
    """A key and a value of a topic: random Avro of its schemas, or JSON of its columns."""
    return _part(driver, topic, "key"), _part(driver, topic, "value")


def _part(driver: Driver, topic: str, part: str) -> bytes:
    registered = driver.environment.registry.latest(f"{topic}-{part}")
    if registered is not None:
        schema = fastavro.parse_schema(json.loads(registered.text))
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, generate_one(schema))
        return b"\0" + registered.id.to_bytes(4, "big") + out.getvalue()
    if part == "key":
        return b"1"
    columns = [column.name for source in driver.metastore if source.topic == topic for column in source.schema.value]
    return json.dumps(dict.fromkeys(columns, "1")).encode()


def _produce(driver: Driver, topic: str, key: bytes | None, value: bytes | None, timestamp: int) -> None:
    driver.produce(topic, key, value, timestamp)
    for query in driver.queries.values():
        query.problems.clear()
    for found in driver.environment.topics.values():
        del found.records[:-1]
