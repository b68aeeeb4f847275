"""`actions`, and what other commands write into the log that it shows."""

import json
from datetime import UTC, datetime

import pytest

from bifrost.clients.kafka import TopicDescription
from bifrost.operations.action_log import ActionLog, Outcome, account_name
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC
from bifrost.security.secure_folder import SecureFolder
from bifrost.supervisor import stop
from tests.fakes.http_server import Answer, Fault
from tests.operations.test_dead_letters import connect_headers

SOURCE, SINK = "mysql-demo-customers", "es_sink"


@pytest.fixture
def deployed(run, fakes, log_file):
    run("up", "--no-demo")
    log_file.unlink()
    fakes.connect.configs[SINK] = {DEAD_LETTER_TOPIC: "es_sink.dlq"}
    fakes.connect.states[SINK] = "RUNNING"
    fakes.connect.sinks.add(SINK)
    fakes.kafka.there["orders"] = TopicDescription("orders", 1, 1)
    fakes.kafka.records["orders"] = 20
    fakes.kafka.committed["connect-es_sink"] = {"orders": {0: 12}}
    fakes.records.put("es_sink.dlq", b"{}", connect_headers(0), key=b"k", time_ms=1000)
    return fakes


@pytest.fixture
def log_file(project):
    return project.root / "home" / "actions.jsonl"


def logged(run):
    """The actions, oldest first."""
    return json.loads(run("actions", "--json").out)["actions"][::-1]


@pytest.mark.parametrize(
    ("arguments", "action", "thing", "announced", "result"),
    [
        (
            ("pause", SOURCE),
            "pause",
            f"connector {SOURCE}",
            "RUNNING -> PAUSED",
            f"connector {SOURCE} is PAUSED.",
        ),
        (
            ("offsets", "reset", SINK, "--yes"),
            "reset offsets",
            f"connector {SINK}",
            "12 records are read again",
            f"1 offsets of connector {SINK} changed.",
        ),
        (
            ("dlq", "replay", SINK, "--yes"),
            "replay dead letters",
            "es_sink.dlq",
            "orders",
            "1 letter of es_sink.dlq replayed and marked.",
        ),
        (
            ("dlq", "drop", SINK, "--all", "--yes"),
            "drop dead letters",
            "es_sink.dlq",
            "es_sink.dlq",
            "1 letter of es_sink.dlq deleted.",
        ),
    ],
)
def test_a_command_that_changes_something_is_logged_with_who_ran_it(
    run, deployed, arguments, action, thing, announced, result
):
    assert run(*arguments).code == 0
    (entry,) = logged(run)
    assert (entry["who"], entry["action"], entry["thing"]) == (account_name(), action, thing)
    assert (entry["outcome"], entry["result"]) == ("done", result)
    assert announced in " ".join(entry["lines"])
    assert f"{account_name()}  {action}" in run("actions").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("pause", SOURCE, "--dry-run"),
        ("resume", SOURCE),
        ("offsets", "reset", SINK),
        ("offsets", "reset", SINK, "--dry-run"),
        ("dlq", "replay", SINK),
        ("dlq", "drop", SINK, "--all", "--dry-run"),
    ],
)
def test_what_changes_nothing_is_not_logged(run, deployed, arguments):
    run(*arguments)
    assert logged(run) == []
    assert "Nothing was changed yet" in run("actions").out


def test_a_failed_command_is_logged_with_its_cause(run, deployed):
    deployed.connect.version = "3.4.0"
    assert run("offsets", "reset", SINK, "--yes").code == 1
    (entry,) = logged(run)
    assert (entry["outcome"], "Kafka 3.7" in entry["result"]) == ("failed", True)


def test_nothing_is_changed_if_it_cannot_be_logged(run, deployed, log_file):
    log_file.mkdir(parents=True)
    found = run("pause", SOURCE)
    assert (found.code, f"nothing was changed: {log_file} cannot be written" in " ".join(found.err.split())) == (
        1,
        True,
    )
    assert deployed.connect.states[SOURCE] == "RUNNING"


