"""Buffered results of tables: they reach the topic with the commit, and no kill loses one."""

from contextlib import suppress

import pytest

from bifrost.engine.statements.client_session import ClientSession
from tests.engine.runtime.engines import EARLIEST, execute
from tests.engine.runtime.test_queries import COUNT, STREAM

BUFFER = "ksql.streams.cache.max.bytes.buffering"
HELD = {**EARLIEST, BUFFER: "10000000", "commit.interval.ms": "3600000"}
SOON = {**EARLIEST, BUFFER: "10000000", "commit.interval.ms": "0"}


def wait_until_read(world, records):
    """Waits until the query of the last engine has read so many records."""
    (query,) = world.engines[-1].state.queries
    world.cluster.wait_for(lambda: "s" in query.runner.meters.consumed)
    world.cluster.wait_for(lambda: query.runner.meters.consumed["s"].messages == records)


def test_results_are_emitted_at_the_commit_of_a_stop_and_the_next_start_continues(world):
    first = world.engine()
    execute(first, STREAM + COUNT, HELD)
    for key in "xyx":
        world.send("s", {"A": 1}, key)
    wait_until_read(world, 3)
    assert world.values("N") == []
    first.close()
    assert world.values("N") == [{"C": 1}, {"C": 2}]  # y, then x, which changed last

    second = world.engine()
    world.send("s", {"A": 1}, "x")
    wait_until_read(world, 1)
    second.close()
    assert world.values("N")[2:] == [{"C": 3}]


@pytest.mark.parametrize("name", [BUFFER, "cache.max.bytes.buffering", "statestore.cache.max.bytes"])
@pytest.mark.parametrize("by", ["session", "server"])
def test_every_name_of_the_buffer_works_for_sessions_and_servers(world, name, by):
    properties = {"commit.interval.ms": "3600000", name: "1000000"}
    engine = world.engine(**(properties if by == "server" else {}))
    execute(engine, STREAM + COUNT, {**EARLIEST, **(properties if by == "session" else {})})
    world.send("s", {"A": 1}, "x")
    world.send("s", {"A": 1}, "x")
    wait_until_read(world, 2)
    assert world.values("N") == []
    engine.close()
    assert world.values("N") == [{"C": 2}]


def test_a_session_may_switch_the_buffer_of_the_server_off_under_either_name(world):
    engine = world.engine(**{BUFFER: "10000000", "commit.interval.ms": "3600000"})
    execute(engine, STREAM + COUNT, {**EARLIEST, "cache.max.bytes.buffering": "0"})
    world.send("s", {"A": 1}, "x")
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}, {"C": 2}])


def test_a_paused_query_has_emitted_what_it_read(world):
    engine = world.engine()
    execute(engine, STREAM + COUNT, HELD)
    world.send("s", {"A": 1}, "x")
    wait_until_read(world, 1)
    execute(engine, "PAUSE ALL;")
    world.wait_for("N", [{"C": 1}])


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once_v2"])
@pytest.mark.parametrize("writes", range(6))
def test_a_kill_at_any_write_loses_no_buffered_result(world, writes, guarantee):
    execute(world.engine(), STREAM + COUNT, {**SOON, "processing.guarantee": guarantee})
    world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": 1}])
    world.cluster.writes_left = writes
    for key in "xyxz":
        world.send("s", {"A": 1}, key)
    with suppress(AssertionError):  # there may be fewer writes than that
        world.cluster.wait_for(lambda: world.cluster.writes_left is None, seconds=0.5)
    world.cluster.kill_clients()

    world.engine()

    world.cluster.wait_for(lambda: world.committed("CTAS_N_1", "s") == 5)
    rows = world.values("N")
    highest = max(row["C"] for row in rows)
    # At least once: the records since the last commit may count twice.
    assert highest == 3 if guarantee == "exactly_once_v2" else highest >= 3
    assert len(rows) >= 4


def test_a_push_query_receives_the_last_change_of_each_key(world):
    engine = world.engine()
    execute(engine, STREAM)
    for key in "xyxx":
        world.send("s", {"A": 1}, key)
    text = "SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES LIMIT 2;"
    query = engine.query(text, ClientSession.of(SOON, {}))
    rows = []
    while len(rows) < 2:
        found = query.rows.take(5.0)
        assert found
        rows += found
    assert rows == [("y", 1), ("x", 3)]


def test_a_push_query_for_changes_of_a_table_does_not_repeat_its_old_rows(world):
    engine = world.engine()
    table = "CREATE TABLE T (K STRING PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
    execute(engine, table)
    world.send("t", {"A": 1}, "old")
    query = engine.query(
        "SELECT K, A FROM T EMIT CHANGES LIMIT 1;", ClientSession.of({**SOON, "auto.offset.reset": "latest"}, {})
    )
    world.cluster.wait_for(lambda: query.state.name == "RUNNING")
    for number in (2, 3):
        world.send("t", {"A": number}, "new")
    (row,) = query.rows.take(5.0)
    assert row[0] == "new"
