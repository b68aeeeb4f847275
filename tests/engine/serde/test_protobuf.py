"""PROTOBUF: given schemas, the schemas ksqlDB makes, nulls, message paths."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bifrost.engine.catalog.schema import Formats, LogicalSchema
from bifrost.engine.serde import InMemoryRegistry, SerdeError, Serdes
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    StructField,
)
from tests.engine.serde.samples import key_format, keys, read, value_format, values, write

PRIMITIVES = values(("I", INTEGER), ("L", BIGINT), ("D", DOUBLE), ("B", BOOLEAN), ("S", STRING))
INNER = SqlStruct((StructField("X", INTEGER),))


def schema_text(columns: Any, **properties: str) -> str:
    registry = InMemoryRegistry()
    formats = Formats(key_format("NONE"), value_format("PROTOBUF", **properties))
    Serdes(registry).register("t", formats, LogicalSchema(columns))
    latest = registry.latest("t-value")
    assert latest is not None
    return latest.text


def test_the_schema_of_a_sink_is_ksqldbs() -> None:
    assert schema_text(PRIMITIVES) == (
        'syntax = "proto3";\n\nmessage ConnectDefault1 {\n  int32 I = 1;\n  int64 L = 2;\n  double D = 3;\n'
        "  bool B = 4;\n  string S = 5;\n}\n"
    )


def test_nested_types_and_imports() -> None:
    columns = values(("AT", TIMESTAMP), ("N", SqlDecimal(4, 2)), ("S", INNER), ("M", SqlMap(STRING, BIGINT)))
    assert schema_text(columns, fullSchemaName="io.test.value") == (
        'syntax = "proto3";\npackage io.test;\n\n'
        'import "confluent/meta.proto";\nimport "confluent/type/decimal.proto";\n'
        'import "google/protobuf/timestamp.proto";\n\n'
        "message value {\n"
        "  google.protobuf.Timestamp AT = 1;\n"
        "  confluent.type.Decimal N = 2 [(confluent.field_meta) = "
        '{params: [{value: "4", key: "precision"}, {value: "2", key: "scale"}]}];\n'
        "  ConnectDefault2 S = 3;\n"
        "  repeated ConnectDefault3Entry M = 4;\n\n"
        "  message ConnectDefault2 {\n    int32 X = 1;\n  }\n"
        "  message ConnectDefault3Entry {\n    string key = 1;\n    int64 value = 2;\n  }\n"
        "}\n"
    )


def test_nullable_representations() -> None:
    columns = values(("I", INTEGER), ("S", STRING))
    assert "optional int32 I = 1;" in schema_text(columns, nullableRepresentation="OPTIONAL")
    assert "google.protobuf.StringValue S = 2;" in schema_text(columns, nullableRepresentation="WRAPPER")
    assert "google.protobuf.Int32Value I = 1;" in schema_text(columns, unwrapPrimitives="false")


@pytest.mark.parametrize("name", ["PROTOBUF", "PROTOBUF_NOSR"])
def test_nulls_become_defaults_but_for_messages(name: str) -> None:
    columns = (*PRIMITIVES, *values(("A", SqlArray(INTEGER)), ("T", INNER), ("AT", TIMESTAMP), ("N", SqlDecimal(4, 2))))
    serdes = Serdes()
    row = read(serdes, name, columns, write(serdes, name, columns, (None,) * len(columns)))
    assert row == (0, 0, 0.0, False, "", [], None, None, None)


def test_an_empty_struct_is_not_a_null_one() -> None:
    columns = values(("T", INNER))
    serdes = Serdes()
    assert read(serdes, "PROTOBUF", columns, write(serdes, "PROTOBUF", columns, ({"X": None},))) == ({"X": 0},)


@pytest.mark.parametrize("day", [-719_162, -10, 0, 10, 2_932_896])
def test_dates(day: int) -> None:
    columns = values(("D", DATE))
    serdes = Serdes()
    assert read(serdes, "PROTOBUF", columns, write(serdes, "PROTOBUF", columns, (day,))) == (day,)


def test_dates_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(SerdeError, match="cannot represent the date 2932897 days"):
        write(Serdes(), "PROTOBUF", values(("D", DATE)), (2_932_897,))


def test_a_null_in_an_array_is_refused() -> None:
    for kind, value in ((SqlArray(INTEGER), [1, None]), (SqlArray(INNER), [None])):
        with pytest.raises(SerdeError, match="cannot represent a null element in the array A"):
            write(Serdes(), "PROTOBUF", values(("A", kind)), (value,))


def test_values_that_protobuf_cannot_represent_are_refused() -> None:
    with pytest.raises(SerdeError, match="an array cannot hold ARRAY<INTEGER>"):
        write(Serdes(), "PROTOBUF", values(("A", SqlArray(SqlArray(INTEGER)))), ([[1]],))
    with pytest.raises(SerdeError, match="Illegal field name: a-b"):
        write(Serdes(), "PROTOBUF", values(("a-b", INTEGER)), (1,))


GIVEN = """syntax = "proto3";
import "google/protobuf/wrappers.proto";
import "google/protobuf/timestamp.proto";
import "google/type/timeofday.proto";
import "confluent/type/decimal.proto";
message First { int32 unused = 1; }
message Second {
  enum Suit { SPADES = 0; HEARTS = 1; }
  message Line { int32 item = 1; string from = 2; }
  uint32 u = 1;
  uint64 big = 2;
  float f = 3;
  google.protobuf.Int64Value w = 4;
  google.protobuf.Timestamp at = 5;
  google.type.TimeOfDay time = 6;
  confluent.type.Decimal dec = 7;
  Suit suit = 8;
  repeated Line lines = 9;
  map<string, Line> by_name = 10;
  map<string, int64> counts = 11;
  oneof choice { string left = 12; Line right = 13; }
  bytes raw = 14;
  optional int32 maybe = 15;
}
"""
LINE = SqlStruct((StructField("ITEM", INTEGER), StructField("FROM", STRING)))
GIVEN_COLUMNS = values(
    ("U", BIGINT),
    ("BIG", BIGINT),
    ("F", DOUBLE),
    ("W", BIGINT),
    ("AT", TIMESTAMP),
    ("TIME", TIME),
    ("DEC", SqlDecimal(6, 3)),
    ("SUIT", STRING),
    ("LINES", SqlArray(LINE)),
    ("BY_NAME", SqlMap(STRING, LINE)),
    ("COUNTS", SqlMap(STRING, BIGINT)),
    ("CHOICE_0", SqlStruct((StructField("LEFT", STRING), StructField("RIGHT", LINE)))),
    ("RAW", BYTES),
    ("MAYBE", INTEGER),
)


def given_serdes() -> Serdes:
    registry = InMemoryRegistry()
    registry.register("other", "PROTOBUF", GIVEN)
    return Serdes(registry)


def test_a_given_schema_of_all_kinds() -> None:
    serdes = given_serdes()
    row = (
        7,
        2**40,
        1.5,
        0,
        -1,
        86_399_999,
        Decimal("1.250"),
        "HEARTS",
        [{"ITEM": 1, "FROM": "a"}],
        {"k": {"ITEM": 2, "FROM": ""}},
        {"n": -5},
        {"LEFT": None, "RIGHT": {"ITEM": 3, "FROM": "c"}},
        b"\0\xff",
        0,
    )
    data = write(serdes, "PROTOBUF", GIVEN_COLUMNS, row, schemaId="1", fullSchemaName="Second")
    assert data is not None
    # The path of the file's second message: one index, which is 1.
    assert data[:7] == b"\0\0\0\0\1\2\2"
    assert read(serdes, "PROTOBUF", GIVEN_COLUMNS, data) == row


def test_absent_members_of_a_given_schema() -> None:
    serdes = given_serdes()
    row = read(serdes, "PROTOBUF", GIVEN_COLUMNS, b"\0\0\0\0\1\2\2")
    assert row == (0, 0, 0.0, None, None, None, None, "SPADES", [], {}, {}, {"LEFT": None, "RIGHT": None}, b"", None)


def test_unsigned_numbers_are_javas_and_unknown_symbols_their_number() -> None:
    serdes = given_serdes()
    body = b"\x10" + b"\xff" * 9 + b"\x01" + b"\x40\x05"
    row = read(serdes, "PROTOBUF", values(("BIG", BIGINT), ("SUIT", STRING)), b"\0\0\0\0\1\2\2" + body)
    assert row == (-1, "5")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\0\0\0\0\1\2\4", "has no message at [2]"),
        (b"\0\0\0\0\1\4\0\0", "has no message at [0, 0]"),
        (b"\0\0\0\0\1\xfe\xff\xff\xff\x0f", "longer than the data"),
        (b"\0\0\0\0\1\2\2\x08", "Not Protobuf"),
        (b"\0\0\0\0\1", "Not written with the schema it names"),
    ],
)
def test_damaged_payloads(data: bytes, problem: str) -> None:
    with pytest.raises(SerdeError) as refused:
        read(given_serdes(), "PROTOBUF", GIVEN_COLUMNS, data)
    assert problem in str(refused.value)


@pytest.mark.parametrize("size", [1, 5_000])
def test_decimals_that_are_none(size: int) -> None:
    """A scale of two thousand million, a value of thousands of bytes."""
    value = b"\x0a" + bytes([size & 127 | 128, size >> 7]) + b"\x01" * size + b"\x18" + b"\xff\xff\xff\xff\x07"
    data = b"\0\0\0\0\1\2\2" + b"\x3a" + bytes([len(value) & 127 | 128, len(value) >> 7]) + value
    with pytest.raises(SerdeError, match="Failed to deserialize value from topic: t"):
        read(given_serdes(), "PROTOBUF", values(("DEC", SqlDecimal(6, 3))), data)


def test_a_member_of_another_type_is_named() -> None:
    with pytest.raises(SerdeError, match="Cannot convert between type BIGINT and type INTEGER for path: ->u"):
        read(given_serdes(), "PROTOBUF", values(("U", INTEGER)), b"\0\0\0\0\1\2\2")


def test_keys_are_wrapped_also_when_single() -> None:
    serdes = Serdes()
    form, columns = key_format("PROTOBUF"), keys(("F1", INTEGER))
    data = serdes.key_serializer("t", form, columns)((1,))
    assert data == b"\0\0\0\0\1\0\x08\x01"
    assert serdes.key_deserializer("t", form, columns)(data) == (1,)
    nulls = serdes.key_serializer("t", form, columns)((None,))
    assert serdes.key_deserializer("t", form, columns)(nulls) == (0,)


def test_maps_are_written_the_same_way_each_time() -> None:
    serdes = given_serdes()
    columns = values(("COUNTS", SqlMap(STRING, BIGINT)))
    forms = [{"a": 1, "b": 2, "c": 3}, {"c": 3, "b": 2, "a": 1}]
    written = {write(serdes, "PROTOBUF", columns, (form,), schemaId="1", fullSchemaName="Second") for form in forms}
    assert len(written) == 1


def test_proto2_and_columns_without_member() -> None:
    registry = InMemoryRegistry()
    registry.register("o", "PROTOBUF", 'syntax = "proto2"; message A { required int32 a = 1; optional string b = 2; }')
    serdes = Serdes(registry)
    columns = values(("A", INTEGER), ("B", STRING), ("C", STRING))
    data = write(serdes, "PROTOBUF", columns, (1, None, "lost"), schemaId="1")
    assert read(serdes, "PROTOBUF", columns, data) == (1, None, None)
    with pytest.raises(SerdeError, match="Failed to serialize"):
        write(serdes, "PROTOBUF", columns, (None, None, None), schemaId="1")


def test_names_that_clash_in_json_only() -> None:
    columns = values(("A_B", INTEGER), ("AB", INTEGER))
    serdes = Serdes()
    assert read(serdes, "PROTOBUF", columns, write(serdes, "PROTOBUF", columns, (1, 2))) == (1, 2)
