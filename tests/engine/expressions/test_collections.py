from decimal import Decimal

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.errors import AnalysisError
from tests.engine.expressions.evaluating import type_of, value


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("A[1]", {"A": [7, 8]}, 7),
        ("A[-1]", {"A": [7, 8]}, 8),
        ("A[0]", {"A": [7, 8]}, None),
        ("A[3]", {"A": [7, 8]}, None),
        ("A[1]", {}, None),
        ("M['a']", {"M": {"a": 1}}, 1),
        ("M['b']", {"M": {"a": 1}}, None),
        ("ST->Y", {"ST": {"X": 1, "Y": "y"}}, "y"),
        ("ST->Y", {}, None),
        ("ARRAY[I, 2.5, NULL]", {"I": 1}, [Decimal("1.0"), Decimal("2.5"), None]),
        ("MAP('a' := I, S := 2)", {"I": 1, "S": "b"}, {"a": 1, "b": 2}),
        ("STRUCT(A := 1, B := 'x')->B", {}, "x"),
        ("ARRAY[STRUCT(X := 1), STRUCT(Y := 2)]", {}, [{"X": 1, "Y": None}, {"X": None, "Y": 2}]),
    ],
)
def test_parts_and_constructors(text, row, expected):
    assert value(text, **row) == expected


def test_a_failing_part_of_a_constructor_is_null():
    assert value("ARRAY[1 / I, 2]", I=0) == [None, 2]
    assert value("MAP('a' := CAST(S AS INT))", S="x") == {"a": None}
    assert value("STRUCT(A := I + 1)->A") is None


def test_only_the_chosen_branch_of_a_case_is_evaluated():
    assert value("CASE WHEN I = 0 THEN 0 ELSE 1 / I END", I=0) == 0
    assert value("CASE WHEN I < 0 THEN 'low' WHEN I > 9 THEN 'high' END", I=5) is None


def test_a_simple_case_compares_its_operand():
    assert value("CASE I + 1 WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END", I=1) == "two"


def test_branches_have_a_common_type():
    assert type_of("CASE WHEN B THEN 1 ELSE 2.5 END") == "DECIMAL(11, 1)"
    assert type_of("CASE WHEN B THEN NULL ELSE L END") == "BIGINT"


def test_lambdas_see_the_row_and_their_parameters():
    assert value("TRANSFORM(A, x => x + I)", A=[1, 2], I=10) == [11, 12]
    assert value("FILTER(M, (k, v) => k LIKE 'a%' AND v > 1)", M={"a": 1, "ab": 2, "b": 3}) == {"ab": 2}
    assert value("REDUCE(A, '', (s, x) => s + CAST(x AS STRING))", A=[1, 2]) == "12"
    assert value("TRANSFORM(M, (k, v) => UCASE(k), (k, v) => TRANSFORM(A, x => x * v))", M={"a": 2}, A=[3]) == {
        "A": [6]
    }


def test_a_failing_lambda_fails_the_whole_call():
    with pytest.raises(EVALUATION_ERRORS):
        value("TRANSFORM(A, x => x + 5)", A=[5, None])
    assert value("COALESCE(TRANSFORM(A, x => x + 5), ARRAY[0])", A=[5, None]) == [0]


def test_types_of_lambdas_come_from_their_bodies():
    assert type_of("TRANSFORM(A, x => CAST(x AS DOUBLE))") == "ARRAY<DOUBLE>"
    assert type_of("TRANSFORM(M, (k, v) => v, (k, v) => k)") == "MAP<INTEGER, STRING>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ARRAY[NULL]", "Cannot construct an array with all NULL elements"),
        ("MAP(NULL := 1)", "Cannot construct a map with all NULL keys"),
        ("MAP('a' := I, 'b' := 'x')", 'invalid input syntax for type INTEGER: "x".'),
        ("ST->Z", "Could not find field 'Z' in 'ST'."),
        ("I->Z", "Can only dereference Struct type, instead got INTEGER"),
        ("CASE WHEN I THEN 1 END", "WHEN operand type should be boolean."),
        ("CASE WHEN B THEN NULL ELSE NULL END", "Invalid Case expression. All case branches have NULL type"),
        ("S[1]", "do not apply to STRING"),
    ],
)
def test_invalid_expressions_are_refused(text, message):
    with pytest.raises(AnalysisError) as refused:
        value(text)
    assert message in refused.value.message
