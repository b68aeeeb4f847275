"""`doctor` as a person or a script uses it."""

import json

from bifrost.cli import options

UP = ("up", "--no-demo")
CONNECTOR = "mysql-demo-customers"


def test_what_is_wrong_comes_first_and_everything_is_in_the_report(run, project, fakes):
    run(*UP)
    fakes.connect.traces[CONNECTOR] = "A: a\nCaused by: B: disk is full"
    file = project.root / "report.md"

    found = run("doctor", "--out", str(file))

    assert found.code == 3
    assert f"error: connector {CONNECTOR} task 0: is FAILED: B: disk is full" in found.out
    assert f"`restart {CONNECTOR}`, once the cause is gone" in found.out
    text = file.read_text()
    assert text.index("## What needs attention") < text.index("disk is full") < text.index("## Versions")
    for title in ("Machine", "Parts", "Connectors", "Queries", "Topics", "Schemas", "Declarations", "Settings"):
        assert f"## {title}\n" in text
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_report_never_overwrites_a_file(run, project, fakes):
    run(*UP)
    file = project.write("report.md", "mine")
    found = run("doctor", "--out", str(file))
    assert (found.code, file.read_text()) == (1, "mine")
    assert "--out FILE names another one" in found.err


def test_secrets_are_in_no_output(run, project, fakes, monkeypatch):
    run(*UP)
    load = options.configuration.load
    secret = {"KSQLDB_PASSWORD": "hunter2222", "KAFKA_SASL_PASSWORD": "s3cr3t-value", "CONNECT_TOKEN": "tok-123456"}

    def with_secrets(environment=""):
        found = load(environment)
        return found.with_values(**secret)

    monkeypatch.setattr(options.configuration, "load", with_secrets)
    fakes.connect.traces[CONNECTOR] = "A: cannot log in with hunter2222 or s3cr3t-value"
    project.write("home/logs/connect.log", "[x] ERROR password=tok-123456\n")
    file = project.root / "report.md"

    found = run("doctor", "--out", str(file))

    text = found.out + found.err + file.read_text() + run("doctor", "--no-report", "--json").out
    assert "KSQLDB_PASSWORD" in text
    assert [value for value in secret.values() if value in text] == []


def test_json_and_nothing_running(run, project, fakes, monkeypatch):
    monkeypatch.chdir(project.root)
    fakes.services.running = False

    result = json.loads(run("doctor", "--json", "--no-report").out)

    assert result["report"] is None
    assert result["errors"] == sum(item["severity"] == "error" for item in result["findings"])
    assert {
        "area": "Target",
        "severity": "error",
        "thing": "target embedded",
        "text": "nothing of it runs",
    }.items() <= next(item for item in result["findings"] if item["thing"] == "target embedded").items()
    assert list(project.root.glob("bifrost-doctor-*")) == []
