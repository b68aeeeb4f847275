"""Topics that are deleted while queries use them: who reports it, and what follows when they exist again."""

import threading

import pytest

from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.runtime.topic_watch import TopicChanges, TopicWatch
from bifrost.errors import Unreachable
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_queries import COPY, COUNT, STREAM
from tests.waiting import eventually

OTHER = (
    "CREATE STREAM R (K STRING KEY, A INT) WITH (KAFKA_TOPIC='r', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE STREAM R_OUT AS SELECT K, A FROM R EMIT CHANGES;"
)
FILTER = "CREATE STREAM LARGE AS SELECT K, A FROM S WHERE A > 10 EMIT CHANGES;"
EXACTLY_ONCE = {"processing.guarantee": "exactly_once_v2"}


def runners(engine):
    return [query.runner for query in engine.state.queries]


def send(world, *numbers):
    for number in numbers:
        world.send("s", {"A": number}, "x")


def wait_for_state(world, runner, state):
    world.cluster.wait_for(lambda: runner.state is state)


def in_scan(world, engine):
    scan = engine.parts.launcher.scan
    world.cluster.wait_for(lambda: len(scan._members) == len(runners(engine)))


def test_queries_whose_source_topic_was_deleted_report_it_and_others_are_not_disturbed(world):
    engine = world.engine()
    execute(engine, STREAM + COPY + FILTER + OTHER)
    copy, large, other = runners(engine)
    in_scan(world, engine)
    world.cluster.admin.delete("s")
    for runner in (copy, large):
        wait_for_state(world, runner, QueryState.ERROR)
    assert {(error.kind, error.message) for error in large.errors} == {
        (
            "USER",
            "Kafka: run query CSAS_LARGE_2: missing source topic s: create it again, and the query continues; "
            "or terminate the query",
        )
    }
    world.send("r", {"A": 5}, "x")
    world.wait_for("R_OUT", [{"A": 5}])
    assert (other.state, list(other.errors), other.meters.restarts) == (QueryState.RUNNING, [], 0)


@pytest.mark.parametrize("properties", [{}, EXACTLY_ONCE], ids=["in the scan", "exactly once"])
def test_a_query_continues_from_the_beginning_of_a_source_topic_that_exists_again(world, properties):
    engine = world.engine(**properties)
    execute(engine, STREAM + COPY)
    (runner,) = runners(engine)
    send(world, *range(5))
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 5)
    world.cluster.admin.delete("s")
    wait_for_state(world, runner, QueryState.ERROR)
    world.topic("s")
    send(world, 7)
    world.wait_for("OUT", [{"B": number + 1} for number in (*range(5), 7)])
    wait_for_state(world, runner, QueryState.RUNNING)
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 1)


