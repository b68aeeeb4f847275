"""Persistent queries on a cluster in memory: what reaches topics, what survives a restart, what bad days do."""

import threading
from contextlib import suppress

import pytest
from confluent_kafka import KafkaError

from bifrost.engine.runtime.runner import QueryState
from bifrost.errors import AnalysisError
from tests.engine.runtime.engines import EARLIEST, execute

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
COPY = "CREATE STREAM OUT AS SELECT K, A + 1 AS B FROM S EMIT CHANGES;"
COUNT = "CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;"


def test_records_become_rows_of_the_sink(world):
    execute(world.engine(), STREAM + COPY)
    world.send("s", {"A": 1}, "x")
    world.send("s", {"A": 2}, "y")
    world.wait_for("OUT", [{"B": 2}, {"B": 3}])


def test_by_default_a_query_begins_at_the_end_and_misses_nothing_from_then_on(world):
    engine = world.engine()
    execute(engine, STREAM)
    world.send("s", {"A": 1}, "x")
    execute(engine, COPY, {})
    world.send("s", {"A": 5}, "x")
    world.wait_for("OUT", [{"B": 6}])


def test_a_restart_continues_at_the_committed_offset(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"B": 2}])
    first.close()
    world.send("s", {"A": 2}, "x")

    world.engine()

    world.wait_for("OUT", [{"B": 2}, {"B": 3}])


def test_a_restart_restores_state(world):
    first = world.engine()
    execute(first, STREAM + COUNT)
    for _ in range(3):
        world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}, {"C": 2}, {"C": 3}])
    first.close()

    world.engine()
    world.send("s", {"A": 1}, "x")

    world.wait_for("N", [{"C": 1}, {"C": 2}, {"C": 3}, {"C": 4}])


def test_offsets_are_committed_after_the_output(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    world.cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    world.send("s", {"A": 1}, "x")
    (query,) = engine.state.queries
    world.cluster.wait_for(lambda: bool(query.runner.errors))
    assert world.cluster.admin.groups.get("_confluent-ksql-test_query_CSAS_OUT_1", {}).get(("s", 0)) in (None, 0)

    world.cluster.refusing = None

    world.wait_for("OUT", [{"B": 2}])
    world.cluster.wait_for(lambda: query.runner.state is QueryState.RUNNING)


def test_a_record_that_cannot_be_read_is_logged_and_left_out(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    world.send("s", b"no json", "x")
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"B": 2}])

    (entry,) = world.values("test_ksql_processing_log")
    problem = entry["message"]["deserializationError"]
    assert (problem["topic"], problem["partition"], problem["offset"]) == ("s", 0, 0)
    assert entry["logger"].startswith("processing.CSAS_OUT_1")
    assert engine.parts.launcher.log.count("CSAS_OUT_1").entries == 1


def avro_world(world):
    """A stream in AVRO with one record of a known schema and one of an unknown schema."""
    execute(
        world.engine(),
        "CREATE STREAM A (K STRING KEY, N INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, VALUE_FORMAT='AVRO');"
        "CREATE STREAM OUT WITH (VALUE_FORMAT='JSON') AS SELECT K, N FROM A EMIT CHANGES;",
    )
    text = (
        '{"type":"record","name":"Other","fields":[{"name":"N","type":["null","int"],"default":null},'
        '{"name":"M","type":["null","int"],"default":null}]}'
    )
    other = world.registry.register("other", "AVRO", text)
    known = world.registry.latest("a-value").id
    return (
        lambda n: b"\0" + known.to_bytes(4, "big") + bytes([2, n * 2]),
        lambda n: b"\0" + other.to_bytes(4, "big") + bytes([2, n * 2, 0]),
    )


def test_while_the_registry_is_down_the_query_waits_at_the_record_and_doubles_nothing(world):
    known, unknown = avro_world(world)
    world.send("a", known(1), "x")
    world.wait_for("OUT", [{"N": 1}])
    world.registry.down = True
    before = world.registry.requests
    for data in (known(2), unknown(3), known(4)):
        world.send("a", data, "x")
    world.cluster.wait_for(lambda: world.registry.requests > before + 2)
    assert world.values("OUT") == [{"N": 1}, {"N": 2}]

    world.registry.down = False

    world.wait_for("OUT", [{"N": 1}, {"N": 2}, {"N": 3}, {"N": 4}])
    assert world.values("test_ksql_processing_log") == []


