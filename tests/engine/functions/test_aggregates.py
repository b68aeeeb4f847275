import math
from decimal import Decimal

import pytest

from bifrost.errors import AnalysisError
from tests.engine.expressions.evaluating import aggregate, results


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        ("COUNT(*)", [(), ()], [1, 2]),
        ("COUNT(I)", [1, None, 2], [1, 1, 2]),
        ("SUM(I)", [1, None, 2147483647], [1, 1, -2147483648]),
        ("SUM(DEC)", [Decimal("1.50"), Decimal("2.25")], [Decimal("1.50"), Decimal("3.75")]),
        ("SUM_LIST(A)", [[1, None, 2], None], [3, 3]),
        ("AVG(I)", [1, 2, None], [1.0, 1.5, 1.5]),
        ("MIN(S)", ["b", None, "a"], ["b", "b", "a"]),
        ("MAX(TS)", [None, 1, 5], [None, 1, 5]),
        ("COLLECT_LIST(I)", [1, None, 1], [[1], [1, None], [1, None, 1]]),
        ("COLLECT_SET(I)", [1, None, 1], [[1], [1, None], [1, None]]),
        ("HISTOGRAM(S)", ["a", "b", "a", None], [{"a": 1}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": 1}]),
        ("TOPK(I, 2)", [1, 3, 2, 3], [[1], [3, 1], [3, 2], [3, 3]]),
        ("TOPKDISTINCT(I, 2)", [1, 3, 3, 2], [[1], [3, 1], [3, 1], [3, 2]]),
        ("LATEST_BY_OFFSET(I)", [1, None, 2], [1, 1, 2]),
        ("LATEST_BY_OFFSET(I, FALSE)", [1, None], [1, None]),
        ("LATEST_BY_OFFSET(I, 2)", [1, None, 2, 3], [[1], [1], [1, 2], [2, 3]]),
        ("EARLIEST_BY_OFFSET(I)", [None, 1, 2], [None, 1, 1]),
        ("EARLIEST_BY_OFFSET(I, 2, FALSE)", [None, 1, 2], [[None], [None, 1], [None, 1]]),
        ("ATTR(S)", ["a", "a", "b"], ["a", "a", None]),
        ("STDDEV_SAMP(I)", [2, 4], [0.0, 2.0]),
        ("STDDEV_SAMPLE(I)", [2, 4], [0.0, math.sqrt(2)]),
        ("COUNT_DISTINCT(S)", ["a", "b", "a", None], [1, 2, 2, 2]),
    ],
)
def test_aggregate(text, rows, expected):
    assert results(text, *rows) == expected


def test_correlation_of_two_columns():
    shown = results("CORRELATION(D, D)", (1.0, 2.0), (2.0, 4.0), (3.0, None), (3.0, 6.0))
    assert math.isnan(shown[0])
    assert shown[1:] == [pytest.approx(1.0)] * 3


def test_top_rows_carry_other_columns():
    assert results("TOPK(I, S, D, 1)", (1, "a", None), (2, "b", 0.5))[-1] == [{"sort_col": 2, "col0": "b", "col1": 0.5}]
    assert str(aggregate("TOPK(I, S, 1)").return_type) == "ARRAY<STRUCT<`sort_col` INTEGER, `col0` STRING>>"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("COUNT(I)", [1, 2, None]),
        ("SUM(D)", [1.5, 2.5]),
        ("SUM(DEC)", [Decimal("1.50"), Decimal("2.25")]),
        ("SUM_LIST(A)", [[1, 2], [3]]),
        ("AVG(I)", [4, 6]),
        ("COLLECT_LIST(S)", ["a", "b", "a"]),
        ("HISTOGRAM(S)", ["a", "b", "a"]),
        ("STDDEV_SAMPLE(I)", [2, 4, 9]),
        ("ATTR(S)", ["a", "b"]),
    ],
)
def test_added_values_can_be_removed(text, values):
    call = aggregate(text)
    kept = call.add(call.initialize(), values[0])
    state = kept
    for value in values[1:]:
        state = call.add(state, value)
    for value in reversed(values[1:]):
        state = call.remove(state, value)
    assert call.result(state) == call.result(kept)


