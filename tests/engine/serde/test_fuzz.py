"""Any bytes in any format give a row or a SerdeError, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.catalog.schema import Column
from bifrost.engine.serde import InMemoryRegistry, SerdeError, Serdes
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
from tests.engine.serde.samples import columns_of, nested, read, rows, value_format, values, write
from tests.examples import examples

ROW = values(
    ("A", INTEGER),
    ("B", STRING),
    ("C", SqlDecimal(5, 2)),
    ("D", DOUBLE),
    ("E", SqlArray(BIGINT)),
    ("F", SqlMap(STRING, BOOLEAN)),
    ("G", SqlStruct((StructField("X", BYTES), StructField("Y", TIMESTAMP)))),
    ("H", DATE),
)
FLAT_ROW = tuple(column for column in ROW if column.name not in "EFG")
COLUMNS = {"DELIMITED": FLAT_ROW, "KAFKA": values(("A", BIGINT))}
FORMATS = ["AVRO", "JSON", "JSON_SR", "PROTOBUF", "PROTOBUF_NOSR", "DELIMITED", "KAFKA", "NONE"]

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ABCDEFGHXYab"), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def serdes() -> Serdes:
    """Serdes whose registry knows a schema of each type: ids 1, 2 and 3."""
    made = Serdes(InMemoryRegistry())
    for name in ("AVRO", "JSON_SR", "PROTOBUF"):
        write(made, name, ROW, (None,) * len(ROW))
    return made


def _outcome(serdes: Serdes, name: str, data: bytes, **options: Any) -> None:
    with suppress(SerdeError):
        row = read(serdes, name, COLUMNS.get(name, ROW), data, **options)
        assert row is None or len(row) == len(COLUMNS.get(name, ROW))


@pytest.mark.parametrize("name", FORMATS)
@examples(200)
@given(data=st.binary(max_size=40))
def test_any_bytes(serdes: Serdes, name: str, data: bytes) -> None:
    _outcome(serdes, name, data)


@pytest.mark.parametrize("name", ["AVRO", "JSON_SR", "PROTOBUF"])
@examples(300)
@given(schema_id=st.integers(1, 4), data=st.binary(max_size=40))
def test_any_bytes_behind_a_schema_id(serdes: Serdes, name: str, schema_id: int, data: bytes) -> None:
    _outcome(serdes, name, b"\0" + schema_id.to_bytes(4, "big") + data)


@pytest.mark.parametrize("unwrapped", [False, True])
@examples(300)
@given(value=JSON_VALUES)
def test_any_json(serdes: Serdes, unwrapped: bool, value: Any) -> None:
    import json

    text = json.dumps(value).encode()
    with suppress(SerdeError):
        if unwrapped:
            for column in ROW:
                with suppress(SerdeError):
                    read(serdes, "JSON", (column,), text, wrap=False)
        else:
            read(serdes, "JSON", ROW, text)


@examples(300)
@given(text=st.text(st.sampled_from('ab1,"\r\n \t-.e'), max_size=30))
def test_any_line(serdes: Serdes, text: str) -> None:
    _outcome(serdes, "DELIMITED", text.encode())


@pytest.mark.parametrize("name", ["AVRO", "PROTOBUF"])
@examples(150)
@given(sample=rows(columns_of(nested(st.just(STRING)))), cut=st.integers(0, 60), flip=st.integers(0, 255))
def test_damaged_records(name: str, sample: tuple[tuple[Column, ...], Any], cut: int, flip: int) -> None:
    columns, row = sample
    serdes = Serdes()
    try:
        data = write(serdes, name, columns, row) or b""
    except SerdeError:
        return
    reader = serdes.value_deserializer("t", value_format(name), columns)
    at = 5 + cut % max(len(data) - 5, 1)
    for damaged in (data[:at], data[:at] + bytes([flip]) + data[at + 1 :]):
        with suppress(SerdeError):
            reader(damaged)
    assert reader(data) is not None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("JSON", b"[" * 100_000),
        ("JSON", b'{"C":' + b"1" * 5_000 + b"}"),
        ("JSON", b'{"A":"' + b"1" * 5_000 + b'"}'),
        ("JSON", b'{"C":1e999999999}'),
        ("JSON", b'{"C":"1e999999999"}'),
        ("JSON", b'{"B":{"x":1.5,"y":1e999999}}'),
        ("JSON", b'{"A":1e400}'),
        ("JSON", b'{"A":1.5e300}'),
        ("JSON", b'{"A":1e999999999,"C":1.5}'),
        ("JSON", b'{"D":1e999999999,"C":1.5}'),
        ("JSON", b'{"B":"\\ud800"}'),
        ("DELIMITED", b"1,2," + b"1" * 5_000 + b",1,1"),
        ("DELIMITED", b"1,2,1e999999999,1,1"),
        ("DELIMITED", b"1" * 5_000 + b",2,1,1,1"),
    ],
)
def test_hostile_numbers_and_nesting(serdes: Serdes, name: str, data: bytes) -> None:
    _outcome(serdes, name, data)


def test_a_block_count_beyond_the_data_is_refused_at_once(serdes: Serdes) -> None:
    columns = values(("E", SqlArray(BIGINT)))
    data = write(serdes, "AVRO", columns, ([1],))
    assert data is not None
    claim = data[:6] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    with pytest.raises(SerdeError, match="more items than the payload has bytes"):
        read(serdes, "AVRO", columns, claim)
