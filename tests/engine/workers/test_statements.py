"""Statements and queries of an engine with two workers: they do what they do with one."""

from contextlib import suppress

import pytest
from confluent_kafka import KafkaError

from bifrost.engine.queries.push import PushQuery
from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.statements.client_session import ClientSession
from bifrost.errors import NotReady
from tests.engine.runtime.engines import EARLIEST, execute

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, VALUE_FORMAT='JSON');"
COPY = "CREATE STREAM OUT AS SELECT K, A FROM S EMIT CHANGES;"
COUNT = "CREATE TABLE N AS SELECT A, COUNT(*) AS C FROM S GROUP BY A EMIT CHANGES;"
WINDOWS = "CREATE TABLE W AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY K EMIT CHANGES;"
GROUPS = 10


@pytest.fixture
def engine(world):
    made = world.engine()
    execute(made, STREAM + COPY + COUNT)
    send(world, range(100))
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 100)
    world.cluster.wait_for(lambda: with_patience(made, "SELECT A, C FROM N;") == [(n, 10) for n in range(GROUPS)])
    return made


def send(world, numbers):
    for number in numbers:
        world.send("s", {"A": number % GROUPS}, f"key {number}")


def rows(engine, text):
    return engine.query(text, ClientSession()).rows


def with_patience(engine, text):
    with suppress(NotReady):
        return rows(engine, text)
    return None


def state_of(engine, query_id):
    return engine.state.queries.get(query_id).runner.state


def shown(engine):
    (found,) = execute(engine, "SHOW QUERIES;")
    return {query.id: query.state for query in found.queries}


def test_tasks_run_in_both_workers(engine):
    for query in engine.state.queries:
        sizes = [len(worker.statuses()[query.id].offsets) for worker in engine.parts.launcher.hosts.workers]
        assert min(sizes) > 0
        assert sum(sizes) == len(query.runner.offsets())


def test_a_scan_has_the_rows_of_all_workers(engine):
    assert rows(engine, "SELECT A, C FROM N;") == [(n, 10) for n in range(GROUPS)]
    assert rows(engine, "SELECT A FROM N WHERE A >= 7;") == [(7,), (8,), (9,)]
    assert rows(engine, "SELECT A FROM N WHERE C = 10 LIMIT 2;") == [(0,), (1,)]


def test_a_look_up_finds_every_key_wherever_it_is(engine):
    for number in range(GROUPS):
        assert rows(engine, f"SELECT A, C FROM N WHERE A = {number};") == [(number, 10)]
    assert rows(engine, "SELECT A FROM N WHERE A = 77;") == []
    assert sorted(rows(engine, "SELECT A FROM N WHERE A IN (1, 2, 3, 4, 99);")) == [(1,), (2,), (3,), (4,)]


def test_look_ups_of_windows(world, engine):
    execute(engine, WINDOWS)
    world.send("s", {"A": 1}, "key 5", timestamp=12_000)
    wanted = [("key 5", 0, 10_000, 1), ("key 5", 10_000, 20_000, 1)]
    world.cluster.wait_for(lambda: with_patience(engine, "SELECT * FROM W WHERE K = 'key 5';") == wanted)
    assert rows(engine, "SELECT C FROM W WHERE K = 'key 5' AND WINDOWSTART >= 10000;") == [(1,)]


def test_a_push_query_sees_the_records_of_all_partitions(world, engine):
    push = engine.query("SELECT A FROM S EMIT CHANGES LIMIT 8;", ClientSession.of(EARLIEST, {}))
    assert isinstance(push, PushQuery)
    world.cluster.wait_for(lambda: push.limit_reached)


