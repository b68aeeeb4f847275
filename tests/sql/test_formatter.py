"""Texts in ksqlDB's form, as its server answers them."""

import pytest

from bifrost.sql.formatter import format_expression, format_statement
from bifrost.sql.parser import parse_expression_text, parse_statement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "create stream s (id varchar key, p decimal(10,2), a struct<street varchar, `zip` int>) "
            "with (value_format='JSON', partitions=1, kafka_topic='o');",
            "CREATE STREAM S (ID STRING KEY, P DECIMAL(10, 2), A STRUCT<STREET STRING, `zip` INTEGER>) "
            "WITH (KAFKA_TOPIC='o', PARTITIONS=1, VALUE_FORMAT='JSON');",
        ),
        (
            "CREATE STREAM y AS SELECT a.qty+a.tags AS q FROM a;",
            "CREATE STREAM Y AS SELECT (A.QTY + A.TAGS) Q\nFROM A A\nEMIT CHANGES;",
        ),
        (
            "CREATE TABLE w WITH (PARTITIONS=1) AS SELECT id, COUNT(*) AS n FROM o WINDOW TUMBLING (SIZE 1 HOUR) "
            "WHERE qty>=0 AND ok GROUP BY id HAVING count(*) > 1 EMIT CHANGES;",
            "CREATE TABLE W WITH (PARTITIONS=1) AS SELECT\n  ID,\n  COUNT(*) N\nFROM O O\n"
            "WINDOW TUMBLING ( SIZE 1 HOURS ) \nWHERE ((QTY >= 0) AND OK)\nGROUP BY ID\nHAVING (COUNT(*) > 1)\n"
            "EMIT CHANGES;",
        ),
        (
            "SELECT * FROM a LEFT JOIN b WITHIN 1 HOUR GRACE PERIOD 1 MINUTE ON a.x = b.x LIMIT 3;",
            "SELECT *\nFROM A A\nLEFT OUTER JOIN B B WITHIN 1 HOURS GRACE PERIOD 1 MINUTES ON ((A.X = B.X))\nLIMIT 3;",
        ),
        (
            "insert into o (id, `select`) values ('a''b', -1.50);",
            "INSERT INTO O (ID, `select`) VALUES ('a''b', -1.50);",
        ),
        ("drop stream if exists o delete topic;", "DROP STREAM IF EXISTS O DELETE TOPIC;"),
        ("describe `TABLES`;", "DESCRIBE `TABLES`;"),
        ("list all topics extended;", "SHOW ALL TOPICS EXTENDED;"),
        ("""create sink connector c with ("tasks.max"=1);""", """CREATE SINK CONNECTOR C WITH ("tasks.max"=1);"""),
    ],
)
def test_statements(text, expected):
    assert format_statement(parse_statement(text).tree) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ucase(addr->street)", "UCASE(ADDR->STREET)"),
        ("o.tags[1]", "O.TAGS[1]"),
        ("`select`", "`SELECT`".lower()),
        ("a is not null or not b", "((A IS NOT NULL) OR (NOT B))"),
        ("a not like 'x' ", "(NOT (A LIKE 'x'))"),
        ("f(x => x + 1)", "F((X) => (X + 1))"),
        ("case when a then 1 else 2 end", "(CASE WHEN A THEN 1 ELSE 2 END)"),
        ("map('k':=1)", "MAP('k':=1)"),
        ("-(5)", "-(5)"),
        ("- -x", "- -X"),
        ("1e2", "1E2"),
        ("-1.50E-10", "-1.5E-10"),
        ("true and null", "(true AND null)"),
        ("cast(a as int)", "CAST(A AS INTEGER)"),
    ],
)
def test_expressions(text, expected):
    assert format_expression(parse_expression_text(text)) == expected
