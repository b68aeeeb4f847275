"""Properties that decide what a query does with a bad record, and how many queries a server runs."""

import pytest

from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.statements.client_session import ClientSession
from bifrost.errors import AnalysisError
from tests.engine.runtime.engines import EARLIEST, execute
from tests.engine.runtime.test_queries import COPY, STREAM

TIMED = (
    "CREATE STREAM E (K STRING KEY, A INT, D STRING) WITH (KAFKA_TOPIC='e', PARTITIONS=1, VALUE_FORMAT='JSON',"
    " TIMESTAMP='D', TIMESTAMP_FORMAT='yyyy-MM-dd');"
)


def the_query(engine):
    (query,) = engine.state.queries
    return query.runner


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_a_query_may_end_at_a_record_that_cannot_be_read(world, value):
    engine = world.engine()
    execute(engine, STREAM + COPY, {**EARLIEST, "ksql.fail.on.deserialization.error": value})
    world.send("s", {"A": 1}, "x")
    world.send("s", b"no json", "x")
    world.send("s", {"A": 2}, "x")
    runner = the_query(engine)
    world.cluster.wait_for(lambda: len(runner.errors) > 1)
    assert runner.state is QueryState.ERROR
    assert runner.errors[-1].kind == "USER"
    assert "s-0@1" in runner.errors[-1].message
    assert "ksql.fail.on.deserialization.error" in runner.errors[-1].message
    assert world.values("OUT") == [{"B": 2}]
    assert world.committed("CSAS_OUT_1", "s") == 1


def test_by_default_it_is_skipped(world):
    execute(world.engine(), STREAM + COPY, {**EARLIEST, "ksql.fail.on.deserialization.error": "false"})
    world.send("s", b"no json", "x")
    world.send("s", {"A": 2}, "x")
    world.wait_for("OUT", [{"B": 3}])


@pytest.mark.parametrize(("value", "expected"), [("true", [{"A": 1}]), ("false", [{"A": 1}, {"A": 3}])])
def test_a_query_may_end_at_a_record_whose_time_is_invalid(world, value, expected):
    engine = world.engine()
    statements = TIMED + "CREATE STREAM OUT AS SELECT K, A FROM E EMIT CHANGES;"
    execute(engine, statements, {**EARLIEST, "ksql.timestamp.throw.on.invalid": value})
    for number, day in ((1, "2024-01-02"), (2, "yesterday"), (3, "2024-01-03")):
        world.send("e", {"A": number, "D": day}, "x")
    runner = the_query(engine)
    if value == "true":
        world.cluster.wait_for(lambda: len(runner.errors) > 1)
        assert "ksql.timestamp.throw.on.invalid" in runner.errors[-1].message
    world.wait_for("OUT", expected)


def test_a_push_query_ends_with_the_reason(world):
    engine = world.engine()
    execute(engine, STREAM)
    world.send("s", b"no json", "x")
    session = ClientSession.of({**EARLIEST, "ksql.fail.on.deserialization.error": "true"}, {})
    query = engine.query("SELECT * FROM S EMIT CHANGES;", session)
    world.cluster.wait_for(lambda: query.rows.closed)
    assert "s-0@0" in query.failure


def test_a_server_runs_no_more_queries_than_its_limit(world):
    engine = world.engine(**{"ksql.query.persistent.active.limit": "1"})
    execute(engine, STREAM + COPY)
    with pytest.raises(AnalysisError, match="Current persistent query count: 1"):
        execute(engine, COPY.replace("OUT", "MORE"))
    with pytest.raises(AnalysisError, match="exceed the configured limit"):
        execute(engine, "INSERT INTO OUT SELECT K, A AS B FROM S;")
    assert "MORE" not in {source.name for source in engine.state.metastore}
    assert "MORE" not in world.cluster.admin.topics()
    execute(engine, COPY.replace("CREATE STREAM", "CREATE OR REPLACE STREAM").replace("A + 1", "A + 2"))
    execute(engine, "CREATE STREAM PLAIN (A INT) WITH (KAFKA_TOPIC='p', PARTITIONS=1, VALUE_FORMAT='JSON');")
    execute(engine, "TERMINATE CSAS_OUT_1;")
    execute(engine, COPY.replace("OUT", "MORE"))
