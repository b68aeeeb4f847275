"""What a person or a script sees: words, JSON and exit codes."""

import json
import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from bifrost import __version__
from bifrost.alerts import write_problems
from bifrost.cli import bringing_up
from bifrost.cli.commands.status import connector_lines, undelivered_alerts, unread_files
from bifrost.cli.endpoints import visible_endpoints
from bifrost.cli.environment import SELECTED
from bifrost.cli.main import COMMANDS, app
from bifrost.clients.csv_error_folder import RejectedFile, rejected_files
from bifrost.deployer.live import deployment_lock
from bifrost.deployer.live.deployment_lock import DeploymentLock
from bifrost.deployer.live.lock_claims import Deployer, claim_text
from bifrost.deployer.live.this_process import this_deployer
from bifrost.errors import Refused
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from tests.deployer.conftest import CONNECTOR, RATINGS
from tests.fakes.claim_log import FakeClaimLog
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Fault
from tests.live.targets import missing_from

UP = ("up", "--no-demo")


def test_help_names_every_command_and_the_exit_codes(run):
    found = run("--help")
    assert found.code == 0
    for name in ("up", "plan", "status", "down", "logs", "restart", "validate", "ksql", "test", "demo"):
        assert f" {name} " in found.out
    assert "3 `plan` or `diff` found something to do" in " ".join(found.out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_target(run, command):
    found = run(command, "--help")
    assert found.code == 0
    assert "--target" in found.out


def test_version_is_printed(run):
    found = run("--version")
    assert (found.code, found.out) == (0, f"bifrost {__version__}\n")


def test_plan_with_nothing_running(run, fakes):
    fakes.services.running = False

    found = run("plan")

    assert found.code == 3
    assert found.out.startswith(
        "Nothing is running. `up` would start it and create:\n  + topic      ratings: is missing\n"
    )


def test_up_then_nothing_to_do(run, fakes):
    first = run(*UP)
    assert first.code == 0
    assert "10/10 create service ratings_bot" in first.err
    assert "Everything runs: 10 created, 0 unchanged; 10 writes" in first.out

    fakes.forget_writes()
    second = run(*UP)
    assert second.code == 0
    assert "Everything runs: 12 unchanged; 0 writes" in second.out
    assert fakes.writes() == []
    assert run("plan").code == 0


@pytest.mark.parametrize(("variable", "started"), [("POSTGRES_HOST", ["postgres"]), ("MYSQL_HOST", [])])
def test_up_starts_a_database_that_a_connector_names(run, project, fakes, monkeypatch, variable, started):
    requested = []
    fakes.connect.variables[variable] = "127.0.0.1"

    def start_platform(settings, *, on_command, **_options):
        requested.extend(on_command)
        return settings

    monkeypatch.setattr(bringing_up.launch, "start_platform", start_platform)
    project.write(
        "connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "database.hostname": f"${{env:{variable}}}"}
    )
    found = run(*UP)
    assert found.code == 0, found.err
    assert requested == started


def test_stdout_holds_json_only(run):
    found = run(*UP, "--json")

    result = json.loads(found.out)
    assert (result["writes"], result["changes"], result["target"]) == (10, 10, "embedded")
    assert json.loads(run("plan", "--json").out)["changes"] == 0


def test_status_has_the_promised_keys(run, fakes):
    run(*UP)
    fakes.connect.traces["mysql-demo-customers"] = "A: a\nCaused by: B: disk is full"

    found = json.loads(run("status", "--json").out)

    parts = {"kafka", "connect", "schema_registry", "ksqldb", "mysql", "postgres", "console", "slack", "telegram"}
    parts |= {"search", "s3", "kibana", "mongodb", "rest_proxy"}
    assert set(found["endpoints"]) == parts
    (connector,) = found["connectors"]
    assert (connector["name"], connector["state"]) == ("mysql-demo-customers", "RUNNING")
    assert connector["tasks"] == [{"id": 0, "state": "FAILED", "error": "B: disk is full"}]
    assert {query["state"] for query in found["queries"]} == {"RUNNING"}
    assert [(service["name"], service["state"]) for service in found["services"]] == [("ratings_bot", "RUNNING")]
    assert "B: disk is full" in run("status").out


def test_status_has_a_line_for_every_connector_with_its_tasks():
    def connector(name, *tasks):
        return {"name": name, "state": "RUNNING", "tasks": [{"state": state} for state in tasks]}

    several = [connector("s3-sink-orders", "RUNNING"), connector("csv-source", "FAILED", "RUNNING"), connector("new")]

    assert connector_lines(several) == [
        "csv-source      |  RUNNING  |  FAILED   |  RUNNING",
        "new             |  RUNNING",
        "s3-sink-orders  |  RUNNING  |  RUNNING",
    ]
    assert connector_lines([]) == []


def test_status_names_connectors_that_this_target_cannot_have(run, project):
    config = {"connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector", "topics": "ratings"}
    project.write("connectors/ratings/gbq.json", {**config, "project": "p", "keyfile": "/key.json"})
    run(*UP)

    (unavailable,) = json.loads(run("status", "--json").out)["elsewhere"]

    assert unavailable["name"] == "gbq"
    assert "BigQuery" in unavailable["reason"]
    assert re.search(r"gbq +UNAVAILABLE", run("status").out)


def test_status_names_the_files_that_could_not_be_read(tmp_path):
    log = tmp_path / "error" / "orders_bad.csv.log"
    log.parent.mkdir()
    log.write_text("orders_bad.csv: line 2: column order_id: 'x' is not of type INT64\nRows delivered before it: 0\n")

    settings = Settings({"ORDERS_FOLDER": str(tmp_path)})

    cause = "orders_bad.csv: line 2: column order_id: 'x' is not of type INT64"
    assert unread_files(settings) == [f"{log.parent}: {cause}"]
    assert rejected_files(settings) == (RejectedFile("orders", log.parent, "orders_bad.csv", cause),)


def test_status_shows_the_rest_when_one_part_fails(run, fakes):
    run(*UP)
    fakes.servers["ksqldb"].faults.append(Fault("POST", "/ksql", 400, {"message": "broken"}, times=9))

    found = run("status", "--json")

    assert found.code == 0
    assert json.loads(found.out)["queries"] == []
    assert "broken" in json.loads(found.out)["problems"][0]


def test_a_failure_is_one_clear_error(run, fakes):
    fakes.connect.on_put = lambda name: fakes.connect.traces.update({name: "A: a\nCaused by: B: disk is full"})

    found = run(*UP)

    assert found.code == 1
    assert "error: Kafka Connect: connector mysql-demo-customers: task 0 is FAILED: B: disk is full" in found.err
    assert "logs/connect.log" in found.err
    assert "Traceback" not in found.err


def test_a_refused_change_prints_the_option_that_allows_it(run, project):
    run(*UP)
    project.write("ksql/ratings.sql", RATINGS.replace("R.STARS < 3", "R.STARS < 2"))

    found = run(*UP)

    assert found.code == 1
    assert (
        "statement ALERTS: its state so far is lost; it continues with new records of CUSTOMERS, RATINGS" in found.err
    )
    assert "--allow replace:ALERTS" in found.err
    assert run("plan").code == 3
    assert run(*UP, "--allow", "replace:ALERTS").code == 0
    assert run("plan").code == 0


def test_a_connector_that_connect_does_not_accept(run, project, fakes):
    fakes.connect.errors["database.hostname"] = "Unable to connect"

    for command in (UP, ("plan",)):
        found = run(*command)
        assert found.code == 1
        assert "database.hostname: Unable to connect" in found.err
    assert fakes.writes() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "nosuch"),
        ("up", "--ports", "some"),
        ("plan", "--target", "moon"),
        ("nosuch",),
        ("down", "--target", "remote"),
    ],
)
def test_wrong_usage_is_2(run, arguments):
    assert run(*arguments).code == 2


