"""Replaced queries: no alert is sent twice, no sink skips records, and an interrupted replacement is finished."""

from __future__ import annotations

import pytest

from bifrost.deployer.apply.statement_runs import StatementRuns
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.ownership import Ownership
from bifrost.deployer.live.rebuild_record import Rebuild, RebuiltStatement, rebuild_from_json
from bifrost.deployer.plan.replace_choices import ReplaceChoices
from bifrost.errors import BifrostError, NotReady, Refused
from tests.deployer.conftest import RATINGS
from tests.fakes.http_server import Fault

EARLIEST = "SET 'auto.offset.reset' = 'earliest';\n" + RATINGS
CHANGED = EARLIEST.replace("R.STARS < 3", "R.STARS < 2")
ALERT = 'topic = "ALERTS"\nchannel = "slack"\nto = "team"\ntemplate = "{EMAIL}"\n'
SINK = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "ALERTS", "s3.bucket.name": "${env:X}"}
GROUP = "alerts.bad_rating"


@pytest.fixture
def deployed(project, fakes):
    """Runs, and has written ten alerts from ten ratings, which were sent."""
    project.write("ksql/ratings.sql", EARLIEST)
    project.write("alerts/bad_rating.toml", ALERT)
    fakes.services.add("alerts")
    fakes.apply(project.declared())
    fakes.kafka.records |= {"ratings": 10, "CUSTOMERS_SRC_REKEY": 4, "ALERTS": 10}
    fakes.kafka.committed[GROUP] = {"ALERTS": {0: 10}}
    read_everything(fakes)
    fakes.forget_writes()
    fakes.ksqldb.statements.clear()
    return project


def read_everything(fakes) -> None:
    """The queries that run have read their inputs to the end."""
    for query in fakes.ksqldb.queries:
        fakes.kafka.committed[f"_confluent-ksql-default_query_{query}"] = {
            topic: {0: fakes.kafka.records.get(topic, 0)} for topic in fakes.kafka.there
        }


@pytest.fixture
def rebuilding(fakes):
    """A new query writes all alerts again when it starts."""
    create = fakes.ksqldb._create

    def write_again(tree, text):
        answer = create(tree, text)
        if tree.name == "ALERTS" and not tree.or_replace:
            fakes.kafka.records["ALERTS"] = fakes.kafka.records.get("ALERTS", 0) + 10
            read_everything(fakes)
        return answer

    fakes.ksqldb._create = write_again
    return fakes


def changes_of_ksqldb(fakes) -> list[str]:
    starts = ("TERMINATE", "DROP", "CREATE", "INSERT")
    return [text.split("\n")[0].split(" AS")[0] for text in fakes.ksqldb.statements if text.startswith(starts)]


def test_alerts_continue_behind_the_records_that_are_computed_again(deployed, rebuilding):
    deployed.write("ksql/ratings.sql", CHANGED)

    rebuilding.apply(deployed.declared())

    assert changes_of_ksqldb(rebuilding) == [
        "TERMINATE CSAS_ALERTS_2;",
        "DROP STREAM IF EXISTS ALERTS;",
        "CREATE STREAM ALERTS WITH (VALUE_FORMAT='JSON')",
    ]
    assert rebuilding.services.writes == ["stop alerts", "start alerts"]
    assert rebuilding.kafka.writes == [f"move {GROUP} in ALERTS to {{0: 20}}"]
    assert rebuilding.plan(deployed.declared()).changes == ()
    assert Ownership(rebuilding.owned, "bifrost").read().rebuild is None


def test_alerts_skip_what_a_query_writes_again_for_the_one_that_they_read(project, fakes):
    """The query before the alerts' one has no reader that moves; its records still arrive while it catches up."""
    chain = EARLIEST.replace("ALERTS", "ENRICHED") + "CREATE STREAM ALERTS AS SELECT * FROM ENRICHED;"
    project.write("ksql/ratings.sql", chain)
    project.write("alerts/bad_rating.toml", ALERT)
    fakes.services.add("alerts")
    fakes.apply(project.declared())
    fakes.kafka.records |= {"ratings": 10, "CUSTOMERS_SRC_REKEY": 4, "ENRICHED": 10, "ALERTS": 10}
    fakes.kafka.committed[GROUP] = {"ALERTS": {0: 10}}
    read_everything(fakes)
    start, sleep = fakes.ksqldb._start, fakes.clock.sleep
    groups: dict[str, str] = {}

    def start_slowly(query_id, text, sink):
        start(query_id, text, sink)
        groups[sink] = f"_confluent-ksql-default_query_{query_id}"
        fakes.kafka.committed[groups[sink]] = {}

    def compute_one_record(seconds):
        sleep(seconds)
        for sink, topic in (("ENRICHED", "ratings"), ("ALERTS", "ENRICHED")):
            done = fakes.kafka.committed.get(groups.get(sink, ""), {}).get(topic, {}).get(0, 0)
            if sink in groups and done < fakes.kafka.records[topic]:
                fakes.kafka.committed[groups[sink]] = {topic: {0: done + 1}}
                fakes.kafka.records[sink] += 1

    fakes.ksqldb._start, fakes.clock.sleep = start_slowly, compute_one_record
    project.write("ksql/ratings.sql", chain.replace("R.STARS < 3", "R.STARS < 2"))

    fakes.apply(project.declared())

    assert fakes.kafka.records["ALERTS"] == 30
    assert fakes.kafka.committed[GROUP]["ALERTS"] == {0: 30}


