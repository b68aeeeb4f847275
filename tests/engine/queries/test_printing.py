import random
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


TEXT_WINDOWS = "HOPPING(KAFKA_STRING) or TUMBLING(KAFKA_STRING)"


def bounds(*times):
    return b"".join(struct.pack(">q", time) for time in times)


@pytest.mark.parametrize(
    ("data", "formats", "text"),
    [
        (b"alice" + bounds(1_600_000_000_000), TEXT_WINDOWS, "[alice@1600000000000/-]"),
        (
            b"alice" + bounds(1_600_000_009_000, 1_600_000_000_000),
            "SESSION(KAFKA_STRING)",
            "[alice@1600000000000/1600000009000]",
        ),
        (struct.pack(">i", 7) + bounds(0), "HOPPING(KAFKA_INT) or TUMBLING(KAFKA_INT)", "[7@0/-]"),
        (b'{"A":1}' + bounds(5), f"HOPPING(JSON) or TUMBLING(JSON) or {TEXT_WINDOWS}", '[{"A":1}@5/-]'),
        (b"a longer plain key", "KAFKA_STRING", "a longer plain key"),
        (struct.pack(">q", 7), "KAFKA_BIGINT or KAFKA_DOUBLE", "7"),
    ],
)
def test_keys_with_windows_show_their_bounds(registry, data, formats, text):
    reader = PayloadReader("t", registry, is_key=True)
    assert reader.show(data) == text
    assert reader.formats == formats


def test_values_have_no_windows(reader):
    assert reader.show(b"alice" + bounds(1_600_000_000_000)).startswith("[0x")


def test_avro_keys_with_windows(registry):
    reader = PayloadReader("t", registry, is_key=True)
    head = b"\0" + registry.register("t-key", "AVRO", '"int"').to_bytes(4, "big")
    assert reader.show(head + b"\x54" + bounds(1_600_000_000_000)) == "[42@1600000000000/-]"


@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 8, b"\0" * 16, b"\xff" * 24, bounds(-5, 3, 2)])
def test_any_bytes_can_be_shown_as_a_key(registry, data):
    assert PayloadReader("t", registry, is_key=True).show(data) is not None


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (253_402_300_799_999, "9999/12/31 23:59:59.999 Z"),
        (253_402_300_800_000, "253402300800000 (epoch ms)"),
        (2**63 - 1, "9223372036854775807 (epoch ms)"),
        (-5, "N/A"),
    ],
)
def test_times_of_any_size_are_shown(registry, timestamp, text):
    lines = "".join(RecordLines("t", registry).of((b"k", b"v", timestamp, 0, 0, None)))
    assert f"rowtime: {text}, key: k" in lines


def test_any_bytes_can_be_printed(registry):
    chance = random.Random(11)
    heads = (b"", b"\0", b"\0\0\0\0\1", b"{", b'"', b"\xff", b"[1,")
    registry.register("t-value", "AVRO", '{"type":"record","name":"R","fields":[{"name":"A","type":"string"}]}')
    lines = RecordLines("t", registry)
    for offset in range(3_000):
        key, value = (chance.choice(heads) + chance.randbytes(chance.randrange(30)) for _ in range(2))
        assert "".join(lines.of((key, value, 0, 0, offset, None))).endswith("partition: 0\n")