def test_validate(run, project):
    project.write("ksql/orders.sql", "SELEC 1;")

    found = run("validate")
    assert found.code == 1
    assert "ksql/orders.sql:1: line 1:1: Syntax Error" in found.out
    assert re.search(
        r"^(1 error|\d\d+ errors|[02-9] errors), (1 warning|\d\d+ warnings|[02-9] warnings)\.$", found.out, re.M
    )

    result = json.loads(run("validate", "--json").out)
    problem = next(problem for problem in result["problems"] if problem["file"] == "ksql/orders.sql")
    assert (problem["line"], problem["error"]) == (1, True)


PASSING = """--@test: it holds
CREATE STREAM S (ID INT KEY, N INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM BIG AS SELECT * FROM S WHERE N > 10;
INSERT INTO S (ID, N) VALUES (1, 15);
ASSERT VALUES BIG (ID, N) VALUES (1, 15);
"""


def test_test_files(run, project):
    project.write("ksql/tests/a.sql", PASSING)
    found = run("test")
    assert (found.code, "a.sql: it holds" in found.out, "1 passed, 0 failed" in found.out) == (0, True, True)

    path = project.write("b.sql", PASSING.replace("N > 10", "N > 20"))
    found = run("test", str(path))
    assert (found.code, "b.sql:5: it holds: " in found.out) == (1, True)
    (result,) = json.loads(run("test", str(path), "--json").out)["tests"]
    assert (result["test"], result["line"]) == ("it holds", 5)

    found = run("test", "nosuch.sql")
    assert (found.code, "nosuch.sql: cannot be read" in found.err) == (1, True)


