"""Persistent queries when the broker refuses: what is skipped, what shows as an error, and what a stop waits for."""

import threading

import pytest
from confluent_kafka import KafkaError

from bifrost.engine.runtime import query_reader, restore
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.runner import QueryState
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_queries import COPY, COUNT, STREAM

LOG = "test_ksql_processing_log"


def the_query(engine):
    (query,) = engine.state.queries
    return query.runner


@pytest.mark.parametrize(
    "code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD]
)
def test_a_result_that_the_broker_refuses_goes_to_the_processing_log_and_the_query_continues(world, code):
    execute(world.engine(), STREAM + COPY)
    world.cluster.refusing_record = lambda topic, value, timestamp: (
        KafkaError(code) if topic == "OUT" and value == b'{"B":3}' else None
    )
    for number in (1, 2, 3):
        world.send("s", {"A": number}, "x")
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 3)
    # The first refusal starts the query again, which may repeat results since the last commit.
    assert world.values("OUT")[-2:] == [{"B": 2}, {"B": 4}]
    world.send("s", {"A": 2}, "x")
    world.send("s", {"A": 4}, "x")
    world.cluster.wait_for(lambda: world.values("OUT")[-1] == {"B": 5})
    assert the_query(world.engines[0]).state is QueryState.RUNNING
    assert list(the_query(world.engines[0]).errors) == []
    assert the_query(world.engines[0]).meters.restarts == 1
    assert the_query(world.engines[0]).meters.errors == {}
    (entry, _) = world.values(LOG)
    assert entry["message"]["productionError"]["topic"] == "OUT"
    assert KafkaError(code).name() in entry["message"]["productionError"]["errorMessage"]


@pytest.mark.parametrize(
    "code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD]
)
def test_under_exactly_once_a_refused_result_is_skipped_and_all_others_arrive_once(world, code):
    engine = world.engine(**{"processing.guarantee": "exactly_once_v2"})
    execute(engine, STREAM + COPY)
    runner = the_query(engine)
    world.cluster.refusing_record = lambda topic, value, timestamp: (
        KafkaError(code) if topic == "OUT" and value == b'{"B":3}' else None
    )
    for number in (1, 2, 3, 2):
        world.send("s", {"A": number}, "x")
    world.wait_for("OUT", [{"B": 2}, {"B": 4}])
    world.send("s", {"A": 4}, "x")
    world.wait_for("OUT", [{"B": 2}, {"B": 4}, {"B": 5}])
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)
    assert (list(runner.errors), runner.meters.restarts, runner.meters.errors) == ([], 0, {})
    entries = [entry["message"]["productionError"] for entry in world.values(LOG)]
    assert [entry["topic"] for entry in entries] == ["OUT", "OUT"]
    assert all(KafkaError(code).name() in entry["errorMessage"] for entry in entries)


def test_under_exactly_once_a_change_of_state_that_is_refused_is_an_error_of_the_query(world):
    engine = world.engine(**{"processing.guarantee": "exactly_once_v2"})
    execute(engine, STREAM + COUNT)
    world.cluster.refusing_record = lambda topic, value, timestamp: (
        KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if topic.endswith("-changelog") else None
    )
    world.send("s", {"A": 1}, "x")
    runner = the_query(engine)
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    world.cluster.refusing_record = None
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING and len(world.values("N")) == 1)


class RecordingAdmin:
    def __init__(self):
        self.created = []

    def create(self, topic):
        self.created.append(topic)
        return True

    def topics(self):
        return {topic.name: topic.partitions for topic in self.created}


def test_topics_accept_records_of_any_time():
    cluster = Cluster({"bootstrap.servers": "127.0.0.1:1"})
    cluster.admin = RecordingAdmin()
    cluster.create_topic("a", 1, {"cleanup.policy": "compact"})
    cluster.create_topic("b", 1, {"message.timestamp.after.max.ms": "5"})
    assert [topic.config for topic in cluster.admin.created] == [
        {"message.timestamp.after.max.ms": "9223372036854775807", "cleanup.policy": "compact"},
        {"message.timestamp.after.max.ms": "5"},
    ]


def test_a_large_state_fits_its_changelog(world):
    execute(world.engine(), STREAM + COUNT)
    topics = world.cluster.admin.topics_by_name
    sizes = [topic.config.get("max.message.bytes") for name, topic in topics.items() if name.endswith("-changelog")]
    assert sizes == ["104857600"]


