import json

import pytest

from bifrost.engine.functions.registry import default_registry
from bifrost.engine.plan.steps import Session, Tumbling
from bifrost.engine.testing.driver import RunningQuery
from bifrost.engine.topology.compiled import compile_query
from bifrost.engine.topology.operators.windows import DAY_MS, grace_of, retention_of, starts_of
from tests.engine.topology.queries import STREAM, driver_of, problems, received, send, windowed


def count(window, tail=""):
    return STREAM + f"CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW {window} GROUP BY K {tail};"


def feed(driver, *records):
    for key, timestamp in records:
        send(driver, "s", key, {"A": 1}, timestamp)


def test_rows_with_a_null_group_are_left_out_and_reported():
    driver = driver_of(STREAM + "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S GROUP BY B;")
    send(driver, "s", "k", {"B": "x"})
    send(driver, "s", "k", {"B": None})
    send(driver, "s", "k", None)
    assert received(driver, "O") == [("x", {"N": 1})]
    assert [kind for kind, _ in problems(driver)] == ["processing"]


def test_grouping_by_the_key_needs_no_topic_and_leaves_null_keys_out():
    driver = driver_of(STREAM + "CREATE TABLE O AS SELECT K, SUM(A) AS S FROM S GROUP BY K;")
    send(driver, "s", "a", {"A": 1})
    send(driver, "s", None, {"A": 1})
    send(driver, "s", "a", {"A": 2}, 3)
    assert received(driver, "O") == [("a", {"S": 1}), ("a", {"S": 3})]
    assert driver.queries["CTAS_O_1"].compiled.repartitions == ()