def test_alerts_skip_what_is_still_between_the_parts_of_a_query(deployed, fakes):
    """A query that groups by another column has read its input before it has counted what it read."""
    start, sleep = fakes.ksqldb._start, fakes.clock.sleep
    waiting: list[str] = []

    def start_in_two_parts(query_id, text, sink):
        start(query_id, text, sink)
        group = f"_confluent-ksql-default_query_{query_id}"
        waiting.append(group)
        read_everything(fakes)
        between = f"{group}-Aggregate-GroupBy-repartition"
        fakes.kafka.there[between] = fakes.kafka.there["ratings"]
        fakes.kafka.records[between] = 3

    def count_one_record(seconds):
        sleep(seconds)
        for group in waiting:
            between = f"{group}-Aggregate-GroupBy-repartition"
            done = fakes.kafka.committed[group].get(between, {}).get(0, 0)
            if done < fakes.kafka.records[between]:
                fakes.kafka.committed[group][between] = {0: done + 1}
                fakes.kafka.records["ALERTS"] += 1

    fakes.ksqldb._start, fakes.clock.sleep = start_in_two_parts, count_one_record
    deployed.write("ksql/ratings.sql", CHANGED)

    fakes.apply(deployed.declared())

    assert fakes.kafka.records["ALERTS"] == 13
    assert fakes.kafka.committed[GROUP]["ALERTS"] == {0: 13}


def test_alerts_are_repeated_if_a_person_wants_that(deployed, rebuilding):
    deployed.write("ksql/ratings.sql", CHANGED)

    rebuilding.apply(deployed.declared(), choices=ReplaceChoices(repeat_alerts=True))

    assert (rebuilding.services.writes, rebuilding.kafka.writes) == ([], [])


def test_from_latest_moves_no_reader(deployed, fakes):
    deployed.write("ksql/ratings.sql", CHANGED)

    fakes.apply(deployed.declared(), choices=ReplaceChoices(read_from="latest"))

    requests = [request.body for request in fakes.servers["ksqldb"].requests if request.method == "POST"]
    (create,) = [body for body in requests if body["ksql"].startswith("CREATE")]
    assert create["streamsProperties"] == {"auto.offset.reset": "latest"}
    assert (fakes.services.writes, fakes.kafka.writes) == ([], [])


def test_a_change_in_place_stops_no_reader(deployed, fakes):
    text = EARLIEST + "CREATE STREAM LOW AS SELECT USER_ID, STARS FROM RATINGS WHERE STARS < 3;"
    deployed.write("ksql/ratings.sql", text)
    fakes.apply(deployed.declared())
    fakes.ksqldb.statements.clear()
    query = dict(fakes.ksqldb.queries)
    deployed.write("ksql/ratings.sql", text.replace("WHERE STARS < 3;", "WHERE STARS < 2;"))

    plan, writes = fakes.apply(deployed.declared())

    assert [action.reason for action in plan.changes] == [
        "in place: filter changed; continues from its committed offsets"
    ]
    assert writes == 1
    assert changes_of_ksqldb(fakes) == ["CREATE OR REPLACE STREAM LOW"]
    assert fakes.ksqldb.queries.keys() == query.keys()
    assert fakes.plan(deployed.declared()).changes == ()


def test_sinks_of_a_deleted_topic_begin_at_its_start(deployed, rebuilding):
    rebuilding.connect.variables["X"] = "x"
    deployed.write("connectors/ratings/to-s3.json", SINK)
    rebuilding.apply(deployed.declared())
    deployed.write("ksql/ratings.sql", CHANGED)

    rebuilding.apply(deployed.declared(), choices=ReplaceChoices(topics="delete"))

    assert "DROP STREAM IF EXISTS ALERTS DELETE TOPIC;" in changes_of_ksqldb(rebuilding)
    assert rebuilding.connect.offsets["to-s3"] == [
        {"partition": {"kafka_topic": "ALERTS", "kafka_partition": 0}, "offset": {"kafka_offset": 0}}
    ]
    assert rebuilding.connect.states["to-s3"] == "RUNNING"
    assert rebuilding.kafka.committed[GROUP]["ALERTS"] == {0: 10}