def test_meters_errors_and_the_log_of_all_workers_are_summed(world, engine):
    query = engine.state.queries.get("CSAS_OUT_1")
    for number in range(8):
        world.send("s", b"no json", f"bad {number}")
    world.cluster.wait_for(lambda: engine.parts.launcher.logged(query.id).entries == 8)
    world.cluster.wait_for(lambda: query.runner.meters.consumed["s"].messages == 108)
    assert query.runner.meters.produced["OUT"].messages == 100
    (found,) = execute(engine, "DESCRIBE OUT EXTENDED;")
    assert found.sources[0].statistics.failed == 8


def test_errors_name_their_worker(world, engine):
    query = engine.state.queries.get("CSAS_OUT_1")
    world.cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    send(world, range(8))
    for name in ("worker 1 of 2", "worker 2 of 2"):
        world.cluster.wait_for(lambda name=name: any(e.message.startswith(f"{name}: ") for e in query.runner.errors))
    assert query.runner.state is QueryState.ERROR
    world.cluster.refusing = None
    world.cluster.wait_for(lambda: query.runner.state is QueryState.RUNNING)
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 108)


def test_pause_and_resume_reach_all_workers(world, engine):
    execute(engine, "PAUSE ALL;")
    world.cluster.wait_for(lambda: set(shown(engine).values()) == {"PAUSED"})
    send(world, range(100))
    execute(engine, "RESUME CSAS_OUT_1;")
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 200)
    assert shown(engine)["CTAS_N_2"] == "PAUSED"
    assert rows(engine, "SELECT C FROM N WHERE A = 1;") == [(10,)]


def test_terminate_deletes_internal_topics_and_offsets_after_all_shares_have_stopped(world, engine):
    execute(engine, "TERMINATE CTAS_N_2;")
    assert not [name for name in world.cluster.admin.topics() if "CTAS_N_2" in name]
    assert "_confluent-ksql-test_query_CTAS_N_2" not in world.cluster.admin.groups
    assert all("CTAS_N_2" not in worker.statuses() for worker in engine.parts.launcher.hosts.workers)


def test_drop_with_its_topic(world, engine):
    execute(engine, "DROP TABLE N DELETE TOPIC; DROP STREAM OUT DELETE TOPIC;")
    assert set(world.cluster.admin.topics()) & {"N", "OUT"} == set()
    assert len(engine.state.queries) == 0


def test_create_or_replace_continues_at_the_committed_offsets(world, engine):
    execute(engine, "CREATE OR REPLACE STREAM OUT AS SELECT K, A FROM S WHERE A < 5 EMIT CHANGES;")
    send(world, range(100))
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 150)


def test_a_restart_restores_the_state_in_the_workers(world, engine):
    engine.close()
    again = world.engine()
    send(world, range(100))
    world.cluster.wait_for(lambda: with_patience(again, "SELECT A, C FROM N;") == [(n, 20) for n in range(GROUPS)])
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 200)


def test_a_query_of_one_partition_runs_in_one_worker(world, engine):
    execute(engine, "CREATE STREAM ONE (A INT) WITH (KAFKA_TOPIC='one', PARTITIONS=1, VALUE_FORMAT='JSON');")
    execute(engine, "CREATE STREAM ONES AS SELECT A FROM ONE EMIT CHANGES;")
    world.send("one", {"A": 1})
    world.wait_for("ONES", [{"A": 1}])
    (query,) = [query for query in engine.state.queries if query.plan.sink == "ONES"]
    assert sum(query.id in worker.statuses() for worker in engine.parts.launcher.hosts.workers) == 1


def test_a_query_without_its_topic_says_so_and_starts_when_the_topic_exists(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    first.close()
    topic = world.cluster.admin.topics_by_name.pop("s")
    again = world.engine()
    world.cluster.wait_for(lambda: state_of(again, "CSAS_OUT_1") is QueryState.ERROR)
    world.cluster.admin.topics_by_name["s"] = topic
    send(world, range(10))
    world.cluster.wait_for(lambda: len(world.values("OUT")) == 10)
    world.cluster.wait_for(lambda: state_of(again, "CSAS_OUT_1") is QueryState.RUNNING)
