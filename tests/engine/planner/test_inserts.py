"""INSERT INTO ... VALUES and INSERT INTO ... SELECT."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bifrost.engine.planner.outcome import InsertValuesPlan
from bifrost.sql.format_expressions import format_expression
from tests.engine.planner.planning import StatementPlanner, step_of


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


@pytest.fixture
def decimals(planner: StatementPlanner) -> StatementPlanner:
    """Adds a stream of decimals and two streams to insert into."""
    planner.run(
        "CREATE STREAM SMALL (ID BIGINT KEY, D DECIMAL(4, 2), A INT, B BIGINT, F DOUBLE)"
        " WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON', PARTITIONS=2);",
        "CREATE STREAM WIDE (ID BIGINT KEY, D DECIMAL(5, 2)) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON',"
        " PARTITIONS=2);",
        "CREATE STREAM LONGS (ID BIGINT KEY, N BIGINT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=2);",
        "CREATE STREAM DOUBLES (ID BIGINT KEY, N DOUBLE) WITH (KAFKA_TOPIC='f', VALUE_FORMAT='JSON', PARTITIONS=2);",
    )
    return planner


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("D", "CAST(D AS DECIMAL(5, 2))"),
        ("1", "1.00"),
        ("-7", "-7.00"),
        ("2.0", "2.00"),
        ("999.99", "999.99"),
        ("1.5E2", "150.00"),
    ],
)
def test_a_query_inserts_decimals_and_number_literals_into_wider_decimals(
    decimals: StatementPlanner, expression: str, written: str
) -> None:
    planned = decimals.query(f"INSERT INTO WIDE SELECT ID, {expression} AS D FROM SMALL;")
    assert planned.inserts
    assert planned.query.query_id.startswith("INSERTQUERY_")
    assert str(planned.query.schema) == "`ID` BIGINT KEY, `D` DECIMAL(5, 2)"
    select = step_of(planned, "StreamSelect")
    assert [format_expression(item.expression) for item in select.selects] == [written]


@pytest.mark.parametrize(
    ("target", "select"),
    [
        ("WIDE", "A AS D"),
        ("WIDE", "B AS D"),
        ("WIDE", "F AS D"),
        ("WIDE", "1000 AS D"),
        ("WIDE", "1.555 AS D"),
        ("WIDE", "CAST(D AS DECIMAL(6, 2)) AS D"),
        ("WIDE", "A + 1 AS D"),
        ("WIDE", "'1' AS D"),
        ("LONGS", "A AS N"),
        ("LONGS", "1 AS N"),
        ("DOUBLES", "A AS N"),
        ("DOUBLES", "D AS N"),
        ("DOUBLES", "1.5 AS N"),
    ],
)
def test_a_query_inserts_no_other_types(decimals: StatementPlanner, target: str, select: str) -> None:
    assert "Incompatible schema between results and sink." in decimals.refusal(
        f"INSERT INTO {target} SELECT ID, {select} FROM SMALL;"
    )


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ("NULL, 10, '2e1', A, B", "DECIMAL(19, 0)"),
        ("A, '2e1'", "DECIMAL(10, 0)"),
        ("A, '1.5E-1'", "DECIMAL(12, 2)"),
        ("A, '2.5'", "DECIMAL(11, 1)"),
        ("A, '7'", "INTEGER"),
        ("F, '2e1'", "DOUBLE"),
    ],
)
def test_texts_in_array_constructors_become_exact_numbers(decimals: StatementPlanner, items: str, kind: str) -> None:
    decimals.query(f"CREATE STREAM X AS SELECT ID, ARRAY[{items}] AS L FROM SMALL;")
    assert decimals.schema("X") == f"`ID` BIGINT KEY, `L` ARRAY<{kind}>"


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


@pytest.fixture
def exact(planner: StatementPlanner) -> StatementPlanner:
    """Adds a stream with decimals and bytes, also inside other types."""
    planner.run(
        "CREATE STREAM E (K STRING KEY, D DECIMAL(4, 2), B BYTES, L ARRAY<DECIMAL(3, 1)>, M MAP<STRING, DECIMAL(2, 1)>,"
        " S STRUCT<D DECIMAL(2, 1), B BYTES>, Z DECIMAL(2, 2))"
        " WITH (KAFKA_TOPIC='e', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    return planner


@pytest.mark.parametrize(
    ("column", "expression", "value"),
    [
        ("D", "1.55", Decimal("1.55")),
        ("D", "1.5500", Decimal("1.55")),
        ("D", "-7", Decimal("-7.00")),
        ("D", "'12.5'", Decimal("12.50")),
        ("D", "1.555 - 0.005", Decimal("1.55")),
        ("Z", "0", Decimal("0.00")),
        ("L", "ARRAY[1.5, 20]", [Decimal("1.5"), Decimal("20.0")]),
        ("B", "'aGVsbG8='", b"hello"),
        ("B", "''", b""),
        ("S", "STRUCT(D := 1.5, B := 'aGVsbG8=')", {"D": Decimal("1.5"), "B": b"hello"}),
    ],
)
def test_values_keep_all_digits(exact: StatementPlanner, column: str, expression: str, value: object) -> None:
    planned = values(exact, f"INSERT INTO E ({column}) VALUES ({expression});")
    assert [found for found in planned.value if found is not None] == [value]


@pytest.mark.parametrize(
    ("column", "expression", "words"),
    [
        ("D", "1.555", "Cannot fit decimal '1.555' into DECIMAL(4, 2) without rounding. (Requires 4,3)"),
        ("D", "-0.001", "without rounding"),
        ("D", "'1.555'", "without rounding"),
        ("D", "100", "Cannot fit decimal '100' into DECIMAL(4, 2) as it would truncate left digits."),
        ("D", "'100.5'", "as it would truncate left digits"),
        ("D", "'NaN'", "is not a number"),
        ("L", "ARRAY[1.25]", "without rounding"),
        ("M", "MAP('a' := 1.55)", "without rounding"),
        ("S", "STRUCT(D := 1.55)", "without rounding"),
        ("B", "'not base64!'", "'not base64!' is not base64"),
        ("B", "'YQ'", "is not base64"),
    ],
)
def test_values_that_would_lose_digits_are_refused(
    exact: StatementPlanner, column: str, expression: str, words: str
) -> None:
    message = exact.refusal(f"INSERT INTO E ({column}) VALUES ({expression});")
    assert f"The value for field `{column}`" in message
    assert words in message
