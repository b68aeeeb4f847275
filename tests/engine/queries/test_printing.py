import struct

import pytest

from bifrost.engine.queries.payloads import NOTHING_SEEN, PayloadReader
from bifrost.engine.queries.printing import RecordLines
from bifrost.engine.serde import InMemoryRegistry


@pytest.fixture
def registry():
    return InMemoryRegistry()


@pytest.fixture
def reader(registry):
    return PayloadReader("t", registry)


@pytest.mark.parametrize(
    ("data", "formats", "text"),
    [
        (b'{"A": 12}', "JSON or KAFKA_STRING", '{"A": 12}'),
        (b"o9", "KAFKA_STRING", "o9"),
        ("grün".encode(), "KAFKA_STRING", "grün"),
        (struct.pack(">i", -3), "KAFKA_INT", "-3"),
        (struct.pack(">q", 7), "KAFKA_BIGINT or KAFKA_DOUBLE", "7"),
        (b"\x00\xff\x01", "UNRECOGNISED_BYTES", "[0x00FF01]"),
    ],
)
def test_the_possible_formats_of_bytes(reader, data, formats, text):
    assert reader.show(data) == text
    if formats != "UNRECOGNISED_BYTES":
        assert reader.formats == formats


def test_more_payloads_narrow_the_guess(reader):
    reader.show(b'{"A": 12}')
    reader.show(b"plain")
    assert reader.formats == "KAFKA_STRING"


def test_without_payloads_no_format_is_known(reader):
    assert reader.show(None) == "<null>"
    assert reader.formats == NOTHING_SEEN


def test_avro_is_read_by_its_schema(registry, reader):
    text = '{"type":"record","name":"R","fields":[{"name":"Id","type":"int"},{"name":"s","type":"string"}]}'
    head = b"\0" + registry.register("t-value", "AVRO", text).to_bytes(4, "big")
    assert reader.show(head + b"\x02\x04hi") == '{"Id": 1, "s": "hi"}'
    assert reader.formats == "AVRO"


def test_avro_whose_schema_is_not_a_record(registry, reader):
    head = b"\0" + registry.register("t-key", "AVRO", '"int"').to_bytes(4, "big")
    assert reader.show(head + b"\x54") == "42"


def test_lines_show_formats_first_and_when_they_change(registry):
    lines = RecordLines("t", registry)
    first = "".join(lines.of((b"k", b"{}", 1_700_000_000_123, 0, 0, None)))
    assert first == (
        "Key format: KAFKA_STRING\n"
        "Value format: JSON or KAFKA_STRING\n"
        "rowtime: 2023/11/14 22:13:20.123 Z, key: k, value: {}, partition: 0\n"
    )
    second = "".join(lines.of((b"k", b"x", -1, 1, 0, None)))
    assert second == "Value format: KAFKA_STRING\nrowtime: N/A, key: k, value: x, partition: 1\n"