def test_an_aggregates_time_is_the_highest_of_its_rows():
    driver = driver_of(STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
    feed(driver, ("a", 5), ("a", 3))
    assert [record.timestamp for record in driver.topic("O").records] == [5, 5]


def test_keys_of_arrays_and_structs_group_by_value():
    driver = driver_of(
        "CREATE STREAM S (A ARRAY<INT>, P STRUCT<X INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS SELECT A, P, COUNT(*) AS N FROM S "
        "WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY A, P;"
    )
    for _ in range(2):
        send(driver, "s", None, {"A": [1], "P": {"X": 2}})
    assert [row for _, _, row, _ in windowed(driver, "O")] == [{"N": 1}, {"N": 2}]
    assert windowed(driver, "O")[0][0] == '{"A":[1],"P":{"X":2}}'


def test_tumbling_windows_take_late_rows_until_their_grace_is_over():
    driver = driver_of(count("TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS)"))
    feed(driver, ("a", 1), ("a", 12), ("a", 4), ("a", 15), ("a", 5))
    assert windowed(driver, "O") == [
        ("a", 0, {"N": 1}, 1),
        ("a", 10, {"N": 1}, 12),
        ("a", 0, {"N": 2}, 4),
        ("a", 10, {"N": 2}, 15),
    ]


def test_hopping_windows_overlap():
    driver = driver_of(count("HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 5 MILLISECONDS)"))
    feed(driver, ("a", 7), ("a", 11))
    assert [row[:3] for row in windowed(driver, "O")] == [
        ("a", 0, {"N": 1}),
        ("a", 5, {"N": 1}),
        ("a", 5, {"N": 2}),
        ("a", 10, {"N": 1}),
    ]


def test_final_results_come_once_when_their_window_has_closed():
    driver = driver_of(count("TUMBLING (SIZE 10 MILLISECONDS)", "EMIT FINAL"))
    feed(driver, ("b", 1), ("a", 2), ("a", 9), ("a", 11), ("a", 3), ("a", 25))
    assert windowed(driver, "O") == [
        ("a", 0, {"N": 2}, 9),
        ("b", 0, {"N": 1}, 1),
        ("a", 10, {"N": 1}, 11),
    ]


def test_windows_past_their_retention_give_no_final_result_as_in_ksqldb():
    driver = driver_of(count("TUMBLING (SIZE 10 MILLISECONDS)", "EMIT FINAL"))
    feed(driver, ("a", 1), ("a", 1000))
    assert windowed(driver, "O") == []


def lossless(driver):
    """Runs the driver's query as a live engine does."""
    (query,) = driver.queries.values()
    compiled = compile_query(query.plan, driver.serdes, default_registry())
    driver.queries[query.plan.query_id] = RunningQuery(query.plan, compiled)
    return driver


@pytest.mark.parametrize(
    "window", ["TUMBLING (SIZE 10 MILLISECONDS)", "TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS)"]
)
def test_a_live_engine_loses_no_final_result_however_far_time_leaps(window):
    driver = lossless(driver_of(count(window, "EMIT FINAL")))
    feed(driver, ("a", 1), ("b", 3), ("a", 12), ("a", 1_000_000_000), ("a", 2_000_000_000))
    assert windowed(driver, "O") == [
        ("a", 0, {"N": 1}, 1),
        ("b", 0, {"N": 1}, 3),
        ("a", 10, {"N": 1}, 12),
        ("a", 1_000_000_000, {"N": 1}, 1_000_000_000),
    ]


def test_a_live_engine_loses_no_final_result_of_hopping_windows():
    driver = lossless(driver_of(count("HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 5 MILLISECONDS)", "EMIT FINAL")))
    feed(driver, ("a", 7), ("a", 1_000_000))
    assert windowed(driver, "O") == [("a", 0, {"N": 1}, 7), ("a", 5, {"N": 1}, 7)]


def test_the_last_windows_of_a_quiet_topic_survive_a_restart():
    driver = lossless(driver_of(count("TUMBLING (SIZE 10 MILLISECONDS)", "EMIT FINAL")))
    feed(driver, ("a", 1), ("a", 2))
    (query,) = driver.queries.values()
    driver.queries[query.plan.query_id] = RunningQuery(query.plan, query.compiled, before=query)
    feed(driver, ("b", 10_000_000))
    assert windowed(driver, "O") == [("a", 0, {"N": 2}, 2)]


def test_a_row_that_cannot_be_added_and_leaps_ahead_loses_no_window():
    driver = lossless(
        driver_of(
            "CREATE STREAM S (K STRING KEY, A DECIMAL(2, 0)) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
            "CREATE TABLE O AS SELECT K, SUM(A) AS N FROM S WINDOW TUMBLING (SIZE 10 MILLISECONDS) "
            "GROUP BY K EMIT FINAL;"
        )
    )
    for key, value, timestamp in (("a", 1, 1), ("b", 99, 1_000_000), ("b", 1, 1_000_001), ("c", 0, 1_000_002)):
        send(driver, "s", key, {"A": value}, timestamp)
    assert [row[:2] for row in windowed(driver, "O")] == [("a", 0)]


def test_a_longer_retention_keeps_final_results_however_far_time_leaps():
    driver = driver_of(count("TUMBLING (SIZE 10 MILLISECONDS, RETENTION 1 DAY)", "EMIT FINAL"))
    feed(driver, ("a", 1), ("a", 1000))
    assert windowed(driver, "O") == [("a", 0, {"N": 1}, 1)]


def test_a_row_that_cannot_be_added_loses_no_window_that_it_closes():
    driver = driver_of(
        "CREATE STREAM S (K STRING KEY, A DECIMAL(2, 0)) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        "CREATE TABLE O AS SELECT K, SUM(A) AS N FROM S "
        "WINDOW TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 15 MILLISECONDS) GROUP BY K EMIT FINAL;"
    )
    for key, value, timestamp in (("a", 1, 1), ("b", 99, 21), ("b", 1, 26)):
        send(driver, "s", key, {"A": value}, timestamp)
    assert windowed(driver, "O") == []
    send(driver, "s", "b", {"A": 0}, 27)
    assert [row[:2] for row in windowed(driver, "O")] == [("a", 0)]


def sessions(driver):
    """Text key, start, end, count (None: taken back) and time of the records of a topic with session keys."""
    found = []
    for record in driver.topic("O").records:
        end, start = (
            int.from_bytes(record.key[at : at + 8], "big") for at in (len(record.key) - 16, len(record.key) - 8)
        )
        count = None if record.value is None else json.loads(record.value)["N"]
        found.append((record.key[:-16].decode(), start, end, count, record.timestamp))
    return found


def test_merged_sessions_are_deleted_before_the_new_one():
    driver = driver_of(count("SESSION (5 MILLISECONDS)"))
    feed(driver, ("a", 0), ("a", 10), ("a", 5))
    assert sessions(driver) == [
        ("a", 0, 0, 1, 0),
        ("a", 10, 10, 1, 10),
        ("a", 0, 0, None, 0),
        ("a", 10, 10, None, 10),
        ("a", 0, 10, 3, 10),
    ]


def test_final_sessions_come_when_no_row_can_reach_them_any_more():
    driver = driver_of(count("SESSION (5 MILLISECONDS)", "EMIT FINAL"))
    feed(driver, ("a", 0), ("a", 4), ("b", 9), ("b", 20))
    assert sessions(driver) == [("a", 0, 4, 2, 4), ("b", 9, 9, 1, 9)]


def test_window_bounds_can_be_selected_and_filtered():
    driver = driver_of(
        STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N, WINDOWSTART AS WS, WINDOWEND AS WE FROM S "
        "WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K HAVING COUNT(*) > 1;"
    )
    feed(driver, ("a", 11), ("a", 12))
    assert windowed(driver, "O") == [("a", 10, {"N": 2, "WS": 10, "WE": 20}, 12)]


@pytest.mark.parametrize(
    ("window", "timestamp", "starts"),
    [
        ((10, 10), 9, [0]),
        ((10, 10), 10, [10]),
        ((10, 4), 9, [0, 4, 8]),
        ((10, 4), 10, [4, 8]),
        ((10, 10), 25, [20]),
        ((10, 10), 0, [0]),
        ((10, 10), -1, []),
    ],
)
def test_a_time_falls_into_the_windows_that_begin_up_to_a_size_before_it(window, timestamp, starts):
    assert list(starts_of(timestamp, *window)) == starts


def test_default_grace_is_a_day_less_the_size_and_none_for_final_results():
    assert grace_of(Tumbling(1000), emit_final=False) == DAY_MS - 1000
    assert grace_of(Session(2 * DAY_MS), emit_final=False) == 0
    assert grace_of(Tumbling(1000), emit_final=True) == 0
    assert retention_of(Tumbling(1000, grace_ms=5, retention_ms=10), emit_final=False) == 1005