def test_a_table_is_loaded_before_the_stream_that_joins_it(world):
    engine = world.engine()
    execute(
        engine,
        STREAM + "CREATE TABLE T (K STRING PRIMARY KEY, NAME STRING)"
        " WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');",
    )
    for number in range(3000):
        world.send("t", {"NAME": f"n{number}"}, f"k{number}", timestamp=number)
    world.send("s", {"A": 1}, "k2999")
    execute(engine, "CREATE STREAM J AS SELECT S.K AS K, T.NAME AS NAME FROM S JOIN T ON S.K = T.K EMIT CHANGES;")
    world.wait_for("J", [{"NAME": "n2999"}])


def test_rows_go_through_a_repartition_topic_to_their_new_key(world):
    execute(
        world.engine(),
        STREAM + "CREATE TABLE BY_A AS SELECT A, COUNT(*) AS C FROM S GROUP BY A EMIT CHANGES;",
    )
    for key in "xyz":
        world.send("s", {"A": 7}, key)
    world.wait_for("BY_A", [{"C": 1}, {"C": 2}, {"C": 3}])
    assert any(name.endswith("-repartition") for name in world.cluster.admin.topics())


def test_pause_and_resume(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    execute(engine, "PAUSE CSAS_OUT_1;")
    (query,) = engine.state.queries
    world.cluster.wait_for(lambda: query.runner.state is QueryState.PAUSED)
    world.send("s", {"A": 1}, "x")
    assert world.values("OUT") == []
    execute(engine, "RESUME CSAS_OUT_1;")
    world.wait_for("OUT", [{"B": 2}])


def test_a_paused_query_is_paused_after_a_restart(world):
    first = world.engine()
    execute(first, STREAM + COPY + "PAUSE CSAS_OUT_1;")
    first.close()
    (query,) = world.engine().state.queries
    world.cluster.wait_for(lambda: query.runner.state is QueryState.PAUSED)


def test_terminate_removes_internal_topics_and_offsets(world):
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}])
    assert any("CTAS_N_1" in name for name in world.cluster.admin.topics())
    execute(engine, "TERMINATE CTAS_N_1;")
    assert not any("CTAS_N_1" in name for name in (*world.cluster.admin.topics(), *world.cluster.admin.groups))
    assert "N" in world.cluster.admin.topics()


def test_create_or_replace_keeps_position_and_state(world):
    engine = world.engine()
    execute(engine, STREAM + "CREATE STREAM OUT AS SELECT K, A FROM S EMIT CHANGES;")
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"A": 1}])
    execute(engine, "CREATE OR REPLACE STREAM OUT AS SELECT K, A, A * 2 AS D FROM S EMIT CHANGES;")
    world.send("s", {"A": 2}, "x")
    world.wait_for("OUT", [{"A": 1}, {"A": 2, "D": 4}])
    assert [query.id for query in engine.state.queries] == ["CSAS_OUT_1"]


def test_a_sink_with_several_writers_is_not_replaced(world):
    engine = world.engine()
    execute(engine, STREAM + "CREATE STREAM OUT AS SELECT K, A FROM S; INSERT INTO OUT SELECT K, A FROM S;")
    with pytest.raises(AnalysisError, match=r"multiple queries writing into it: \[CSAS_OUT_1, INSERTQUERY_2\]"):
        execute(engine, "CREATE OR REPLACE STREAM OUT AS SELECT K, A FROM S WHERE A > 1;")


def test_under_exactly_once_output_and_offsets_come_together(world):
    execute(world.engine(), STREAM + COUNT, {**EARLIEST, "processing.guarantee": "exactly_once_v2"})
    for _ in range(2):
        world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}, {"C": 2}])
    world.cluster.wait_for(lambda: world.cluster.admin.groups["_confluent-ksql-test_query_CTAS_N_1"].get(("s", 0)) == 2)