@pytest.mark.parametrize("outcome", [None, Outcome.DONE])
def test_only_an_action_without_an_end_is_unfinished(run, log_file, outcome):
    log = ActionLog(log_file, lambda: 1.0)
    begun = log.begin("ann", "ksqldb.statement", "DROP STREAM A;", [])
    if outcome is not None:
        log.end(begun, outcome, "")
    assert ("has not ended" in run("actions").out) == (outcome is None)


def test_the_newest_actions_are_listed_first(run, deployed):
    for command in ("pause", "resume", "stop"):
        run(command, SOURCE)
    shown = run("actions", "--limit", "2").out.splitlines()
    assert [line.split()[3] for line in shown[1:]] == ["stop", "resume"]


def test_up_logs_the_start_and_what_it_deploys(run, fakes):
    assert run("up", "--no-demo").code == 0
    start, deployment = logged(run)
    assert (start["action"], start["thing"], start["outcome"]) == ("up", "platform", "done")
    assert (deployment["who"], deployment["thing"]) == (account_name(), "10 changes on embedded")
    assert "topic      ratings" in " ".join(deployment["lines"])
    assert deployment["result"] == "10 created, 0 unchanged; 10 writes"


def test_up_with_nothing_to_deploy_logs_no_deployment(run, deployed):
    assert run("up", "--no-demo").code == 0
    assert [entry["thing"] for entry in logged(run)] == ["platform"]


def test_a_deployment_that_fails_is_logged_with_its_cause(run, fakes):
    fakes.servers["connect"].faults.append(Fault("POST", "/connectors", 400, {"message": "no"}, times=9))
    fakes.servers["connect"].faults.append(Fault("PUT", f"/connectors/{SOURCE}/config", 400, {}, times=9))
    assert run("up", "--no-demo").code == 1
    *_, deployment = logged(run)
    assert deployment["outcome"] == "failed"
    assert SOURCE in deployment["result"]


def test_up_deploys_nothing_that_it_cannot_log(run, fakes, log_file):
    log_file.mkdir(parents=True)
    assert run("up", "--no-demo").code == 1
    assert fakes.writes() == []


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("DROP STREAM A;", "DROP STREAM A;"),
        ("INSERT INTO A (X) VALUES (1);", "INSERT INTO A (X) VALUES (1);"),
        ("DEFINE s = 'B'; DROP STREAM ${s};", "DROP STREAM B;"),
        ("CREATE SINK CONNECTOR C WITH ('password'='hunter22');", "CREATE SINK CONNECTOR C WITH (...);"),
        ("CREATE STREAM B WITH (KAFKA_TOPIC='password=hunter22') AS SELECT * FROM A;", "********"),
    ],
)
def test_a_statement_that_changes_something_is_logged_without_secrets(ksql, run, log_file, statement, shown):
    assert ksql("-e", statement).code == 0
    (entry,) = logged(run)
    assert (entry["who"], entry["action"], entry["outcome"]) == (account_name(), "ksqldb.statement", "done")
    assert shown in entry["lines"][0]
    assert "hunter22" not in log_file.read_text()


