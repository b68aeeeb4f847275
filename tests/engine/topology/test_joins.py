import pytest

from tests.engine.topology.queries import STREAM, TABLE, driver_of, received, send

RIGHT = "CREATE STREAM R (K STRING KEY, Z INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');"
U = "CREATE TABLE U (K STRING PRIMARY KEY, D INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("INNER", [("a", {"A": 2, "N": 7})]),
        ("LEFT", [("a", {"A": 1, "N": None}), ("a", {"A": 2, "N": 7}), ("a", {"A": 3, "N": None})]),
    ],
)
def test_stream_table_join_sees_the_table_as_it_is_when_the_row_comes(kind, expected):
    driver = driver_of(STREAM + TABLE + f"CREATE STREAM O AS SELECT S.K AS K, A, N FROM S {kind} JOIN T ON S.K = T.K;")
    send(driver, "s", "a", {"A": 1})
    send(driver, "t", "a", {"N": 7})
    send(driver, "s", "a", {"A": 2}, 5)
    send(driver, "t", "a", None)
    send(driver, "s", "a", {"A": 3})
    send(driver, "s", "a", None)
    assert received(driver, "O") == expected


def test_a_join_on_a_value_goes_through_a_topic_that_is_partitioned_like_the_table():
    driver = driver_of(STREAM + TABLE + "CREATE STREAM O AS SELECT B, A, N FROM S JOIN T ON S.B = T.K;")
    send(driver, "t", "x", {"N": 7})
    send(driver, "s", "a", {"A": 1, "B": "x"}, 9)
    send(driver, "s", "a", {"A": 1, "B": None})
    assert received(driver, "O") == [("x", {"A": 1, "N": 7})]
    assert [record.timestamp for record in driver.topic("O").records] == [9]
    compiled = driver.queries["CSAS_O_2"].compiled
    [repartition] = compiled.repartitions
    assert repartition.topic.endswith("query_CSAS_O_2-Join-left-repartition")
    assert repartition.partition_count({"t": 6, "s": 3}) == 6
    places = {entry.topic: entry.subtopology for entry in compiled.inputs}
    assert places["t"] == places[repartition.topic] != places["s"]


def test_a_table_filter_behind_a_join_takes_its_rows_out_of_reach():
    driver = driver_of(
        STREAM + TABLE + "CREATE STREAM O AS SELECT S.K AS K, A, N FROM S LEFT JOIN T ON S.K = T.K WHERE N > 1;"
    )
    send(driver, "t", "a", {"N": 1})
    send(driver, "s", "a", {"A": 1})
    send(driver, "t", "a", {"N": 2})
    send(driver, "s", "a", {"A": 1})
    assert received(driver, "O") == [("a", {"A": 1, "N": 2})]


def stream_join(kind, within):
    return (
        STREAM
        + RIGHT
        + (
            f"CREATE STREAM O AS SELECT {'ROWKEY,' if kind == 'FULL OUTER' else 'S.K,'} A, Z FROM S {kind} JOIN R "
            f"WITHIN {within} ON S.K = R.K;"
        )
    )


def values(driver):
    return [(row["A"], row["Z"]) for _, row in received(driver, "O")]


def test_rows_of_streams_meet_within_the_window_at_the_later_time():
    driver = driver_of(stream_join("INNER", "(10 MILLISECONDS, 5 MILLISECONDS)"))
    send(driver, "s", "a", {"A": 1}, 100)
    for z, timestamp in ((1, 89), (2, 90), (3, 105), (4, 106)):
        send(driver, "r", "a", {"Z": z}, timestamp)
    send(driver, "r", "b", {"Z": 9}, 100)
    assert values(driver) == [(1, 2), (1, 3)]
    assert [record.timestamp for record in driver.topic("O").records] == [100, 105]


def test_without_grace_an_unmatched_row_is_written_immediately_and_again_with_its_match():
    driver = driver_of(stream_join("LEFT", "10 MILLISECONDS"))
    send(driver, "s", "a", {"A": 1}, 100)
    send(driver, "r", "a", {"Z": 2}, 105)
    assert values(driver) == [(1, None), (1, 2)]


