"""A topic with more records than the scan can read: queries over other topics do not wait for it."""

import threading

import pytest

from bifrost.engine.runtime import busy_topics, shared_scan
from bifrost.engine.runtime.busy_topics import BusyTopics
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_shared_scan import runners

STREAMS = "".join(
    f"CREATE STREAM {name} (K STRING KEY, A INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, VALUE_FORMAT='JSON');"
    f"CREATE STREAM {name}_OUT AS SELECT K, A FROM {name} EMIT CHANGES;"
    for name in ("busy", "quiet")
)
BOTH = "CREATE STREAM BUSY_TOO AS SELECT K, A + 1 AS B FROM BUSY EMIT CHANGES;"


class Flood:
    """Writes to a topic so that its readers are always some batches behind."""

    def __init__(self, world, topic, output):
        self._topics = world.cluster.admin.topics_by_name
        self._topic, self._output = topic, output
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(world,))
        self._thread.start()

    def _run(self, world):
        while not self._ended.is_set():
            with world.cluster.changed:
                for number in range(200 - self._written(self._topic) + self._written(self._output)):
                    world.send(self._topic, {"A": number}, "x")

    def _written(self, topic):
        return self._topics[topic].following.get(0, 0)

    def stop(self):
        self._ended.set()
        self._thread.join()


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(shared_scan, "_BATCH", 5)
    monkeypatch.setattr(busy_topics, "_SATURATED_S", 0.02)


def scans(engine):
    scan = engine.parts.launcher.scan
    return scan, scan._busy_scan


def test_a_topic_that_is_never_read_to_its_end_does_not_delay_another(world, small_batches, monkeypatch):
    monkeypatch.setattr(shared_scan, "_CALM_S", 0.2)
    engine = world.engine()
    execute(engine, STREAMS + BOTH)
    quiet_scan, busy_scan = scans(engine)
    world.cluster.wait_for(lambda: len(quiet_scan._members) == 3)
    flood = Flood(world, "busy", "BUSY_OUT")
    try:
        world.send("quiet", {"A": 1}, "x")
        world.wait_for("QUIET_OUT", [{"A": 1}])
        world.cluster.wait_for(lambda: len(busy_scan._members) == 2 and len(quiet_scan._members) == 1)
    finally:
        flood.stop()
    # Nothing is lost or repeated on the way there and back.
    world.cluster.wait_for(lambda: len(quiet_scan._members) == 3, seconds=20)
    world.send("busy", {"A": -1}, "x")
    expected = [value["A"] for value in world.values("busy")]
    world.cluster.wait_for(lambda: len(world.cluster.values("BUSY_OUT")) == len(expected))
    assert [value["A"] for value in world.values("BUSY_OUT")] == expected
    assert [value["B"] for value in world.values("BUSY_TOO")] == [sent + 1 for sent in expected]
    assert not any(runner.errors for runner in runners(engine))


def test_a_query_can_be_stopped_while_its_topic_is_busy(world, small_batches):
    engine = world.engine()
    execute(engine, STREAMS)
    _, busy_scan = scans(engine)
    flood = Flood(world, "busy", "BUSY_OUT")
    try:
        world.cluster.wait_for(lambda: len(busy_scan._members) == 1)
        execute(engine, "TERMINATE CSAS_BUSY_OUT_1;")
        world.cluster.wait_for(lambda: not busy_scan._members)
    finally:
        flood.stop()


def test_queries_over_one_busy_topic_alone_stay(world, small_batches):
    engine = world.engine()
    execute(engine, STREAMS.split("CREATE STREAM quiet")[0] + BOTH)
    quiet_scan, busy_scan = scans(engine)
    flood = Flood(world, "busy", "BUSY_OUT")
    world.cluster.wait_for(lambda: len(quiet_scan._members) == 2 and len(world.cluster.values("BUSY_OUT")) > 200)
    flood.stop()
    assert not busy_scan._members


def test_a_burst_is_no_busy_topic(monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    topics = BusyTopics()
    assert topics.take({"a": 2000}, is_full=True) is None
    now = 0.15
    assert topics.take({"a": 500}, is_full=False) is None
    now = 0.3
    assert topics.take({"a": 2000}, is_full=True) is None
    now = 0.6
    assert topics.take({"b": 1500, "a": 500}, is_full=True) == "a"
    now = 2.6
    assert topics.calm_s == pytest.approx(2.0)
