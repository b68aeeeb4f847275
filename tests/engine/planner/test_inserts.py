"""INSERT INTO ... VALUES and INSERT INTO ... SELECT."""

from __future__ import annotations

import pytest

from bifrost.engine.planner.outcome import InsertValuesPlan
from tests.engine.planner.planning import StatementPlanner


def values(planner: StatementPlanner, statement: str) -> InsertValuesPlan:
    planned = planner.plan(statement)
    assert isinstance(planned, InsertValuesPlan)
    return planned


def test_columns_that_are_not_named_are_null(planner: StatementPlanner) -> None:
    planned = values(planner, "INSERT INTO ORDERS (ID, TOTAL) VALUES (7, 2);")
    assert planned.key == (7,)
    assert planned.value == (None, 2.0, None, None)
    assert isinstance(planned.value[1], float)
    assert planned.timestamp is None


def test_values_without_names_are_for_all_columns(planner: StatementPlanner) -> None:
    planned = values(planner, "INSERT INTO ORDERS VALUES (1, 2, 3.5, STRUCT(TOWN := 'Oslo', ZIP := 150), ARRAY['a']);")
    assert planned.value == (2, 3.5, {"TOWN": "Oslo", "ZIP": 150}, ["a"])


def test_rowtime_is_the_time_of_the_record(planner: StatementPlanner) -> None:
    assert values(planner, "INSERT INTO CUSTOMERS (ROWTIME, ID) VALUES (1234, 5);").timestamp == 1234


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("INSERT INTO NOPE VALUES (1);", "Cannot insert values into an unknown stream/table: `NOPE`"),
        ("INSERT INTO ORDERS (ID) VALUES (1, 2);", "Expected a value for each column."),
        ("INSERT INTO ORDERS (ID, COLOUR) VALUES (1, 2);", "Column name `COLOUR` does not exist"),
        ("INSERT INTO ORDERS (CUSTOMER) VALUES ('x');", "Expected type INTEGER for field `CUSTOMER` but got STRING."),
        ("INSERT INTO ORDERS (ROWOFFSET) VALUES (1);", "Inserting into column `ROWOFFSET` is not allowed."),
        ("INSERT INTO CUSTOMERS (NAME) VALUES ('x');", "Value for primary key column(s) ID is required for tables"),
    ],
)
def test_refused_values(planner: StatementPlanner, statement: str, words: str) -> None:
    assert words in planner.refusal(statement)


def test_the_error_suggests_a_name_in_another_case(planner: StatementPlanner) -> None:
    message = planner.refusal('INSERT INTO "orders" VALUES (1);')
    assert message.endswith("Did you mean ORDERS? Hint: try removing double quotes from the source name.")


def test_a_query_inserts_what_converts_without_loss(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE STREAM ALL_TOTALS (ID BIGINT KEY, N DOUBLE) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    planned = planner.query("INSERT INTO ALL_TOTALS SELECT ID, CUSTOMER AS N FROM ORDERS;")
    assert planned.inserts
    assert planned.query.query_id.startswith("INSERTQUERY_")
    assert str(planned.query.schema) == "`ID` BIGINT KEY, `N` DOUBLE"
    assert planned.sink.name == "ALL_TOTALS"


def test_a_query_can_set_its_id(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE STREAM A (ID BIGINT KEY, TOTAL DOUBLE) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    planned = planner.query("INSERT INTO A WITH (QUERY_ID='copy_totals') SELECT ID, TOTAL FROM ORDERS;")
    assert planned.query.query_id == "COPY_TOTALS"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("INSERT INTO CUSTOMERS SELECT * FROM ORDERS;", "INSERT INTO can only be used to insert into a stream."),
        ("INSERT INTO NOPE SELECT * FROM ORDERS;", "Line: 1, Col: 13: Source `NOPE` does not exist."),
        (
            "INSERT INTO SHIPMENTS SELECT ID AS ORDER_ID, TOTAL AS CARRIER FROM ORDERS;",
            "Incompatible schema between results and sink.\n"
            "Result schema is `ORDER_ID` BIGINT KEY, `CARRIER` DOUBLE\n"
            "Sink schema is `ORDER_ID` BIGINT KEY, `CARRIER` STRING",
        ),
    ],
)
def test_refused_queries(planner: StatementPlanner, statement: str, words: str) -> None:
    assert words in planner.refusal(statement)
