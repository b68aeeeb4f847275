"""DELIMITED lines: quoting, delimiters, nulls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bifrost.engine.serde import SerdeError, Serdes
from bifrost.sql.types import BIGINT, BOOLEAN, BYTES, DATE, DOUBLE, INTEGER, STRING, TIMESTAMP, SqlDecimal, SqlType
from tests.engine.serde.samples import key_format, keys, read, values, write

SERDES = Serdes()
THREE = values(("A", STRING), ("B", STRING), ("C", INTEGER))


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("a,b,1", ("a", "b", 1)),
        ('"a","b","1"', ("a", "b", 1)),
        ('"a,b",c,1', ("a,b", "c", 1)),
        ('"a""b",c,1', ('a"b', "c", 1)),
        ('"a\nb",c,1', ("a\nb", "c", 1)),
        ('"a" ,b,1', ("a", "b", 1)),
        ('a"b,c,1', ('a"b', "c", 1)),
        (",,", (None, None, None)),
        ('"",b,1', (None, "b", 1)),
        (" a,b ,1", (" a", "b ", 1)),
        ("a,b,1\r\n", ("a", "b", 1)),
        ("\n\na,b,1\nsecond,line,2", ("a", "b", 1)),
        ("ä,漢,1", ("ä", "漢", 1)),
    ],
)
def test_lines_are_read_as_commons_csv_does(line: str, row: Any) -> None:
    assert read(SERDES, "DELIMITED", THREE, line.encode()) == row


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "No fields in record"),
        ("\r\n", "No fields in record"),
        ("a,b", "Column count mismatch on deserialization. topic: t, expected: 3, got: 2"),
        ("a,b,1,", "expected: 3, got: 4"),
        ('"a,b,1', "EOF reached before encapsulated token finished"),
        ('"a"b,c,1', "Invalid char between encapsulated token and delimiter"),
        ("a,b,x", 'For input string: "x"'),
        ("a,b,1.5", 'For input string: "1.5"'),
        ("a,b,2147483648", "out of range for type INTEGER"),
    ],
)
def test_lines_that_are_not_rows_are_refused(line: str, problem: str) -> None:
    with pytest.raises(SerdeError) as refused:
        read(SERDES, "DELIMITED", THREE, line.encode())
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("delimiter", "line"), [("|", "a|b|1"), ("$", "a$b$1"), ("TAB", "a\tb\t1"), ("SPACE", "a b 1"), ("tab", "a\tb\t1")]
)
def test_delimiters(delimiter: str, line: str) -> None:
    row = ("a", "b", 1)
    assert read(SERDES, "DELIMITED", THREE, line.encode(), delimiter=delimiter) == row
    assert write(SERDES, "DELIMITED", THREE, row, delimiter=delimiter) == line.encode()


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (("a", "b", 1), "a,b,1"),
        ((None, None, None), ",,"),
        (("", "", 1), '"",,1'),
        (("a,b", 'c"d', 1), '"a,b","c""d",1'),
        (("a\nb", "c", 1), '"a\nb",c,1'),
        (("-a", "-b", -1), '"-a",-b,-1'),
        (("a ", "#b", 1), '"a ","#b",1'),
        (("ä", "ä", 1), '"ä",ä,1'),
    ],
)
def test_values_are_quoted_as_commons_csv_quotes_them(row: Any, line: str) -> None:
    assert write(SERDES, "DELIMITED", THREE, row) == line.encode()


@pytest.mark.parametrize(
    ("kind", "text", "value", "written"),
    [
        (BOOLEAN, "TRUE", True, "true"),
        (BOOLEAN, "yes", False, "false"),
        (BIGINT, "998877665544332211", 998877665544332211, "998877665544332211"),
        (DOUBLE, "1e10", 1e10, "1.0E10"),
        (DOUBLE, " 1.5 ", 1.5, "1.5"),
        (SqlDecimal(33, 16), ".12", Decimal("0.1200000000000000"), "0.1200000000000000"),
        (SqlDecimal(33, 16), "-12345.12", Decimal("-12345.1200000000000000"), '"-12345.1200000000000000"'),
        (DATE, "10", 10, "10"),
        (TIMESTAMP, "1700000000000", 1_700_000_000_000, "1700000000000"),
        (BYTES, "eA==", b"x", "eA=="),
    ],
)
def test_types(kind: SqlType, text: str, value: Any, written: str) -> None:
    columns = values(("V", kind))
    assert read(SERDES, "DELIMITED", columns, text.encode()) == (value,)
    assert write(SERDES, "DELIMITED", columns, (value,)) == written.encode()


def test_a_row_of_one_null_is_an_empty_line_and_a_null_key_no_key() -> None:
    assert write(SERDES, "DELIMITED", values(("V", INTEGER)), (None,)) == b""
    assert SERDES.key_serializer("t", key_format("DELIMITED"), keys(("K", INTEGER)))((None,)) is None


def test_keys_of_several_columns() -> None:
    form, columns = key_format("DELIMITED"), keys(("K1", STRING), ("K2", STRING))
    assert SERDES.key_deserializer("t", form, columns)(b'"foo","bar"') == ("foo", "bar")
    assert SERDES.key_serializer("t", form, columns)(("foo", None)) == b"foo,"
