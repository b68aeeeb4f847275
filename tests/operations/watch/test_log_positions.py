"""A connector whose place is no longer in its database's log is found."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from bifrost.clients import connect
from bifrost.clients.http import Connection
from bifrost.operations.watch.connection_checks import EVERY_S, ConnectionChecks
from bifrost.operations.watch.log_positions import Login, LogPosition, LogPositions
from tests.deployer.conftest import CONNECTOR, fakes, project
from tests.operations.conftest import deployed
from tests.waiting import eventually

__all__ = ["deployed", "fakes", "project"]
NAME = "mysql-demo-customers"
VARIABLES = {"MYSQL_HOST": "db.example", "MYSQL_USER": "debezium", "MYSQL_PASSWORD": "s3cret"}
LOGIN = Login("db.example", 3306, "debezium", "s3cret")
STORED = {"file": "binlog.000003", "pos": 1234, "ts_sec": 1}


@pytest.fixture
def client(deployed) -> Iterator[connect.ConnectClient]:
    deployed.connect.offsets[NAME] = [{"partition": {"server": "asgard"}, "offset": dict(STORED)}]
    with connect.ConnectClient(Connection("Kafka Connect", deployed.servers["connect"].url, patience_s=0)) as found:
        yield found


def problem(client: connect.ConnectClient, end: LogPosition | None, **config: str) -> str:
    logins: list[Login] = []

    def read(login: Login) -> LogPosition | None:
        logins.append(login)
        return end

    found = LogPositions(VARIABLES, read).problem_of(client, NAME, {**CONNECTOR, **config})
    assert logins in ([LOGIN], [])
    return found


def test_a_place_after_the_end_of_the_log_is_named_with_the_way_out(client):
    assert problem(client, LogPosition("binlog.000001", 5000)) == (
        "misses changes: its place in the binary log (binlog.000003, position 1234) is after the end of the database's "
        "log (binlog.000001, position 5000); the log was reset or an older backup was restored, so take a new snapshot "
        "with `offsets reset mysql-demo-customers --yes`"
    )


@pytest.mark.parametrize(
    ("end", "is_lost"),
    [
        (LogPosition("binlog.000003", 1233), True),
        (LogPosition("binlog.000003", 1234), False),
        (LogPosition("binlog.000004", 330), False),
        (LogPosition("binlog.1000000", 330), False),  # after 999999
        (LogPosition("mysql-bin.000001", 330), False),  # another name: the administrator moved the log
        (None, False),
    ],
)
def test_places_are_compared_by_number_and_position(client, end, is_lost):
    assert bool(problem(client, end)) is is_lost


def test_without_an_offset_there_is_no_place(client, deployed):
    deployed.connect.offsets[NAME] = []
    assert problem(client, LogPosition("binlog.000001", 4)) == ""


def test_other_databases_and_places_that_only_connect_knows_are_left_alone(client):
    end = LogPosition("binlog.000001", 4)
    assert problem(client, end, **{"connector.class": "io.debezium.connector.postgresql.PostgresConnector"}) == ""
    assert problem(client, end, **{"database.password": "${file:/secrets:password}"}) == ""
    assert problem(client, end, **{"database.hostname": "${env:ANOTHER}"}) == ""


def test_a_database_that_only_connect_reaches_is_no_problem(client):
    def refuse(_login: Login) -> None:
        raise pymysql.OperationalError(2003, "Can't connect")

    assert LogPositions(VARIABLES, refuse).problem_of(client, NAME, CONNECTOR) == ""


def test_a_connection_checks_the_certificate_with_the_authority_of_the_connectors_trust_store(client):
    logins: list[Login] = []
    positions = LogPositions(VARIABLES, lambda login: logins.append(login), {"/trusted.p12": "/ca.crt"})
    for store in ({"database.ssl.truststore": "/trusted.p12"}, {"database.ssl.truststore": "/other.p12"}, {}):
        positions.problem_of(client, NAME, {**CONNECTOR, **store})
    assert [login.authority for login in logins] == ["/ca.crt", "", ""]


def test_the_checks_report_it(client, deployed):
    now = [100.0]
    positions = LogPositions(VARIABLES, lambda _login: LogPosition("binlog.000001", 4))
    url = deployed.servers["connect"].url
    checks = ConnectionChecks(
        lambda: connect.ConnectClient(Connection("Kafka Connect", url, patience_s=0)),
        positions.problem_of,
        now=lambda: now[0],
    )

    def look() -> str:
        now[0] += EVERY_S
        return checks.look({NAME: CONNECTOR}).get(NAME, "")

    eventually(lambda: look().startswith("misses changes: "), "the problem")
    deployed.connect.offsets[NAME] = []
    eventually(lambda: look() == "", "the recovery")


def test_a_login_hides_its_password():
    assert "s3cret" not in repr(LOGIN) + repr(LogPositions(VARIABLES))
