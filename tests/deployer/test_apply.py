"""Which changes are carried out at the same time, and what a failure among them leaves."""

from __future__ import annotations

import threading

import pytest

from bifrost.deployer.apply.stages import StageMode, stages
from bifrost.deployer.apply.statement_runs import STATEMENTS_PER_REQUEST
from bifrost.deployer.plan.actions import Action, ActionKind, CopyIndex, PutTemplate, ResourceKind
from bifrost.errors import BifrostError, Refused
from tests.deployer.conftest import CONNECTOR, RATINGS, TOPICS
from tests.fakes.http_server import Fault


def test_what_does_not_need_each_other_is_one_stage(project, fakes):
    found = list(stages(fakes.plan(project.declared()).changes))

    assert [(stage.mode, [action.name for action in stage.actions]) for stage in found] == [
        (StageMode.TOGETHER, ["ratings", "asgard.demo.CUSTOMERS", "ratings-value"]),
        (StageMode.TOGETHER, ["mysql-demo-customers"]),
        (StageMode.STATEMENTS, ["CUSTOMERS_SRC", "CUSTOMERS_SRC_REKEY", "CUSTOMERS", "RATINGS", "ALERTS"]),
        (StageMode.TOGETHER, ["ratings_bot"]),
    ]


def test_a_request_holds_a_limited_number_of_statements(project, fakes):
    streams = (f"CREATE STREAM S{n} (A INT) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON');" for n in range(40))
    project.write("ksql/many.sql", "\n".join(streams))

    fakes.up(project.declared())

    sizes = [str(request.body["ksql"]).count("CREATE") for request in fakes.servers["ksqldb"].requests if request.body]
    assert max(sizes) == STATEMENTS_PER_REQUEST
    assert sum(sizes) == 45


def test_a_statement_that_waits_for_its_schema_holds_up_only_those_that_need_it(project, fakes):
    written, fakes.connect.on_put = fakes.connect.on_put, None
    project.write("ksql/ratings.sql", RATINGS + "CREATE STREAM COUNTED WITH (PARTITIONS=1) AS SELECT * FROM RATINGS;")
    create = fakes.ksqldb._create

    def create_and_register(tree, text):
        if tree.name == "COUNTED":
            written("mysql-demo-customers")
        return create(tree, text)

    fakes.ksqldb._create = create_and_register

    fakes.up(project.declared())

    order = [name for text in fakes.ksqldb.statements if text.startswith("CREATE") for name in [text.split()[2]]]
    assert order == ["RATINGS", "COUNTED", "CUSTOMERS_SRC", "CUSTOMERS_SRC_REKEY", "CUSTOMERS", "ALERTS"]


def test_what_is_deleted_waits_for_the_changes_before_it(project, fakes):
    fakes.up(project.declared())
    for name in ("former", "older"):
        fakes.connect.configs[name] = {"connector.class": "x", "bifrost.pipeline": "old"}
        fakes.connect.states[name] = "RUNNING"
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "poll.interval.ms": "7"})

    found = list(stages(fakes.plan(project.declared(), prune=True).changes))

    assert [(stage.mode, len(stage.actions)) for stage in found] == [(StageMode.TOGETHER, 1), (StageMode.ALONE, 2)]


def test_the_statements_of_a_file_are_one_request(project, fakes):
    fakes.up(project.declared())

    requests = [request for request in fakes.servers["ksqldb"].requests if "CREATE" in str(request.body)]
    properties = [request.body["streamsProperties"] for request in requests]
    assert [request.body["ksql"].count("CREATE") for request in requests] == [3, 2]
    assert properties == [{"auto.offset.reset": "earliest"}, {}]


def test_a_request_whose_answer_is_lost_runs_no_statement_twice(project, fakes):
    insert = "INSERT INTO ALERTS SELECT USER_ID, STARS, 'x' AS EMAIL FROM RATINGS;"
    project.write("ksql/ratings.sql", RATINGS + insert)
    written = fakes.connect.on_put

    def arm(name):
        written(name)
        fakes.servers["ksqldb"].faults.append(Fault("POST", "/ksql", hang_up=True, carried_out=True))

    fakes.connect.on_put = arm
    fakes.up(project.declared())

    assert len(fakes.ksqldb.queries) == 3
    creates = [text for text in fakes.ksqldb.statements if text.startswith(("CREATE", "INSERT"))]
    assert len(creates) == len(set(creates))


def test_the_error_of_a_statement_in_a_request_names_its_line_and_keeps_those_before(project, fakes):
    fakes.ksqldb.subjects_needed = lambda tree: "ratings" if tree.name == "ALERTS" else None

    with pytest.raises(Refused, match=r"ratings.sql:2: ALERTS: 400 Schema for message values on topic ratings"):
        fakes.up(project.declared())

    assert set(fakes.ksqldb.sources) == {"CUSTOMERS_SRC", "CUSTOMERS_SRC_REKEY", "CUSTOMERS", "RATINGS"}


def test_topics_are_created_at_the_same_time(project, fakes):
    together = threading.Barrier(2, timeout=10)
    create = fakes.kafka.create

    def wait_for_the_other(topic):
        together.wait()
        return create(topic)

    fakes.kafka.create = wait_for_the_other
    project.write("topics/schemas/ratings-value.avsc", {"type": "record", "name": "ratings", "fields": []})

    fakes.up(project.declared())

    assert {"ratings", "asgard.demo.CUSTOMERS"} <= fakes.kafka.there.keys()


def test_a_failure_among_changes_is_reported_and_the_next_run_continues(project, fakes):
    project.write("topics/ratings.json", {**TOPICS, **{f"t{n}": TOPICS["ratings"] for n in range(20)}})
    create = fakes.kafka.create

    def refuse_one(topic):
        if topic.name == "t7":
            raise Refused("Kafka", f"topic {topic.name}", status=0, body="policy violation")
        return create(topic)

    fakes.kafka.create = refuse_one
    with pytest.raises(BifrostError, match="topic t7: policy violation"):
        fakes.up(project.declared())
    assert fakes.ksqldb.sources == {}

    fakes.kafka.create = create
    fakes.up(project.declared())
    assert len(fakes.kafka.there) >= 22


def test_copies_of_indices_run_one_after_the_other_since_they_stop_the_same_sinks():
    copies = [
        Action(
            ActionKind.UPDATE,
            ResourceKind.TEMPLATE,
            name,
            operations=(PutTemplate(name, {}), CopyIndex(name, f"{name}-2", name, {}, ("to-es",))),
        )
        for name in ("orders", "ratings")
    ]
    plain = Action(ActionKind.UPDATE, ResourceKind.TEMPLATE, "logons", operations=(PutTemplate("logons", {}),))

    found = list(stages([*copies, plain]))

    assert [(stage.mode, [action.name for action in stage.actions]) for stage in found] == [
        (StageMode.ALONE, ["orders", "ratings"]),
        (StageMode.TOGETHER, ["logons"]),
    ]
