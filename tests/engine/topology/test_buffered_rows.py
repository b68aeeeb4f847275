"""Buffered changes of tables: of each key, the last change before a commit is emitted."""

import json
import random

import pytest

from bifrost.engine.functions.registry import default_registry
from bifrost.engine.testing.driver import RunningQuery
from bifrost.engine.topology.compiled import compile_query
from tests.engine.topology.queries import STREAM, TABLE, driver_of, problems, received, send, windowed

COUNT = STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N, SUM(A) AS S FROM S GROUP BY K EMIT CHANGES;"
PLENTY = 10_000_000


def buffered(statements, size=PLENTY):
    """A driver whose only query has a buffer."""
    driver = driver_of(statements)
    (query,) = driver.queries.values()
    compiled = compile_query(query.plan, driver.serdes, default_registry(), buffer_bytes=size)
    driver.queries[query.plan.query_id] = RunningQuery(query.plan, compiled)
    return driver


def commit(driver):
    (query,) = driver.queries.values()
    query.flush()
    for topic, record in query.outputs:
        driver.topic(topic).records.append(record)
    query.outputs.clear()


def test_only_the_last_change_of_a_key_is_emitted_at_a_commit():
    driver = buffered(COUNT)
    for amount in (1, 2, 3):
        send(driver, "s", "a", {"A": amount})
    assert received(driver, "O") == []
    commit(driver)
    assert received(driver, "O") == [("a", {"N": 3, "S": 6})]
    commit(driver)
    assert received(driver, "O") == [("a", {"N": 3, "S": 6})]


def test_keys_are_emitted_in_the_order_of_their_last_changes():
    driver = buffered(COUNT)
    for key in "abcab":
        send(driver, "s", key, {"A": 1})
    commit(driver)
    assert [key for key, _ in received(driver, "O")] == ["c", "a", "b"]


def test_a_full_buffer_is_emitted_before_the_commit():
    driver = buffered(COUNT, size=500)
    for number in range(5):
        send(driver, "s", f"k{number}", {"A": number})
    early = received(driver, "O")
    assert [key for key, _ in early] == ["k0", "k1", "k2", "k3", "k4"]


def test_large_values_fill_the_buffer_sooner_than_small_ones():
    statements = STREAM + "CREATE TABLE O AS SELECT K, LATEST_BY_OFFSET(B) AS B FROM S GROUP BY K EMIT CHANGES;"
    driver = buffered(statements, size=10_000)
    for _ in range(100):
        send(driver, "s", "a", {"A": 1, "B": "x" * 1000})
    assert received(driver, "O") == []  # the same key again and again takes no more room
    send(driver, "s", "b", {"A": 1, "B": "x" * 10_000})
    assert [key for key, _ in received(driver, "O")] == ["a", "b"]


def test_a_result_has_the_time_and_the_headers_of_its_last_record():
    driver = buffered(COUNT)
    send(driver, "s", "a", {"A": 1}, 10, [("h", b"1")])
    send(driver, "s", "a", {"A": 1}, 5, [("h", b"2")])
    commit(driver)
    (record,) = driver.topic("O").records
    assert (record.timestamp, record.headers) == (10, [("h", b"2")])


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        ("TUMBLING (SIZE 10 MILLISECONDS)", [0, 10]),
        ("HOPPING (SIZE 20 MILLISECONDS, ADVANCE BY 10 MILLISECONDS)", [0, 10]),
    ],
)
def test_each_window_is_emitted_once(window, starts):
    driver = buffered(STREAM + f"CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW {window} GROUP BY K;")
    for time in (1, 2, 11, 12):
        send(driver, "s", "a", {"A": 1}, time)
    commit(driver)
    assert [start for _, start, _, _ in windowed(driver, "O")] == starts


def test_final_results_are_not_buffered():
    window = "WINDOW TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 0 MILLISECONDS)"
    driver = buffered(STREAM + f"CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S {window} GROUP BY K EMIT FINAL;")
    for time in (1, 2, 30):
        send(driver, "s", "a", {"A": 1}, time)
    assert windowed(driver, "O") == [("a", 0, {"N": 2}, 2)]


def test_sessions_that_were_merged_before_a_commit_leave_no_deletions():
    driver = buffered(
        STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW SESSION (10 SECONDS) GROUP BY K;"
    )
    for time in (1000, 2000, 3000):
        send(driver, "s", "a", {"A": 1}, time)
    commit(driver)
    assert [value for _, value in sessions(driver)] == [{"N": 3}]
    send(driver, "s", "a", {"A": 1}, 4000)
    commit(driver)
    assert sessions(driver) == [
        ((1000, 3000), {"N": 3}),
        ((1000, 3000), None),
        ((1000, 4000), {"N": 4}),
    ]


