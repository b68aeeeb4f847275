"""What is written is read back, in every format that can carry it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.catalog.schema import Column
from bifrost.engine.serde import Serdes
from bifrost.sql.types import BIGINT, INTEGER, STRING, SqlArray, SqlMap, SqlStruct, SqlType, StructField
from tests.engine.serde.samples import FLAT, columns_of, nested, read, rows, values, write
from tests.examples import examples

ANY_KEYS = st.sampled_from([STRING, INTEGER, BIGINT])
TEXT_KEYS = st.just(STRING)

Sample = tuple[tuple[Column, ...], tuple[Any, ...]]


@pytest.mark.parametrize("name", ["AVRO", "JSON", "JSON_SR"])
@examples(150)
@given(sample=rows(columns_of(nested(ANY_KEYS))))
def test_nested_rows(name: str, sample: Sample) -> None:
    columns, row = sample
    serdes = Serdes()
    assert read(serdes, name, columns, write(serdes, name, columns, row)) == row


def _fits_protobuf(kind: SqlType) -> bool:
    match kind:
        case SqlArray(SqlArray() | SqlMap()):
            return False
        case SqlArray(item):
            return _fits_protobuf(item)
        case SqlMap(_, value):
            return _fits_protobuf(value)
        case SqlStruct(fields):
            return all(_fits_protobuf(field.type) for field in fields)
        case _:
            return True


@pytest.mark.parametrize("name", ["PROTOBUF", "PROTOBUF_NOSR"])
@examples(60)
@given(sample=rows(columns_of(nested(TEXT_KEYS).filter(_fits_protobuf)), nulls=False))
def test_protobuf_rows_without_nulls(name: str, sample: Sample) -> None:
    columns, row = sample
    serdes = Serdes()
    assert read(serdes, name, columns, write(serdes, name, columns, row)) == row


@pytest.mark.parametrize("representation", ["OPTIONAL", "WRAPPER"])
@examples(40)
@given(sample=rows(columns_of(FLAT)))
def test_protobuf_keeps_nulls_if_the_format_demands_it(representation: str, sample: Sample) -> None:
    columns, row = sample
    serdes = Serdes()
    data = write(serdes, "PROTOBUF", columns, row, nullableRepresentation=representation)
    assert read(serdes, "PROTOBUF", columns, data) == row


@pytest.mark.parametrize("delimiter", [",", "|", "TAB", "SPACE"])
@examples(100)
@given(sample=rows(columns_of(FLAT)))
def test_delimited_rows(delimiter: str, sample: Sample) -> None:
    """Empty text and empty bytes come back as null: a line cannot tell them apart."""
    columns, row = sample
    serdes = Serdes()
    data = write(serdes, "DELIMITED", columns, row, delimiter=delimiter)
    if data:
        expected = tuple(None if value in ("", b"") else value for value in row)
        assert read(serdes, "DELIMITED", columns, data, delimiter=delimiter) == expected


@pytest.mark.parametrize("name", ["AVRO", "JSON", "JSON_SR"])
@examples(60)
@given(sample=rows(nested(ANY_KEYS).map(lambda kind: values(("V", kind)))))
def test_unwrapped_values(name: str, sample: Sample) -> None:
    """A null single value has no bytes, which is read as no row."""
    columns, row = sample
    serdes = Serdes()
    data = write(serdes, name, columns, row, wrap=False)
    assert read(serdes, name, columns, data, wrap=False) == (None if row[0] is None else row)


@examples(60)
@given(sample=rows(columns_of(nested(ANY_KEYS))))
def test_avro_keys_of_one_struct(sample: Sample) -> None:
    from tests.engine.serde.samples import key_format, keys

    columns, row = sample
    kind = SqlStruct(tuple(StructField(column.name, column.type) for column in columns))
    key = keys(("K", kind))
    serdes, form = Serdes(), key_format("AVRO", fullSchemaName="a.b.Key")
    value = (dict(zip([column.name for column in columns], row, strict=True)),)
    data = serdes.key_serializer("t", form, key)(value)
    assert serdes.key_deserializer("t", form, key)(data) == value
