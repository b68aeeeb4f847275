"""AVRO: what fastavro writes we read, what we write fastavro reads, and ksqlDB's ways with schemas."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bifrost.engine.catalog.schema import Formats, LogicalSchema
from bifrost.engine.serde import InMemoryRegistry, SchemaReference, SerdeError, Serdes
from bifrost.engine.serde.avro.binary import encode_long
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
    SqlType,
    StructField,
)
from tests.engine.serde.samples import columns_of, key_format, keys, nested, read, rows, value_format, values, write
from tests.examples import examples

DECIMAL_42 = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind} for name, kind in fields]}


def fast_write(schema: Any, value: Any, schema_id: int = 1) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()


def fast_read(schema: Any, data: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(data[5:]), fastavro.parse_schema(schema), None)


def serdes_with(*schemas: Any) -> Serdes:
    """Serdes whose registry has the schemas under ids from 1."""
    registry = InMemoryRegistry()
    for at, schema in enumerate(schemas):
        registry.register(f"s{at}", "AVRO", json.dumps(schema))
    return Serdes(registry)


def from_avro(kind: Any, value: Any, sql_type: SqlType) -> Any:
    """What a column V gets from a field of an Avro type."""
    schema = record(("v", kind))
    return read(serdes_with(schema), "AVRO", values(("V", sql_type)), fast_write(schema, {"v": value}))[0]


def to_avro(kind: Any, value: Any, sql_type: SqlType) -> Any:
    """What fastavro reads of a column V written to a field of an Avro type."""
    schema = record(("v", kind))
    data = write(serdes_with(schema), "AVRO", values(("V", sql_type)), (value,), schemaId="1")
    assert data is not None
    return fast_read(schema, data)["v"]


TIMESTAMP_CONNECT = {
    "type": "long",
    "connect.version": 1,
    "connect.name": "org.apache.kafka.connect.data.Timestamp",
}
ENTRY = {
    "type": "record",
    "name": "MapEntry",
    "namespace": "io.confluent.connect.avro",
    "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": ["null", "string"]}],
}
SUIT = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
MD5 = {"type": "fixed", "name": "Md5", "size": 2}
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "string"}]}
STRUCT = SqlStruct((StructField("X", INTEGER), StructField("Y", STRING)))


@pytest.mark.parametrize(
    ("kind", "value", "sql_type", "expected"),
    [
        ("boolean", True, BOOLEAN, True),
        ("int", -(2**31), INTEGER, -(2**31)),
        ("int", 5, BIGINT, 5),
        ("long", -(2**63), BIGINT, -(2**63)),
        ("long", 2**63 - 1, BIGINT, 2**63 - 1),
        ("float", 1.5, DOUBLE, 1.5),
        ("double", 0.1, DOUBLE, 0.1),
        ("string", "é", STRING, "é"),
        ("bytes", b"\0\xff", BYTES, b"\0\xff"),
        (MD5, b"ab", BYTES, b"ab"),
        (SUIT, "HEARTS", STRING, "HEARTS"),
        ("int", 10, STRING, "10"),
        ("long", 10, STRING, "10"),
        ("boolean", True, STRING, "true"),
        ({"type": "int", "logicalType": "date"}, 4, DATE, 4),
        ({"type": "int", "logicalType": "time-millis"}, 4, TIME, 4),
        ({"type": "long", "logicalType": "timestamp-millis"}, 1_700_000_000_123, TIMESTAMP, 1_700_000_000_123),
        ({"type": "long", "logicalType": "timestamp-micros"}, 1_700_000_000_123_456, TIMESTAMP, 1_700_000_000_123),
        ({"type": "long", "logicalType": "timestamp-micros"}, 5, BIGINT, 5),
        (TIMESTAMP_CONNECT, 7, TIMESTAMP, 7),
        (DECIMAL_42, Decimal("-1.25"), SqlDecimal(4, 2), Decimal("-1.25")),
        (DECIMAL_42, Decimal("1.5"), SqlDecimal(5, 3), Decimal("1.500")),
        (["null", "int"], None, INTEGER, None),
        (["int", "null"], 3, INTEGER, 3),
        ({"type": "array", "items": "int"}, [1, 2], SqlArray(INTEGER), [1, 2]),
        ({"type": "array", "items": ["null", "int"]}, [1, None], SqlArray(INTEGER), [1, None]),
        ({"type": "map", "values": "long"}, {"a": 1}, SqlMap(STRING, BIGINT), {"a": 1}),
        (
            {"type": "array", "items": ENTRY},
            [{"key": 1, "value": None}, {"key": 2, "value": "b"}],
            SqlMap(INTEGER, STRING),
            {1: None, 2: "b"},
        ),
        (INNER, {"x": 1, "y": "a"}, STRUCT, {"X": 1, "Y": "a"}),
        (
            INNER,
            {"x": 1, "y": "a"},
            SqlStruct((StructField("Y", STRING), StructField("Z", INTEGER))),
            {"Y": "a", "Z": None},
        ),
        (
            ["null", "int", "string"],
            "a",
            SqlStruct((StructField("INT", INTEGER), StructField("STRING", STRING))),
            {"INT": None, "STRING": "a"},
        ),
    ],
)
def test_fields_become_columns(kind: Any, value: Any, sql_type: SqlType, expected: Any) -> None:
    got = from_avro(kind, value, sql_type)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "sql_type", "problem"),
    [
        ("string", "a", INTEGER, "Cannot deserialize type string as type INTEGER for path: ->v"),
        ("long", 1, INTEGER, "Cannot deserialize type long as type INTEGER"),
        ("int", 1, DOUBLE, "Cannot deserialize type int as type DOUBLE"),
        ("double", 1.0, STRING, "Cannot deserialize type double as type STRING"),
        (DECIMAL_42, Decimal("1.25"), BYTES, "Cannot deserialize type decimal as type BYTES"),
        (DECIMAL_42, Decimal("1.25"), SqlDecimal(4, 1), "without rounding"),
        (INNER, {"x": 1, "y": "a"}, SqlArray(INTEGER), "Cannot deserialize type record as type ARRAY<INTEGER>"),
        (
            {"type": "array", "items": "string"},
            ["a"],
            SqlArray(INTEGER),
            "Cannot deserialize type string as type INTEGER for path: ->v[]",
        ),
    ],
)
def test_a_field_that_cannot_be_read_is_named(kind: Any, value: Any, sql_type: SqlType, problem: str) -> None:
    with pytest.raises(SerdeError) as refused:
        from_avro(kind, value, sql_type)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("Failed to deserialize value from topic: t.")


@pytest.mark.parametrize(
    ("kind", "value", "sql_type", "expected"),
    [
        ("int", 3, INTEGER, 3),
        ("long", 3, INTEGER, 3),
        ("long", 2**63 - 1, BIGINT, 2**63 - 1),
        (["null", "long"], -5_000, BIGINT, -5_000),
        (["long", "null"], None, BIGINT, None),
        ("float", 1.5, DOUBLE, 1.5),
        ("string", "é", STRING, "é"),
        (SUIT, "HEARTS", STRING, "HEARTS"),
        (MD5, b"ab", BYTES, b"ab"),
        (DECIMAL_42, Decimal("-0.01"), SqlDecimal(4, 2), Decimal("-0.01")),
        (
            {"type": "fixed", "name": "D", "size": 4, "logicalType": "decimal", "precision": 4, "scale": 2},
            Decimal("-1.28"),
            SqlDecimal(4, 2),
            Decimal("-1.28"),
        ),
        ({"type": "array", "items": "int"}, [], SqlArray(INTEGER), []),
        ({"type": "map", "values": "long"}, {"a": 1}, SqlMap(STRING, BIGINT), {"a": 1}),
        ({"type": "array", "items": ENTRY}, {1: None}, SqlMap(INTEGER, STRING), [{"key": 1, "value": None}]),
        (INNER, {"X": 1, "Y": "a"}, STRUCT, {"x": 1, "y": "a"}),
        (
            ["null", "int", "string"],
            {"INT": None, "STRING": "a"},
            SqlStruct((StructField("INT", INTEGER), StructField("STRING", STRING))),
            "a",
        ),
    ],
)
def test_columns_become_fields_of_a_given_schema(kind: Any, value: Any, sql_type: SqlType, expected: Any) -> None:
    assert to_avro(kind, value, sql_type) == expected


@pytest.mark.parametrize(
    ("kind", "value", "sql_type", "problem"),
    [
        ("int", None, INTEGER, "Invalid value: null used for required field: v"),
        ({"type": "array", "items": "int"}, [None], SqlArray(INTEGER), "null used for required field: v"),
        ("string", 1, INTEGER, "Cannot serialize type INTEGER as type string for path: ->v"),
        (SUIT, "CLUBS", STRING, "'CLUBS' is not a symbol"),
        (MD5, b"abc", BYTES, "holds 2 bytes"),
        (DECIMAL_42, Decimal("123.45"), SqlDecimal(5, 2), "does not fit"),
    ],
)
def test_a_field_that_cannot_be_written_is_named(kind: Any, value: Any, sql_type: SqlType, problem: str) -> None:
    with pytest.raises(SerdeError) as refused:
        to_avro(kind, value, sql_type)
    assert problem in str(refused.value)


def test_fields_match_columns_without_case_and_in_any_order() -> None:
    old, new = record(("id", "int"), ("name", "string")), record(("NAME", "string"), ("extra", "long"), ("ID", "int"))
    reader = serdes_with(old, new).value_deserializer(
        "t", value_format("AVRO"), values(("ID", INTEGER), ("NAME", STRING), ("LATER", STRING))
    )
    assert reader(fast_write(old, {"id": 1, "name": "a"}, 1)) == (1, "a", None)
    assert reader(fast_write(new, {"ID": 2, "NAME": "b", "extra": 9}, 2)) == (2, "b", None)


def test_two_columns_may_read_one_field() -> None:
    schema = record(("a", "int"), ("b", "string"))
    columns = values(("A", INTEGER), ("a", BIGINT), ("B", STRING))
    assert read(serdes_with(schema), "AVRO", columns, fast_write(schema, {"a": 300, "b": "x"})) == (300, 300, "x")


def test_only_needed_columns_are_read() -> None:
    schema = record(
        ("a", {"type": "array", "items": "string"}),
        ("b", ["null", INNER]),
        ("c", {"type": "map", "values": MD5}),
        ("d", "int"),
        ("e", "string"),
    )
    value = {"a": ["x", "y"], "b": {"x": 300, "y": "z"}, "c": {"k": b"ab"}, "d": 1000, "e": "end"}
    columns = values(("A", INTEGER), ("D", INTEGER), ("E", INTEGER))
    reader = serdes_with(schema).value_deserializer("t", value_format("AVRO"), columns, frozenset({"D"}))
    assert reader(fast_write(schema, value)) == (None, 1000, None)


@examples(80)
@given(sample=rows(columns_of(nested(st.sampled_from([STRING, BIGINT])))))
def test_other_libraries_read_the_registered_and_written_avro(sample: Any) -> None:
    columns, row = sample
    assume(not any("_" in str(column.type) + column.name for column in columns))
    registry = InMemoryRegistry()
    data = write(Serdes(registry), "AVRO", columns, row)
    assert data is not None
    schema = fastavro.parse_schema(json.loads(registry.by_id(1).text))
    stream = io.BytesIO(data[5:])
    found = fastavro.schemaless_reader(stream, schema, None)
    assert stream.read() == b""
    assert list(found) == [column.name for column in columns]
    assert [value is None for value in found.values()] == [value is None for value in row]


@examples(200)
@given(number=st.integers(-(2**63), 2**63 - 1))
def test_every_long_is_written_and_read_as_fastavro_does(number: int) -> None:
    schema = record(("v", ["null", "long"]))
    columns = values(("V", BIGINT))
    data = write(serdes_with(schema), "AVRO", columns, (number,), schemaId="1")
    assert data == fast_write(schema, {"v": number})
    assert read(serdes_with(schema), "AVRO", columns, data) == (number,)


@pytest.mark.parametrize("kind", ["long", ["null", "long"]], ids=["required", "optional"])
@pytest.mark.parametrize("power", range(63))
def test_longs_at_the_edges_of_their_sizes(power: int, kind: Any) -> None:
    schema = record(("v", kind))
    for number in (2**power - 1, 2**power, -(2**power), -(2**power) - 1):
        data = fast_write(schema, {"v": number})
        assert write(serdes_with(schema), "AVRO", values(("V", BIGINT)), (number,), schemaId="1") == data
        assert read(serdes_with(schema), "AVRO", values(("V", BIGINT)), data) == (number,)


def test_missing_columns_get_the_schemas_defaults() -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "a", "type": "int"},
            {"name": "b", "type": "int", "default": 100},
            {"name": "c", "type": ["null", "int"], "default": None},
            {"name": "d", "type": "string", "default": "é"},
            {"name": "e", "type": {"type": "array", "items": "int"}, "default": []},
            {"name": "f", "type": ["null", "int"]},
            {"name": "g", "type": INNER, "default": {"x": 1, "y": "z"}},
            {"name": "h", "type": {"type": "map", "values": "int"}, "default": {"k": 1}},
        ],
    }
    data = write(serdes_with(schema), "AVRO", values(("A", INTEGER)), (1,), schemaId="1")
    assert data is not None
    assert fast_read(schema, data) == {
        "a": 1,
        "b": 100,
        "c": None,
        "d": "é",
        "e": [],
        "f": None,
        "g": {"x": 1, "y": "z"},
        "h": {"k": 1},
    }


def test_a_null_in_a_required_field_becomes_its_default() -> None:
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [{"name": "N", "type": "long", "default": 10}, {"name": "E", "type": "string"}],
    }
    kind = SqlStruct((StructField("N", BIGINT), StructField("E", STRING)))
    assert to_avro(inner, {"N": None, "E": "a"}, kind) == {"N": 10, "E": "a"}


def test_a_required_field_without_column_is_refused() -> None:
    schema = record(("a", "int"), ("b", "int"))
    with pytest.raises(SerdeError, match="No column for the schema's required field: b"):
        write(serdes_with(schema), "AVRO", values(("A", INTEGER)), (1,), schemaId="1")


def test_the_schema_of_a_sink_is_ksqldbs() -> None:
    registry = InMemoryRegistry()
    schema = LogicalSchema.of(
        key=(("K", STRUCT),), value=(("FOO", INTEGER), ("M", SqlMap(STRING, INTEGER)), ("S", STRUCT))
    )
    formats = Formats(
        key_format("AVRO", fullSchemaName="io.confluent.ksql.avro_schemas.OutputKey"), value_format("AVRO")
    )
    Serdes(registry).register("OUT", formats, schema)
    key, value = registry.latest("OUT-key"), registry.latest("OUT-value")
    assert key is not None
    assert value is not None
    assert json.loads(key.text) == {
        "type": "record",
        "name": "OutputKey",
        "namespace": "io.confluent.ksql.avro_schemas",
        "fields": [
            {"name": "X", "type": ["null", "int"], "default": None},
            {"name": "Y", "type": ["null", "string"], "default": None},
        ],
        "connect.name": "io.confluent.ksql.avro_schemas.OutputKey",
    }
    parsed = json.loads(value.text)
    assert (parsed["name"], parsed["namespace"]) == ("KsqlDataSourceSchema", "io.confluent.ksql.avro_schemas")
    assert parsed["fields"][0] == {"name": "FOO", "type": ["null", "int"], "default": None}
    entry = parsed["fields"][1]["type"][1]
    assert entry["items"]["name"] == "KsqlDataSourceSchema_M"
    assert entry["items"]["connect.internal.type"] == "MapEntry"
    assert parsed["fields"][2]["type"][1]["connect.name"].endswith(".KsqlDataSourceSchema_S")
    fastavro.parse_schema(parsed)


def test_single_values_and_keys_are_written_bare() -> None:
    registry = InMemoryRegistry()
    serdes = Serdes(registry)
    assert write(serdes, "AVRO", values(("V", SqlArray(BIGINT))), ([12],), wrap=False) == b"\0\0\0\0\1\x02\x02\x18\0"
    assert registry.by_id(1).text == '{"type":"array","items":["null","long"]}'
    assert serdes.key_serializer("t", key_format("AVRO"), keys(("K", INTEGER)))((10,)) == b"\0\0\0\0\2\x14"
    assert registry.by_id(2).text == '"int"'
    assert registry.latest("t-key") == registry.by_id(2)
    assert write(serdes, "AVRO", values(("V", STRING)), (None,), wrap=False) is None


def test_a_bare_name_is_a_schema_too() -> None:
    registry = InMemoryRegistry()
    registry.register("t-value", "AVRO", "int")
    assert read(Serdes(registry), "AVRO", values(("FOO", STRING)), b"\0\0\0\0\1\x14", wrap=False) == ("10",)


def test_nullable_records_give_no_row_for_null() -> None:
    schema = ["null", record(("a", "int"))]
    columns = values(("A", INTEGER))
    assert read(serdes_with(schema), "AVRO", columns, b"\0\0\0\0\1\0") is None
    assert read(serdes_with(schema), "AVRO", columns, b"\0\0\0\0\1\x02\x06") == (3,)
    assert write(serdes_with(schema), "AVRO", columns, (3,), schemaId="1") == b"\0\0\0\0\1\x02\x06"


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\1\0\0\0\1\2", b"{}"])
def test_without_a_schema_id_it_is_not_ours(data: bytes) -> None:
    with pytest.raises(SerdeError, match="Unknown magic byte!"):
        read(serdes_with(record(("a", "int"))), "AVRO", values(("A", INTEGER)), data)


def test_an_unknown_id_or_another_kind_of_schema_is_refused() -> None:
    registry = InMemoryRegistry()
    registry.register("x", "JSON", '{"type":"object"}')
    columns = values(("A", INTEGER))
    with pytest.raises(SerdeError, match="Schema 9 is not in the schema registry"):
        read(Serdes(registry), "AVRO", columns, b"\0\0\0\0\x09\2")
    with pytest.raises(SerdeError, match="Schema 1 is of type JSON, not AVRO"):
        read(Serdes(registry), "AVRO", columns, b"\0\0\0\0\1\2")


@pytest.mark.parametrize(
    "body", [b"", b"\x02", b"\x06ab", b"\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x02\xff"]
)
def test_cut_or_damaged_data_is_refused(body: bytes) -> None:
    schema = record(("a", "string"), ("b", "int"))
    with pytest.raises(SerdeError):
        read(serdes_with(schema), "AVRO", values(("A", STRING), ("B", INTEGER)), b"\0\0\0\0\1" + body)


@pytest.mark.parametrize("number", [0, -1, 63, 64, 2**31 - 1, -(2**31)])
def test_an_int_has_32_bits(number: int) -> None:
    columns = values(("A", BIGINT))
    data = b"\0\0\0\0\1" + encode_long(number)
    assert read(serdes_with(record(("a", "int"))), "AVRO", columns, data) == (number,)


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**40, 2**63 - 1])
def test_an_int_of_more_bits_is_refused(number: int) -> None:
    data = b"\0\0\0\0\1" + encode_long(number)
    with pytest.raises(SerdeError, match="an int of more than 32 bits"):
        read(serdes_with(record(("a", "int"))), "AVRO", values(("A", INTEGER)), data)


def test_schemas_may_refer_to_others() -> None:
    registry = InMemoryRegistry()
    registry.register("inner", "AVRO", json.dumps({**INNER, "namespace": "a.b"}))
    outer = {**record(("i", "a.b.Inner"), ("s", "string")), "namespace": "a"}
    registry.register("t-value", "AVRO", json.dumps(outer), (SchemaReference("a.b.Inner", "inner", 1),))
    columns = values(("I", STRUCT), ("S", STRING))
    assert read(Serdes(registry), "AVRO", columns, b"\0\0\0\0\2\x02\x02a\x02b") == ({"X": 1, "Y": "a"}, "b")


def test_recursive_schemas_are_refused() -> None:
    schema = record(("a", "int"), ("next", ["null", "R"]))
    with pytest.raises(SerdeError, match="recursive at R"):
        read(serdes_with(schema), "AVRO", values(("A", INTEGER)), b"\0\0\0\0\1\2\0")


def test_names_in_namespaces_and_names_used_twice() -> None:
    schema = {
        "type": "record",
        "name": "Outer",
        "namespace": "x.y",
        "fields": [
            {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["P", "Q"]}},
            {"name": "b", "type": "E"},
            {"name": "c", "type": ["null", "x.y.E"]},
        ],
    }
    columns = values(("A", STRING), ("B", STRING), ("C", STRING))
    data = fast_write(schema, {"a": "P", "b": "Q", "c": "Q"})
    assert read(serdes_with(schema), "AVRO", columns, data) == ("P", "Q", "Q")


NAMED = [
    {"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "id", "type": "int"}]},
    {"type": "record", "name": "Refund", "namespace": "shop", "fields": [{"name": "why", "type": ["null", "string"]}]},
]
ORDER, REFUND = SqlStruct((StructField("ID", INTEGER),)), SqlStruct((StructField("WHY", STRING),))


@pytest.mark.parametrize("union", [NAMED, ["null", *NAMED], [*NAMED, "null"]])
def test_a_union_of_records_has_a_column_per_branch(union: Any) -> None:
    columns = values(("ORDER", ORDER), ("REFUND", REFUND))
    for value, row in (
        (("shop.Order", {"id": 7}), ({"ID": 7}, None)),
        (("shop.Refund", {"why": "late"}), (None, {"WHY": "late"})),
        (("shop.Refund", {"why": None}), (None, {"WHY": None})),
    ):
        data = fast_write(union, value)
        assert read(serdes_with(union), "AVRO", columns, data) == row
        assert write(serdes_with(union), "AVRO", columns, row, schemaId="1") == data
    if "null" in union:
        assert read(serdes_with(union), "AVRO", columns, fast_write(union, None)) is None


def test_a_union_of_one_record_is_the_record() -> None:
    union = [record(("a", "int"))]
    assert read(serdes_with(union), "AVRO", values(("A", INTEGER)), fast_write(union, {"a": 3})) == (3,)


def test_an_unknown_branch_of_a_union_is_refused() -> None:
    with pytest.raises(SerdeError, match="a union has no branch 9"):
        read(serdes_with(NAMED), "AVRO", values(("ORDER", ORDER), ("REFUND", REFUND)), b"\0\0\0\0\1\x12\2")