FINAL = "CREATE TABLE F AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K EMIT FINAL;"


def test_the_final_row_of_a_window_survives_a_kill_at_the_moment_of_its_closing(world):
    execute(world.engine(), STREAM + FINAL)
    world.send("s", {"A": 1}, "x", timestamp=5)
    world.cluster.wait_for(lambda: world.committed("CTAS_F_1", "s") == 1)
    world.cluster.holding.add("F")
    world.send("s", {"A": 1}, "x", timestamp=12)
    world.cluster.wait_for(lambda: world.cluster.held > 0)
    world.cluster.kill_clients()
    world.cluster.release("F")
    assert world.values("F") == []

    world.engine()

    world.wait_for("F", [{"C": 1}])


@pytest.mark.parametrize("writes", range(12))
def test_a_kill_at_any_write_loses_no_result_that_is_emitted_only_once(world, writes):
    """A final row, an unmatched row given up, a tombstone of a row that was shown: each knows of state that changes."""
    execute(
        world.engine(),
        STREAM
        + FINAL
        + "CREATE STREAM R (K STRING KEY, B INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE STREAM J AS SELECT S.K AS K, A, B FROM S LEFT JOIN R WITHIN 3 MILLISECONDS GRACE PERIOD 1 MILLISECOND"
        " ON S.K = R.K;"
        "CREATE TABLE T (K STRING PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE TABLE SHOWN AS SELECT K, A FROM T WHERE A > 1;",
    )
    world.send("t", {"A": 5}, "x", timestamp=5)
    world.wait_for("SHOWN", [{"A": 5}])
    world.cluster.writes_left = writes
    world.send("s", {"A": 1}, "x", timestamp=5)
    world.send("t", {"A": 0}, "x", timestamp=6)
    world.send("s", {"A": 2}, "x", timestamp=12)
    world.send("r", {"B": 1}, "x", timestamp=12)
    with suppress(AssertionError):  # there may be fewer writes than that
        world.cluster.wait_for(lambda: world.cluster.writes_left is None, seconds=1)
    world.cluster.kill_clients()

    world.engine()

    world.cluster.wait_for(lambda: {"C": 1} in world.values("F"))
    world.cluster.wait_for(lambda: {"A": 1, "B": None} in world.values("J"))
    world.cluster.wait_for(lambda: None in world.values("SHOWN"))


def test_failed_offset_commits_are_retried_with_the_next_commit(world):
    execute(world.engine(), STREAM + COPY)
    world.cluster.refusing_offsets = KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE)
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"B": 2}])
    world.cluster.refusing_offsets = None
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 1)


def test_a_query_whose_topic_was_deleted_reports_it_and_continues_when_it_exists_again(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    (query,) = engine.state.queries
    world.cluster.wait_for(lambda: query.runner.state is QueryState.RUNNING)
    world.cluster.admin.delete("s")
    world.cluster.wait_for(lambda: query.runner.state is QueryState.ERROR)
    assert "missing source topic s" in query.runner.errors[-1].message
    world.topic("s")
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"B": 2}])


def test_a_restart_over_a_missing_topic_keeps_what_was_defined(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    first.close()
    world.cluster.admin.delete("s")
    second = world.engine()
    assert {source.name for source in second.state.metastore} == {"S", "OUT"}
    (query,) = second.state.queries
    world.cluster.wait_for(lambda: query.runner.state is QueryState.ERROR)


def test_a_start_waits_for_the_registry(world):
    first = world.engine()
    execute(first, "CREATE STREAM A (N INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, VALUE_FORMAT='AVRO');")
    execute(first, "CREATE STREAM B AS SELECT * FROM A EMIT CHANGES;")
    first.close()
    world.registry.down = True
    started = []
    starting = threading.Thread(target=lambda: started.append(world.engine()))
    starting.start()
    world.registry.down = False
    starting.join(10)
    assert [query.id for query in started[0].state.queries] == ["CSAS_B_1"]
