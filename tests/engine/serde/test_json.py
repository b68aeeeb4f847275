"""JSON as ksqlDB reads and writes it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

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
    SqlType,
    StructField,
)
from tests.engine.serde.samples import key_format, keys, read, value_format, values, write

SERDES = Serdes()
PAIR = SqlStruct((StructField("X", INTEGER), StructField("y", STRING)))


def one(kind: SqlType, text: str) -> Any:
    """What a column V of a type gets from a JSON text."""
    return read(SERDES, "JSON", values(("V", kind)), f'{{"V":{text}}}'.encode())[0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (INTEGER, "12", 12),
        (INTEGER, '"12"', 12),
        (INTEGER, "12.9", 12),
        (INTEGER, "-12.9", -12),
        (BIGINT, "9223372036854775807", 2**63 - 1),
        (BIGINT, "9007199254740993.0", 9007199254740993),
        (BIGINT, '"-3"', -3),
        (DOUBLE, "1", 1.0),
        (DOUBLE, '"1.5e3"', 1500.0),
        (BOOLEAN, "true", True),
        (SqlDecimal(4, 2), "1.5", Decimal("1.50")),
        (SqlDecimal(4, 2), "1", Decimal("1.00")),
        (SqlDecimal(4, 2), '"1.25"', Decimal("1.25")),
        (SqlDecimal(30, 20), "1.10000000000000000001", Decimal("1.10000000000000000001")),
        (SqlDecimal(30, 0), "123456789012345678901234567890", Decimal("123456789012345678901234567890")),
        (BYTES, '"eA=="', b"x"),
        (DATE, "4", 4),
        (TIME, "10", 10),
        (TIMESTAMP, "1700000000000", 1_700_000_000_000),
        (SqlArray(INTEGER), '[1,null,"3"]', [1, None, 3]),
        (SqlMap(STRING, BIGINT), '{"a":1,"b":null}', {"a": 1, "b": None}),
        (SqlMap(INTEGER, BIGINT), '{"1":2}', {1: 2}),
        (SqlMap(INTEGER, BIGINT), "[[1,2],[3,null]]", {1: 2, 3: None}),
        (PAIR, '{"x":1,"y":"a"}', {"X": 1, "y": "a"}),
        (PAIR, '{"X":1,"Y":"a"}', {"X": 1, "y": None}),
    ],
)
def test_values_become_the_columns_type(kind: SqlType, text: str, value: Any) -> None:
    got = one(kind, text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("1.50", "1.50"),
        ("true", "true"),
        ("123456789012345678901", "123456789012345678901"),
        ('{"b": 1, "a": {"c": 1.50}}', '{"b":1,"a":{"c":1.50}}'),
        ('{"n": 123456789012345678901}', '{"n":123456789012345678901}'),
        ('["a", 1, null, {"b": 2}]', '[a, 1, null, {"b":2}]'),
    ],
)
def test_anything_becomes_text(text: str, value: str) -> None:
    assert one(STRING, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (INTEGER, "true", "sourceType: BooleanNode, requiredType: INTEGER"),
        (INTEGER, '"x"', "Can't coerce string to type. targetType: INTEGER"),
        (INTEGER, "2147483648", "out of range for type INTEGER"),
        (BIGINT, "-9223372036854775809", "out of range for type BIGINT"),
        (BIGINT, "9223372036854775808", "out of range for type BIGINT"),
        (BOOLEAN, '"true"', "sourceType: TextNode, requiredType: BOOLEAN"),
        (DOUBLE, "[]", "sourceType: ArrayNode, requiredType: DOUBLE"),
        (SqlDecimal(3, 2), "1.234", "without rounding"),
        (SqlDecimal(3, 2), "12.3", "does not fit"),
        (SqlDecimal(3, 2), '"1_0"', "Can't coerce string to type. targetType: DECIMAL(3, 2)"),
        (SqlDecimal(3, 2), '"NaN"', "Can't coerce string to type"),
        (BYTES, '"?"', "not base64"),
        (DATE, '"2020-01-01"', "Can't coerce string to type. targetType: DATE"),
        (SqlArray(INTEGER), "{}", "sourceType: ObjectNode, requiredType: ARRAY<INTEGER>"),
        (SqlMap(STRING, INTEGER), "1", "sourceType: IntNode, requiredType: MAP<STRING, INTEGER>"),
        (PAIR, '"x"', "sourceType: TextNode, requiredType: STRUCT"),
    ],
)
def test_a_value_of_another_type_is_refused_with_topic_and_reason(kind: SqlType, text: str, problem: str) -> None:
    with pytest.raises(SerdeError) as refused:
        one(kind, text)
    assert str(refused.value).startswith("Failed to deserialize value from topic: t.")
    assert problem in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{", b"1", b'"x"', b"[]", b"\xff"])
def test_not_an_object_is_refused(data: bytes) -> None:
    with pytest.raises(SerdeError):
        read(SERDES, "JSON", values(("V", INTEGER)), data)


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b'\xef\xbb\xbf{"V":1}', (1,)),
        (b'\xef\xbb\xbf \n{"V":1}', (1,)),
        ('{"V":1}'.encode("utf-16"), (1,)),
        ('{"V":1}'.encode("utf-16-be"), (1,)),
        ('{"V":1}'.encode("utf-32-le"), (1,)),
        (b'{"V":1} x', (1,)),
        (b'{"V":1}{"V":2}', (1,)),
        (b'{"V":1}\n\n', (1,)),
        (b'{"V":1}]', (1,)),
        (b'{"V":1}\x00', (1,)),
        (b'{"V":1,"other":1e400}', (1,)),
        (b'{"V":1,"other":[{"deep":-1e-9999}]}', (1,)),
        (b'{"V":1,"other":"\\ud800"}', (1,)),
        (b'{"V":1,"V":2}', (2,)),
        (b'  {"V" : 1 }', (1,)),
    ],
)
def test_jackson_reads_what_a_strict_parser_refuses(data: bytes, row: tuple[Any, ...]) -> None:
    assert read(SERDES, "JSON", values(("V", INTEGER)), data) == row
    assert read(SERDES, "JSON_SR", values(("V", INTEGER)), b"\0\0\0\0\1" + data) == row


@pytest.mark.parametrize(
    "text",
    [
        '{"V":1',
        '{"V":01}',
        '{"V":1.}',
        '{"V":+1}',
        '{"V":NaN}',
        "{'V':1}",
        '{"V":1,}',
        "{V:1}",
        '{"V":"a\tb\n"}',
        '{"V":tru}',
        "nul",
    ],
)
def test_text_that_is_not_json_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SerdeError, match=r"from topic: t\. Not JSON") as refused:
        read(SERDES, "JSON", values(("V", STRING)), text.encode())
    assert text not in str(refused.value)


def test_numbers_beyond_a_double_are_infinite_or_keep_their_digits() -> None:
    columns = values(("D", DOUBLE), ("S", STRING), ("T", STRING))
    row = read(SERDES, "JSON", columns, b'{"D":1e400,"S":1e400,"T":-0.0}')
    assert row == (float("inf"), "1E+400", "0.0")


def test_single_surrogates_become_the_replacement_character() -> None:
    assert one(STRING, '"a\\ud83d!"') == "a\ufffd!"
    assert one(STRING, '"\\ud83d\\ude00"') == "\U0001f600"


DEEP = SqlStruct((StructField("D", SqlArray(SqlStruct((StructField("E", INTEGER), StructField("F", STRING))))),))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"C":{"D":[{"E":1},{"E":"x"}]}}', "$.C.D[1].E"),
        ('{"c":{"d":[{"e":1},{"e":true}]}}', "$.C.D[1].E"),
        ('{"C":{"D":[1]}}', "$.C.D[0]"),
        ('{"C":{"D":{}}}', "$.C.D"),
        ('{"C":[]}', "$.C"),
        ('{"M":{"k":[1,2,"x"]}}', "$.M.k.value[2]"),
        ('{"M":[]}', "$.M"),
        ('{"N":1.555}', "$.N"),
        ("[]", "$"),
        ("1", "$"),
    ],
)
def test_an_error_names_the_path_of_the_value(text: str, path: str) -> None:
    columns = values(("C", DEEP), ("M", SqlMap(STRING, SqlArray(INTEGER))), ("N", SqlDecimal(4, 2)))
    with pytest.raises(SerdeError) as refused:
        read(SERDES, "JSON", columns, text.encode())
    assert str(refused.value).endswith(f", path: {path}")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("1", "IntNode"),
        ("3000000000", "LongNode"),
        ("9" * 20, "BigIntegerNode"),
        ("1.5", "DecimalNode"),
        ("{}", "ObjectNode"),
    ],
)
def test_an_error_names_the_kind_of_the_value(text: str, node: str) -> None:
    with pytest.raises(SerdeError, match=rf"sourceType: {node}, requiredType: BOOLEAN, path: \$.V"):
        one(BOOLEAN, text)


def test_names_match_exactly_first_then_in_upper_case() -> None:
    columns = values(("A", INTEGER), ("b", INTEGER))
    assert read(SERDES, "JSON", columns, b'{"a":1,"b":2}') == (1, 2)
    assert read(SERDES, "JSON", columns, b'{"a":1,"A":3,"B":2}') == (3, None)
    assert read(SERDES, "JSON", columns, b'{"other":1}') == (None, None)


def test_null_gives_no_row() -> None:
    columns = values(("A", INTEGER))
    assert read(SERDES, "JSON", columns, None) is None
    assert read(SERDES, "JSON", columns, b"null") is None
    assert read(SERDES, "JSON", columns, b'{"A":null}') == (None,)


def test_unneeded_columns_are_left_out() -> None:
    columns = values(("A", INTEGER), ("B", INTEGER))
    reader = SERDES.value_deserializer("t", value_format("JSON"), columns, frozenset({"B"}))
    assert reader(b'{"A":"not a number","B":2}') == (None, 2)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (DOUBLE, 1.0, "1.0"),
        (DOUBLE, 1e10, "1.0E10"),
        (DOUBLE, -1e-5, "-1.0E-5"),
        (DOUBLE, 0.0, "0.0"),
        (DOUBLE, 1234567.0, "1234567.0"),
        (DOUBLE, 12345678.9, "1.23456789E7"),
        (DOUBLE, float("nan"), '"NaN"'),
        (DOUBLE, float("-inf"), '"-Infinity"'),
        (SqlArray(DOUBLE), [1e10, None], "[1.0E10,null]"),
        (SqlDecimal(10, 2), Decimal("1.00"), "1.00"),
        (SqlDecimal(30, 12), Decimal("0.000000000001"), "0.000000000001"),
        (BYTES, b"x", '"eA=="'),
        (DATE, 4, "4"),
        (SqlMap(STRING, INTEGER), {"a": None}, '{"a":null}'),
        (SqlMap(STRING, INTEGER), {None: 1}, '{"null":1}'),
        (SqlMap(INTEGER, STRING), {1: "a"}, '[[1,"a"]]'),
        (PAIR, {"X": 1, "y": None}, '{"X":1,"y":null}'),
    ],
)
def test_values_are_written_as_connect_does(kind: SqlType, value: Any, text: str) -> None:
    assert write(SERDES, "JSON", values(("V", kind)), (value,)) == f'{{"V":{text}}}'.encode()


def test_a_single_value_without_its_wrapping() -> None:
    columns = values(("V", STRING))
    assert write(SERDES, "JSON", columns, ("a",), wrap=False) == b'"a"'
    assert write(SERDES, "JSON", columns, (None,), wrap=False) is None
    assert read(SERDES, "JSON", columns, b'"a"', wrap=False) == ("a",)
    assert read(SERDES, "JSON", columns, b"null", wrap=False) is None


def test_only_several_key_columns_are_wrapped() -> None:
    one_key, two_keys = keys(("K", STRING)), keys(("K", STRING), ("L", INTEGER))
    assert SERDES.key_serializer("t", key_format("JSON"), one_key)(("a",)) == b'"a"'
    assert SERDES.key_serializer("t", key_format("JSON"), one_key)((None,)) is None
    assert SERDES.key_serializer("t", key_format("JSON"), two_keys)(("a", None)) == b'{"K":"a","L":null}'
    assert SERDES.key_deserializer("t", key_format("JSON"), two_keys)(b'{"k":"a","L":1}') == ("a", 1)


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(SerdeError, match="Failed to serialize value to topic: t"):
        write(SERDES, "JSON", values(("V", STRING)), ("\ud800",))


def test_records_of_many_shapes_are_read() -> None:
    reader = SERDES.value_deserializer("t", value_format("JSON"), values(("V", INTEGER)))
    for number in range(600):
        assert reader(f'{{"x{number}":1,"v":{number}}}'.encode()) == (number,)


def test_json_sr_has_a_schema_id_before_the_json() -> None:
    registry = InMemoryRegistry()
    serdes = Serdes(registry)
    columns = values(("FOO", INTEGER))
    data = write(serdes, "JSON_SR", columns, (1,))
    assert data == b'\0\0\0\0\1{"FOO":1}'
    assert registry.by_id(1).text == (
        '{"type":"object","properties":{"FOO":{"connect.index":0,'
        '"oneOf":[{"type":"null"},{"type":"integer","connect.type":"int32"}]}}}'
    )
    assert read(serdes, "JSON_SR", columns, b'\0\0\0\0\x63{"foo":7}') == (7,)
    with pytest.raises(SerdeError, match="declared with JSON format"):
        read(serdes, "JSON_SR", columns, b'{"FOO":1}')


def test_json_sr_writes_maps_of_other_keys_as_objects() -> None:
    data = write(Serdes(), "JSON_SR", values(("M", SqlMap(INTEGER, STRING))), ({1: "a"},))
    assert data is not None
    assert data[5:] == b'{"M":[{"key":1,"value":"a"}]}'


def test_json_sr_with_a_given_schema_fills_its_other_properties() -> None:
    registry = InMemoryRegistry()
    text = '{"type":"object","properties":{"c1":{"type":"integer"},"c2":{"type":"string"}}}'
    schema_id = registry.register("other", "JSON", text)
    serdes = Serdes(registry)
    data = write(serdes, "JSON_SR", values(("c1", BIGINT)), (4,), schemaId=str(schema_id))
    assert data == b'\0\0\0\0\1{"c1":4,"c2":null}'
    assert registry.latest("t-value") is None
