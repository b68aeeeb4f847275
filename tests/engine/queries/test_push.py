"""Push queries and pull queries on streams, over a cluster in memory."""

import pytest

from bifrost.engine.queries.rows import Tombstone
from bifrost.engine.statements.client_session import ClientSession
from tests.engine.runtime.engines import EARLIEST, execute

SETUP = (
    "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
    "CREATE TABLE T (K STRING PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');"
)


@pytest.fixture
def engine(world):
    made = world.engine()
    execute(made, SETUP)
    for number in range(3):
        world.send("s", {"A": number}, f"k{number}")
    return made


def started(engine, text, properties=EARLIEST):
    return engine.query(text, ClientSession.of(properties, {}))


def read(query, count):
    rows = []
    while len(rows) < count:
        found = query.rows.take(5.0)
        assert found, f"only {rows}"
        rows += found
    return rows


def test_rows_come_as_records_come(world, engine):
    query = started(engine, "SELECT K, A * 2 AS D FROM S EMIT CHANGES;")
    assert read(query, 3) == [("k0", 0), ("k1", 2), ("k2", 4)]
    world.send("s", {"A": 9}, "k9")
    assert read(query, 1) == [("k9", 18)]
    query.finish()


def test_by_default_only_new_records_are_read(world, engine):
    query = started(engine, "SELECT A FROM S EMIT CHANGES;", {})
    world.cluster.wait_for(lambda: query.state.name == "RUNNING")
    world.send("s", {"A": 9}, "k9")
    assert read(query, 1) == [(9,)]
    query.finish()


def test_a_query_whose_topic_is_deleted_ends_with_the_cause(world, engine):
    query = started(engine, "SELECT K, A FROM S EMIT CHANGES;")
    read(query, 3)
    world.cluster.admin.delete("s")
    world.cluster.wait_for(lambda: query.rows.closed and query.id not in engine.push_queries)
    assert query.failure.endswith("missing source topic s: create it, then send the query again")


def test_a_limit_ends_the_query(world, engine):
    query = started(engine, "SELECT A FROM S EMIT CHANGES LIMIT 2;")
    assert read(query, 2) == [(0,), (1,)]
    world.cluster.wait_for(lambda: query.rows.closed and query.id not in engine.push_queries)
    assert query.end_message == "Limit Reached"


def test_a_limit_of_zero_ends_immediately(engine):
    query = started(engine, "SELECT A FROM S EMIT CHANGES LIMIT 0;")
    assert query.rows.closed
    assert query.end_message == "Limit Reached"


def test_without_emit_a_stream_is_read_to_its_end(world, engine):
    query = started(engine, "SELECT K FROM S;", {})
    assert read(query, 3) == [("k0",), ("k1",), ("k2",)]
    world.cluster.wait_for(lambda: query.rows.closed)
    assert query.end_message == "Query Completed"
    assert query.failure is None


def test_an_empty_stream_ends_immediately(world, engine):
    execute(engine, "CREATE STREAM E (A INT) WITH (KAFKA_TOPIC='e', PARTITIONS=2, VALUE_FORMAT='JSON');")
    query = started(engine, "SELECT * FROM E;")
    world.cluster.wait_for(lambda: query.rows.closed)
    assert query.rows.take() == []


def test_a_deleted_row_of_a_table_shows_its_key(world, engine):
    world.send("t", {"A": 1}, "x")
    world.send("t", None, "x")
    rows = read(started(engine, "SELECT A, K FROM T EMIT CHANGES;"), 2)
    assert rows == [(1, "x"), (None, "x")]
    assert [isinstance(row, Tombstone) for row in rows] == [False, True]


def test_a_closed_query_is_forgotten(world, engine):
    query = started(engine, "SELECT A FROM S EMIT CHANGES;")
    assert engine.close_query(query.id)
    world.cluster.wait_for(lambda: query.id not in engine.push_queries)
    assert not engine.close_query(query.id)


def test_a_failed_query_ends_with_its_error(world, engine):
    query = started(engine, "SELECT A FROM S EMIT CHANGES;")
    read(query, 3)
    world.cluster.admin.delete("s")
    world.cluster.wait_for(lambda: query.rows.closed)
    assert query.failure


def test_a_push_query_leaves_nothing_behind(world, engine):
    before = set(world.cluster.admin.topics())
    query = started(engine, "SELECT K, COUNT(*) FROM S GROUP BY K EMIT CHANGES LIMIT 1;")
    read(query, 1)
    assert set(world.cluster.admin.topics()) == before
    assert not any("transient" in group for group in world.cluster.admin.groups)


def test_aggregates_without_group_by_count_all_rows(world, engine):
    query = started(engine, "SELECT COUNT(*), SUM(A) FROM S EMIT CHANGES;")
    assert read(query, 3) == [(1, 0), (2, 1), (3, 3)]
    world.send("s", {"A": 9}, "k9")
    assert read(query, 1) == [(4, 12)]
    query.finish()
