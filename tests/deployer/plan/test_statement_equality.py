"""What ksqlDB adds to a statement is no difference; anything else is."""

import pytest

from bifrost.deployer.plan.statement_equality import statement_difference
from bifrost.sql.parser import parse_statement

COLUMNS = {"ORDERS": ["ID", "AMOUNT"], "CUSTOMERS": ["ID", "EMAIL"]}
FILLED = "CLEANUP_POLICY='delete', KAFKA_TOPIC='X', PARTITIONS=1, REPLICAS=1, RETENTION_MS=604800000"


def differs(declared: str, live: str) -> str | None:
    return statement_difference(parse_statement(declared).tree, parse_statement(live).tree, COLUMNS)


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        (
            "CREATE STREAM X AS SELECT ID, AMOUNT*2 AS TWICE FROM ORDERS WHERE AMOUNT >= 0;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT ORDERS.ID ID, (ORDERS.AMOUNT * 2) TWICE "
            "FROM ORDERS ORDERS WHERE (ORDERS.AMOUNT >= 0) EMIT CHANGES;",
        ),
        (
            "CREATE STREAM X AS SELECT o.ID FROM ORDERS o;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT O.ID ID FROM ORDERS O EMIT CHANGES;",
        ),
        (
            "CREATE STREAM X AS SELECT * FROM ORDERS;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT ORDERS.ID ID, ORDERS.AMOUNT AMOUNT "
            "FROM ORDERS ORDERS EMIT CHANGES;",
        ),
        (
            "CREATE STREAM X AS SELECT * FROM ORDERS;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT * FROM ORDERS ORDERS EMIT CHANGES;",
        ),
        (
            "CREATE STREAM X AS SELECT O.*, EMAIL FROM ORDERS O JOIN CUSTOMERS C ON O.ID = C.ID;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT O.ID O_ID, O.AMOUNT O_AMOUNT, C.EMAIL EMAIL "
            "FROM ORDERS O INNER JOIN CUSTOMERS C ON ((O.ID = C.ID)) EMIT CHANGES;",
        ),
        (
            "CREATE TABLE X AS SELECT ID, COUNT(*) FROM ORDERS WINDOW TUMBLING (SIZE 60 MINUTES) GROUP BY ID;",
            f"CREATE TABLE X WITH ({FILLED}) AS SELECT ORDERS.ID ID, COUNT(*) KSQL_COL_0 "
            "FROM ORDERS ORDERS WINDOW TUMBLING (SIZE 1 HOURS) GROUP BY ORDERS.ID EMIT CHANGES;",
        ),
        (
            "CREATE STREAM X WITH (VALUE_FORMAT='avro', KAFKA_TOPIC='ratings');",
            "CREATE STREAM X (A INTEGER, B STRING) WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='ratings', "
            "KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO');",
        ),
        (
            "CREATE TABLE X (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='t', FORMAT='JSON');",
            "CREATE TABLE X (ID INTEGER PRIMARY KEY) WITH (KAFKA_TOPIC='t', KEY_FORMAT='JSON', VALUE_FORMAT='JSON');",
        ),
        (
            "INSERT INTO X SELECT ID FROM ORDERS;",
            "INSERT INTO X SELECT ORDERS.ID ID FROM ORDERS ORDERS EMIT CHANGES;",
        ),
    ],
)
def test_what_the_server_fills_in_is_no_difference(declared, live):
    assert differs(declared, live) is None


@pytest.mark.parametrize(
    ("declared", "live", "expected"),
    [
        (
            "CREATE STREAM X AS SELECT ID FROM ORDERS;",
            "CREATE TABLE X AS SELECT ID FROM ORDERS;",
            "is a TABLE, not a STREAM",
        ),
        (
            "CREATE STREAM X WITH (PARTITIONS=4) AS SELECT ID FROM ORDERS;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT ID FROM ORDERS;",
            "WITH PARTITIONS: 1 -> 4",
        ),
        (
            "CREATE STREAM X WITH (TIMESTAMP='TS') AS SELECT ID FROM ORDERS;",
            f"CREATE STREAM X WITH ({FILLED}) AS SELECT ID FROM ORDERS;",
            "WITH TIMESTAMP: declared TS, not set",
        ),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON');",
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON', TIMESTAMP='TS');",
            "WITH TIMESTAMP: TS, not declared",
        ),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON');",
            "CREATE STREAM X (A INT, B STRING) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON');",
            "columns: A INTEGER, B STRING -> A INTEGER",
        ),
        ("CREATE STREAM X AS SELECT ID FROM A;", "CREATE STREAM X AS SELECT ID FROM B;", "FROM differs"),
        (
            "CREATE STREAM X AS SELECT ID FROM A WHERE N<3;",
            "CREATE STREAM X AS SELECT ID FROM A WHERE N<4;",
            "WHERE differs",
        ),
        ("CREATE STREAM X AS SELECT ID, N FROM A;", "CREATE STREAM X AS SELECT ID FROM A;", "SELECT differs"),
        ("CREATE STREAM X AS SELECT * FROM ORDERS;", "CREATE STREAM X AS SELECT ID FROM ORDERS;", "SELECT differs"),
        ("CREATE STREAM X AS SELECT * FROM UNKNOWN;", "CREATE STREAM X AS SELECT ID FROM UNKNOWN;", "SELECT differs"),
        ("CREATE STREAM X AS SELECT ID AS A FROM A;", "CREATE STREAM X AS SELECT ID AS B FROM A;", "SELECT differs"),
        (
            "CREATE STREAM X AS SELECT L.ID FROM A L JOIN B R ON L.ID = R.ID;",
            "CREATE STREAM X AS SELECT R.ID FROM A L JOIN B R ON L.ID = R.ID;",
            "SELECT differs",
        ),
        (
            "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM A GROUP BY ID HAVING COUNT(*) > 1;",
            "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM A GROUP BY ID HAVING COUNT(*) > 2;",
            "HAVING differs",
        ),
        (
            "CREATE STREAM X AS SELECT ID FROM A;",
            "CREATE STREAM X (ID INT) WITH (KAFKA_TOPIC='X');",
            "was created by another kind",
        ),
    ],
)
def test_everything_else_is_a_difference(declared, live, expected):
    assert expected in (differs(declared, live) or "")