def sessions(driver):
    """Start and end, and value, of the records of a session table."""
    return [
        (
            (int.from_bytes(record.key[-8:], "big"), int.from_bytes(record.key[-16:-8], "big")),
            None if record.value is None else json.loads(record.value),
        )
        for record in driver.topic("O").records
    ]


def test_a_row_that_came_and_went_between_two_commits_is_not_emitted():
    driver = buffered(TABLE + "CREATE TABLE O AS SELECT K, N FROM T WHERE N > 0 EMIT CHANGES;")
    send(driver, "t", "a", {"N": 1})
    send(driver, "t", "a", None)
    send(driver, "t", "b", {"N": 1})
    commit(driver)
    assert received(driver, "O") == [("b", {"N": 1})]
    send(driver, "t", "b", {"N": -1})
    send(driver, "t", "b", {"N": -2})
    commit(driver)
    assert received(driver, "O") == [("b", {"N": 1}), ("b", None)]


def test_an_aggregate_of_a_table_follows_only_the_last_change_of_each_row():
    statements = TABLE + "CREATE TABLE O AS SELECT C, COUNT(*) AS N FROM T GROUP BY C EMIT CHANGES;"
    driver = buffered(statements)
    for group in ("x", "y", "x"):
        send(driver, "t", "a", {"N": 1, "C": group})
    commit(driver)
    assert received(driver, "O") == [("x", {"N": 1})]
    send(driver, "t", "a", {"N": 1, "C": "z"})
    commit(driver)
    assert received(driver, "O")[1:] == [("x", {"N": 0}), ("z", {"N": 1})]


def test_a_join_of_two_tables_is_emitted_once_per_key():
    other = "CREATE TABLE U (K STRING PRIMARY KEY, M INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');"
    join = "CREATE TABLE O AS SELECT T.K AS K, N, M FROM T JOIN U ON T.K = U.K EMIT CHANGES;"
    driver = buffered(TABLE + other + join)
    for number in (1, 2):
        send(driver, "t", "a", {"N": number})
        send(driver, "u", "a", {"M": number})
    commit(driver)
    assert received(driver, "O") == [("a", {"N": 2, "M": 2})]


def test_a_problem_of_a_buffered_row_is_reported_with_the_offset_of_its_last_record():
    statements = (
        STREAM + "CREATE TABLE O AS SELECT K, 1 / (COUNT(*) - 2) AS N, LATEST_BY_OFFSET(A) AS A FROM S GROUP BY K;"
    )
    driver = buffered(statements)
    for amount in (1, 2):
        send(driver, "s", "a", {"A": amount})
    commit(driver)
    assert received(driver, "O") == [("a", {"N": None, "A": 2})]
    (query,) = driver.queries.values()
    assert [(problem.topic, problem.offset) for problem in query.problems] == [("s", 1)]


def test_without_a_buffer_every_change_is_emitted_and_the_code_is_the_same():
    driver = driver_of(COUNT)
    (query,) = driver.queries.values()
    assert compile_query(query.plan, driver.serdes, default_registry()).flushes == ()
    assert "flush" not in query.compiled.source_text
    for _ in range(2):
        send(driver, "s", "a", {"A": 1})
    assert len(received(driver, "O")) == 2


STATEMENTS = {
    "groups": COUNT,
    "regrouped": STREAM + "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S GROUP BY B EMIT CHANGES;",
    "having": STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S GROUP BY K HAVING COUNT(*) > 2 EMIT CHANGES;",
    "windows": STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 10 MILLISECONDS)"
    " GROUP BY K EMIT CHANGES;",
    "sessions": STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW SESSION (5 MILLISECONDS)"
    " GROUP BY K EMIT CHANGES;",
    "structs": STREAM
    + "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS SELECT STRUCT(X:=K) AS G, COUNT(*) AS N FROM S GROUP BY STRUCT(X:=K)"
    " EMIT CHANGES;",
}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("seed", range(8))
def test_the_last_row_of_every_key_is_that_without_a_buffer(name, seed):
    chance = random.Random(seed)
    plain, held = driver_of(STATEMENTS[name]), buffered(STATEMENTS[name], size=chance.choice((300, 3000, PLENTY)))
    for time in range(200):
        key, row = chance.choice("abcdef"), {"A": chance.randrange(5), "B": chance.choice("xyz")}
        at = time + chance.randrange(4)
        send(plain, "s", key, row, at)
        send(held, "s", key, row, at)
        if chance.random() < 0.1:
            commit(held)
    commit(held)
    assert table(held) == table(plain)
    assert len(held.topic("O").records) < len(plain.topic("O").records)
    assert problems(held) == problems(plain)


def table(driver):
    rows = {record.key: (record.value, record.timestamp) for record in driver.topic("O").records}
    return {key: row for key, row in rows.items() if row[0] is not None}
