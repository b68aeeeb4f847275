"""Avro's JSON: exact both ways, and strict about everything that does not fit the schema."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.clients.avro import parse_schema
from bifrost.rest_proxy.avro_json import AvroCodec

INNER = {"type": "record", "name": "shop.Inner", "fields": [{"name": "n", "type": "int"}]}
SUIT = {"type": "enum", "name": "shop.Suit", "symbols": ["HEARTS", "SPADES"]}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
        {"name": "prices", "type": {"type": "map", "values": "double"}, "default": {}},
        {"name": "suit", "type": SUIT, "default": "SPADES"},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 2}, "default": "\u0000\u00ff"},
        {"name": "inner", "type": ["null", INNER], "default": None},
        {"name": "raw", "type": "bytes", "default": "\u00fe"},
    ],
}
TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [{"name": "left", "type": ["null", "Tree"], "default": None}, {"name": "value", "type": "int"}],
}


def codec(schema: Any) -> AvroCodec:
    return AvroCodec(parse_schema(json.dumps(schema)))


def by_fastavro(schema: Any, data: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(data), parse_schema(json.dumps(schema)), None)


@pytest.mark.parametrize(
    ("schema", "value", "read"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("double", 1, 1.0),
        ("string", "grüße 📡", "grüße 📡"),
        ("bytes", "\u0000\u00ff", b"\x00\xff"),
        (SUIT, "SPADES", "SPADES"),
        ({"type": "array", "items": "int"}, [1, 2, 3], [1, 2, 3]),
        ({"type": "map", "values": "long"}, {"a": 1}, {"a": 1}),
        (["int", "long"], {"long": 5}, 5),
        (["string", SUIT], {"shop.Suit": "HEARTS"}, "HEARTS"),
        (
            TREE,
            {"left": {"Tree": {"left": None, "value": 1}}, "value": 2},
            {"left": {"left": None, "value": 1}, "value": 2},
        ),
        ({"type": "int", "logicalType": "date"}, 18000, None),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, "\u0001", None),
    ],
)
def test_values_are_written_as_avro_and_read_back_as_they_were_sent(schema: Any, value: Any, read: Any):
    found = codec(schema)
    data = found.encode(value)

    assert found.decode(data) == value
    if read is not None:
        assert by_fastavro(schema, data) == read


def test_defaults_stand_in_for_missing_fields():
    data = codec(ORDER).encode({"id": 1})

    assert by_fastavro(ORDER, data) == {
        "id": 1,
        "note": None,
        "tags": [],
        "prices": {},
        "suit": "SPADES",
        "hash": b"\x00\xff",
        "inner": None,
        "raw": b"\xfe",
    }


@pytest.mark.parametrize(("text", "number"), [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf)])
@pytest.mark.parametrize("kind", ["float", "double"])
def test_numbers_that_json_has_no_digits_for_are_strings(kind: str, text: str, number: float):
    data = codec(kind).encode(text)
    found = by_fastavro(kind, data)

    assert found == number or (math.isnan(found) and math.isnan(number))
    assert codec(kind).decode(data) == text


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("null", 0, "expected null, found 0"),
        ("boolean", 1, "expected boolean, found 1"),
        ("int", "1", 'expected int, found "1"'),
        ("int", True, "expected int, found true"),
        ("int", 1.0, "expected int, found 1.0"),
        ("int", 2**31, "2147483648 is out of range for int (32 bits)"),
        ("long", -(2**63) - 1, "is out of range for long (64 bits)"),
        ("float", 1e39, "is out of range for float"),
        ("double", 10**400, "is out of range for double"),
        ("double", "1", 'expected double, found "1"'),
        ("float", "nan", 'expected float, found "nan"'),
        ("string", None, "expected string, found null"),
        ("string", ["a"], "expected string, found an array"),
        ("bytes", "\u0100", "bytes must be a string of characters up to U+00FF"),
        ({"type": "fixed", "name": "F", "size": 2}, "abc", "F has 2 bytes, not 3"),
        (SUIT, "CLUBS", '"CLUBS" is not a symbol of shop.Suit; use HEARTS, SPADES'),
        (SUIT, 0, "0 is not a symbol of shop.Suit"),
        ({"type": "array", "items": "int"}, {"0": 1}, "expected array, found an object"),
        ({"type": "array", "items": "int"}, [1, None], "[1]: expected int, found null"),
        ({"type": "map", "values": "int"}, [], "expected map, found an array"),
        ({"type": "map", "values": "int"}, {"a": "b"}, 'a: expected int, found "b"'),
        (["null", "string"], "a", 'expected null or {"string": ...}, found "a"'),
        (["null", "string"], {"int": 1}, 'expected null or {"string": ...}, found an object'),
        (["null", "string"], {"string": 1}, "expected string, found 1"),
        (["null", "string"], {"null": None}, 'expected null or {"string": ...}'),
        (["string", "int"], None, 'expected {"string": ...} or {"int": ...}, found null'),
        (ORDER, [], "expected an object with the fields of shop.Order, found an array"),
        (ORDER, {}, "id: the field is missing, and has no default"),
        (ORDER, {"id": 1, "nota": {"string": "x"}}, "nota: shop.Order has no such field; did you mean note?"),
        (ORDER, {"id": 1, "q": 1}, "q: shop.Order has no such field; its fields are id, note, tags"),
        (ORDER, {"id": 1, "prices": {"eur": "x"}}, 'prices.eur: expected double, found "x"'),
        (ORDER, {"id": 1, "inner": {"shop.Inner": {"n": 1, "m": 2}}}, "inner.m: shop.Inner has no such field"),
        (ORDER, {"id": 1, "inner": {"Inner": {"n": 1}}}, 'expected null or {"shop.Inner": ...}'),
    ],
)
def test_a_value_that_does_not_fit_the_schema_is_refused_with_its_path(schema: Any, value: Any, problem: str):
    with pytest.raises(ValueError) as caught:
        codec(schema).encode(value)

    assert problem in str(caught.value)


def test_a_long_text_in_an_error_is_cut():
    with pytest.raises(ValueError, match=r"…$"):
        codec("int").encode("x" * 10_000)


def test_a_recursive_value_may_not_be_endlessly_deep():
    value: Any = None
    for number in range(5_000):
        value = {"Tree": {"left": value, "value": number}}

    with pytest.raises(ValueError, match="nested too deeply"):
        codec(TREE).encode({"left": value, "value": 0})


@pytest.mark.parametrize(
    ("schema", "data", "problem"),
    [
        ("int", b"", "ends within a value"),
        ("long", b"\xff" * 11, "more than 64 bits"),
        ("string", b"\x08ab", "ends within a value"),
        ("string", b"\x01", "ends within a value"),
        ("string", b"\x02\xff", "not UTF-8"),
        ("double", b"\0\0", "ends within a value"),
        (SUIT, b"\x08", "shop.Suit has no symbol 4"),
        (["null", "int"], b"\x06", "a union has no branch 3"),
        ({"type": "array", "items": "null"}, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "claims"),
        ({"type": "map", "values": "int"}, b"\x02\x02a", "ends within a value"),
        (TREE, b"\x02" * 20_000, "nested too deeply"),
    ],
)
def test_damaged_records_are_refused(schema: Any, data: bytes, problem: str):
    with pytest.raises(ValueError) as caught:
        codec(schema).decode(data)

    assert problem in str(caught.value)


def test_an_array_may_come_in_blocks_with_their_sizes():
    assert codec({"type": "array", "items": "int"}).decode(b"\x03\x04\x02\x04\x02\x06\x00") == [1, 2, 3]


ORDERS = st.fixed_dictionaries(
    {"id": st.integers(-(2**63), 2**63 - 1)},
    optional={
        "note": st.none() | st.fixed_dictionaries({"string": st.text()}),
        "tags": st.lists(st.text(), max_size=3),
        "prices": st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False), max_size=3),
        "suit": st.sampled_from(["HEARTS", "SPADES"]),
        "inner": st.none()
        | st.fixed_dictionaries({"shop.Inner": st.fixed_dictionaries({"n": st.integers(-(2**31), 2**31 - 1)})}),
        "raw": st.binary(max_size=9).map(lambda data: data.decode("latin-1")),
    },
)


@given(ORDERS)
def test_values_survive_a_round_trip(value: dict[str, Any]):
    found = codec(ORDER)
    again = found.decode(found.encode(value))

    assert {name: again[name] for name in value} == value


@given(st.binary(max_size=60))
def test_random_bytes_are_a_value_or_an_error(data: bytes):
    try:
        codec(ORDER).decode(data)
    except ValueError:
        pass
