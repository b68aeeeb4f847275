"""Connectors in whole plans: what a change announces, and what is then carried out."""

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.deploy import ProjectDeclarations, plan_deployment
from bifrost.deployer.plan.actions import ActionKind
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.targets import OWNER_KEY, TABLES
from bifrost.errors import BifrostError, NotReady
from tests.deployer.conftest import CONNECTOR
from tests.fakes.http_server import Fault

FILE = "connectors/ratings/mysql-demo-customers.json"
SINK = {"connector.class": "org.example.Sink", "topics": "ALERTS", "errors.deadletterqueue.topic.name": "old.dlq"}
OFFSETS = [{"partition": {"kafka_topic": "ALERTS", "kafka_partition": 0}, "offset": {"kafka_offset": 7}}]


def connector(plan, name):
    return next(action for action in plan.actions if action.name == name)


def writes_to(fakes, name):
    return [write for write in fakes.servers["connect"].writes() if name in write]


def test_a_table_that_the_history_does_not_know_makes_the_connector_start_again(project, fakes):
    fakes.up(project.declared())
    fakes.kafka.records["asgard.demo.CUSTOMERS"] = 12
    fakes.connect.offsets["mysql-demo-customers"] = OFFSETS
    project.write(FILE, {**CONNECTOR, "table.include.list": "demo.CUSTOMERS,demo.ORDERS"})
    fakes.forget_writes()

    plan, _ = fakes.up(project.declared())

    action = connector(plan, "mysql-demo-customers")
    assert action.kind is ActionKind.REPLACE
    assert [(loss.flag, "asgard.demo.CUSTOMERS (12 records)" in loss.what) for loss in action.loss] == [
        ("snapshot", True)
    ]
    assert fakes.connect.offsets == {}
    assert fakes.connect.states["mysql-demo-customers"] == "RUNNING"
    assert fakes.connect.configs["mysql-demo-customers"]["table.include.list"] == "demo.CUSTOMERS,demo.ORDERS"
    assert not fakes.plan(project.declared()).changes


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/connectors/mysql-demo-customers/stop"),
        ("DELETE", "/connectors/mysql-demo-customers/offsets"),
        ("PUT", "/connectors/mysql-demo-customers/config"),
        ("PUT", "/connectors/mysql-demo-customers/resume"),
    ],
)
def test_an_interrupted_start_without_offsets_is_finished_by_the_next_run(project, fakes, method, path, carried_out):
    fakes.up(project.declared())
    fakes.connect.offsets["mysql-demo-customers"] = OFFSETS
    project.write(FILE, {**CONNECTOR, "table.include.list": "demo.CUSTOMERS,demo.ORDERS"})
    refusal = {"message": "interrupted"}
    fakes.servers["connect"].faults.append(Fault(method, f"{path}$", 400, refusal, carried_out=carried_out))
    with pytest.raises(BifrostError):
        fakes.apply(project.declared())

    fakes.apply(project.declared())

    assert fakes.connect.offsets == {}
    assert fakes.connect.states["mysql-demo-customers"] == "RUNNING"
    assert fakes.connect.configs["mysql-demo-customers"]["table.include.list"] == "demo.CUSTOMERS,demo.ORDERS"
    assert not fakes.plan(project.declared()).changes


def test_a_bare_500_of_the_worker_is_no_failure_where_the_configuration_was_stored(project, fakes):
    fakes.up(project.declared())
    project.write(FILE, {**CONNECTOR, "table.include.list": "demo.CUSTOMERS,demo.ORDERS"})
    refusal = {"message": "NullPointerException"}
    fakes.servers["connect"].faults.append(Fault("PUT", "/connectors/.*/config$", 500, refusal, carried_out=True))

    fakes.apply(project.declared())

    assert not fakes.plan(project.declared()).changes


@pytest.mark.parametrize("changed", [{"poll.interval.ms": "5"}, {"table.include.list": "demo.CUSTOMERS,demo.ORDERS"}])
def test_connect_checks_every_connector_that_is_written(project, fakes, changed):
    fakes.up(project.declared())
    project.write(FILE, {**CONNECTOR, **changed})
    fakes.connect.errors["database.hostname"] = "Unable to connect"
    declared = load(project.root)

    _, problems = plan_deployment(
        fakes.platform,
        ProjectDeclarations(declared, declared),
        TABLES["embedded"],
        fakes.clock,
        options=PlanOptions(),
        on_wait=print,
    )

    assert [problem.text for problem in problems if problem.is_error] == ["database.hostname: Unable to connect"]