def test_with_grace_an_unmatched_row_waits_until_its_window_has_closed():
    driver = driver_of(stream_join("FULL OUTER", "10 MILLISECONDS GRACE PERIOD 5 MILLISECONDS"))
    send(driver, "s", "a", {"A": 1}, 100)
    send(driver, "s", "b", {"A": 2}, 101)
    send(driver, "r", "b", {"Z": 3}, 102)
    send(driver, "r", "c", {"Z": 4}, 103)
    assert values(driver) == [(2, 3)]
    send(driver, "s", "d", {"A": 5}, 130)
    assert values(driver) == [(2, 3), (1, None), (None, 4)]


def test_rows_with_null_keys_do_not_meet():
    driver = driver_of(stream_join("INNER", "10 MILLISECONDS"))
    send(driver, "s", None, {"A": 1})
    send(driver, "r", None, {"Z": 1})
    assert values(driver) == []


def test_streams_over_one_topic_meet_in_one_task_each_record_on_both_sides():
    driver = driver_of(
        STREAM
        + "CREATE STREAM X (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        + "CREATE STREAM O AS SELECT S.K AS K, S.A AS A, X.A AS Z FROM S JOIN X WITHIN 1 SECOND ON S.K = X.K;"
    )
    send(driver, "s", "a", {"A": 1})
    send(driver, "s", "a", {"A": 2})
    assert sorted(values(driver)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("INNER", [(1, 5), (2, 5), None]),
        ("LEFT", [(1, None), (1, 5), (2, 5), None]),
        ("RIGHT", [(1, 5), (2, 5), (None, 5), None]),
        ("FULL OUTER", [(1, None), (1, 5), (2, 5), (None, 5), None]),
    ],
)
def test_table_table_join_follows_both_sides(kind, expected):
    key = "ROWKEY" if kind == "FULL OUTER" else "T.K" if kind != "RIGHT" else "U.K"
    driver = driver_of(TABLE + U + f"CREATE TABLE O AS SELECT {key}, N, D FROM T {kind} JOIN U ON T.K = U.K;")
    send(driver, "t", "a", {"N": 1}, 10)
    send(driver, "u", "a", {"D": 5}, 7)
    send(driver, "t", "a", {"N": 2}, 9)
    send(driver, "t", "a", None, 11)
    send(driver, "u", "a", None, 12)
    assert [row and (row["N"], row["D"]) for _, row in received(driver, "O")] == expected


def foreign(kind):
    return (
        "CREATE TABLE L (ID STRING PRIMARY KEY, F STRING, A INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON');"
        + U
        + f"CREATE TABLE O AS SELECT L.ID, A, D FROM L {kind} JOIN U ON L.F = U.K;"
    )


def test_foreign_key_join_follows_both_sides_and_moved_keys():
    driver = driver_of(foreign("INNER"))
    send(driver, "l", "1", {"F": "x", "A": 1})
    send(driver, "u", "x", {"D": 10})
    send(driver, "u", "y", {"D": 20})
    send(driver, "l", "2", {"F": "x", "A": 2})
    send(driver, "u", "x", {"D": 11})
    send(driver, "l", "1", {"F": "y", "A": 1})
    send(driver, "u", "x", None)
    send(driver, "l", "1", None)
    assert received(driver, "O") == [
        ("1", {"A": 1, "D": 10}),
        ("2", {"A": 2, "D": 10}),
        ("1", {"A": 1, "D": 11}),
        ("2", {"A": 2, "D": 11}),
        ("1", {"A": 1, "D": 20}),
        ("2", None),
        ("1", None),
    ]


def test_left_foreign_key_join_keeps_rows_without_a_partner():
    driver = driver_of(foreign("LEFT"))
    send(driver, "l", "1", {"F": "x", "A": 1})
    send(driver, "u", "x", {"D": 10})
    send(driver, "u", "x", None)
    assert [row for _, row in received(driver, "O")] == [{"A": 1, "D": None}, {"A": 1, "D": 10}, {"A": 1, "D": None}]


def test_the_foreign_keys_join_sends_through_its_own_topics():
    compiled = driver_of(foreign("INNER")).queries["CTAS_O_2"].compiled
    suffixes = sorted(repartition.topic.rpartition("-Join-")[2] for repartition in compiled.repartitions)
    assert suffixes == ["subscription-registration-topic", "subscription-response-topic"]
    assert {place.partition_count({"l": 3, "u": 5}) for place in compiled.repartitions} == {3, 5}
