"""Payloads that are not what they should be: each gives a row or a SerdeError that names the topic, never a crash."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from bifrost.engine.catalog.schema import WindowInfo, WindowKind
from bifrost.engine.serde import InMemoryRegistry, SerdeError, Serdes, split_windowed_key
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DOUBLE,
    INTEGER,
    STRING,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    StructField,
)
from tests.engine.serde.samples import read, value_format, values, write
from tests.examples import sampled

HEAD = b"\0\0\0\0\1"
COLUMNS = values(
    ("I", INTEGER),
    ("L", BIGINT),
    ("S", STRING),
    ("D", DOUBLE),
    ("A", SqlArray(STRING)),
    ("M", SqlMap(STRING, INTEGER)),
    ("N", SqlDecimal(6, 2)),
    ("R", SqlStruct((StructField("X", INTEGER), StructField("Y", STRING)))),
)
ROW = (1, 2, "three", 4.5, ["a", "b"], {"k": 6}, None, {"X": 7, "Y": "z"})
AVRO_RECORD = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "I", "type": "int"},
        {"name": "S", "type": "string"},
        {"name": "A", "type": {"type": "array", "items": "string"}},
        {"name": "U", "type": ["null", "long"]},
    ],
}


def refused_or_read(name: str, data: bytes, serdes: Serdes, columns: Any = COLUMNS) -> str:
    """The error's text, `row` where the payload is read."""
    try:
        read(serdes, name, columns, data)
    except SerdeError as error:
        return str(error)
    return "row"


def avro_serdes() -> Serdes:
    registry = InMemoryRegistry()
    registry.register("t-value", "AVRO", json.dumps(AVRO_RECORD))
    return Serdes(registry)


AVRO_COLUMNS = values(("I", INTEGER), ("S", STRING), ("A", SqlArray(STRING)), ("U", BIGINT))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x02",
        b"\x02\x06ab",
        b"\x02\x05ab",
        b"\x02\x02a\x02\x02b",
        b"\x02\x02a\x01\x02\x02b\x00",
        b"\x02\x02a\xff\xff\xff\xff\x0f\x02b\x00\x00",
        b"\x02\x02a\x00\x04\x02",
        b"\x02\x02a\x00\x63",
        b"\xff\xff\xff\xff\xff\x01\x02a\x00\x00",
        b"\xff" * 12,
        b"\x02\xfe\xff\xff\xff\x0fa\x00\x00",
    ],
)
def test_avro_that_was_not_written_with_its_schema_is_refused(body: bytes) -> None:
    problem = refused_or_read("AVRO", HEAD + body, avro_serdes(), AVRO_COLUMNS)
    assert problem.startswith("Failed to deserialize value from topic: t.")


@pytest.mark.parametrize(
    ("tail", "value"), [(b"\x01", -(2**63)), (b"\x7f", -(2**63)), (b"\x02", -(2**62)), (b"\x00", -(2**62))]
)
def test_bits_beyond_the_64th_of_an_avro_long_are_ignored_as_in_java(tail: bytes, value: int) -> None:
    data = HEAD + b"\x02\x02a\x00\x02" + b"\xff" * 9 + tail
    assert read(avro_serdes(), "AVRO", AVRO_COLUMNS, data)[3] == value


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\0\0\0", b"\1\0\0\0\1\2", b"\0\0\0\0\x63\2", b'{"I":1}', HEAD[::-1], b"\0\xff\xff\xff\xff\2"],
)
@pytest.mark.parametrize("name", ["AVRO", "PROTOBUF"])
def test_a_payload_that_names_no_known_schema_is_refused(name: str, data: bytes) -> None:
    assert refused_or_read(name, data, avro_serdes(), AVRO_COLUMNS).startswith("Failed to deserialize value")


def proto_serdes() -> tuple[Serdes, bytes]:
    serdes = Serdes(InMemoryRegistry())
    data = write(serdes, "PROTOBUF", COLUMNS, ROW)
    assert data is not None
    return serdes, data


@pytest.mark.parametrize(
    "body",
    [b"\x00\xff", b"\x00\x0a\x7f", b"\x00\x08", b"\x00\x0b", b"\x02\x62", b"\x7f\x00", b"\x05\xff\xff\xff\xff", b""],
)
def test_protobuf_that_is_cut_or_has_no_such_message_is_refused(body: bytes) -> None:
    serdes, _ = proto_serdes()
    assert refused_or_read("PROTOBUF", HEAD + body, serdes).startswith("Failed to deserialize value")