def test_a_note_is_part_of_the_reason_and_needs_no_consent(project, fakes):
    config = {**CONNECTOR, "schema.history.internal.store.only.captured.tables.ddl": "false"}
    project.write(FILE, config)
    fakes.up(project.declared())
    project.write(FILE, {**config, "table.include.list": "demo.CUSTOMERS,demo.ORDERS"})

    action = connector(fakes.plan(project.declared()), "mysql-demo-customers")

    assert (action.kind, action.loss) == (ActionKind.UPDATE, ())
    assert "; the rows that demo.ORDERS holds now are not read, only changes from now on" in action.reason


def test_a_new_password_is_no_loss_even_where_the_address_matters(project, fakes):
    project.write("connectors/ratings/j.json", {**SINK, "connection.url": "jdbc:x://db?password=new"})
    fakes.connect.plugins = (*fakes.connect.plugins, "org.example.Sink")
    fakes.apply(project.declared())
    fakes.connect.configs["j"]["connection.url"] = "jdbc:x://db?password=old"

    action = connector(fakes.plan(project.declared()), "j")

    assert action.loss == () and "new address" not in action.reason


def renamed(project, fakes):
    project.write("connectors/ratings/old.json", SINK)
    fakes.apply(project.declared())
    fakes.connect.offsets["old"] = OFFSETS
    fakes.kafka.records["ALERTS"] = 7
    (project.root / "connectors/ratings/old.json").unlink()
    project.write("connectors/ratings/new.json", {**SINK, "errors.deadletterqueue.topic.name": "new.dlq"})
    fakes.forget_writes()


def test_a_renamed_sink_would_write_everything_twice(project, fakes):
    renamed(project, fakes)

    (loss,) = connector(fakes.plan(project.declared()), "new").loss

    assert loss.flag == "offsets"
    assert loss.what == (
        "reads ALERTS (7 records) from the first record and writes a second time what old has written; "
        "with --prune it takes over the offsets of old instead"
    )


def test_a_renamed_connector_takes_over_the_offsets_of_the_one_that_is_pruned(project, fakes):
    renamed(project, fakes)

    plan, _ = fakes.apply(project.declared(), prune=True)

    assert connector(plan, "new").reason == "is old under a new name: continues from its offsets"
    assert connector(plan, "new").loss == ()
    assert fakes.connect.offsets == {"new": OFFSETS}
    assert "old" not in fakes.connect.configs and fakes.connect.states["new"] == "RUNNING"
    assert not fakes.plan(project.declared()).changes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/connectors/old/stop"),
        ("POST", "/connectors"),
        ("PATCH", "/connectors/new/offsets"),
        ("DELETE", "/connectors/old"),
        ("PUT", "/connectors/new/resume"),
    ],
)
@pytest.mark.parametrize("carried_out", [True, False])
def test_an_interrupted_takeover_is_finished_by_the_next_run(project, fakes, method, path, carried_out):
    renamed(project, fakes)
    refusal = {"message": "interrupted"}
    fakes.servers["connect"].faults.append(Fault(method, f"{path}$", 400, refusal, carried_out=carried_out))
    with pytest.raises(BifrostError):
        fakes.apply(project.declared(), prune=True)

    fakes.apply(project.declared(), prune=True)

    assert fakes.connect.offsets == {"new": OFFSETS}
    assert "old" not in fakes.connect.configs and fakes.connect.states["new"] == "RUNNING"
    assert not fakes.plan(project.declared()).changes


def test_a_connector_of_others_is_never_taken_over(project, fakes):
    renamed(project, fakes)
    del fakes.connect.configs["old"][OWNER_KEY]

    fakes.apply(project.declared(), prune=True)

    assert fakes.connect.offsets == {"old": OFFSETS}


@pytest.mark.parametrize("version", ["3.6.1", "7.6.0-ccs", "unknown"])
def test_old_workers_are_named_before_anything_is_changed(project, fakes, version):
    renamed(project, fakes)
    fakes.connect.version = version

    with pytest.raises(NotReady, match=r"Kafka 3\.7 and newer can"):
        fakes.apply(project.declared(), prune=True)

    assert writes_to(fakes, "old") == []


@pytest.mark.parametrize("version", ["3.7.0", "4.3.1", "7.7.0-ccs", "8.3.1-ce"])
def test_workers_that_can_change_offsets(project, fakes, version):
    renamed(project, fakes)
    fakes.connect.version = version

    fakes.apply(project.declared(), prune=True)

    assert fakes.connect.offsets == {"new": OFFSETS}