@pytest.mark.parametrize(
    "text", ["MIN(I)", "MAX(I)", "TOPK(I, 1)", "COLLECT_SET(I)", "LATEST_BY_OFFSET(I)", "COUNT_DISTINCT(I)"]
)
def test_aggregates_without_removal_say_so(text):
    assert aggregate(text).remove is None


@pytest.mark.parametrize(
    ("text", "first", "second", "expected"),
    [
        ("COUNT(I)", [1], [2, 3], 3),
        ("SUM(I)", [1], [2], 3),
        ("AVG(I)", [1, 2], [6], 3.0),
        ("MAX(I)", [1], [], 1),
        ("COLLECT_LIST(I)", [1], [2], [1, 2]),
        ("COLLECT_SET(I)", [1, 2], [2, 3], [1, 2, 3]),
        ("HISTOGRAM(S)", ["a"], ["a", "b"], {"a": 2, "b": 1}),
        ("TOPK(I, 2)", [1, 5], [3], [5, 3]),
        ("TOPKDISTINCT(I, 2)", [1, 5], [5], [5, 1]),
        ("STDDEV_SAMPLE(I)", [2], [4], math.sqrt(2)),
        ("ATTR(S)", ["a"], ["a"], "a"),
        ("COUNT_DISTINCT(I)", [1, 2], [2, 3], 3),
    ],
)
def test_sessions_are_merged(text, first, second, expected):
    call = aggregate(text)
    states = []
    for values in (first, second):
        state = call.initialize()
        for value in values:
            state = call.add(state, value)
        states.append(state)
    assert call.result(call.merge(*states)) == expected


def test_offsets_decide_in_merged_sessions_not_their_order():
    for text, expected in (("LATEST_BY_OFFSET(I)", 2), ("EARLIEST_BY_OFFSET(I)", 1)):
        call = aggregate(text)
        older = call.add(call.initialize(), 1)
        newer = call.add(call.initialize(), 2)
        assert call.result(call.merge(newer, older)) == expected


def test_states_are_never_changed_in_place():
    for text, value in (
        ("COLLECT_LIST(I)", 1),
        ("HISTOGRAM(S)", "a"),
        ("TOPK(I, 3)", 1),
        ("AVG(I)", 1),
        ("ATTR(S)", "a"),
    ):
        call = aggregate(text)
        before = call.add(call.initialize(), value)
        shown = str(before)
        call.add(before, value)
        assert str(before) == shown


def test_a_decimal_sum_that_outgrows_its_type_fails():
    with pytest.raises(OverflowError, match="Numeric field overflow"):
        results("SUM(DEC)", Decimal("99.99"), Decimal("0.01"))


def test_distinct_values_are_counted_within_a_few_percent():
    call = aggregate("COUNT_DISTINCT(I)")
    state = call.initialize()
    for number in range(20_000):
        state = call.add(state, number % 10_000)
    assert call.result(state) == pytest.approx(10_000, rel=0.05)


def test_limits_are_settings():
    limit = {"ksql.functions.collect_set.limit": "1"}
    assert results("COLLECT_SET(I)", 1, 2, config=limit)[-1] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "EARLIEST_BY_OFFSET(I, J)",
            "Parameter 2 passed to function EARLIEST_BY_OFFSET must be a literal constant, but was expression: 'J'",
        ),
        ("SUM(S)", "Function 'SUM' does not accept parameters (STRING)."),
    ],
)
def test_wrong_arguments_of_aggregates_are_refused(text, message):
    with pytest.raises(AnalysisError) as refused:
        aggregate(text)
    assert message in refused.value.message


def test_aggregates_declare_the_type_of_their_state():
    assert str(aggregate("AVG(L)").aggregate_type) == "STRUCT<`SUM` BIGINT, `COUNT` BIGINT>"
    assert str(aggregate("COUNT(I)").aggregate_type) == "BIGINT"