@pytest.mark.parametrize("name", ["AVRO", "JSON", "JSON_SR", "PROTOBUF", "PROTOBUF_NOSR"])
def test_a_payload_cut_anywhere_is_a_row_or_refused(name: str) -> None:
    serdes = Serdes(InMemoryRegistry())
    data = write(serdes, name, COLUMNS, ROW)
    assert data is not None
    for end in sampled(range(len(data)), every=4):
        problem = refused_or_read(name, data[:end], serdes)
        assert problem == "row" or problem.startswith("Failed to deserialize value from topic: t.")
    for at in sampled(range(len(data)), every=4):
        for byte in (0, 0x7F, 0x80, 0xFF):
            problem = refused_or_read(name, data[:at] + bytes((byte,)) + data[at + 1 :], serdes)
            assert problem == "row" or problem.startswith("Failed to deserialize value from topic: t.")


DELIMITED_COLUMNS = values(("I", INTEGER), ("S", STRING), ("D", DOUBLE), ("B", BOOLEAN), ("X", BYTES))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"1",
        b"1,a,1.0,true",
        b"1,a,1.0,true,eA==,more",
        b"x,a,1.0,true,eA==",
        b"1.5,a,1.0,true,eA==",
        b"99999999999,a,1.0,true,eA==",
        b"1,a,one,true,eA==",
        b"1,a,1.0,true,?",
        b'1,"a,1.0,true,eA==',
        b'1,"a"b,1.0,true,eA==',
        b"0x10,a,1.0,true,eA==",
        b"1_0,a,1.0,true,eA==",
        b"1,a,0x1p3,true,eA==",
    ],
)
def test_a_line_that_does_not_fit_its_columns_is_refused(line: bytes) -> None:
    problem = refused_or_read("DELIMITED", line, Serdes(), DELIMITED_COLUMNS)
    assert problem.startswith("Failed to deserialize value from topic: t.")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b",,,,", (None, None, None, None, None)),
        (b"1,a,1.0,maybe,eA==", (1, "a", 1.0, False, b"x")),
        (b"1,a,1.0,true,eA", (1, "a", 1.0, True, b"x")),
        (b'1,"a ""b"", c",-1e3,TRUE,', (1, 'a "b", c', -1000.0, True, None)),
        (b'"1","a","1.0","true","eA=="\n', (1, "a", 1.0, True, b"x")),
        (b"1,a,NaN,true,eA==\r\n2,b", None),
        (b"+1, a ,1.0,true,eA==", (1, " a ", 1.0, True, b"x")),
    ],
)
def test_an_odd_line_is_read_as_commons_csv_reads_it(line: bytes, row: Any) -> None:
    got = read(Serdes(), "DELIMITED", DELIMITED_COLUMNS, line)
    assert row is None or got == row


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (INTEGER, b""),
        (INTEGER, b"\0\0\0"),
        (INTEGER, b"\0\0\0\0\0"),
        (BIGINT, b"\0\0\0\0"),
        (BIGINT, b"12345678 "),
        (DOUBLE, b"1.5"),
    ],
)
def test_bytes_of_the_wrong_size_are_no_number(kind: SqlType, data: bytes) -> None:
    columns = values(("V", kind))
    reader = Serdes().value_deserializer("t", value_format("KAFKA"), columns)
    with pytest.raises(SerdeError, match="Failed to deserialize value from topic: t"):
        reader(data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\xff", "a\ufffd"),
        (b"\xff\xfeb", "\ufffd\ufffdb"),
        (b"\xed\xa0\x80", "\ufffd"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xe2\x28\xa1", "\ufffd(\ufffd"),
    ],
)
def test_malformed_utf8_is_replaced_as_java_does(data: bytes, text: str) -> None:
    one = values(("S", STRING))
    assert read(Serdes(), "KAFKA", one, data) == (text,)
    assert read(Serdes(), "DELIMITED", one, data) == (text,)
    size = bytes((len(data) * 2,))
    payload = HEAD + b"\x02" + size + data + b"\x02" + size + data + b"\x00\x02\x06"
    assert read(avro_serdes(), "AVRO", AVRO_COLUMNS, payload) == (1, text, [text], 3)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_key_too_short_for_its_window_is_refused(size: int) -> None:
    with pytest.raises(SerdeError, match="windowed key"):
        split_windowed_key(b"\0" * size, WindowInfo(WindowKind.TUMBLING, 1000))
    with pytest.raises(SerdeError, match="windowed key"):
        split_windowed_key(b"\0" * size, WindowInfo(WindowKind.SESSION, None))


def test_a_deeply_nested_payload_is_refused() -> None:
    deep = b'{"S":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert "Failed to deserialize value" in refused_or_read("JSON", deep, Serdes())


def test_a_claimed_size_does_not_take_memory() -> None:
    huge = HEAD + b"\x02\x02a" + struct.pack("<B", 0xFE) + b"\xff" * 8 + b"\x01"
    assert refused_or_read("AVRO", huge, avro_serdes(), AVRO_COLUMNS).startswith("Failed to deserialize value")