def test_a_query_stays_in_error_while_its_source_topic_is_missing(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    (runner,) = runners(engine)
    in_scan(world, engine)
    world.cluster.admin.delete("s")
    world.cluster.wait_for(lambda: bool(runner.errors))
    states = set()

    def failed_again():
        states.add(runner.state)
        return len(runner.errors) > 2

    world.cluster.wait_for(failed_again)
    assert states == {QueryState.ERROR}


@pytest.mark.parametrize("properties", [{}, EXACTLY_ONCE], ids=["in the scan", "exactly once"])
def test_a_query_whose_sink_topic_was_deleted_reports_it_and_loses_no_record(world, properties):
    engine = world.engine(**properties)
    execute(engine, STREAM + COPY)
    (runner,) = runners(engine)
    send(world, 1)
    world.cluster.wait_for(lambda: world.committed("CSAS_OUT_1", "s") == 1)
    world.cluster.admin.delete("OUT")
    wait_for_state(world, runner, QueryState.ERROR)
    assert "missing sink topic OUT: create it again" in runner.errors[-1].message
    send(world, 2)
    world.topic("OUT")
    world.wait_for("OUT", [{"B": 3}])
    wait_for_state(world, runner, QueryState.RUNNING)


def test_a_changelog_that_was_deleted_is_reported_and_created_again(world):
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    (runner,) = runners(engine)
    send(world, 1)
    world.wait_for("N", [{"C": 1}])
    (changelog,) = [name for name in world.cluster.admin.topics() if name.endswith("-changelog")]
    world.cluster.admin.delete(changelog)
    world.cluster.wait_for(lambda: bool(runner.errors))
    assert f"missing internal topic {changelog}: the query creates it again" in runner.errors[-1].message
    world.cluster.wait_for(lambda: changelog in world.cluster.admin.topics())
    send(world, 1)
    wait_for_state(world, runner, QueryState.RUNNING)


def test_a_query_that_is_paused_reports_its_missing_topic_when_it_resumes(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    (runner,) = runners(engine)
    in_scan(world, engine)
    execute(engine, "PAUSE CSAS_OUT_1;")
    wait_for_state(world, runner, QueryState.PAUSED)
    world.cluster.admin.delete("s")
    world.cluster.wait_for(lambda: bool(runner._topic_changes))
    execute(engine, "RESUME CSAS_OUT_1;")
    wait_for_state(world, runner, QueryState.ERROR)
    assert "missing source topic s" in runner.errors[-1].message


def test_a_query_without_its_topic_can_be_terminated(world):
    engine = world.engine()
    execute(engine, STREAM + COPY)
    (runner,) = runners(engine)
    world.cluster.admin.delete("s")
    wait_for_state(world, runner, QueryState.ERROR)
    execute(engine, "TERMINATE CSAS_OUT_1;")
    wait_for_state(world, runner, QueryState.STOPPED)
    assert runners(engine) == []


A = {"a": 1}


class Listings:
    """What the brokers list, one answer after another; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.count = 0

    def __call__(self):
        self.count += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def watch_of(listings):
    return TopicWatch(listings, interval_s=0.01, confirm_s=0.01)


def test_a_missing_topic_is_reported_once():
    listings, found = Listings(A), []
    watch = watch_of(listings)
    watch.start({"a", "b"}, {}, found.append)
    eventually(lambda: found, "a report")
    assert found == [TopicChanges(frozenset("b"), {})]
    watch.stop(found.append)


def test_more_partitions_are_reported_once_and_fewer_are_not():
    listings, found = Listings({"a": 2, "b": 1}, {"a": 3, "b": 0}), []
    watch = watch_of(listings)
    watch.start({"a", "b"}, {"a": 2, "b": 1}, found.append)
    eventually(lambda: found, "a report")
    assert found == [TopicChanges(frozenset(), {"a": 3})]


def test_a_topic_that_one_listing_lacks_is_not_missing():
    listings, found = Listings(A, {}, A), []
    watch = watch_of(listings)
    watch.start({"a"}, {}, found.append)
    eventually(lambda: listings.count > 4, "more listings")
    watch.stop(found.append)
    assert found == []


@pytest.mark.parametrize("error", [Unreachable("Kafka", "list topics", "no answer"), RuntimeError("unexpected")])
def test_brokers_that_do_not_answer_are_no_missing_topic(error):
    listings, found = Listings(A, error, error, A, {}), []
    watch = watch_of(listings)
    watch.start({"a"}, {}, found.append)
    eventually(lambda: found, "a report")
    assert listings.count >= 6


def test_nothing_is_listed_while_no_query_runs():
    listings, found = Listings(A), []
    watch = watch_of(listings)
    watch.start({"a"}, {}, found.append)
    eventually(lambda: listings.count > 0, "a listing")
    watch.stop(found.append)
    eventually(lambda: not any(thread.name == "topic watch" for thread in threading.enumerate()), "the thread's end")
    count = listings.count
    watch.start({"a"}, {}, found.append)
    eventually(lambda: listings.count > count, "another listing")
    watch.stop(found.append)
