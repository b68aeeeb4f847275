from decimal import Decimal

import pytest

from bifrost.errors import AnalysisError
from tests.engine.expressions.evaluating import value


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("I < 3", {"I": 2}, True),
        ("I < L", {"I": 2, "L": 2}, False),
        ("D = 0.1", {"D": 0.1}, True),
        ("DEC = D", {"DEC": Decimal("0.10"), "D": 0.1}, True),
        ("S >= 'b'", {"S": "a"}, False),
        ("BIN = BIN", {"BIN": b"a"}, True),
        ("TS > '2021-01-01T00:00:00.001'", {"TS": 1609459200002}, True),
        ("DT = '2021-01-01'", {"DT": 18628}, True),
        ("DT < TS", {"DT": 1, "TS": 86_400_001}, True),
        ("TM = '00:00:01'", {"TM": 1000}, True),
        ("A = ARRAY[1, 2]", {"A": [1, 2]}, True),
        ("M <> MAP('a' := 1)", {"M": {"a": 2}}, True),
        ("ST = STRUCT(X := 1, Y := 'y')", {"ST": {"X": 1, "Y": "y"}}, True),
    ],
)
def test_values_are_compared(text, row, expected):
    assert value(text, **row) is expected


@pytest.mark.parametrize(
    "text", ["I = 1", "I <> 1", "I < J", "S LIKE 'a%'", "I IN (1, 2)", "I BETWEEN 1 AND 2", "A = A"]
)
def test_a_comparison_with_null_is_false(text):
    assert value(text) is False


@pytest.mark.parametrize(("text", "expected"), [("1 IS NULL", False), ("NULL IS NULL", True), ("'a' LIKE 'a%'", True)])
def test_literals_are_tested_without_a_warning(text, expected):
    assert value(text) is expected


def test_distinct_from_takes_null_for_a_value():
    assert value("I IS DISTINCT FROM J") is False
    assert value("I IS DISTINCT FROM J", I=1) is True
    assert value("I IS NOT DISTINCT FROM J", I=1, J=1) is True


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("B AND TRUE", {}, None),
        ("FALSE AND B", {}, False),
        ("TRUE OR B", {}, True),
        ("B OR TRUE", {}, None),
        ("NOT B", {}, None),
        ("NOT (I = 1)", {}, True),
        ("B IS NULL", {}, True),
        ("B IS NOT NULL", {"B": False}, True),
    ],
)
def test_truth_values_with_null(text, row, expected):
    assert value(text, **row) is expected


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("S LIKE '%oo%'", "foo", True),
        ("S LIKE 'f%'", "foo", True),
        ("S LIKE '%o'", "foo", True),
        ("S LIKE 'foo'", "food", False),
        ("S LIKE 'f_o'", "fxo", True),
        ("S LIKE 'f%d_'", "f\nood1", True),
        ("S LIKE '%50!%%' ESCAPE '!'", "at 50% off", True),
        ("S LIKE '%50!%%' ESCAPE '!'", "at 500", False),
        ("S NOT LIKE 'a.c'", "abc", True),
        ("S LIKE T", "abc", True),
    ],
)
def test_like(text, subject, expected):
    assert value(text, S=subject, T="a%") is expected


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("I IN (1, '3', 2.5)", {"I": 3}, True),
        ("I IN (1, J)", {"I": 5, "J": 5}, True),
        ("S IN (TRUE, 10, 1.50)", {"S": "1.50"}, True),
        ("B IN ('yes')", {"B": True}, True),
        ("A IN (ARRAY[1], ARRAY['2', NULL])", {"A": [2, None]}, True),
        ("I NOT IN (1, 2)", {"I": 3}, True),
        ("D IN (1, 2)", {"D": 2.0}, True),
    ],
)
def test_in(text, row, expected):
    assert value(text, **row) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A < A", "Cannot compare A (ARRAY<INTEGER>) to A (ARRAY<INTEGER>) with LESS_THAN."),
        ("I >= 'x'", "Cannot compare I (INTEGER) to 'x' (STRING) with GREATER_THAN_OR_EQUAL."),
        ("B < TRUE", "with LESS_THAN."),
        ("NULL <> NULL", "Comparison with NULL not supported: NULL <> NULL"),
        ("I = NULL", "Comparison with NULL not supported: INTEGER = NULL\nUse 'IS NULL' or 'IS NOT NULL' instead."),
        ("I IN (1, S)", "operator does not exist: INTEGER = STRING (S)"),
        ("I IN (1, 'x')", 'invalid input syntax for type INTEGER: "x".'),
        ("NOWHERE = 1", "Unknown column NOWHERE."),
        ("I AND B", "Operand I (INTEGER) is not of type BOOLEAN."),
        ("I LIKE 'a'", "Operand I (INTEGER) is not of type STRING."),
    ],
)
def test_values_of_other_types_cannot_be_compared(text, message):
    with pytest.raises(AnalysisError) as refused:
        value(text)
    assert message in refused.value.message
