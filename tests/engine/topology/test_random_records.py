"""Random records, unreadable and extreme ones among them: no query fails, and restarts change no result."""

import json
import random

import pytest

from bifrost.engine.testing.driver import RunningQuery
from tests.engine.topology.queries import driver_of

STREAM = (
    "CREATE STREAM S (K STRING KEY, I INT, L BIGINT, F DOUBLE, D DECIMAL(3, 1), B STRING, A ARRAY<INT>) "
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
)
AGGREGATES = (
    "COUNT(*) AS C1, COUNT(B) AS C2, SUM(I) AS C3, SUM(L) AS C4, SUM(F) AS C5, SUM(D) AS C6, AVG(I) AS C7,"
    " MIN(F) AS C8, MAX(B) AS C9, COLLECT_LIST(I) AS C10, COLLECT_SET(B) AS C11, TOPK(L, 2) AS C12,"
    " TOPKDISTINCT(F, 2) AS C13, HISTOGRAM(B) AS C14, COUNT_DISTINCT(D) AS C15, STDDEV_SAMP(F) AS C16"
)
WINDOWS = (
    "",
    "WINDOW TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 20 MILLISECONDS)",
    "WINDOW HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 3 MILLISECONDS, GRACE PERIOD 9 MILLISECONDS)",
    "WINDOW SESSION (4 MILLISECONDS, GRACE PERIOD 10 MILLISECONDS)",
)
VALUES = {
    "I": (0, 1, -1, 2**31 - 1, -(2**31), None),
    "L": (0, 2**63 - 1, -(2**63), 5, None),
    "F": (0.0, -0.0, 1.5, 1e308, -1e308, 5e-324, None),
    "D": (0, 9.9, -9.9, 99.9, -99.9, 0.1, None),
    "B": ("", "x", "ä😀", "\x00", "9" * 50, None),
    "A": ([], [1, None], [2] * 20, None),
}
GARBAGE = (b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"I": "x"}', b'{"I": 99999999999}', b'{"D": 1e400}', b'{"A": 5}')


def records(seed):
    """Key, value and time of random records."""
    chance, time = random.Random(seed), 0
    for _ in range(250):
        time = max(0, time + chance.randrange(-8, 12))
        key = None if chance.random() < 0.05 else chance.choice("abc").encode()
        row = {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.8}
        value = chance.choice(GARBAGE) if chance.random() < 0.1 else json.dumps(row).encode()
        yield key, None if chance.random() < 0.05 else value, time


def outputs(statements, seed, *, restarts):
    driver, chance = driver_of(statements), random.Random(seed)
    for key, value, timestamp in records(seed):
        driver.produce("s", key, value, timestamp)
        if restarts and chance.random() < 0.05:
            for query_id, query in list(driver.queries.items()):
                driver.queries[query_id] = RunningQuery(query.plan, query.compiled, before=query)
    return [(record.key, record.value, record.timestamp) for record in driver.topic("O").records]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("window", WINDOWS)
def test_aggregates(window, seed):
    statements = STREAM + f"CREATE TABLE O AS SELECT K, {AGGREGATES} FROM S {window} GROUP BY K;"
    found = outputs(statements, seed, restarts=False)
    assert len(found) > 50
    assert outputs(statements, seed, restarts=True) == found


@pytest.mark.parametrize("seed", range(3))
def test_tumbling_windows_are_hopping_windows_that_advance_by_their_size(seed):
    grace = "GRACE PERIOD 20 MILLISECONDS"
    windows = (
        f"WINDOW TUMBLING (SIZE 10 MILLISECONDS, {grace})",
        f"WINDOW HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 10 MILLISECONDS, {grace})",
    )
    tumbling, hopping = (
        outputs(STREAM + f"CREATE TABLE O AS SELECT K, {AGGREGATES} FROM S {window} GROUP BY K;", seed, restarts=True)
        for window in windows
    )
    assert tumbling == hopping


@pytest.mark.parametrize("seed", (5, 6, 7))
@pytest.mark.parametrize("window", WINDOWS[1:])
def test_final_results(window, seed):
    statements = STREAM + f"CREATE TABLE O AS SELECT K, {AGGREGATES} FROM S {window} GROUP BY K EMIT FINAL;"
    found = outputs(statements, seed, restarts=False)
    assert found
    assert outputs(statements, seed, restarts=True) == found


