"""KAFKA and NONE, and the window behind a key."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.catalog.schema import WindowInfo, WindowKind
from bifrost.engine.serde import SerdeError, Serdes, split_windowed_key, windowed_key
from bifrost.sql.types import BIGINT, BYTES, DOUBLE, INTEGER, STRING, SqlType
from tests.engine.serde.samples import LONGS, key_format, keys, read, values, write

SERDES = Serdes()


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (INTEGER, 13, b"\0\0\0\x0d"),
        (INTEGER, -1, b"\xff\xff\xff\xff"),
        (BIGINT, 13, b"\0\0\0\0\0\0\0\x0d"),
        (DOUBLE, 1.5, struct.pack(">d", 1.5)),
        (STRING, "rpi-03", b"rpi-03"),
        (STRING, "", b""),
        (BYTES, b"\0x", b"\0x"),
    ],
)
def test_bytes_are_those_of_kafkas_serializers(kind: SqlType, value: Any, data: bytes) -> None:
    columns = keys(("K", kind))
    assert SERDES.key_serializer("t", key_format("KAFKA"), columns)((value,)) == data
    assert SERDES.key_deserializer("t", key_format("KAFKA"), columns)(data) == (value,)


def test_null_is_written_as_null() -> None:
    columns = values(("V", INTEGER))
    assert write(SERDES, "KAFKA", columns, (None,)) is None
    assert write(SERDES, "KAFKA", columns, None) is None
    assert read(SERDES, "KAFKA", columns, None) is None


def test_a_number_of_another_size_is_refused() -> None:
    with pytest.raises(SerdeError, match="Size of data received by IntegerDeserializer is not 4"):
        read(SERDES, "KAFKA", values(("V", INTEGER)), b"12345")
    with pytest.raises(SerdeError, match="Failed to deserialize key from topic: t"):
        SERDES.key_deserializer("t", key_format("KAFKA"), keys(("K", BIGINT)))(b"x")


def test_none_has_neither_bytes_nor_rows() -> None:
    assert write(SERDES, "NONE", (), ()) is None
    assert read(SERDES, "NONE", (), b"anything") is None


@pytest.mark.parametrize("name", ["KAFKA", "JSON", "AVRO", "DELIMITED", "NONE"])
def test_a_topic_without_key_columns_has_no_key(name: str) -> None:
    assert SERDES.key_serializer("t", key_format(name), ())(()) is None
    assert SERDES.key_deserializer("t", key_format(name), ())(b"x") is None


@given(key=st.binary(), start=LONGS, end=LONGS)
def test_session_keys_carry_end_then_start(key: bytes, start: int, end: int) -> None:
    data = windowed_key(key, start, end)
    assert data == key + struct.pack(">qq", end, start)
    assert split_windowed_key(data, WindowInfo(WindowKind.SESSION)) == (key, start, end)


@given(key=st.binary(), start=LONGS)
def test_time_windows_end_by_their_size(key: bytes, start: int) -> None:
    data = windowed_key(key, start)
    assert data == key + struct.pack(">q", start)
    assert split_windowed_key(data, WindowInfo(WindowKind.TUMBLING, 10_000)) == (key, start, start + 10_000)


def test_a_key_too_short_for_its_window_is_refused() -> None:
    with pytest.raises(SerdeError, match="A windowed key of 7 bytes"):
        split_windowed_key(b"1234567", WindowInfo(WindowKind.HOPPING, 10))
