"""Statements of every kind, and the places where more of them may lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

EVERY_KIND = """
CREATE STREAM ORDERS (ID VARCHAR KEY, AMOUNT DOUBLE, PRICE DECIMAL(10,2), TAGS ARRAY<VARCHAR>, ATTRS MAP<VARCHAR,INT>,
  ADDR STRUCT<STREET VARCHAR, ZIP INT>, H ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS, T BYTES HEADER('trace'))
  WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');
CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS `customers` (ID INT PRIMARY KEY) WITH (kafka_topic='c', format='avro');
CREATE TABLE T WITH (KEY_FORMAT='JSON') AS SELECT O.ID AS ID, COUNT(*) AS N, CASE WHEN MAX(AMOUNT) > 1.5 THEN 'big'
  ELSE 'small' END FROM ORDERS O
  WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, RETENTION 2 DAYS, GRACE PERIOD 0 SECONDS)
  WHERE ID LIKE 'a!_%' ESCAPE '!' AND NOT AMOUNT BETWEEN 1 AND 2E3 GROUP BY O.ID HAVING COUNT(*) >= 3 EMIT FINAL;
CREATE STREAM J AS SELECT * FROM A LEFT OUTER JOIN B WITHIN (1 HOUR, 2 HOURS) GRACE PERIOD 1 MINUTE ON A.X = B.X
  FULL JOIN C ON B.X = C.X PARTITION BY A.X, A.Y;
INSERT INTO ORDERS WITH (QUERY_ID='Q') SELECT A, -B[1]->C, TRANSFORM(D, (K, V) => UCASE(K), (K, V) => V + 1) FROM S;
INSERT INTO ORDERS (ID, AMOUNT) VALUES ('o''9', -9.50);
INSERT INTO ORDERS VALUES (STRUCT(A := 1, B := ARRAY[1, 2]), MAP('k' := 1), CAST(NULL AS VARCHAR));
SELECT S->*, T.*, A || 'x', X IS NOT DISTINCT FROM Y, Z NOT IN (1, 2), DATEADD(DAYS, 1, D) FROM T EMIT CHANGES LIMIT 3;
DROP STREAM IF EXISTS ORDERS DELETE TOPIC; DROP TYPE ADDRESS; DROP CONNECTOR IF EXISTS C;
ALTER STREAM ORDERS ADD COLUMN EXTRA VARCHAR, ADD MORE ADDRESS; ALTER SYSTEM 'a'='b';
CREATE TYPE IF NOT EXISTS ADDRESS AS STRUCT<STREET VARCHAR>;
CREATE SINK CONNECTOR C WITH ("connector.class"='X', 'tasks.max'=1);
DESCRIBE ORDERS EXTENDED; DESCRIBE STREAMS; DESCRIBE TABLES EXTENDED; DESCRIBE FUNCTION COUNT; DESCRIBE CONNECTOR C;
SHOW STREAMS EXTENDED; LIST TABLES; SHOW ALL TOPICS; SHOW SOURCE CONNECTORS; SHOW CONNECTOR PLUGINS; SHOW VARIABLES;
EXPLAIN CSAS_A_1; EXPLAIN SELECT ID FROM ORDERS EMIT CHANGES;
PRINT 'orders' FROM BEGINNING INTERVAL 2 LIMIT 3; PRINT my_Topic;
SET 'auto.offset.reset'='earliest'; UNSET 'auto.offset.reset'; DEFINE x = 'y'; UNDEFINE x;
TERMINATE ALL; PAUSE CSAS_A_1; RESUME ALL;
ASSERT NOT EXISTS TOPIC orders WITH (PARTITIONS=3) TIMEOUT 10 SECONDS; ASSERT SCHEMA SUBJECT 'orders-value' ID 7;
"""

TEST_FILE = """
ASSERT VALUES T (ID, N) VALUES ('a', 1); ASSERT NULL VALUES T (ID) KEY ('a'); RUN SCRIPT '/x.sql';
ASSERT STREAM S (ID INT KEY) WITH (KAFKA_TOPIC='s'); ASSERT TABLE T;
"""


def project_scripts() -> list[str]:
    """The pipelines' own statements."""
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "ksql").rglob("*.sql"))]


def verified_scripts() -> list[str]:
    """Scripts that a real ksqlDB has accepted; skips the test where they are not present."""
    paths = sorted((SHARED / "verified-sql").glob("*.sql"))
    if not paths:
        pytest.skip("verified-sql: not present")
    return [path.read_text(encoding="utf-8") for path in paths]


def conformance_cases(name: str) -> list[dict]:
    """ksqlDB's own cases; skips the test where they are not present."""
    path = SHARED / "conformance" / name
    if not path.is_file():
        pytest.skip(f"conformance/{name}: not present")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
