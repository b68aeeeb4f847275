"""Queries that read a topic together: each has every record once, whatever happens to the others."""

import threading
import time

import pytest
from confluent_kafka import KafkaError

from bifrost.engine.runtime import query_run, runner, shared_scan
from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.runtime.shared_producer import SharedProducer
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_queries import COPY, STREAM

SCAN = "_confluent-ksql-test_scan"
QUERIES = 20


def copies(count):
    return "".join(f"CREATE STREAM OUT_{n} AS SELECT K, A + {n} AS B FROM S EMIT CHANGES;" for n in range(count))


def runners(engine):
    return [query.runner for query in engine.state.queries]


def send(world, numbers):
    for number in numbers:
        world.send("s", {"A": number}, "x")


def in_step(world):
    """Waits until all queries of the last engine are in the scan, and none has its own consumer."""
    engine = world.engines[-1]
    scan, count = engine.parts.launcher.scan, len(runners(engine))
    world.cluster.wait_for(
        lambda: len(scan._members) == count and [consumer.group for consumer in world.cluster.consumers] == [SCAN]
    )


def test_queries_in_step_share_one_consumer_and_have_no_threads_of_their_own(world):
    engine = world.engine()
    execute(engine, STREAM + copies(QUERIES))
    send(world, range(3))
    for number in range(QUERIES):
        world.wait_for(f"OUT_{number}", [{"B": number}, {"B": number + 1}, {"B": number + 2}])
    in_step(world)
    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("CSAS_OUT") for name in names)
    world.cluster.wait_for(lambda: all(world.committed(query.id, "s") == 3 for query in engine.state.queries))


def test_a_query_that_begins_late_catches_up_and_joins(world, monkeypatch):
    monkeypatch.setattr(runner, "LARGEST_GAP", 0)
    monkeypatch.setattr(shared_scan, "LARGEST_GAP", 0)
    engine = world.engine()
    execute(engine, STREAM + COPY)
    send(world, range(5000))
    world.wait_for("OUT", [{"B": number + 1} for number in range(5000)])
    execute(engine, copies(1))
    in_step(world)
    send(world, [5000])
    world.wait_for("OUT_0", [{"B": number} for number in range(5001)])


def test_the_scan_goes_back_a_little_for_a_query_that_joins(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    send(world, range(100))
    world.wait_for("OUT", [{"B": number + 1} for number in range(100)])
    execute(engine, copies(1))
    world.wait_for("OUT_0", [{"B": number} for number in range(100)])
    send(world, [100])
    world.wait_for("OUT_0", [{"B": number} for number in range(101)])
    world.wait_for("OUT", [{"B": number + 1} for number in range(101)])


def test_a_slow_query_leaves_and_comes_back_without_losing_or_repeating_a_record(world, monkeypatch):
    monkeypatch.setattr(shared_scan, "_AT_MOST_S", 0.0)
    monkeypatch.setattr(query_run, "_SLOW_RECORD_S", 0.0)
    monkeypatch.setattr(runner, "_APART_S", 0.05)
    engine = world.engine()
    execute(engine, STREAM + copies(2))
    left = []
    leave = shared_scan.SharedScan._leave
    monkeypatch.setattr(
        shared_scan.SharedScan,
        "_leave",
        lambda scan, member, why, error=None: (left.append(why), leave(scan, member, why, error)),
    )
    for first in range(0, 300, 100):
        in_step(world)
        send(world, range(first, first + 100))
        for number in range(2):
            world.wait_for(f"OUT_{number}", [{"B": sent + number} for sent in range(first + 100)])
    assert shared_scan.Departure.SLOW in left


def test_a_query_that_fails_does_not_disturb_the_others(world):
    engine = world.engine()
    execute(engine, STREAM + copies(3))
    in_step(world)
    world.cluster.refusing_record = lambda topic, value, timestamp: (
        KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED) if topic == "OUT_1" else None
    )
    send(world, range(10))
    for number in (0, 2):
        world.wait_for(f"OUT_{number}", [{"B": sent + number} for sent in range(10)])
    states = {query.id: query.runner for query in engine.state.queries}
    world.cluster.wait_for(lambda: states["CSAS_OUT_1_2"].state is QueryState.ERROR)
    assert states["CSAS_OUT_0_1"].state is states["CSAS_OUT_2_3"].state is QueryState.RUNNING
    assert not states["CSAS_OUT_0_1"].errors
    world.cluster.refusing_record = None
    world.wait_for("OUT_1", [{"B": sent + 1} for sent in range(10)])
    world.cluster.wait_for(lambda: states["CSAS_OUT_1_2"].state is QueryState.RUNNING)


