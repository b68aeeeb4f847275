"""The last line of `status`, and the exit code of `status --check`."""

import json

import pytest

from bifrost.cli.verdict import part_state
from bifrost.errors import NotReady, Refused, Unreachable
from tests.cli.test_commands import UP
from tests.deployer.conftest import RATINGS
from tests.fakes.http_server import Fault


def last_line(run, *options: str) -> str:
    return run("status", *options).out.splitlines()[-1]


def test_all_well(run):
    run(*UP)

    found = run("status", "--check")

    assert found.code == 0
    assert found.out.splitlines()[-1] == "All well: everything declared runs (1 connectors, 2 queries, 1 services)."


def test_what_does_not_run_is_named(run, project, fakes):
    run(*UP)
    fakes.connect.traces["mysql-demo-customers"] = "A: a\nCaused by: B: disk is full"
    fakes.services.add("ratings_bot", "backoff", "exit code 1")
    first = next(iter(fakes.ksqldb.queries))
    fakes.ksqldb.queries[first]["statusCount"] = {"PAUSED": 1}
    project.write(
        "ksql/ratings.sql",
        f"{RATINGS}CREATE STREAM MORE WITH (VALUE_FORMAT='JSON') AS SELECT STARS FROM RATINGS;"
        "INSERT INTO MORE SELECT STARS FROM RATINGS;",
    )

    assert last_line(run) == (
        "5 things do not run as declared: connector mysql-demo-customers is FAILED, "
        f"query {first} is PAUSED by a command, query of MORE is missing, "
        "query of INSERT INTO MORE (ratings 1) is missing, "
        "service ratings_bot is BACKOFF."
    )
    assert (run("status").code, run("status", "--check").code) == (0, 3)
    found = json.loads(run("status", "--json").out)
    assert (found["well"], found["verdict"]) == (False, last_line(run))


def test_a_stopped_part_of_the_platform_is_not_well(run, fakes):
    run(*UP)
    fakes.services.add("mariadb", "stopped")
    fakes.services.add("generator", "stopped")

    assert last_line(run) == "One thing does not run as declared: component mariadb is stopped."
    assert run("status", "--check").code == 3


def test_nothing_deployed_and_nothing_running_are_not_well(run, fakes):
    assert last_line(run) == (
        "2 things do not run as declared: pipeline customers is not deployed, pipeline ratings is not deployed."
    )
    fakes.services.running = False
    assert run("status", "--check").code == 3
    assert json.loads(run("status", "--json").out)["verdict"] == "Nothing runs."


@pytest.mark.parametrize(
    ("part", "path", "body", "line"),
    [
        ("ksqldb", "/ksql", {"message": "KSQL is not yet ready to serve requests."}, "ksqlDB is starting"),
        ("ksqldb", "/ksql", {"message": "The server is shutting down"}, "ksqlDB is stopping"),
        ("connect", "/connectors", {"message": "Cannot complete request due to a rebalance"}, "Kafka Connect is reb"),
    ],
)
def test_a_part_in_transition_is_named(run, fakes, part, path, body, line):
    run(*UP)
    fakes.servers[part].faults += [Fault(method, path, 503, body, times=99) for method in ("GET", "POST")]

    found = run("status", "--check")

    assert found.code == 3
    assert line in found.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Unreachable("Kafka Connect", "GET /", "no answer"), "unreachable"),
        (Refused("Kafka Connect", "GET /", status=401, body="no"), "refusing"),
        (NotReady("Kafka Connect", "GET /", "409 Cannot complete request"), "rebalancing"),
        (NotReady("ksqlDB", "GET /", "the server is stopping"), "stopping"),
        (NotReady("ksqlDB", "GET /", "503 not yet ready"), "starting"),
    ],
)
def test_the_state_of_a_part_follows_from_its_error(error, state):
    assert part_state(error) == state