def test_a_script_logs_each_of_its_statements(ksql, run, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("DROP STREAM A;\nSHOW STREAMS;\nDROP STREAM B;\n")
    assert ksql("-e", f"RUN SCRIPT '{script}';").code == 0
    assert [entry["thing"] for entry in logged(run)] == ["DROP STREAM A;", "DROP STREAM B;"]


@pytest.mark.parametrize(
    "statement",
    ["SHOW STREAMS;", "SELECT * FROM A;", "DESCRIBE A;", "SET 'auto.offset.reset' = 'earliest';", "DEFINE a = '1';"],
)
def test_a_statement_that_only_reads_is_not_logged(ksql, run, statement):
    assert ksql("-e", statement).code == 0
    assert logged(run) == []


def test_a_refused_statement_is_logged_with_ksqldbs_message(ksql, run, server):
    server.respond = lambda _request: Answer(400, {"error_code": 40001, "message": "A does not exist."})
    assert ksql("-e", "DROP STREAM A;").code == 1
    (entry,) = logged(run)
    assert (entry["outcome"], entry["result"]) == ("failed", "A does not exist.")


def test_a_statement_that_cannot_be_logged_is_not_sent(ksql, server, log_file):
    log_file.mkdir(parents=True)
    found = ksql("-e", "DROP STREAM A;")
    assert (found.code, "nothing was changed" in " ".join(found.err.split())) == (1, True)
    assert server.requests == []


@pytest.mark.parametrize(("code", "outcome"), [(0, "done"), (1, "failed")])
def test_generated_records_are_logged(run, monkeypatch, code, outcome):
    monkeypatch.setattr("bifrost.generators.ratings.main", lambda _arguments, _settings: code)
    assert run("demo", "ratings", "--count", "3").code == code
    (entry,) = logged(run)
    assert (entry["action"], entry["thing"], entry["outcome"]) == ("demo", "pipeline ratings", outcome)
    assert entry["lines"] == ["Generate 3 records, 2 per second."]


def running_platform(settings, *, progress, before):
    before()
    return True


def no_platform(settings, *, progress, before):
    return False


def test_down_is_logged_if_something_runs(run, monkeypatch):
    monkeypatch.setattr(stop, "stop_platform", running_platform)
    assert "Stopped." in run("down").out
    (entry,) = logged(run)
    assert (entry["action"], entry["thing"], entry["result"]) == ("down", "platform", "Stopped.")
    assert entry["lines"] == ["Stop the platform."]


def test_down_of_nothing_is_not_logged(run, monkeypatch):
    monkeypatch.setattr(stop, "stop_platform", no_platform)
    assert "Nothing was running." in run("down", "--purge").out
    assert logged(run) == []


def test_deleted_data_is_logged_in_a_log_that_stays(run, log_file):
    (log_file.parent / "data" / "broker").mkdir(parents=True)
    assert run("down", "--purge").code == 0
    (entry,) = logged(run)
    assert (entry["lines"], entry["result"]) == (["Delete its data and logs."], "Data and logs are removed.")
    assert not (log_file.parent / "data").exists()


def test_a_platform_stops_even_if_that_cannot_be_logged(run, monkeypatch, log_file):
    monkeypatch.setattr(stop, "stop_platform", running_platform)
    log_file.mkdir(parents=True)
    found = run("down")
    assert (found.code, "Stopped." in found.out) == (0, True)
    assert f"this is not logged: {log_file} cannot be written" in " ".join(found.err.split())


def test_a_restored_backup_is_logged_and_a_refused_one_with_its_cause(run, project, log_file):
    data = project.write("home/data/broker/log", "x")
    file = project.root / "b.tar.gz"
    assert run("backup", str(file)).code == 0
    assert run("restore", str(file), "--dry-run").code == 0
    assert logged(run) == []
    assert run("restore", str(file)).code == 1
    data.unlink()
    data.parent.rmdir()
    assert run("restore", str(file)).code == 0
    refused, done = logged(run)
    assert (refused["outcome"], "has data" in refused["result"]) == ("failed", True)
    assert (done["action"], done["thing"], done["outcome"]) == ("restore", "platform", "done")
    assert str(file) in done["lines"][0]


def test_a_password_and_a_rotation_are_logged_without_the_password(run, project, log_file):
    SecureFolder(log_file.parent / "secure").prepare(datetime.now(UTC))
    password = json.loads(run("secure", "password", "--json").out)["password"]
    assert run("secure", "rotate").code == 1
    assert run("secure", "rotate", "--passwords", "--yes").code == 0
    assert [(entry["action"], entry["thing"], entry["outcome"]) for entry in logged(run)] == [
        ("secure password", "admin", "done"),
        ("secure rotate", "passwords", "done"),
    ]
    assert password not in log_file.read_text()


def test_no_password_is_made_if_that_cannot_be_logged(run, log_file):
    folder = SecureFolder(log_file.parent / "secure")
    folder.prepare(datetime.now(UTC))
    log_file.mkdir()
    found = run("secure", "password")
    assert (found.code, "nothing was changed" in " ".join(found.err.split())) == (1, True)
    assert folder.console_password.version == ""
