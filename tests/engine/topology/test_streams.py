import pytest

from bifrost.engine.serde import RegistryUnavailable
from tests.engine.topology.queries import STREAM, driver_of, problems, received, send


def test_filter_keeps_rows_for_which_the_predicate_is_true_and_drops_null_rows():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT * FROM S WHERE A > 1;")
    for value in ({"A": 1, "B": "x"}, {"A": 2, "B": "y"}, {"A": None}, None):
        send(driver, "s", "k", value)
    assert received(driver, "O") == [("k", {"A": 2, "B": "y"})]
    assert problems(driver) == []


def test_projection_passes_null_values_on():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT K, A + 1 AS A1 FROM S;")
    send(driver, "s", "k", {"A": 1})
    send(driver, "s", "k", None)
    assert received(driver, "O") == [("k", {"A1": 2}), ("k", None)]


def test_a_failing_expression_is_null_and_reported_and_the_row_continues():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT K, 10 / A AS Q, B FROM S;")
    send(driver, "s", "k", {"A": 0, "B": "x"})
    assert received(driver, "O") == [("k", {"Q": None, "B": "x"})]
    [(kind, message)] = problems(driver)
    assert kind == "processing"
    assert "for column Q" in message


def test_a_failing_predicate_drops_the_row_and_is_reported():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT * FROM S WHERE 10 / A > 1;")
    send(driver, "s", "k", {"A": 0})
    send(driver, "s", "k", {"A": 2})
    assert received(driver, "O") == [("k", {"A": 2, "B": None})]
    assert [kind for kind, _ in problems(driver)] == ["processing"]


def test_an_unreadable_record_is_reported_with_its_position_and_the_next_one_is_read():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT * FROM S;")
    driver.produce("s", b"k", b"not json")
    send(driver, "s", "k", {"A": 1})
    assert received(driver, "O") == [("k", {"A": 1, "B": None})]
    [problem] = driver.queries["CSAS_O_1"].problems
    assert (problem.kind, problem.topic, problem.offset, problem.record) == ("deserialization", "s", 0, b"not json")


def test_an_unavailable_registry_is_not_a_bad_record(monkeypatch):
    driver = driver_of(
        "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO');CREATE STREAM O AS SELECT * FROM S;"
    )

    def unavailable(schema_id):
        raise RegistryUnavailable("no answer")

    monkeypatch.setattr(type(driver.environment.registry), "by_id", lambda self, schema_id: unavailable(schema_id))
    with pytest.raises(RegistryUnavailable):
        driver.produce("s", None, b"\0\0\0\0\7xx")
    assert problems(driver) == []


def test_headers_travel_and_can_be_read():
    driver = driver_of(
        "CREATE STREAM S (A INT, H BYTES HEADER('h')) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        "CREATE STREAM O AS SELECT A, FROM_BYTES(H, 'utf8') AS H FROM S;"
    )
    send(driver, "s", None, {"A": 1}, headers=[("h", b"x"), ("h", b"y")])
    send(driver, "s", None, {"A": 2})
    assert received(driver, "O") == [(None, {"A": 1, "H": "y"}), (None, {"A": 2, "H": None})]
    assert [record.headers for record in driver.topic("O").records] == [[("h", b"x"), ("h", b"y")], None]


def test_explode_gives_a_row_per_item_and_fills_shorter_lists_with_null():
    driver = driver_of(
        "CREATE STREAM S (X ARRAY<INT>, Y ARRAY<STRING>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        "CREATE STREAM O AS SELECT EXPLODE(X) AS X, EXPLODE(Y) AS Y FROM S;"
    )
    send(driver, "s", None, {"X": [1, 2], "Y": ["a"]})
    send(driver, "s", None, {"X": None, "Y": []})
    assert [row for _, row in received(driver, "O")] == [{"X": 1, "Y": "a"}, {"X": 2, "Y": None}]


def test_partition_by_a_value_needs_no_separate_topic_before_a_sink():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT B, A FROM S PARTITION BY B;")
    send(driver, "s", "k", {"A": 1, "B": "x"})
    send(driver, "s", "k", {"A": 2, "B": None})
    send(driver, "s", "k", None)
    assert received(driver, "O") == [("x", {"A": 1}), (None, {"A": 2}), (None, None)]
    assert driver.queries["CSAS_O_1"].compiled.repartitions == ()


def test_partition_by_the_key_keeps_tombstones():
    driver = driver_of(
        "CREATE STREAM S (K STRUCT<ID INT> KEY, A INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');"
        "CREATE STREAM O AS SELECT K->ID AS ID, A FROM S PARTITION BY K->ID;"
    )
    send(driver, "s", '{"ID": 7}', {"A": 1})
    send(driver, "s", '{"ID": 7}', None)
    assert received(driver, "O") == [("7", {"A": 1}), ("7", None)]


@pytest.mark.parametrize(("key", "sent"), [("7", 70), (None, None)])
def test_rowtime_partition_and_offset_are_columns(key, sent):
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT K, ROWTIME AS RT, ROWPARTITION AS P, ROWOFFSET AS R FROM S;")
    send(driver, "s", key, {"A": 1}, 5)
    send(driver, "s", key, {"A": 1}, sent or 6)
    assert [row for _, row in received(driver, "O")] == [{"RT": 5, "P": 0, "R": 0}, {"RT": sent or 6, "P": 0, "R": 1}]


def test_event_time_comes_from_the_timestamp_column_and_bad_times_are_reported():
    driver = driver_of(
        "CREATE STREAM S (K STRING KEY, TS STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='TS', "
        "TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss');"
        "CREATE STREAM O AS SELECT K, ROWTIME AS RT FROM S;"
    )
    send(driver, "s", "k", {"TS": "1970-01-01 00:00:10"}, 99)
    send(driver, "s", "k", {"TS": "yesterday"}, 99)
    send(driver, "s", "k", {"TS": None}, 99)
    assert received(driver, "O") == [("k", {"RT": 10_000})]
    assert [record.timestamp for record in driver.topic("O").records] == [10_000]
    assert len(problems(driver)) == 2


def test_the_sink_can_take_the_records_time_from_a_column():
    driver = driver_of(
        "CREATE STREAM S (K STRING KEY, T BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
        "CREATE STREAM O WITH (TIMESTAMP='T') AS SELECT * FROM S;"
    )
    send(driver, "s", "k", {"T": 1234}, 1)
    assert [record.timestamp for record in driver.topic("O").records] == [1234]


def test_a_record_from_before_1970_is_reported_and_skipped():
    """As Kafka Streams does; Kafka Connect fails for good where a result has such a time."""
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT * FROM S;")
    for timestamp in (-86_400_000, -1, 0, 5):
        send(driver, "s", "k", {"A": timestamp}, timestamp=timestamp)
    assert [record.timestamp for record in driver.topic("O").records] == [0, 5]
    assert [kind for kind, _ in problems(driver)] == ["timestamp", "timestamp"]
    assert "-86400000 ms is before 1970" in problems(driver)[0][1]


def test_a_change_of_a_table_from_before_1970_is_reported_and_skipped():
    driver = driver_of(
        "CREATE TABLE T (K VARCHAR PRIMARY KEY, A BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);"
        "CREATE TABLE O AS SELECT * FROM T;"
    )
    send(driver, "t", "k", {"A": 1}, timestamp=1)
    send(driver, "t", "k", None, timestamp=-2)
    assert received(driver, "O") == [("k", {"A": 1})]
    assert [kind for kind, _ in problems(driver)] == ["timestamp"]
