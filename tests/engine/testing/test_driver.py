import pytest

from bifrost.engine.testing.driver import Driver
from bifrost.errors import AnalysisError
from tests.engine.topology.queries import STREAM, driver_of, received, send


def test_inserted_rows_pass_all_queries_immediately():
    driver = driver_of(STREAM + "CREATE STREAM O AS SELECT * FROM S WHERE A > 1; CREATE STREAM P AS SELECT * FROM O;")
    driver.run("INSERT INTO S (K, A, ROWTIME) VALUES ('k', 2, 77);")
    assert received(driver, "P") == [("k", {"A": 2, "B": None})]
    assert [record.timestamp for record in driver.topic("P").records] == [77]
    assert driver.rows(driver.metastore.sources["P"]) == [(("k",), (2, None), 77)]


def test_without_live_queries_run_one_after_the_other_in_order_of_creation():
    driver = driver_of(
        STREAM
        + "CREATE STREAM O AS SELECT K, A FROM S WHERE A < 10;"
        + "INSERT INTO O SELECT K, A * 10 AS A FROM S WHERE A < 10;",
        live=False,
    )
    for number in (1, 2):
        send(driver, "s", "k", {"A": number})
    assert received(driver, "O") == []
    driver.run_queries(["s", "s"])
    assert [row["A"] for _, row in received(driver, "O")] == [1, 2, 10, 20]


def test_input_topics_are_processed_first_in_input_order():
    driver = driver_of(
        STREAM
        + "CREATE TABLE T (K STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
        + "CREATE STREAM O AS SELECT S.K AS K, A, N FROM S LEFT JOIN T ON S.K = T.K;",
        live=False,
    )
    send(driver, "s", "k", {"A": 1})
    send(driver, "t", "k", {"N": 1})
    send(driver, "s", "k", {"A": 2})
    driver.run_queries(["s", "t", "s"])
    assert [row for _, row in received(driver, "O")] == [{"A": 1, "N": None}, {"A": 2, "N": 1}]


def test_properties_variables_types_and_drops_affect_later_statements():
    driver = Driver()
    driver.run("SET 'ksql.persistence.default.format.value' = 'JSON'; DEFINE n = '5'; CREATE TYPE PT AS STRUCT<X INT>;")
    driver.run("CREATE STREAM S (K STRING KEY, P PT) WITH (KAFKA_TOPIC='s');")
    driver.run("CREATE STREAM O AS SELECT K, P->X + ${n} AS Y FROM S;")
    send(driver, "s", "k", {"P": {"X": 1}})
    assert received(driver, "O") == [("k", {"Y": 6})]
    driver.run("DROP STREAM O; UNSET 'ksql.persistence.default.format.value'; DROP TYPE PT;")
    assert driver.queries == {}
    with pytest.raises(AnalysisError, match="VALUE_FORMAT"):
        driver.run("CREATE STREAM S2 (A INT) WITH (KAFKA_TOPIC='s');")


def test_windowed_queries_are_not_changed_in_place():
    driver = driver_of(
        STREAM + "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY K;"
    )
    with pytest.raises(AnalysisError, match="Upgrades not yet supported for StreamWindowedAggregate"):
        driver.run(
            "CREATE OR REPLACE TABLE O AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 SECOND) "
            "WHERE A > 1 GROUP BY K;"
        )
    send(driver, "s", "k", {"A": 1})
    assert len(driver.topic("O").records) == 1