def test_restart_a_connector_and_a_query(run, fakes):
    run(*UP)
    fakes.connect.traces["mysql-demo-customers"] = "A: a"
    assert run("restart", "mysql-demo-customers").code == 0
    assert fakes.connect.traces == {}

    found = run("restart", "ALERTS")
    assert (found.code, found.out) == (0, "Query CSAS_ALERTS_2 runs again.\n")
    assert {query["state"] for query in fakes.ksqldb.queries.values()} == {"RUNNING"}

    found = run("restart", "nosuch")
    assert found.code == 1
    assert "nothing that runs is named 'nosuch'; `status` lists the names" in found.err


def test_logs(run, project, fakes):
    project.write("home/logs/connect.log", "one\ntwo\nthree\n")
    run(*UP)

    assert run("logs", "connect", "-n", "2").out == "two\nthree\n"
    assert run("logs", "mysql-demo-customers", "-n", "1").out == "three\n"
    found = run("logs", "nosuch")
    assert found.code == 1
    assert "no log of that name; known are connect" in found.err


def test_status_names_the_alerts_that_are_not_delivered(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path)})
    assert undelivered_alerts(settings) == []

    write_problems(settings.alert_problems, {"till": "SLACK_API_TOKEN: is not set"})

    assert undelivered_alerts(settings) == ["alert till: SLACK_API_TOKEN: is not set"]


def test_up_of_compose_looks_for_an_engine(run):
    done = run("up", "--target", "compose")
    assert "no Docker engine answers" in done.err


def test_csv_schema_needs_a_file_and_pairs(run, tmp_path):
    sample = tmp_path / "sample.csv"
    sample.write_text("a,b\n1,2\n")

    assert run("csv-schema", str(tmp_path / "nosuch.csv")).code == 2
    assert run("csv-schema", str(sample), "a", "--set", "csv.separator.char").code == 2


SECRETS = {
    "MYSQL_URL": "mysql://u:hunter22@db/demo",
    "POSTGRES_URL": "postgresql://u:hunter22@db/demo",
    "MONGODB_CONNECTION_STRING": "mongodb://u:hunter22@h1:27017,h2:27017/?replicaSet=rs0",
    "ELASTICSEARCH_URL": "https://elastic:hunter22@search:9200",
}


