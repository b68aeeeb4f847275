"""Plans for programs: JSON by its schema, saved plans, and parts of a plan."""

import json

from tests.cli.test_commands import UP
from tests.deployer.conftest import CONNECTOR
from tests.deployer.plan.test_saved_plan import SCHEMA
from tests.json_schema import violations


def test_the_json_of_a_plan_follows_its_schema(run, fakes):
    assert violations(json.loads(run("plan", "--json").out), SCHEMA) == []
    run(*UP)
    fakes.connect.configs["foreign"] = {"connector.class": "x"}
    fakes.connect.states["foreign"] = "RUNNING"
    assert violations(json.loads(run("plan", "--json").out), SCHEMA) == []


def test_a_saved_plan_is_carried_out_once_and_again_without_harm(run, fakes, tmp_path):
    path = str(tmp_path / "plan.json")
    planned = run("plan", "--out", path)
    assert (planned.code, fakes.writes()) == (3, [])

    assert "10 created" in run(*UP, "--plan", path).out
    assert "0 writes" in run(*UP, "--plan", path).out


def test_a_saved_plan_of_something_else_changes_nothing(run, project, fakes, tmp_path):
    path = str(tmp_path / "plan.json")
    run("plan", "--out", path)
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "tasks.max": "2"})

    found = run(*UP, "--plan", path)

    assert (found.code, fakes.writes()) == (1, [])
    assert "connector mysql-demo-customers: the declaration has changed" in found.err
    assert "make a new plan with `plan --out`" in found.err


def test_a_saved_plan_of_another_target_is_refused(run, fakes, tmp_path):
    path = tmp_path / "plan.json"
    run("plan", "--out", str(path))
    path.write_text(path.read_text(encoding="utf-8").replace('"embedded"', '"compose"'), encoding="utf-8")

    found = run(*UP, "--plan", str(path))

    assert (found.code, fakes.writes()) == (1, [])
    assert "was made for target compose, and this is embedded" in found.err


def test_a_saved_plan_takes_no_other_options(run, fakes, tmp_path):
    path = str(tmp_path / "plan.json")
    run("plan", "--out", path)

    for extra in (["ratings"], ["--prune"], ["--only", "topic:*"], ["--from", "latest"]):
        assert run(*UP, "--plan", path, *extra).code == 2


def test_only_a_part_is_planned_and_carried_out(run, fakes):
    assert "2 to create; 0 unchanged. 8 left out." in run("plan", "--only", "topic:*").out

    found = run(*UP, "--only", "topic:*")

    assert fakes.kafka.writes == ["create ratings", "create asgard.demo.CUSTOMERS"]
    assert fakes.services.writes == []
    assert found.code == 0
    assert "What was selected runs: 2 created, 0 unchanged; 2 writes" in found.out


def test_a_part_that_needs_more_is_refused_with_names(run, fakes):
    found = run(*UP, "--only", "statement:RATINGS")

    assert (found.code, fakes.writes()) == (1, [])
    assert "statement RATINGS: needs topic ratings, which is missing and left out" in found.err
    assert run("plan", "--only", "nothing").code == 2
