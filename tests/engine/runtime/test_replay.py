"""Commands that fail when an engine starts, and statements that must not wait for one another."""

import threading

import pytest

from bifrost.errors import AnalysisError, NotReady, Refused, StatementError
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_queries import COPY, STREAM


def refuse(names):
    if "s" in names:
        raise Refused("Kafka", "describe s", status=29, body="Topic authorization failed")


def listed(engine):
    (result,) = execute(engine, "SHOW QUERIES;")
    return [(query.id, query.state) for query in result.queries]


def test_a_topic_that_may_not_be_described_at_a_start_costs_no_definition(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    first.close()
    world.cluster.admin.describing = refuse
    second = world.engine()
    assert {source.name for source in second.state.metastore} == {"S", "OUT"}
    assert [query.id for query in second.state.queries] == ["CSAS_OUT_1"]


def broken(world):
    """An engine whose command topic defines a query with a function that does not exist any more."""
    first = world.engine()
    execute(first, STREAM + COPY)
    first.close()
    records = world.cluster.records(first.parts.commands.name)
    for at, record in enumerate(records):
        text = record.value_bytes.decode().replace("(S.A + 1)", "GONE(S.A)").replace("A + 1", "GONE(A)")
        records[at] = type(record)(record.place, record.at, record.key_bytes, text.encode(), record.time)
    return world.engine()


def test_a_query_that_cannot_be_replayed_is_listed_in_error_with_its_cause(world):
    engine = broken(world)
    assert listed(engine) == [("CSAS_OUT_1", "ERROR")]
    (result,) = execute(engine, "EXPLAIN CSAS_OUT_1;")
    ((_, message, _),) = result.queries[0].errors
    assert "GONE" in message
    (result,) = execute(engine, "SHOW QUERIES EXTENDED;")
    assert [query.info.id for query in result.queries] == ["CSAS_OUT_1"]


@pytest.mark.parametrize("statement", ["TERMINATE CSAS_OUT_1;", "TERMINATE ALL;", "DROP STREAM IF EXISTS OUT;"])
def test_a_failed_command_disappears_when_it_is_dropped_also_after_a_restart(world, statement):
    engine = broken(world)
    execute(engine, statement)
    assert listed(engine) == []
    engine.close()
    assert listed(world.engine()) == []


def test_sources_and_queries_over_a_failed_one_are_listed_too(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    execute(first, "CREATE STREAM LAST AS SELECT * FROM OUT EMIT CHANGES;")
    first.close()
    records = world.cluster.records(first.parts.commands.name)
    text = records[0].value_bytes.decode().replace("INTEGER", "NONSENSE")
    record = records[0]
    records[0] = type(record)(record.place, record.at, record.key_bytes, text.encode(), record.time)
    engine = world.engine()
    assert [state for _, state in listed(engine)] == ["ERROR"] * 3
    assert list(engine.state.metastore) == []


def test_a_broker_that_is_not_ready_at_a_start_is_waited_for(world):
    first = world.engine()
    execute(first, STREAM + COPY)
    first.close()
    failures = [NotReady("Kafka", "describe", "no answer within 30 s")] * 2

    def late(names):
        if "s" in names and failures:
            raise failures.pop()

    world.cluster.admin.describing = late
    second = world.engine()
    assert {source.name for source in second.state.metastore} == {"S", "OUT"}


def test_a_start_describes_the_topics_of_all_definitions_with_one_request(world):
    first = world.engine()
    execute(first, STREAM + COPY + "CREATE STREAM AGAIN AS SELECT * FROM OUT;")
    first.close()
    requests = []
    world.cluster.admin.describing = lambda names: requests.append(sorted(names))
    second = world.engine()
    assert {source.name for source in second.state.metastore} == {"S", "OUT", "AGAIN"}
    assert requests == [["AGAIN", "OUT", "s"]]


def test_a_slow_create_holds_up_no_show_and_no_describe(world):
    engine = world.engine()
    execute(engine, STREAM)
    creating, may_go_on = threading.Event(), threading.Event()

    def slow(names):
        if "slow" in names:
            creating.set()
            may_go_on.wait(10)

    world.cluster.admin.describing = slow
    text = "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='slow', PARTITIONS=1, VALUE_FORMAT='JSON');"
    thread = threading.Thread(target=execute, args=(engine, text))
    thread.start()
    assert creating.wait(10)
    answers = []
    reader = threading.Thread(
        target=lambda: answers.extend(execute(engine, "SHOW STREAMS; DESCRIBE S; SHOW QUERIES; LIST TYPES;"))
    )
    reader.start()
    reader.join(5)
    may_go_on.set()
    thread.join(10)
    assert len(answers) == 4


def test_an_invalid_statement_in_a_script_still_changes_nothing(world):
    engine = world.engine()
    with pytest.raises(StatementError):
        execute(engine, STREAM + "CREATE STREAM Y AS SELECT MISSING FROM S;")
    assert list(engine.state.metastore) == []


def test_an_unknown_query_is_still_unknown(world):
    with pytest.raises(AnalysisError, match="Unknown queryId"):
        execute(world.engine(), "TERMINATE CSAS_X_9;")
