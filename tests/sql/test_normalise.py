"""Which texts say the same."""

import pytest

from bifrost.sql.normalise import normalise
from bifrost.sql.parser import parse_statement


def same(one, other):
    return normalise(parse_statement(one).tree) == normalise(parse_statement(other).tree)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "create stream S (a varchar) with (format='json');",
            "CREATE STREAM s (A STRING) WITH (KEY_FORMAT='JSON', VALUE_FORMAT='JSON');",
        ),
        (
            "CREATE STREAM s (a INT) WITH (x=1, partitions='3');",
            "CREATE STREAM s (a INTEGER) WITH (PARTITIONS=3, X=1);",
        ),
        ("CREATE STREAM s (a INT) WITH (TIMESTAMP='ts');", "CREATE STREAM s (a INT) WITH (TIMESTAMP='`TS`');"),
        ("CREATE OR REPLACE STREAM s (a INT);", "CREATE STREAM IF NOT EXISTS s (a INT);"),
        (
            "CREATE STREAM s AS SELECT a, b->c FROM x;",
            "CREATE STREAM s AS SELECT x.a AS a, y.b->c c FROM x y EMIT CHANGES;".replace("x.a", "y.a"),
        ),
        (
            "CREATE TABLE t AS SELECT id, COUNT(*) FROM x GROUP BY id;",
            "CREATE TABLE t AS SELECT x.id, COUNT(*) KSQL_COL_0 FROM x GROUP BY x.id;",
        ),
        (
            "SELECT * FROM a JOIN b WITHIN 1 HOUR ON x;",
            "SELECT * FROM a INNER JOIN b WITHIN (60 MINUTES, 3600 SECONDS) ON (x);",
        ),
        ("SELECT a.* FROM a WHERE a.b = 1;", "SELECT * FROM a z WHERE ((b = 1));"),
    ],
)
def test_equal_statements(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE STREAM s (a INT);", "CREATE STREAM s (`a` INT);"),
        ("CREATE STREAM s (a INT);", "CREATE SOURCE STREAM s (a INT);"),
        ("CREATE STREAM s (a INT, b INT);", "CREATE STREAM s (b INT, a INT);"),
        ("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='t');", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='T');"),
        ("CREATE STREAM s (a INT) WITH (TIMESTAMP='`ts`');", "CREATE STREAM s (a INT) WITH (TIMESTAMP='ts');"),
        ("SELECT a, COUNT(*) FROM x;", "SELECT a, COUNT(*) AS n FROM x;"),
        ("SELECT a FROM x JOIN y ON p;", "SELECT x.a FROM x JOIN y ON p;"),
        ("SELECT a FROM x;", "SELECT a FROM x EMIT CHANGES;"),
    ],
)
def test_different_statements(one, other):
    assert not same(one, other)