def test_status_of_a_remote_target_shows_no_password():
    needed = {"KAFKA_BOOTSTRAP_SERVERS": "b:9092", "CONNECT_URL": "http://c", "SCHEMA_REGISTRY_URL": "http://r"}
    settings = Settings({"BIFROST_TARGET": "remote", **needed, "KSQLDB_URL": "http://u:hunter22@k:8088", **SECRETS})

    found = visible_endpoints(settings)

    assert "hunter22" not in str(found)
    assert found["mongodb"] == "mongodb://u:********@h1:27017,h2:27017/?replicaSet=rs0"


def test_status_of_the_embedded_target_shows_the_way_into_its_demo_databases_and_no_other_password():
    assert visible_endpoints(Settings())["mysql"].startswith("mysql://demo:demo@127.0.0.1:")
    assert "hunter22" not in str(visible_endpoints(Settings({"MYSQL_APP_PASSWORD": "hunter22"})))


def test_status_of_a_secured_platform_shows_no_password_of_a_role(tmp_path):
    values = {"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1"}
    folder = secure_folder(Settings(values))
    folder.prepare(datetime.now(UTC))

    found = visible_endpoints(Settings(values))

    assert found["mongodb"].startswith("mongodb://deployer:********@127.0.0.1:")
    assert folder.password("deployer") not in str(found)


def test_logs_show_no_secret(run, project):
    project.write("home/logs/connect.log", "connection.url = jdbc:mysql://db/x?user=u&password=hunter22\n")

    assert run("logs", "connect").out == "connection.url = jdbc:mysql://db/x?user=u&password=********\n"


def test_up_fails_when_something_failed_that_it_did_not_deploy_now(run, project, fakes):
    project.write("ksql/orders.sql", "CREATE STREAM O AS SELECT * FROM CUSTOMERS_SRC;")
    assert run(*UP).code == 0
    alerts = next(query for query in fakes.ksqldb.queries if "ALERTS" in query)
    fakes.ksqldb.queries[alerts] |= {"state": "ERROR", "errors": [{"errorMessage": "no such topic"}]}

    found = run(*UP, "orders")

    assert found.code == 1
    assert f"query {alerts}: is ERROR: no such topic" in found.err
    assert "Everything runs" not in found.out


def test_up_warns_of_what_others_have_failing(run, fakes):
    fakes.connect.configs["foreign"] = {"connector.class": "x"}
    fakes.connect.states["foreign"] = "RUNNING"
    fakes.connect.traces["foreign"] = "A: a\nCaused by: B: disk is full"

    found = run(*UP)

    assert found.code == 0
    assert "warning: Kafka Connect: connector foreign: task 0 is FAILED: B: disk is full" in found.err


def test_status_says_what_has_failed_and_what_is_paused(run, fakes):
    run(*UP)
    fakes.connect.traces["mysql-demo-customers"] = "A: a\nCaused by: B: disk is full"
    first, second = fakes.ksqldb.queries
    fakes.ksqldb.queries[first] |= {"state": "ERROR", "errors": [{"errorMessage": "no such topic"}]}
    fakes.ksqldb.queries[second]["statusCount"] = {"PAUSED": 1}

    found = json.loads(run("status", "--json").out)

    assert found["problems"] == [
        "connector mysql-demo-customers: task 0 is FAILED: B: disk is full",
        f"query {first} is ERROR: no such topic",
    ]
    assert {query["id"]: query["state"] for query in found["queries"]} == {first: "ERROR", second: "PAUSED"}


def test_an_answer_of_another_program_names_the_system_and_its_url(run, fakes):
    fakes.servers["ksqldb"].faults.append(Fault("GET", "/info", 200, {"product": "something else"}, times=99))

    found = run("plan")

    assert found.code == 1
    assert f"error: ksqlDB: info: unexpected answer; is {fakes.servers['ksqldb'].url} its URL?" in found.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("up", "--allow", "everything"), "is not one of replace, delete"),
        (("up", "--from", "yesterday"), "'yesterday' is not one of earliest, latest"),
        (("plan", "--keep-topic", "--delete-topic"), "exclude each other"),
    ],
)
def test_a_wrong_choice_is_wrong_usage(run, fakes, arguments, problem):
    found = run(*arguments)

    assert (found.code, fakes.writes()) == (2, [])
    assert problem in " ".join(found.err.replace("│", " ").split())


