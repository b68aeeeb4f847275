"""Source topics that get more partitions while queries read them: who reads these, and who refuses them."""

import json

import pytest

from bifrost.engine.runtime.runner import QueryState
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_queries import COPY, COUNT, STREAM
from tests.engine.workers.threads import WorkerWorld

EXACTLY_ONCE = {"processing.guarantee": "exactly_once_v2"}
LATEST = {"auto.offset.reset": "latest"}


def grow(world, topic, total):
    with world.cluster.changed:
        partitions = world.cluster.admin.topics_by_name[topic].partitions
        partitions.extend([] for _ in range(total - len(partitions)))


def write(world, topic, partition, number):
    world.cluster.write(topic, json.dumps({"A": number}).encode(), b"x", partition=partition)


def runners(engine):
    return [query.runner for query in engine.state.queries]


@pytest.mark.parametrize("properties", [{}, EXACTLY_ONCE], ids=["in the scan", "exactly once"])
def test_new_partitions_are_read_from_their_beginning_and_no_record_twice(world, properties):
    engine = world.engine()
    execute(engine, STREAM + COPY, {**LATEST, **properties})
    (runner,) = runners(engine)
    write(world, "s", 0, 1)
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 1)
    with world.cluster.changed:
        grow(world, "s", 3)
        write(world, "s", 2, 2)
    write(world, "s", 0, 3)
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s", 2) == 1)
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 2)
    assert sorted(row["B"] for row in world.values("OUT")) == [2, 3, 4]
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)
    assert list(runner.errors) == []


def test_a_restart_restores_the_definitions_over_a_topic_that_has_grown(world):
    first = world.engine()
    execute(first, STREAM + COPY + "CREATE STREAM AGAIN AS SELECT * FROM OUT;")
    world.wait_for("AGAIN", [])
    first.close()
    grow(world, "s", 3)
    write(world, "s", 2, 4)
    second = world.engine()
    assert {source.name for source in second.state.metastore} == {"S", "OUT", "AGAIN"}
    world.wait_for("AGAIN", [{"B": 5}])


def test_a_worker_that_had_no_task_of_a_query_reads_new_partitions():
    world = WorkerWorld()
    engine = world.engine()
    execute(engine, STREAM + COPY)
    (query,) = engine.state.queries
    write(world, "s", 0, 1)
    world.wait_for("OUT", [{"B": 2}])
    grow(world, "s", 4)
    for partition in range(4):
        write(world, "s", partition, 10)
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 5)
    assert sorted(row["B"] for row in world.values("OUT")) == [2, 11, 11, 11, 11]
    assert list(query.runner.errors) == []
    world.close()


def refusal(world, statements, topic):
    """The error of a query that does not fit the new partitions of a topic."""
    engine = world.engine()
    execute(engine, statements)
    (query,) = engine.state.queries
    runner = query.runner
    write(world, "s", 0, 1)
    world.cluster.wait_for(lambda: world.committed(query.id, "s") == 1)
    grow(world, topic, 3)
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert {error.kind for error in runner.errors} == {"USER"}
    return runner.errors[-1].message


def test_a_query_with_state_refuses_new_partitions_and_names_topics_and_counts(world):
    message = refusal(world, STREAM + COUNT, "s")
    (changelog,) = [name for name in world.cluster.admin.topics() if name.endswith("-changelog")]
    assert message.startswith(
        f"Kafka: run query CTAS_N_1: existing internal topic {changelog} has invalid partitions: "
        "expected: 3 since source topic s has 3 partitions; actual: 1: "
    )
    assert "create it again" in message


def test_a_query_with_a_repartition_topic_refuses_new_partitions(world):
    message = refusal(world, STREAM + "CREATE TABLE BY_A AS SELECT A, COUNT(*) AS C FROM S GROUP BY A;", "s")
    assert (
        "-repartition has invalid partitions: expected: 3 since source topic s has 3 partitions; actual: 1" in message
    )


def test_a_join_refuses_topics_that_are_no_longer_partitioned_alike(world):
    table = "CREATE TABLE T (K STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
    join = "CREATE STREAM J AS SELECT S.K AS K, A, N FROM S JOIN T ON S.K = T.K;"
    message = refusal(world, STREAM + table + join, "s")
    assert "topics not co-partitioned: s has 3 partitions, t has 1 partitions" in message


def test_other_queries_are_not_disturbed(world):
    engine = world.engine()
    other = "CREATE STREAM R (K STRING KEY, A INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');"
    execute(engine, STREAM + COUNT + other + "CREATE STREAM R_OUT AS SELECT K, A FROM R;")
    count, copy = runners(engine)
    grow(world, "s", 2)
    world.cluster.wait_for(lambda: count.state is QueryState.ERROR)
    write(world, "r", 0, 5)
    world.wait_for("R_OUT", [{"A": 5}])
    assert (copy.state, list(copy.errors), copy.meters.restarts) == (QueryState.RUNNING, [], 0)
