import pytest

from tests.engine.topology.queries import STREAM, TABLE, driver_of, received, send


def test_a_table_passes_changes_and_tombstones_on_and_leaves_null_keys_out():
    driver = driver_of(TABLE + "CREATE TABLE O AS SELECT K, N * 2 AS M FROM T;")
    send(driver, "t", "a", {"N": 1})
    send(driver, "t", None, {"N": 5})
    send(driver, "t", "a", None)
    assert received(driver, "O") == [("a", {"M": 2}), ("a", None)]


def test_a_row_that_stops_matching_becomes_a_tombstone_and_one_that_never_did_stays_silent():
    driver = driver_of(TABLE + "CREATE TABLE O AS SELECT K, N FROM T WHERE N > 1;")
    for key, value in (("a", {"N": 1}), ("a", {"N": 2}), ("a", {"N": 0}), ("a", {"N": 0}), ("b", None)):
        send(driver, "t", key, value)
    assert received(driver, "O") == [("a", {"N": 2}), ("a", None)]


def test_grouping_a_table_undoes_the_old_row():
    driver = driver_of(TABLE + "CREATE TABLE O AS SELECT C, SUM(N) AS S, COUNT(*) AS NUM FROM T GROUP BY C;")
    send(driver, "t", "a", {"N": 1, "C": "x"})
    send(driver, "t", "b", {"N": 10, "C": "x"})
    send(driver, "t", "a", {"N": 5, "C": "x"})
    send(driver, "t", "a", {"N": 5, "C": "y"})
    send(driver, "t", "b", None)
    assert received(driver, "O") == [
        ("x", {"S": 1, "NUM": 1}),
        ("x", {"S": 11, "NUM": 2}),
        ("x", {"S": 15, "NUM": 2}),
        ("x", {"S": 10, "NUM": 1}),
        ("y", {"S": 5, "NUM": 1}),
        ("x", {"S": 0, "NUM": 0}),
    ]


def test_having_writes_a_tombstone_when_a_group_stops_to_qualify():
    driver = driver_of(TABLE + "CREATE TABLE O AS SELECT C, SUM(N) AS S FROM T GROUP BY C HAVING SUM(N) > 5;")
    for number in (1, 9, 2):
        send(driver, "t", "a", {"N": number, "C": "x"})
    assert received(driver, "O") == [("x", {"S": 9}), ("x", None)]


def test_rows_with_a_null_group_are_left_out_of_tables_too():
    driver = driver_of(TABLE + "CREATE TABLE O AS SELECT C, COUNT(*) AS NUM FROM T GROUP BY C;")
    send(driver, "t", "a", {"N": 1, "C": None})
    send(driver, "t", "a", {"N": 1, "C": "x"})
    send(driver, "t", "a", {"N": 1, "C": None})
    assert received(driver, "O") == [("x", {"NUM": 1}), ("x", {"NUM": 0})]


def rows(driver, query, key=None):
    task = next(task for task in driver.queries[query].tasks.values() if list(task.scan()) or key is not None)
    found = task.scan() if key is None else task.lookup(key)
    return [(row.key, row.row, row.timestamp, row.window) for row in found]


def test_results_of_an_aggregate_can_be_looked_up_as_they_are_written():
    driver = driver_of(STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) + 1 AS N FROM S GROUP BY K HAVING COUNT(*) > 1;")
    for key, timestamp in (("a", 1), ("a", 7), ("b", 3)):
        send(driver, "s", key, {"A": 1}, timestamp)
    assert rows(driver, "CTAS_O_1") == [(("a",), (3,), 7, None)]
    assert rows(driver, "CTAS_O_1", ("a",)) == [(("a",), (3,), 7, None)]
    assert rows(driver, "CTAS_O_1", ("b",)) == []


@pytest.mark.parametrize(
    ("window", "bounds"),
    [("TUMBLING (SIZE 10 MILLISECONDS)", [(0, 10), (10, 20)]), ("SESSION (5 MILLISECONDS)", [(1, 3), (14, 14)])],
)
def test_results_of_windows_can_be_looked_up_by_key(window, bounds):
    driver = driver_of(
        STREAM + f"CREATE TABLE O AS SELECT K, COUNT(*) AS N, WINDOWEND AS WE FROM S WINDOW {window} GROUP BY K;"
    )
    for timestamp in (1, 3, 14):
        send(driver, "s", "a", {"A": 1}, timestamp)
    found = rows(driver, "CTAS_O_1", ("a",))
    assert [window for _, _, _, window in found] == bounds
    assert [row for _, row, _, _ in found] == [(2, bounds[0][1]), (1, bounds[1][1])]
    assert sorted(rows(driver, "CTAS_O_1"), key=str) == sorted(found, key=str)


def test_results_of_joins_and_plain_tables_can_be_looked_up():
    driver = driver_of(
        TABLE + "CREATE TABLE U (K STRING PRIMARY KEY, D INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');"
        "CREATE TABLE O AS SELECT T.K AS K, N, D FROM T JOIN U ON T.K = U.K;"
        "CREATE TABLE P AS SELECT K, C FROM T;"
    )
    send(driver, "t", "a", {"N": 1, "C": "x"}, 4)
    send(driver, "u", "a", {"D": 2}, 3)
    assert rows(driver, "CTAS_O_2") == [(("a",), (1, 2), 4, None)]
    assert rows(driver, "CTAS_P_3", ("a",)) == [(("a",), ("x",), 4, None)]
    send(driver, "t", "a", None, 5)
    assert rows(driver, "CTAS_O_2", ("a",)) == []
    assert rows(driver, "CTAS_P_3", ("a",)) == []


def test_a_query_replaced_by_another_version_keeps_its_state():
    driver = driver_of(STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
    send(driver, "s", "a", {"A": 1})
    driver.run("CREATE OR REPLACE TABLE O AS SELECT K, COUNT(*) AS N, COUNT(*) * 10 AS M FROM S GROUP BY K;")
    send(driver, "s", "a", {"A": 5})
    assert received(driver, "O") == [("a", {"N": 1}), ("a", {"N": 2, "M": 20})]
