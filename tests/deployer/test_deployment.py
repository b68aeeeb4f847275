"""Whole deployments against fakes: what is written, what converges, what fails with which words."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.plan.actions import ActionKind, ResourceKind
from bifrost.deployer.plan.plan_text import plan_lines
from bifrost.errors import DeclarationError, NotReady, PlanRefused, Refused
from tests.deployer.conftest import CUSTOMERS, RATINGS, TOPICS
from tests.examples import examples
from tests.fakes.http_server import Fault


def changes(plan) -> list[str]:
    return [f"{action.kind} {action.resource} {action.name}" for action in plan.changes]


def test_the_first_run_creates_everything_in_order(project, fakes):
    plan, writes = fakes.up(project.declared())

    assert changes(plan) == [
        "create topic ratings",
        "create topic asgard.demo.CUSTOMERS",
        "create subject ratings-value",
        "create connector mysql-demo-customers",
        "create statement CUSTOMERS_SRC",
        "create statement CUSTOMERS_SRC_REKEY",
        "create statement CUSTOMERS",
        "create statement RATINGS",
        "create statement ALERTS",
        "create service ratings_bot",
    ]
    assert writes == len(fakes.writes()) == 10


def test_the_second_run_writes_nothing(project, fakes):
    fakes.up(project.declared())
    fakes.forget_writes()

    plan, writes = fakes.up(project.declared())

    assert changes(plan) == []
    assert (writes, fakes.writes()) == (0, [])


def deployed(project, fakes):
    fakes.up(project.declared())
    fakes.forget_writes()


def test_a_single_manual_change_is_the_only_planned_change(project, fakes):
    deployed(project, fakes)
    fakes.kafka.alter_config("ratings", {"retention.ms": "1000"})
    plan = fakes.plan(project.declared())
    assert changes(plan) == ["update topic ratings"]
    assert plan.changes[0].reason == "retention.ms: 1000 -> 604800000"
    fakes.up(project.declared())

    fakes.connect.configs["mysql-demo-customers"]["tasks.max"] = "7"
    plan = fakes.plan(project.declared())
    assert changes(plan) == ["update connector mysql-demo-customers"]
    assert plan.changes[0].reason == "tasks.max: '7' -> '1'"
    fakes.up(project.declared())

    query = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[query]["state"] = "PAUSED"
    plan = fakes.plan(project.declared())
    assert changes(plan) == [f"update query {query}"]
    fakes.up(project.declared())

    assert changes(fakes.plan(project.declared())) == []


def test_a_manually_altered_sink_topic_is_restored(project, fakes):
    deployed(project, fakes)
    fakes.kafka.alter_config("ALERTS", {"retention.ms": "1000"})

    plan = fakes.plan(project.declared())

    assert changes(plan) == ["update topic ALERTS"]
    fakes.up(project.declared())
    assert changes(fakes.plan(project.declared())) == []


def test_a_paused_connector_is_resumed_and_a_failed_one_restarted(project, fakes):
    deployed(project, fakes)
    fakes.connect.states["mysql-demo-customers"] = "PAUSED"
    assert fakes.plan(project.declared()).changes[0].reason == "is PAUSED by a command; it is resumed"
    fakes.up(project.declared())

    fakes.connect.traces["mysql-demo-customers"] = (
        "java.lang.A: a\n\tat x\nCaused by: java.lang.B: disk is full\n\tat y"
    )
    plan, _ = fakes.up(project.declared())
    assert plan.changes[0].reason == "task 0 is FAILED: java.lang.B: disk is full"
    assert changes(fakes.plan(project.declared())) == []


def test_a_task_that_keeps_failing_is_an_error_with_cause_and_log(project, fakes):
    def fail(name):
        fakes.connect.traces[name] = "A: a\nCaused by: SQLException: Access denied; password=hunter22"

    fakes.connect.on_put = fail

    with pytest.raises(NotReady) as caught:
        fakes.up(project.declared())

    text = str(caught.value)
    assert "connector mysql-demo-customers: task 0 is FAILED: SQLException: Access denied" in text
    assert "logs/connect.log" in text
    assert "hunter22" not in text


def test_a_service_that_fails_is_an_error(project, fakes):
    deployed(project, fakes)
    fakes.services.restart = lambda name, wait_s=0: fakes.services.add(name, "failed", "invalid_auth")
    fakes.services.add("ratings_bot", "failed", "invalid_auth")

    with pytest.raises(NotReady, match=r"service ratings_bot: is failed: invalid_auth \(log: logs/ratings_bot.log"):
        fakes.up(project.declared())


def test_a_query_in_error_is_reported_with_its_cause(project, fakes):
    deployed(project, fakes)
    query = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[query] |= {"state": "ERROR", "errors": [{"errorMessage": "X: a\nCaused by: Y: no such topic"}]}

    with pytest.raises(NotReady, match=f"query {query}: is ERROR: Y: no such topic .log: logs/ksqldb.log"):
        fakes.up(project.declared())


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PUT", r"/connectors/.*/config", 409, {"message": "rebalance in progress"}, times=3),
        Fault(
            "PUT", r"/connectors/.*/config", 500, {"message": "Cannot complete request because of a rebalance"}, times=2
        ),
        Fault("PUT", r"/connectors/.*/config", 503, {"message": "starting"}),
        Fault("PUT", r"/connectors/.*/config", hang_up=True, carried_out=True),
        Fault("PUT", r"/connectors/.*/config", 500, {"message": "NullPointerException: ConfigValueInfo.errors()"}),
        Fault("PUT", r"/connectors/.*/config", 500, {"message": "NullPointerException"}, carried_out=True),
        Fault("GET", r"/connectors$", 503, {"message": "starting"}, times=4),
    ],
    ids=["409", "500 rebalance", "503", "answer lost", "500", "500 but carried out", "listing 503"],
)
def test_transient_failures_of_connect_are_retried(project, fakes, fault):
    fakes.servers["connect"].faults.append(fault)

    fakes.up(project.declared())

    assert fakes.connect.configs["mysql-demo-customers"]["name"] == "mysql-demo-customers"
    assert not [
        action for action in fakes.plan(project.declared()).changes if action.resource is ResourceKind.CONNECTOR
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/ksql", hang_up=True, carried_out=True),
        Fault("POST", "/ksql", hang_up=True),
        Fault("POST", "/ksql", 503, {"message": "Server is shutting down"}, times=2),
        Fault("POST", "/ksql", 500, {"message": "Could not write the statement into the command topic."}),
        Fault(
            "POST", "/ksql", 500, {"message": "Could not write the statement into the command topic."}, carried_out=True
        ),
    ],
    ids=["answer lost", "never arrived", "503", "command topic", "command topic but carried out"],
)
def test_transient_failures_of_ksqldb_are_retried(project, fakes, fault):
    declared = project.declared()
    written = fakes.connect.on_put

    def arm(name):
        """The connector is the last thing before the first statement."""
        written(name)
        fakes.servers["ksqldb"].faults.append(fault)

    fakes.connect.on_put = arm

    fakes.up(declared)

    assert set(fakes.ksqldb.sources) == {"CUSTOMERS_SRC", "CUSTOMERS_SRC_REKEY", "CUSTOMERS", "RATINGS", "ALERTS"}
    assert len(fakes.ksqldb.queries) == 2


def test_a_500_that_stays_names_the_workers_log(project, fakes):
    fakes.servers["connect"].faults.append(
        Fault("PUT", r"/connectors/.*/config", 500, {"message": "NullPointerException"}, times=9)
    )

    with pytest.raises(Refused, match=r"NullPointerException \(the cause is in logs/connect.log\)"):
        fakes.up(project.declared())


def test_a_refused_statement_is_reported_with_its_file_and_line(project, fakes):
    fakes.ksqldb.subjects_needed = lambda tree: "ratings" if tree.name == "RATINGS" else None

    with pytest.raises(Refused, match=r"ratings.sql:1: RATINGS: 400 Schema for message values on topic ratings"):
        fakes.up(project.declared())


def test_a_schema_that_never_comes(project, fakes):
    fakes.connect.on_put = None

    with pytest.raises(
        NotReady, match="CUSTOMERS_SRC needs it; connector mysql-demo-customers has written nothing yet"
    ):
        fakes.up(project.declared())


def test_an_interrupted_run_is_finished_by_the_next(project, fakes):
    fakes.ksqldb.subjects_needed = lambda tree: "x" if tree.name == "CUSTOMERS" else None
    with pytest.raises(Refused):
        fakes.up(project.declared())
    fakes.ksqldb.subjects_needed = None

    plan, _ = fakes.up(project.declared())

    assert [action.name for action in plan.changes if action.resource is ResourceKind.STATEMENT] == [
        "CUSTOMERS",
        "RATINGS",
        "ALERTS",
    ]


def test_a_change_that_ksqldb_would_refuse_is_left_to_a_person(project, fakes):
    deployed(project, fakes)
    project.write("ksql/customers.sql", CUSTOMERS.replace("ID, EMAIL FROM", "ID, EMAIL, NOPE FROM"))

    with pytest.raises(PlanRefused) as caught:
        fakes.up(project.declared())

    assert "statement CUSTOMERS_SRC_REKEY: SELECT differs; ksqlDB would refuse the new statement" in str(caught.value)
    assert "NOPE" in str(caught.value)
    assert fakes.writes() == []


def test_a_terminated_query_is_replaced_as_announced(project, fakes):
    deployed(project, fakes)
    fakes.ksqldb.queries.pop(next(query for query in fakes.ksqldb.queries if "ALERTS" in query))

    plan, _ = fakes.up(project.declared())

    assert changes(plan) == ["replace statement ALERTS"]
    assert plan.changes[0].reason == "its query was terminated; a new one computes everything again"
    assert plan.changes[0].loss
    assert changes(fakes.plan(project.declared())) == []


def test_a_declared_stream_without_readers_is_replaced(project, fakes):
    project.write("ksql/ratings.sql", "CREATE STREAM LONE (A INT) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON');")
    deployed(project, fakes)
    project.write(
        "ksql/ratings.sql", "CREATE STREAM LONE (A BIGINT) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON');"
    )

    plan, _ = fakes.up(project.declared())

    assert changes(plan) == ["replace statement LONE"]
    assert plan.changes[0].reason.startswith("columns: A INTEGER -> A BIGINT; in place, ksqlDB adds columns at the end")
    assert plan.changes[0].loss == ()
    assert changes(fakes.plan(project.declared())) == []


def test_undeclared_things_are_listed_and_removed_only_when_asked_and_ours(project, fakes):
    deployed(project, fakes)
    fakes.connect.configs["foreign"] = {"connector.class": "x"}
    fakes.connect.states["foreign"] = "RUNNING"
    fakes.connect.configs["former"] = {"connector.class": "x", "bifrost.pipeline": "old"}
    fakes.connect.states["former"] = "RUNNING"
    project.write("ksql/ratings.sql", RATINGS.split(";")[0] + ";")
    declared = project.declared()

    plan, _ = fakes.up(declared)
    assert [(item.name, item.owned) for item in plan.undeclared][:2] == [("foreign", False), ("former", True)]
    assert "ALERTS" in {item.name for item in plan.undeclared}

    plan, _ = fakes.up(declared, prune=True)
    assert {action.name for action in plan.changes if action.kind is ActionKind.DELETE} >= {"former", "ALERTS"}
    assert "foreign" in fakes.connect.configs and "former" not in fakes.connect.configs
    assert "ALERTS" not in fakes.ksqldb.sources


def test_topics_and_subjects_that_a_project_leaves_behind_are_listed_and_kept(project, fakes):
    project.write("topics/old.json", {"old": {"partitions": 1}, "used": {"partitions": 1}})
    project.write("topics/schemas/old-value.avsc", '"string"')
    fakes.kafka.there["foreign"] = TopicDescription("foreign", 1, 1)
    deployed(project, fakes)
    assert fakes.plan(project.declared()).undeclared == ()

    (project.root / "topics" / "old.json").unlink()
    (project.root / "topics" / "schemas" / "old-value.avsc").unlink()
    use = "CREATE STREAM USE (A INT) WITH (KAFKA_TOPIC='used', VALUE_FORMAT='JSON');"
    project.write("ksql/ratings.sql", f"{RATINGS.split(';')[0]};{use}")
    fakes.up(project.declared(), prune=True)

    plan = fakes.plan(project.declared())
    assert [(item.resource, item.name) for item in plan.undeclared] == [
        ("topic", "ALERTS"),
        ("topic", "old"),
        ("subject", "old-value"),
    ]
    assert "  ? topic      old is not declared (kept; topics are never removed)" in list(plan_lines(plan))
    assert {"old", "foreign"} <= fakes.kafka.there.keys()

    # A person deletes them.
    for name in ("old", "ALERTS"):
        fakes.kafka.there.pop(name, None)
        fakes.registry.versions.pop(f"{name}-value", None)
    assert fakes.plan(project.declared()).undeclared == ()


def test_a_plan_needs_no_right_to_read_the_record_where_all_is_declared(project, fakes):
    deployed(project, fakes)

    def refuse() -> None:
        raise Refused("Kafka", "read topic bifrost-deployments", status=29, body="Topic authorization failed")

    fakes.owned.read = refuse

    assert changes(fakes.plan(project.declared())) == []


def test_the_order_of_ports_and_masked_values_do_not_count(project, fakes):
    deployed(project, fakes)
    fakes.connect.configs["mysql-demo-customers"]["database.password"] = "********"

    assert changes(fakes.plan(project.declared())) == []


def test_a_live_schema_that_differs_from_its_snapshot_is_reported(project, fakes):
    deployed(project, fakes)
    live = {"type": "record", "name": "Value", "fields": [{"name": "phone", "type": "string"}]}
    fakes.registry.versions["asgard.demo.CUSTOMERS-value"].append(json.dumps(live))

    plan = fakes.plan(project.declared())

    noted = next(action for action in plan.actions if action.needs_attention)
    assert "field email is not live; field phone is live only" in noted.reason
    assert plan.changes == ()


def test_nothing_running_is_all_to_create(project, fakes):
    fakes.services.running = False

    plan = fakes.plan(project.declared())

    assert not plan.is_running
    assert {action.kind for action in plan.changes} == {ActionKind.CREATE}


TWEAKS = {
    "topic gone": lambda fakes: fakes.kafka.there.pop("ratings", None),
    "topic altered": lambda fakes: (
        "ratings" in fakes.kafka.there and fakes.kafka.alter_config("ratings", {"retention.ms": "5"})
    ),
    "subject gone": lambda fakes: fakes.registry.versions.pop("ratings-value", None),
    "connector gone": lambda fakes: fakes.connect.forget("mysql-demo-customers"),
    "connector altered": lambda fakes: [config.update({"tasks.max": "7"}) for config in fakes.connect.configs.values()],
    "connector paused": lambda fakes: fakes.connect.states.update(dict.fromkeys(fakes.connect.configs, "PAUSED")),
    "task failed": lambda fakes: fakes.connect.traces.update(dict.fromkeys(fakes.connect.configs, "X: y")),
    "queries paused": lambda fakes: [query.update(state="PAUSED") for query in fakes.ksqldb.queries.values()],
    "all statements gone": lambda fakes: (fakes.ksqldb.sources.clear(), fakes.ksqldb.queries.clear()),
    "service stopped": lambda fakes: fakes.services.add("ratings_bot"),
    "service failed": lambda fakes: fakes.services.add("ratings_bot", "failed", "x"),
}


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(TWEAKS)), max_size=4))
def test_after_any_run_nothing_is_left_to_do(project, fakes, tweaks):
    declared = project.declared()
    fakes.up(declared)
    for tweak in tweaks:
        TWEAKS[tweak](fakes)

    fakes.up(declared)

    fakes.forget_writes()
    plan, writes = fakes.up(declared)
    assert all(action.kind is ActionKind.KEEP for action in plan.actions), changes(plan)
    assert (writes, fakes.writes()) == (0, [])


class TestFirstRows:
    """INSERT INTO ... VALUES in a file: what a table begins with."""

    LIST = """CREATE TABLE WATCHED (SSID STRING PRIMARY KEY, REASON STRING)
      WITH (KAFKA_TOPIC='watched', FORMAT='JSON', PARTITIONS=1);
    INSERT INTO WATCHED VALUES ('RNM0', 'home');
    INSERT INTO WATCHED VALUES ('RNM-GUEST', 'guests');
    """

    def test_they_are_written_once(self, project, fakes):
        project.write("ksql/wifi.sql", self.LIST)
        project.write("topics/wifi.json", {"watched": {"cleanup.policy": "compact", "key": "SSID"}})
        plan, _ = fakes.up(project.declared())
        assert "create statement INSERT INTO WATCHED VALUES (wifi 2)" in changes(plan)
        assert fakes.kafka.records == {"watched": 2}

        fakes.forget_writes()
        assert fakes.up(project.declared())[1] == 0
        assert fakes.writes() == []

    def test_a_table_that_was_used_before_is_left_as_its_users_want_it(self, project, fakes):
        project.write("ksql/wifi.sql", self.LIST)
        project.write("topics/wifi.json", {"watched": {"cleanup.policy": "compact", "key": "SSID"}})
        fakes.kafka.create(TopicDescription("watched", 1, 1, {"cleanup.policy": "compact"}))
        fakes.kafka.records["watched"] = 7
        plan, _ = fakes.up(project.declared())
        assert "create statement WATCHED" in changes(plan)
        assert not any("INSERT" in change for change in changes(plan))

    def test_rows_of_streams_are_no_declaration(self, project):
        project.write("ksql/wifi.sql", "INSERT INTO RATINGS (USER_ID) VALUES (1);")
        with pytest.raises(DeclarationError, match="only the rows of a declared table can be declared"):
            project.declared()


def test_topics_declared_wrongly_are_not_shrunk(project, fakes):
    deployed(project, fakes)
    fakes.kafka.there["ratings"] = TopicDescription(
        "ratings", 4, 1, {"cleanup.policy": "delete", "retention.ms": "604800000"}
    )

    with pytest.raises(PlanRefused, match="partitions: 4 -> 1"):
        fakes.up(project.declared())

    project.write("topics/ratings.json", {**TOPICS, "ratings": {**TOPICS["ratings"], "partitions": 6}})
    fakes.up(project.declared())
    assert fakes.kafka.there["ratings"].partitions == 6