def test_a_query_that_fails_at_the_same_record_again_and_again_does_not_look_as_if_it_ran(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    runner = the_query(engine)
    world.cluster.refusing = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    world.send("s", {"A": 1}, "x")
    world.cluster.wait_for(lambda: len(runner.errors) > 0)
    states = set()

    def failed_thrice():
        states.add(runner.state)
        return len(runner.errors) > 2

    world.cluster.wait_for(failed_thrice)
    assert states == {QueryState.ERROR}
    world.cluster.refusing = None
    world.wait_for("OUT", [{"B": 2}])
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    ],
)
def test_a_consumer_that_may_not_read_is_an_error_of_the_query(world, code):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    runner = the_query(engine)
    world.cluster.consumer_problem = KafkaError(code)
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert KafkaError(code).name().lstrip("_") in runner.errors[-1].message
    world.cluster.consumer_problem = None
    world.send("s", {"A": 1}, "x")
    world.wait_for("OUT", [{"B": 2}])


@pytest.mark.parametrize("code", [KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError.LEADER_NOT_AVAILABLE])
def test_a_temporary_problem_of_the_consumer_is_no_error_of_the_query(world, code):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    runner = the_query(engine)
    world.cluster.consumer_problem = KafkaError(code)
    world.send("s", {"A": 1}, "x")
    world.cluster.consumer_problem = None
    world.wait_for("OUT", [{"B": 2}])
    assert not runner.errors


def test_offsets_that_may_not_be_committed_are_an_error_of_the_query(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    runner = the_query(engine)
    world.cluster.refusing_offsets = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    world.send("s", {"A": 1}, "x")
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)


def test_a_restore_that_makes_no_progress_is_an_error_of_the_query(world, monkeypatch):
    monkeypatch.setattr(restore, "_STALLED_S", 0.3)
    first = world.engine()
    execute(first, STREAM + COUNT)
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}])
    first.close()
    world.cluster.unreadable = {name for name in world.cluster.admin.topics() if name.endswith("-changelog")}
    runner = the_query(world.engine())
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert "no record within" in runner.errors[-1].message
    world.cluster.unreadable = set()
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}, {"C": 2}])


def test_tables_that_cannot_be_read_are_an_error_of_the_query(world, monkeypatch):
    monkeypatch.setattr(query_reader, "_STALLED_S", 0.3)
    engine = world.engine()
    table = "CREATE TABLE T (K STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
    execute(engine, STREAM + table)
    world.send("t", {"N": 5}, "x")
    world.cluster.unreadable = {"t"}
    execute(engine, "CREATE STREAM J AS SELECT S.K, A, N FROM S JOIN T ON S.K = T.K EMIT CHANGES;")
    runner = the_query(engine)
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert "read the tables of" in runner.errors[-1].message


def test_a_replacement_begins_when_the_last_commit_of_the_replaced_query_has_ended(world, monkeypatch):
    monkeypatch.setattr("bifrost.engine.runtime.runner._STOP_S", 0.05)
    engine = world.engine()
    execute(engine, STREAM + COPY)
    old = the_query(engine)
    world.cluster.wait_for(lambda: old.state is QueryState.RUNNING)
    closing, may_close = threading.Event(), threading.Event()
    close, old_run = QueryRun.close, old.scanned_run

    def slow_close(run, *, commit):
        if run is old_run:
            closing.set()
            may_close.wait(10)
        close(run, commit=commit)

    monkeypatch.setattr(QueryRun, "close", slow_close)
    execute(engine, COPY.replace("CREATE STREAM", "CREATE OR REPLACE STREAM").replace("A + 1", "A + 2"))
    assert closing.wait(10)
    new = the_query(engine)
    world.send("s", {"A": 1}, "x")
    assert new is not old
    assert new.state is QueryState.STARTING
    may_close.set()
    world.wait_for("OUT", [{"B": 3}])


def test_a_terminated_query_is_cleaned_up_after_its_last_commit(world, monkeypatch):
    monkeypatch.setattr("bifrost.engine.runtime.runner._STOP_S", 0.05)
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}])
    may_close = threading.Event()
    close = QueryRun.close

    def slow_close(run, *, commit):
        may_close.wait(10)
        close(run, commit=commit)

    monkeypatch.setattr(QueryRun, "close", slow_close)
    execute(engine, "TERMINATE CTAS_N_1;")

    def internal():
        return [name for name in world.cluster.admin.topics() if name.endswith("-changelog")]

    assert internal()
    may_close.set()
    world.cluster.wait_for(lambda: not internal())
