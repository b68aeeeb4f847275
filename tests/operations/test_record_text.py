"""Keys and values of records as text for people."""

import json

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from bifrost.clients.avro import encode, parse_schema
from bifrost.clients.schema_registry import SubjectVersion
from bifrost.engine.serde.protobuf.schema_files import proto_file
from bifrost.errors import Unreachable
from bifrost.operations.record_text import ReadableValue, RecordText

AVRO = json.dumps(
    {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "name", "type": "string"},
            {"name": "raw", "type": "bytes"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }
)
PROTO = 'syntax = "proto3"; message Outer { string first_name = 1; message Inner { int32 n = 1; } Inner inner = 2; }'


class Registry:
    def __init__(self) -> None:
        self.requests = 0

    def by_id(self, number):
        self.requests += 1
        found = {1: (AVRO, "AVRO"), 2: ("{}", "JSON"), 3: (PROTO, "PROTOBUF")}.get(number)
        if found is None:
            raise Unreachable("Schema Registry", f"GET /schemas/ids/{number}", "no answer")
        return SubjectVersion("", 0, number, *found)


@pytest.fixture
def reader():
    return RecordText(Registry())


def test_avro_with_logical_types_and_bytes(reader):
    data = encode(1, parse_schema(AVRO), {"name": "Zoë", "raw": b"\x00\xff", "at": 0})

    found = reader.read(data)

    assert (found.format, json.loads(found.text)) == (
        "AVRO",
        {"name": "Zoë", "raw": "AP8=", "at": "1970-01-01T00:00:00+00:00"},
    )


def test_a_schema_is_read_once(reader):
    data = encode(1, parse_schema(AVRO), {"name": "a", "raw": b"", "at": 0})
    reader.read(data)
    reader.read(data)
    assert reader._registry.requests == 1


def test_json_with_a_schema_id(reader):
    assert reader.read(b'\x00\x00\x00\x00\x02{"a":1}') == ReadableValue("JSON_SR", '{"a": 1}')


@pytest.mark.parametrize(
    ("path", "name", "content"),
    [(b"\x00", "Outer", {"first_name": "a", "inner": {"n": 2}}), (b"\x04\x00\x00", "Outer.Inner", {"n": 7})],
)
def test_protobuf_and_its_nested_messages(reader, path, name, content):
    message = ParseDict(content, GetMessageClass(proto_file(PROTO).message(name))())

    found = reader.read(b"\x00\x00\x00\x00\x03" + path + message.SerializeToString())

    assert (found.format, json.loads(found.text)) == ("PROTOBUF", content)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, ReadableValue("null", "null")),
        (b"", ReadableValue("TEXT", "")),
        (b'{"a": [1, "\xc3\xa4"]}', ReadableValue("JSON", '{"a": [1, "ä"]}')),
        (b"hello", ReadableValue("TEXT", "hello")),
        (b"\x00\x01", ReadableValue("BYTES", "00 01")),
        (b"\xff" * 300, ReadableValue("BYTES", " ".join(["ff"] * 256) + " ... and 44 more bytes")),
        (b"[" * 100_000, ReadableValue("TEXT", "[" * 100_000)),
    ],
    ids=["null", "empty", "json", "text", "bytes", "long", "deep"],
)
def test_without_a_schema(reader, data, expected):
    assert reader.read(data) == expected


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x00\x00\x00\x00\x09abc", "no answer"),
        (b"\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff", "not a record of its schema"),
        (b"\x00\x00\x00\x00\x02not json", "Expecting value"),
        (b"\x00\x00\x00\x00\x03\x02\x0e\x00", "no message"),
        (b"\x00\x00\x00\x00\x03\x00\xff\xff", "Error parsing"),
    ],
)
def test_what_its_schema_cannot_read_is_shown_as_bytes_with_the_reason(reader, data, problem):
    found = reader.read(data)
    assert found.format in ("BYTES", "TEXT")
    assert problem in found.problem


@pytest.mark.parametrize("prefix", [b"", b"\x00\x00\x00\x00\x02"])
@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b'{"price":12345678901234567890.1234}', '{"price": 12345678901234567890.1234}'),
        (
            b'{ "a" : 1.10,\n "b":[1e400, -0.0, {}],"c\\":,\\u00e9":"x, y: 1" }',
            '{"a": 1.10, "b": [1e400, -0.0, {}], "c\\":,é": "x, y: 1"}',
        ),
        (b"1.0E10", "1.0E10"),
        (b'{"id":12345678901234567890123}', '{"id": 12345678901234567890123}'),
    ],
)
def test_numbers_are_shown_with_the_digits_of_the_record(reader, prefix, stored, shown):
    assert reader.read(prefix + stored).text == shown


@pytest.mark.parametrize("stored", [b'{"text": "cut \\ud83d"}', b'["\\ude00", 1.50]', b'{"\\ud83d": 1}'])
def test_half_an_emoji_remains_an_escape_that_can_be_written_out(reader, stored):
    found = reader.read(stored)
    assert (found.format, found.text) == ("JSON", stored.decode())
    assert found.text.encode()