def test_a_paused_query_does_not_hold_the_others_back_and_misses_nothing(world):
    engine = world.engine()
    execute(engine, STREAM + copies(2))
    in_step(world)
    execute(engine, "PAUSE CSAS_OUT_0_1;")
    world.cluster.wait_for(lambda: runners(engine)[0].state is QueryState.PAUSED)
    send(world, range(10))
    world.wait_for("OUT_1", [{"B": sent + 1} for sent in range(10)])
    assert world.values("OUT_0") == []
    execute(engine, "RESUME CSAS_OUT_0_1;")
    world.wait_for("OUT_0", [{"B": sent} for sent in range(10)])
    in_step(world)


def test_a_query_that_stops_does_not_disturb_the_others(world):
    engine = world.engine()
    execute(engine, STREAM + copies(2))
    in_step(world)
    execute(engine, "TERMINATE CSAS_OUT_0_1;")
    send(world, range(3))
    world.wait_for("OUT_1", [{"B": 1}, {"B": 2}, {"B": 3}])
    assert world.values("OUT_0") == []


def test_a_missing_topic_is_an_error_of_its_readers_only(world):
    engine = world.engine()
    other = "CREATE STREAM R (K STRING KEY, A INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');"
    execute(engine, STREAM + COPY + other + "CREATE STREAM R_OUT AS SELECT K, A FROM R EMIT CHANGES;")
    in_step(world)
    reads_s, reads_r = runners(engine)
    world.cluster.admin.delete("r")
    world.cluster.wait_for(lambda: reads_r.state is QueryState.ERROR)
    send(world, range(2))
    world.wait_for("OUT", [{"B": 1}, {"B": 2}])
    assert not reads_s.errors


def test_a_topic_that_was_created_again_is_read_from_its_beginning(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    send(world, range(5))
    world.wait_for("OUT", [{"B": sent + 1} for sent in range(5)])
    in_step(world)
    with world.cluster.changed:
        world.cluster.admin.delete("s")
        world.topic("s")
    send(world, [7])
    world.wait_for("OUT", [{"B": sent + 1} for sent in (*range(5), 7)])
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 1)


def test_a_client_that_fails_for_good_restarts_all_queries(world):
    engine = world.engine()
    execute(engine, STREAM + copies(2))
    in_step(world)
    world.cluster.kill_clients()
    send(world, range(2))
    for number in range(2):
        world.wait_for(f"OUT_{number}", [{"B": number}, {"B": number + 1}])


class SlowReports:
    """A producer whose poll takes until the test lets it go."""

    def __init__(self):
        self.polling, self.may_return, self.polls = threading.Event(), threading.Event(), 0

    def produce(self):
        raise AssertionError("not used")

    def poll(self, wait_s):
        self.polls += 1
        self.polling.set()
        assert self.may_return.wait(10)

    flush = poll


@pytest.mark.parametrize("wait_s", [0.0, 0.01])
def test_only_one_thread_at_a_time_takes_delivery_reports(wait_s):
    reports = SlowReports()
    producer = SharedProducer(reports)
    first = threading.Thread(target=producer.poll)
    first.start()
    assert reports.polling.wait(10)
    producer.poll(wait_s)
    producer.send_now()
    assert reports.polls == 1
    reports.may_return.set()
    first.join(10)
    producer.poll()
    producer.send_now()
    assert reports.polls == 3


@pytest.fixture
def sent_now(monkeypatch):
    """The producers that were made to send without waiting for more results."""
    producers = []
    send_now = SharedProducer.send_now
    monkeypatch.setattr(SharedProducer, "send_now", lambda self: (producers.append(self), send_now(self)))
    return producers


def test_results_of_few_records_do_not_wait_for_more(world, sent_now):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    in_step(world)
    send(world, [1])
    world.cluster.wait_for(lambda: engine.parts.launcher.scan.producer() in sent_now)


def test_results_of_many_records_are_sent_together(world, sent_now, monkeypatch):
    monkeypatch.setattr(shared_scan, "_FEW", 0)
    execute(world.engine(), STREAM + COPY)
    in_step(world)
    send(world, range(5))
    world.wait_for("OUT", [{"B": number + 1} for number in range(5)])
    assert sent_now == []


def test_a_query_whose_partitions_belong_to_another_worker_costs_nothing(world, monkeypatch):
    steps = []
    step = shared_scan.SharedScan._step
    monkeypatch.setattr(shared_scan.SharedScan, "_step", lambda scan: (steps.append(time.monotonic()), step(scan)))
    share = next(share for share in (TaskShare(0, 2), TaskShare(1, 2)) if not share.owns("CSAS_OUT_1", 0, 0))
    execute(world.engine(share=share), STREAM + COPY)
    world.cluster.wait_for(lambda: len(steps) > 2)
    assert steps[-1] - steps[0] > 0.2