def test_a_deleted_topic_that_a_file_declares_is_created_as_declared(deployed, rebuilding):
    deployed.write("topics/alerts.json", {"ALERTS": {"partitions": 1, "retention.ms": 1234567}})
    rebuilding.apply(deployed.declared())
    deployed.write("ksql/ratings.sql", CHANGED)

    rebuilding.apply(deployed.declared(), choices=ReplaceChoices(topics="delete"))

    assert rebuilding.kafka.there["ALERTS"].config["retention.ms"] == "1234567"
    assert rebuilding.plan(deployed.declared()).changes == ()


def test_a_group_whose_service_was_killed_is_moved_once_its_session_ends(deployed, rebuilding):
    deployed.write("ksql/ratings.sql", CHANGED)
    rebuilding.kafka.members.add(GROUP)
    sleep = rebuilding.clock.sleep

    def end_session(seconds):
        sleep(seconds)
        if rebuilding.clock.monotonic() > 12:
            rebuilding.kafka.members.clear()

    rebuilding.clock.sleep = end_session

    rebuilding.apply(deployed.declared())

    assert rebuilding.kafka.committed[GROUP]["ALERTS"] == {0: 20}


def test_a_group_that_others_use_is_an_error_that_the_next_run_can_finish(deployed, rebuilding):
    deployed.write("ksql/ratings.sql", CHANGED)
    rebuilding.kafka.members.add(GROUP)
    with pytest.raises(Refused, match="has members"):
        rebuilding.apply(deployed.declared())
    rebuilding.kafka.members.clear()

    plan, _ = rebuilding.apply(deployed.declared())

    assert plan.changes[0].reason == "finishes an interrupted replacement of ALERTS"
    assert rebuilding.kafka.committed[GROUP]["ALERTS"] == {0: 20}
    assert rebuilding.services.components["alerts"].state == "running"


class Killed(BaseException):
    """The deployer ends immediately, as by kill -9: nothing is cleaned up."""


WRITES = 8


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_replacement_that_was_killed_anywhere_is_finished_by_the_next_run(deployed, rebuilding, number):
    """The run ends before its `number`th write of any kind; the next one leaves the same state as one that was not."""
    deployed.write("ksql/ratings.sql", CHANGED)
    done = 0

    def count(change):
        def counted(*arguments, **options):
            nonlocal done
            done += 1
            if done == number:
                raise Killed
            return change(*arguments, **options)

        return counted

    parts = [
        (rebuilding.kafka, "move_group"),
        (rebuilding.services, "stop"),
        (rebuilding.services, "start"),
        (rebuilding.owned, "write"),
        (rebuilding.platform.ksqldb, "execute"),
    ]
    before = {name: getattr(part, name) for part, name in parts}
    for part, name in parts:
        if name != "execute":
            setattr(part, name, count(before[name]))
    execute = before["execute"]
    changing = count(execute)
    rebuilding.platform.ksqldb.execute = lambda text, **options: (
        changing if text.startswith(("TERMINATE", "DROP", "CREATE")) else execute
    )(text, **options)

    with pytest.raises(Killed):
        rebuilding.apply(deployed.declared())
    for part, name in parts:
        setattr(part, name, before[name])
    rebuilding.apply(deployed.declared())

    assert rebuilding.kafka.committed[GROUP]["ALERTS"] == {0: 20}
    assert rebuilding.kafka.records["ALERTS"] == 20
    assert rebuilding.services.components["alerts"].state == "running"
    assert "R.STARS < 2" in rebuilding.ksqldb.sources["ALERTS"].text
    assert rebuilding.plan(deployed.declared()).changes == ()
    assert Ownership(rebuilding.owned, "bifrost").read().rebuild is None


def test_an_interrupted_replacement_of_what_no_file_declares_any_more_is_ended(deployed, rebuilding):
    deployed.write("ksql/ratings.sql", CHANGED)
    rebuilding.kafka.members.add(GROUP)
    with pytest.raises(Refused):
        rebuilding.apply(deployed.declared())
    deployed.write("ksql/ratings.sql", RATINGS.split(";")[0] + ";")
    (deployed.root / "alerts/bad_rating.toml").unlink()

    rebuilding.apply(deployed.declared())

    assert Ownership(rebuilding.owned, "bifrost").read().rebuild is None
    assert rebuilding.services.components["alerts"].state == "running"
    assert rebuilding.plan(deployed.declared()).changes == ()


