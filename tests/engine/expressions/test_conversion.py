from decimal import Decimal

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.testing.conformance import answer
from bifrost.errors import AnalysisError
from tests.engine.expressions.evaluating import type_of, value


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("CAST(L AS INT)", {"L": 2147483648}, -2147483648),
        ("CAST(D AS INT)", {"D": 1e20}, 2147483647),
        ("CAST(D AS BIGINT)", {"D": -1.9}, -1),
        ("CAST(D AS BIGINT)", {"D": 1e300}, 9223372036854775807),
        ("CAST(DEC AS INT)", {"DEC": Decimal("-1.99")}, -1),
        ("CAST(I AS DOUBLE)", {"I": 3}, 3.0),
        ("CAST(D AS DECIMAL(4, 1))", {"D": 1.25}, Decimal("1.3")),
        ("CAST(S AS INT)", {"S": " 12 "}, 12),
        ("CAST(S AS DOUBLE)", {"S": "1e3"}, 1000.0),
        ("CAST(S AS BOOLEAN)", {"S": "TRUE"}, True),
        ("CAST(S AS BOOLEAN)", {"S": " yes"}, True),
        ("CAST(S AS BOOLEAN)", {"S": "T"}, True),
        ("CAST(S AS BOOLEAN)", {"S": "trues"}, False),
        ("CAST(S AS BOOLEAN)", {"S": "no"}, False),
        ("CAST(S AS BOOLEAN)", {"S": ""}, False),
        ("CAST(S AS DATE)", {"S": "1970-01-02"}, 1),
        ("CAST(S AS TIME)", {"S": "00:00:01.5"}, 1500),
        ("CAST(S AS TIMESTAMP)", {"S": "1970-01-01T01:00:00+0100"}, 0),
        ("CAST(S AS TIMESTAMP)", {"S": "1971"}, 31_536_000_000),
        ("CAST(TS AS DATE)", {"TS": -1}, -1),
        ("CAST(TS AS TIME)", {"TS": -1}, 86_399_999),
        ("CAST(DT AS TIMESTAMP)", {"DT": 1}, 86_400_000),
        ("CAST(A AS ARRAY<STRING>)", {"A": [1, None]}, ["1", None]),
        ("CAST(M AS MAP<STRING, DOUBLE>)", {"M": {"a": 1}}, {"a": 1.0}),
        ("CAST(ST AS STRUCT<Y STRING, Z INT>)", {"ST": {"X": 1, "Y": "y"}}, {"Y": "y", "Z": None}),
        ("CAST(NULL AS INT)", {}, None),
        ("CAST(I AS STRING)", {}, None),
    ],
)
def test_cast(text, row, expected):
    assert value(text, **row) == expected


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("CAST(D AS STRING)", {"D": 1.0}, "1.0"),
        ("CAST(D AS STRING)", {"D": 1e10}, "1.0E10"),
        ("CAST(DEC AS STRING)", {"DEC": Decimal("1.50")}, "1.50"),
        ("CAST(B AS STRING)", {"B": True}, "true"),
        ("CAST(DT AS STRING)", {"DT": -1}, "1969-12-31"),
        ("CAST(TM AS STRING)", {"TM": 3_600_000}, "01:00"),
        ("CAST(TS AS STRING)", {"TS": 1}, "1970-01-01T00:00:00.001"),
        ("CAST(A AS STRING)", {"A": [1, None]}, "[1, null]"),
        ("CAST(M AS STRING)", {"M": {"a": 1}}, "{a=1}"),
        ("CAST(ST AS STRING)", {"ST": {"X": 1, "Y": None}}, "Struct{X=1}"),
    ],
)
def test_cast_to_text_prints_as_java(text, row, expected):
    assert value(text, **row) == expected


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("CAST(S AS INT)", {"S": "1.5"}),
        ("CAST(S AS BIGINT)", {"S": "9223372036854775808"}),
        ("CAST(I AS DECIMAL(2, 1))", {"I": 10}),
        ("CAST(S AS DATE)", {"S": "2021-02-30"}),
        ("CAST(S AS DATE)", {"S": "2020-2-9"}),
        ("CAST(S AS DATE)", {"S": " 2020-02-09"}),
        ("CAST(S AS TIMESTAMP)", {"S": "soon"}),
        ("CAST(S AS TIMESTAMP)", {"S": "2020-02-29 01:02:03"}),
        ("CAST(S AS TIME)", {"S": "1:02"}),
        ("CAST(S AS TIME)", {"S": "24:00"}),
        ("CAST(S AS DOUBLE)", {"S": "NaN"}),
        ("CAST(S AS DOUBLE)", {"S": "-Infinity"}),
        ("CAST(S AS DOUBLE)", {"S": "1e400"}),
        ("CAST(S AS DOUBLE)", {"S": "0x10"}),
        ("CAST(S AS DECIMAL(4, 2))", {"S": "NaN"}),
        ("CAST(D AS DECIMAL(4, 2))", {"D": float("nan")}),
    ],
)
def test_a_cast_that_does_not_fit_fails_at_run_time(text, row):
    with pytest.raises(EVALUATION_ERRORS):
        value(text, **row)


@pytest.mark.parametrize("target", ["ARRAY<INT>", "MAP<STRING, INT>", "STRUCT<A INT>", "BYTES"])
def test_text_cannot_be_cast_to_a_collection(target):
    with pytest.raises(AnalysisError) as refused:
        type_of(f"CAST(S AS {target})")
    assert "Cast of STRING to" in refused.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CAST(I AS STRING)", "null"),
        ("CAST(A AS STRING)", "null"),
        ("CAST(B AS STRING) + '!'", "null!"),
        ("CAST(DEC AS STRING)", None),
        ("CAST(TS AS STRING)", None),
        ("CAST(S AS STRING)", None),
    ],
)
def test_a_property_turns_null_into_text_when_it_is_cast(text, expected):
    assert value(text, config={"ksql.cast.strings.preserve.nulls": "false"}) == expected
    assert value("CAST(I AS STRING)") is None


def test_bytes_cannot_be_cast_to_text():
    with pytest.raises(AnalysisError):
        type_of("CAST(BIN AS STRING)")


@pytest.mark.parametrize(("preserve", "expected"), [("true", None), ("false", "null")])
def test_a_query_runs_with_the_property_of_its_statement(preserve, expected):
    case = {
        "id": "nulls",
        "kind": "qtt",
        "statements": [
            "CREATE STREAM S (I INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');",
            "CREATE STREAM O AS SELECT CAST(I AS STRING) AS T FROM S;",
        ],
        "properties": {"ksql.cast.strings.preserve.nulls": preserve},
        "topics": [],
        "inputs": [{"topic": "s", "key": None, "value": {"I": None}, "timestamp": 0, "window": None, "headers": None}],
    }
    [record] = answer(case)["outputs"]
    assert record["value"] == {"T": expected}
