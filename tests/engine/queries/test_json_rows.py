from decimal import Decimal

import pytest

from bifrost.engine.queries.json_rows import coerced, insert_target, json_row
from bifrost.errors import AnalysisError
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
from tests.engine.runtime.engines import execute


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, INTEGER, None),
        (7, INTEGER, 7),
        (7, DOUBLE, 7.0),
        (1 << 40, BIGINT, 1 << 40),
        ("12.5", SqlDecimal(4, 2), Decimal("12.50")),
        (12, SqlDecimal(4, 2), Decimal("12.00")),
        (1.555, SqlDecimal(4, 2), Decimal("1.56")),
        ("-1.555", SqlDecimal(4, 2), Decimal("-1.56")),
        (0.004, SqlDecimal(4, 2), Decimal("0.00")),
        (True, BOOLEAN, True),
        ("1970-01-01T00:00:01.000", TIMESTAMP, 1000),
        ("1970-01-03", DATE, 2),
        ("00:00:02", TIME, 2000),
        ("aGk=", BYTES, b"hi"),
        ([1, None], SqlArray(INTEGER), [1, None]),
        ({"a": 1}, SqlMap(STRING, BIGINT), {"a": 1}),
        ({"3": 1}, SqlMap(INTEGER, BIGINT), {3: 1}),
        ({"a": 1, "z": 2}, SqlStruct((StructField("A", INTEGER), StructField("B", STRING))), {"A": 1, "B": None}),
    ],
)
def test_json_values_become_values_of_their_columns(value, kind, expected):
    found = coerced(value, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("abc", INTEGER),
        (1.5, INTEGER),
        (True, INTEGER),
        (1 << 31, INTEGER),
        (1, STRING),
        (1, BOOLEAN),
        ("x", DOUBLE),
        ("123.45", SqlDecimal(4, 2)),
        ("99.995", SqlDecimal(4, 2)),
        ("Infinity", SqlDecimal(4, 2)),
        ("NaN", SqlDecimal(4, 2)),
        ("soon", TIMESTAMP),
        ("!", BYTES),
        ({}, SqlArray(INTEGER)),
        ([], SqlStruct(())),
        ([["x"]], SqlArray(SqlArray(INTEGER))),
    ],
)
def test_what_does_not_fit_is_refused(value, kind):
    with pytest.raises(AnalysisError, match="Can't coerce a field of type class"):
        coerced(value, kind)


@pytest.fixture
def engine(world):
    made = world.engine()
    execute(
        made,
        "CREATE STREAM S (K STRING KEY, A INT, `b` INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE TABLE T (K STRING PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');",
    )
    return made


def test_names_match_in_upper_case_or_quoted_and_others_are_ignored(engine):
    target = insert_target("s", engine.state.metastore)
    assert json_row(target, {"k": "x", "a": 1, "`b`": 2, "other": 3}) == (("x",), (1, 2))


@pytest.mark.parametrize("target", ["S", "T"])
@pytest.mark.parametrize("row", [{"A": 1}, {"K": None, "A": 1}, {}])
def test_a_row_needs_its_key(engine, target, row):
    with pytest.raises(AnalysisError, match="Key field must be specified: K"):
        json_row(insert_target(target, engine.state.metastore), row)


@pytest.mark.parametrize("names", [("A", "a"), ("a", "`A`"), ('"A"', "a")])
def test_a_column_given_twice_is_refused(engine, names):
    with pytest.raises(AnalysisError, match="ambiguous column name: A"):
        json_row(insert_target("S", engine.state.metastore), {"K": "x", **dict.fromkeys(names, 1)})


@pytest.mark.parametrize("name", ["s", "S", "`S`", '"S"'])
def test_a_target_may_be_quoted_either_way(engine, name):
    assert insert_target(name, engine.state.metastore).name == "S"


@pytest.mark.parametrize("name", ["`s`", '"s"', "`", '"', "", "`S"])
def test_a_quoted_target_is_taken_to_the_letter(engine, name):
    with pytest.raises(AnalysisError, match="unknown stream/table"):
        insert_target(name, engine.state.metastore)


def test_an_unknown_target_is_refused(engine):
    with pytest.raises(AnalysisError, match="Cannot insert values into an unknown stream/table: `NOPE`"):
        insert_target("NOPE", engine.state.metastore)
