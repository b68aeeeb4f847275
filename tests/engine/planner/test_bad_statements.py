"""Statements that a person may send by mistake or on purpose: each is refused with the reason, and none crashes."""

from __future__ import annotations

import time

import pytest

from bifrost.engine.testing.driver import Driver
from bifrost.errors import StatementError

SETUP = """
CREATE STREAM S (K STRING KEY, A INT, B BIGINT, E DECIMAL(4, 2), T STRING, L ARRAY<INT>, M MAP<STRING, INT>,
  R STRUCT<X INT, Y STRING>, DT DATE, TS TIMESTAMP, BO BOOLEAN) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE TABLE T (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE TABLE C AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
"""
WITH = "WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1"

TEXTS = [
    (";", "Unexpected ';'"),
    ("/*", "The comment is not closed"),
    ("SELECT ;", "line 1:8: Syntax Error\nUnexpected ';'"),
    ("SELECT FROM S;", "Unexpected 'FROM'"),
    ("SELECT DISTINCT K FROM S;", "SELECT DISTINCT is not supported; use GROUP BY"),
    ("SELECT * FROM S ORDER BY K;", "ORDER BY is not supported"),
    ("SELECT * FROM (SELECT * FROM S);", "Expecting IDENTIFIER"),
    ("SELECT * FROM S LIMIT x;", "Unexpected 'x'"),
    ("SELECT * FROM S LIMIT 1.5;", "Value must be integer for command: LIMIT"),
    ("SELECT * FROM S EMIT NOTHING;", "Unexpected 'NOTHING'"),
    ("SELECT 'x FROM S;", "The string is not closed"),
    ("SELECT `x FROM S;", "The quoted name is not closed"),
    ("SELECT \x00 FROM S;", "Unexpected character '\\x00'"),
    ("SELECT 日本 FROM S;", "Unexpected character '日'"),
    ("SELECT ${x} FROM S;", "Variable 'x' is not defined. Define it first: DEFINE x = '...';"),
    ("SELECT * FROM S WHERE A = 1e999;", "Number overflows DOUBLE: 1e999"),
    ("INSERT INTO S (A) VALUES (99999999999999999999);", "Invalid numeric literal: 99999999999999999999"),
    ("SELECT * FROM S; DROP STREAM S", "missing ';' at '<EOF>'"),
    ("GRANT ALL;", "Unknown statement 'GRANT'"),
    (f"SELECT {'(' * 500}1{')' * 500} FROM S;", "Nested too deeply"),
    (f"SELECT {'A + ' * 5000}1 FROM S;", "Nested too deeply"),
    (f"SELECT {'NOT ' * 500}BO FROM S;", "Nested too deeply"),
    (f"CREATE STREAM X (A {'ARRAY<' * 500}INT{'>' * 500}) {WITH});", "Nested too deeply"),
    (f"CREATE STREAM X (A INT B INT) {WITH});", "Expecting {',', ')'}"),
    (f"CREATE STREAM X (A ARRAY<>) {WITH});", "Syntax Error"),
    (f"CREATE STREAM X (A DECIMAL(0, 0)) {WITH});", "DECIMAL precision must be >= 1"),
    (f"CREATE STREAM X (A DECIMAL(99999999999, 0)) {WITH});", "DECIMAL precision must be <= 2147483647"),
    (f"CREATE STREAM X (A DECIMAL({'9' * 5000}, 0)) {WITH});", "DECIMAL precision must be <= 2147483647"),
    (f"CREATE STREAM X (A DECIMAL(5, -1)) {WITH});", "DECIMAL scale must be >= 0"),
    (f"CREATE STREAM X (A STRUCT<X INT, X INT>) {WITH});", "Duplicate field found in STRUCT: 'X'"),
    (f"CREATE STREAM X (A BYTES HEADER(1)) {WITH});", "Expecting STRING"),
    ("CREATE STREAM X AS SELECT K, T LIKE 'x' ESCAPE 'ab' AS Z FROM S;", "ESCAPE needs exactly one character"),
    ("SELECT * FROM S WHERE T LIKE 'x' ESCAPE '' EMIT CHANGES;", "ESCAPE needs exactly one character"),
]
DECLARATIONS = [
    (f"CREATE STREAM X (A NOTYPE) {WITH});", "Cannot resolve unknown type: NOTYPE"),
    (f"CREATE STREAM X (A INT PRIMARY KEY) {WITH});", "please use 'KEY' for streams"),
    (f"CREATE TABLE X (A INT) {WITH});", "Tables require a PRIMARY KEY"),
    (f"CREATE STREAM X (K INT KEY, K INT) {WITH});", "Duplicate column names: `K`"),
    (f"CREATE STREAM X (ROWTIME BIGINT) {WITH});", "'ROWTIME' is a reserved column name"),
    (f"CREATE STREAM X (A INT HEADERS) {WITH});", "Invalid type for HEADERS column"),
    ("CREATE STREAM X (A INT);", 'Missing required property "KAFKA_TOPIC"'),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='', VALUE_FORMAT='JSON');", "Topic name '' is invalid"),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='a b', VALUE_FORMAT='JSON');", "Topic name 'a b' is invalid"),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='..', VALUE_FORMAT='JSON');", "Topic name '..' is invalid"),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='../x', VALUE_FORMAT='JSON');", "Topic name '../x' is invalid"),
    (f"CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='{'x' * 250}', VALUE_FORMAT='JSON');", "is invalid"),
    ("CREATE STREAM X WITH (KAFKA_TOPIC='a/b') AS SELECT * FROM S;", "Topic name 'a/b' is invalid"),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='');", "Unknown format: "),
    ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='XML');", "Unknown format: XML"),
    ("CREATE STREAM X WITH (VALUE_FORMAT='') AS SELECT * FROM S;", "Unknown format: "),
    *(
        (f"CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', {name}={value});", name)
        for name, value in (
            ("PARTITIONS", "0"),
            ("PARTITIONS", "-1"),
            ("PARTITIONS", "1.5"),
            ("PARTITIONS", "'two'"),
            ("PARTITIONS", "'1_0'"),
            ("PARTITIONS", "99999999999"),
            ("PARTITIONS", f"'{'9' * 5000}'"),
            ("REPLICAS", "0"),
            ("REPLICAS", "-2"),
            ("RETENTION_MS", "-7"),
            ("CLEANUP_POLICY", "'sometimes'"),
            ("WRAP_SINGLE_VALUE", "'maybe'"),
            ("NO_SUCH", "1"),
        )
    ),
    (f"CREATE STREAM X (A INT) {WITH}, TIMESTAMP='NOPE');", "does not exist in the schema: 'NOPE'"),
    (f"CREATE STREAM X (A STRING) {WITH}, TIMESTAMP='A');", "Timestamp column, `A`, should be"),
    (f"CREATE STREAM X (A STRING) {WITH}, TIMESTAMP='A', TIMESTAMP_FORMAT='bad{{');", "'bad{' for property TIMESTAMP"),
    (f"CREATE STREAM X (A STRING) {WITH}, TIMESTAMP='A', TIMESTAMP_FORMAT='');", "property TIMESTAMP_FORMAT"),
    (
        f"CREATE STREAM X (K INT KEY) {WITH}, WINDOW_TYPE='ROUND', WINDOW_SIZE='1 SECOND');",
        "Invalid window type: ROUND",
    ),
    (f"CREATE STREAM X (K INT KEY) {WITH}, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='{'9' * 5000} DAYS');", "WINDOW_SIZE"),
    (
        "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='1 bad');",
        "Invalid value '1 bad' for property VALUE_SCHEMA_FULL_NAME",
    ),
    ("DROP STREAM NOPE;", "Stream NOPE does not exist."),
    ("DROP TYPE NOPE;", "Type NOPE does not exist."),
    ("ALTER STREAM S ADD COLUMN A INT;", "Cannot add column `A`"),
]
QUERIES = [
    ("CREATE STREAM X AS SELECT K, A->* FROM S;", "the expression before it must be a STRUCT, but is INTEGER"),
    ("CREATE STREAM X AS SELECT K, R->NOPE AS Z FROM S;", "Could not find field 'NOPE'"),
    ("CREATE STREAM X AS SELECT K, TRANSFORM(L, X => NOPE) AS Z FROM S;", "NOPE"),
    ("CREATE STREAM X AS SELECT K, X => X AS Z FROM S;", ""),
    ("CREATE STREAM X AS SELECT CASE WHEN A > 1 THEN 'x' * 'y' END AS Z FROM S;", "Statement: ('x' * 'y')"),
    ("CREATE STREAM X AS SELECT CASE WHEN 'x' * 'y' = 1 THEN 1 END AS Z FROM S;", "Statement: ('x' * 'y')"),
    ("CREATE STREAM X AS SELECT CASE A WHEN 1 THEN 1 ELSE 'x' * 'y' END AS Z FROM S;", "Statement: ('x' * 'y')"),
    ("CREATE STREAM X AS SELECT CASE A WHEN 'x' * 'y' THEN 1 END AS Z FROM S;", "Statement: ('x' * 'y')"),
    ("CREATE STREAM X AS SELECT K, EXPLODE(EXPLODE(L)) AS Z FROM S;", "Table functions cannot be nested"),
    ("CREATE STREAM X AS SELECT * FROM S PARTITION BY M;", "Map keys"),
    ("CREATE STREAM X AS SELECT * FROM S PARTITION BY ();", "PARTITION BY requires at least one expression"),
    ("CREATE TABLE X AS SELECT K, SUM(COUNT(*)) AS C FROM S GROUP BY K;", "Aggregate functions can not be nested"),
    ("CREATE TABLE X AS SELECT K, TOPK(A, B) AS C FROM S GROUP BY K;", ""),
    ("CREATE STREAM X AS SELECT * FROM S JOIN T ON S.K > T.K;", "Only equality join criteria is supported."),
    ("CREATE STREAM X AS SELECT * FROM S JOIN T ON 1 = 1;", "exactly one source"),
    ("INSERT INTO S (A) VALUES (A);", "The value for field `A` is invalid: Unknown column A."),
    ("INSERT INTO S (A) VALUES (LEN(1));", "The value for field `A` is invalid: Function 'len' does not accept"),
    ("INSERT INTO S (A) VALUES (1/0);", "The value for field `A`"),
    ("INSERT INTO S (ROWTIME, A) VALUES (-1, 1);", "ROWTIME must not be negative, but is -1."),
    ("SELECT * FROM C WHERE N = 'x';", "Cannot compare N (BIGINT) to 'x' (STRING)"),
]


@pytest.fixture(scope="module")
def driver() -> Driver:
    made = Driver()
    made.run(SETUP)
    return made


@pytest.mark.parametrize(("text", "words"), [*TEXTS, *DECLARATIONS, *QUERIES], ids=lambda text: text[:60])
def test_bad_statements_are_refused_quickly_with_the_reason(driver: Driver, text: str, words: str) -> None:
    before = set(driver.queries)
    start = time.thread_time()
    with pytest.raises(StatementError) as caught:
        driver.run(text)
    assert words in caught.value.message
    assert len(caught.value.message) < 2000
    # Processor time, far above what any needs: only an effort that grows exponentially with the text exceeds it.
    assert time.thread_time() - start < 10
    assert set(driver.queries) == before
    assert driver.metastore.find("X") is None