def other_deployer(fakes, **changed):
    """A second command that holds the lock."""
    ann = Deployer("ann", "laptop", 7, "2026-11-30 10:00:00 UTC", "deploy.py up ratings", **changed)
    lock = DeploymentLock(FakeClaimLog(fakes.claims.shared), "bifrost", ann, FakeClock())
    lock.acquire(0, print)
    return lock


def test_up_says_who_else_deploys_and_changes_nothing(run, fakes):
    other_deployer(fakes)

    found = run(*UP, "--lock-timeout", "0")

    assert (found.code, fakes.writes()) == (1, [])
    assert "ann@laptop (process 7, since 2026-11-30 10:00:00 UTC, `deploy.py up ratings`)" in found.err
    assert run("plan").code == 3


def test_up_takes_over_from_a_killed_process_of_this_machine(run, fakes):
    me = this_deployer("deploy.py up")
    other_deployer(fakes, place=me.place, started="1")

    assert run(*UP, "--lock-timeout", "0").code == 0


def test_up_releases_its_lock(run):
    assert run(*UP).code == 0
    assert run(*UP, "--lock-timeout", "0").code == 0


def test_up_stops_before_the_next_change_when_its_lock_is_lost(run, fakes, monkeypatch):
    monkeypatch.setattr(deployment_lock, "CHECK_S", 0)
    create = fakes.kafka.create

    def create_and_lose(topic):
        mine = next(entry for entry in fakes.claims.shared.entries if entry.value is not None)
        other = FakeClaimLog(fakes.claims.shared)
        other.append("bifrost|lock|other", claim_text(Deployer("ann", "laptop", 7, "now", "deploy.py up"), None))
        other.append(mine.key, None)
        return create(topic)

    monkeypatch.setattr(fakes.kafka, "create", create_and_lose)
    found = run(*UP)

    assert found.code == 1
    # What had begun together is done; nothing else has begun.
    assert [write for write in fakes.writes() if "connectors" in write or "/ksql" in write] == []
    assert "this deployment lost its lock and stops; ann@laptop" in found.err


def test_up_says_that_kafka_refuses_the_topic_of_the_lock(run, fakes):
    fakes.claims.problem = Refused("Kafka", "write topic bifrost-deployments", status=29, body="authorization failed")

    found = run(*UP)

    assert found.code == 0
    assert "Without topic bifrost-deployments a second deployment at the same time is not noticed" in found.err


@pytest.mark.parametrize("state", ["UNASSIGNED", "RESTARTING"])
def test_a_connector_that_the_workers_move_is_waited_for_and_not_changed(run, fakes, state):
    run(*UP)
    fakes.connect.states["mysql-demo-customers"] = state
    fakes.forget_writes()

    found = run("plan")

    assert found.code == 3
    assert f"  . connector  mysql-demo-customers: is {state}" in found.out
    assert "1 to wait for; 11 unchanged." in found.out
    fakes.connect.states["mysql-demo-customers"] = "RUNNING"
    assert run(*UP).code == 0
    assert fakes.writes() == []


def test_the_far_end_checks_find_what_a_target_lacks(run):
    assert "connector mysql-demo-customers" in missing_from(run("plan", "--json").out)
    run(*UP)
    assert missing_from(run("plan", "--json").out) == []


def test_up_does_not_continue_without_a_lock_when_kafka_is_not_trusted(run, fakes):
    fakes.claims.problem = Refused("Kafka", "list topics", status=0, body="the certificate of k:9092 is not trusted")

    found = run(*UP)

    assert (found.code, fakes.writes()) == (1, [])
    assert "error: Kafka: list topics: the certificate of k:9092 is not trusted" in found.err


@pytest.mark.parametrize("line", [("--env", "staging", "graph"), ("graph", "--env", "staging")])
def test_an_environment_is_forgotten_after_the_command(run, line):
    assert run(*line).code == 0
    assert CliRunner().invoke(app, line).exit_code == 0
    assert SELECTED.get() == ""