@pytest.mark.parametrize(
    "query",
    [
        "CREATE STREAM O AS SELECT K, I / (I - 1) AS X, A[1] AS Y, CAST(B AS INT) AS Z, SUBSTRING(B, I) AS W FROM S;",
        "CREATE STREAM O AS SELECT K, EXPLODE(A) AS X FROM S WHERE L % 2 = 1 OR F > 1;",
        "CREATE STREAM O AS SELECT * FROM S PARTITION BY I;",
        "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS SELECT A, B, COUNT(*) AS N FROM S GROUP BY A, B;",
    ],
)
def test_other_queries(query):
    found = outputs(STREAM + query, 9, restarts=False)
    assert found
    assert outputs(STREAM + query, 9, restarts=True) == found


TABLES = (
    "CREATE TABLE T (K STRING PRIMARY KEY, G STRING, N INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
    "CREATE TABLE U (K STRING PRIMARY KEY, M INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');"
    "CREATE STREAM P (K STRING KEY, N INT) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON');"
    "CREATE STREAM Q (K STRING KEY, M INT) WITH (KAFKA_TOPIC='q', VALUE_FORMAT='JSON');"
)


def join_records(seed):
    """Topic, key, value and time of random records of four topics."""
    chance, time = random.Random(seed), 0
    for _ in range(400):
        time = max(0, time + chance.randrange(-8, 12))
        key = None if chance.random() < 0.05 else chance.choice("abc").encode()
        row = {"G": chance.choice(("a", "b", "z", None)), "N": chance.randrange(5), "M": chance.choice((1, 2, None))}
        value = chance.choice(GARBAGE) if chance.random() < 0.1 else json.dumps(row).encode()
        yield chance.choice("tupq"), key, None if chance.random() < 0.15 else value, time


def join_outputs(statements, seed, *, restarts):
    driver, chance = driver_of(statements), random.Random(seed)
    for topic, key, value, timestamp in join_records(seed):
        driver.produce(topic, key, value, timestamp)
        if restarts and chance.random() < 0.05:
            for query_id, query in list(driver.queries.items()):
                driver.queries[query_id] = RunningQuery(query.plan, query.compiled, before=query)
    return [(record.key, record.value, record.timestamp) for record in driver.topic("O").records]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "query",
    [
        "CREATE STREAM O AS SELECT P.K, N, M FROM P JOIN Q WITHIN 10 MILLISECONDS ON P.K = Q.K;",
        "CREATE STREAM O AS SELECT P.K, N, M FROM P LEFT JOIN Q WITHIN 10 MILLISECONDS GRACE PERIOD 5 MILLISECONDS "
        "ON P.K = Q.K;",
        "CREATE STREAM O AS SELECT ROWKEY, N, M FROM P FULL OUTER JOIN Q WITHIN (3 MILLISECONDS, 9 MILLISECONDS) "
        "GRACE PERIOD 5 MILLISECONDS ON P.K = Q.K;",
        "CREATE STREAM O AS SELECT P.K, P.N, T.G FROM P LEFT JOIN T ON P.K = T.K;",
        "CREATE TABLE O AS SELECT T.K, N, M FROM T JOIN U ON T.K = U.K;",
        "CREATE TABLE O AS SELECT ROWKEY, N, M FROM T FULL OUTER JOIN U ON T.K = U.K;",
        "CREATE TABLE O AS SELECT T.K, N, M FROM T LEFT JOIN U ON T.G = U.K;",
        "CREATE TABLE O AS SELECT G, COUNT(*) AS C, SUM(N) AS X, COLLECT_LIST(N) AS L FROM T GROUP BY G;",
        "CREATE TABLE O AS SELECT K, N FROM T WHERE N > 2;",
    ],
)
def test_joins_and_tables(query, seed):
    found = join_outputs(TABLES + query, seed, restarts=False)
    assert found
    assert join_outputs(TABLES + query, seed, restarts=True) == found