def test_the_choice_of_an_interrupted_run_is_kept(deployed, fakes):
    deployed.write("ksql/ratings.sql", CHANGED)
    fault = Fault("POST", "/ksql", 400, {"message": "no"}, times=9)
    execute = fakes.platform.ksqldb.execute

    def fail_to_create(text, **options):
        if text.startswith("CREATE"):
            fakes.servers["ksqldb"].faults.append(fault)
        try:
            return execute(text, **options)
        finally:
            fakes.servers["ksqldb"].faults.clear()

    fakes.platform.ksqldb.execute = fail_to_create
    with pytest.raises(BifrostError):
        fakes.apply(deployed.declared(), choices=ReplaceChoices(read_from="latest"))
    fakes.platform.ksqldb.execute = execute

    plan, _ = fakes.apply(deployed.declared())

    assert plan.changes[0].reason == "continues an interrupted replacement"
    assert plan.changes[0].loss == ()
    assert plan.changes[0].operations[0].statement.properties == {"auto.offset.reset": "latest"}


def test_records_of_rebuilds_survive_and_unreadable_ones_are_none():
    statement = RebuiltStatement("A", "a", "earliest", "CSAS_A_1", ("in",), True, True, ("g",), ("c",), {"in": {0: 7}})
    rebuild = Rebuild((statement,), ("alerts",))

    assert rebuild_from_json(rebuild.as_json()) == rebuild
    assert [rebuild_from_json(text) for text in ("", "{}", "[]", '{"statements": 1, "services": []}')] == [None] * 4


def test_an_interrupted_rebuild_keeps_the_farthest_positions():
    first = Rebuild((RebuiltStatement("A", "a", "earliest", until={"in": {0: 9, 1: 2}}),), ("alerts",))
    second = Rebuild((RebuiltStatement("A", "a", "earliest"), RebuiltStatement("B", "b", "latest"))).after(first)

    (found, _) = second.with_positions({"A": {"in": {0: 3, 1: 4}}}).statements

    assert found.until == {"in": {0: 9, 1: 4}}
    assert second.services == ("alerts",)


def test_a_refused_statement_of_another_pipeline_is_an_error(deployed, fakes):
    (alerts,) = (each for each in deployed.declared().statements if each.name == "ALERTS")
    fakes.ksqldb.sources.pop("ALERTS")
    fakes.ksqldb.subjects_needed = lambda tree: "x"

    with pytest.raises(Refused, match=r"ratings.sql:\d+: ALERTS"):
        StatementRuns(fakes.platform, Declarations(), fakes.clock).run([alerts])


def test_markers_behind_the_last_record_are_not_waited_for(deployed, fakes):
    deployed.write("ksql/ratings.sql", CHANGED)
    fakes.kafka.markers["ratings"] = 1
    start = fakes.ksqldb._start

    def start_and_read(query_id, text, sink):
        start(query_id, text, sink)
        fakes.kafka.committed[f"_confluent-ksql-default_query_{query_id}"] = {"ratings": {0: 9}}

    fakes.ksqldb._start = start_and_read
    began = fakes.clock.monotonic()

    fakes.apply(deployed.declared())

    assert fakes.clock.monotonic() - began < 30
    assert fakes.services.components["alerts"].state == "running"


def test_a_new_query_that_fails_or_stalls_is_an_error_and_readers_stay_stopped(deployed, fakes):
    deployed.write("ksql/ratings.sql", CHANGED)
    start = fakes.ksqldb._start

    def start_failed(query_id, text, sink):
        start(query_id, text, sink)
        fakes.kafka.committed[f"_confluent-ksql-default_query_{query_id}"] = {}
        fakes.ksqldb.queries[query_id] |= {"state": state, "errors": [{"errorMessage": "X: no such topic"}]}

    fakes.ksqldb._start = start_failed
    state = "ERROR"
    with pytest.raises(NotReady, match="is ERROR: X: no such topic"):
        fakes.apply(deployed.declared())
    state = "RUNNING"
    fakes.ksqldb.queries[next(query for query in fakes.ksqldb.queries if "ALERTS" in query)]["state"] = state
    with pytest.raises(NotReady, match="has still to read 10 records that were read before; run `up` again"):
        fakes.apply(deployed.declared())
    assert fakes.services.components["alerts"].state == "stopped"
    read_everything(fakes)

    fakes.apply(deployed.declared())

    assert fakes.services.components["alerts"].state == "running"
    assert fakes.plan(deployed.declared()).changes == ()
