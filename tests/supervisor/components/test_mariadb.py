"""MariaDB of a secured platform: a real server, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pymysql
import pytest

from bifrost.clients.supervisor import SupervisorClient
from bifrost.default_settings import LOOPBACK
from bifrost.operations.watch.log_positions import Login, end_of_log
from bifrost.security.certificates import new_authority
from bifrost.security.rotation_state import RotatedKinds
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.components import mariadb
from bifrost.supervisor.install.system_parts import find_program
from tests.supervisor.conftest import running
from tests.supervisor.listening import listener

pytestmark = pytest.mark.skipif(find_program(Settings({}), "mariadbd") is None, reason="MariaDB is not installed")


START_S = 300.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("mariadb")
    sql = root / "project" / "data" / "mysql"
    sql.mkdir(parents=True)
    (sql / "01-first.sql").write_text("CREATE TABLE first (n INT); INSERT INTO first VALUES (1);")
    with listener() as port:
        values = {"BIFROST_HOME": str(root / "home"), "PATH": "/usr/bin:/bin", "BIFROST_PORT_MYSQL": str(port)}
    found = Settings({**values, "BIFROST_SECURE": "1"}, root / "project")
    for folder in (found.run, found.logs, found.data):
        folder.mkdir(parents=True)
    secure_folder(found).prepare(datetime.now(UTC))
    return found


@pytest.fixture(scope="module")
def server(secured: Settings) -> Iterator[SupervisorClient]:
    with running(secured, mariadb.component(secured)) as client:
        status = client.start(mariadb.NAME, wait_s=START_S)
        assert status.is_up, status.cause
        yield client


def ask(settings: Settings, text: str, authority: Path | None, *, password: str = "demo") -> tuple[object, ...] | None:
    checked = {"ssl_ca": str(authority), "ssl_verify_cert": True, "ssl_verify_identity": True}
    tls = checked if authority else {"ssl_disabled": True}
    login = {"user": "demo", "password": password, "database": "demo"}
    with (
        pymysql.connect(host=LOOPBACK, port=settings.port("mysql"), **login, **tls) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(text)
        return cursor.fetchone()


def test_it_shows_its_certificate_and_refuses_plain_text_and_a_wrong_password(secured, server, tmp_path):
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    assert ask(secured, "SELECT n FROM first", secured.authority) == (1,)
    assert ask(secured, "SHOW STATUS LIKE 'Ssl_version'", secured.authority) == ("Ssl_version", "TLSv1.3")
    # The same answer as to a wrong password.
    with pytest.raises(pymysql.OperationalError, match="Access denied for user 'demo'"):
        ask(secured, "SELECT 1", None)
    with pytest.raises(pymysql.OperationalError, match="Access denied for user 'demo'"):
        ask(secured, "SELECT 1", secured.authority, password="wrong")
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        ask(secured, "SELECT 1", foreign)


def test_the_watcher_checks_the_certificate_when_it_reads_the_log(secured, server, tmp_path):
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    port = secured.port("mysql")
    assert end_of_log(Login(LOOPBACK, port, "debezium", "dbz", str(secured.authority)))
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        end_of_log(Login(LOOPBACK, port, "debezium", "dbz", str(foreign)))


def test_it_takes_another_certificate_at_its_next_start(secured, server):
    folder, now = secure_folder(secured), datetime.now(UTC)
    folder.begin_rotation(now, RotatedKinds(certificates=True, passwords=False))
    folder.end_rotation(now)
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        ask(secured, "SELECT 1", secured.authority)
    assert server.restart(mariadb.NAME, wait_s=START_S).is_up
    assert ask(secured, "SELECT n FROM first", secured.authority) == (1,)


def test_a_server_without_security_has_none_of_its_options(secured):
    unsecured = secured.with_values(BIFROST_SECURE="0")
    assert not [option for option in mariadb.component(unsecured).command if "ssl" in option or "secure" in option]
