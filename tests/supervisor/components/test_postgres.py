"""PostgreSQL as a component: a real server, where it is installed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from bifrost.clients.postgres import PostgresClient
from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import ComponentError, RemoteError
from bifrost.security.certificates import new_authority
from bifrost.security.rotation_state import RotatedKinds
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.components import postgres
from bifrost.supervisor.components.loaded_sql_files import LoadedSqlFiles
from bifrost.supervisor.install.system_parts import find_postgres
from bifrost.supervisor.processes.run_as import drop_root_prefix
from tests.supervisor.conftest import running
from tests.supervisor.listening import listener

installed = pytest.mark.skipif(find_postgres(Settings({})) is None, reason="PostgreSQL is not installed")


def free_port() -> str:
    with listener() as port:
        return str(port)


@pytest.fixture
def home(settings: Settings) -> Settings:
    folder = settings.project / "data" / "postgres"
    folder.mkdir(parents=True)
    (folder / "01-first.sql").write_text("CREATE TABLE first (n INT); INSERT INTO first VALUES (1);")
    return settings.with_values(BIFROST_PORT_POSTGRES=free_port(), POSTGRES_APP_PASSWORD="it's \\ odd @/%")


@pytest.fixture
def server(home: Settings) -> Iterator[SupervisorClient]:
    with running(home, postgres.component(home)) as client:
        yield client


def start(client: SupervisorClient) -> None:
    status = client.start(postgres.NAME, wait_s=60)
    assert status.is_up, status.cause


def ask(home: Settings, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(home.local_postgres()) as connection:
        return connection.execute(text).fetchall()


def reader_url(home: Settings) -> str:
    return (
        home.local_postgres()
        .replace("demo:", "debezium:")
        .replace(quote(home.local("POSTGRES_APP_PASSWORD"), ""), "dbz")
    )


def wait_for_restart(client: SupervisorClient, restarts: int) -> None:
    end = time.monotonic() + 60
    while not ((status := client.component(postgres.NAME)).is_up and status.restarts == restarts):
        assert time.monotonic() < end, status
        time.sleep(0.05)


@installed
def test_it_waits_for_a_command_until_it_has_data(home: Settings, server: SupervisorClient):
    assert server.component(postgres.NAME).state == "stopped"
    assert not postgres.component(home).with_platform
    start(server)
    assert ask(home, "SELECT n FROM first") == [(1,)]
    assert ask(home, "SHOW wal_level") == [("logical",)]
    assert postgres.component(home).with_platform


@installed
def test_what_was_loaded_stays_and_new_files_are_loaded_at_the_next_start(home: Settings, server: SupervisorClient):
    start(server)
    (home.project / "data" / "postgres" / "02-second.sql").write_text("INSERT INTO first VALUES (2);")
    assert server.restart(postgres.NAME).is_up
    assert ask(home, "SELECT n FROM first ORDER BY n") == [(1,), (2,)]


@installed
def test_it_comes_back_with_its_data_after_a_kill(home: Settings):
    with running(home, postgres.component(home)) as client:
        start(client)
        ask(home, "INSERT INTO first VALUES (3) RETURNING n")
        with psycopg.connect(reader_url(home)) as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('ours', 'pgoutput')")
        pid = client.component(postgres.NAME).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for_restart(client, 1)
        assert ask(home, "SELECT n FROM first ORDER BY n") == [(1,), (3,)]
    # A slot is refused by a server without its settings: those of the next platform's first steps too.
    with running(home, postgres.component(home)) as client:
        start(client)
        assert ask(home, "SELECT slot_name FROM pg_replication_slots") == [("ours",)]


@installed
def test_no_client_is_a_superuser_and_the_server_does_not_run_as_root(home: Settings, server: SupervisorClient):
    start(server)
    assert os.stat(f"/proc/{server.component(postgres.NAME).pid}").st_uid != 0
    roles = {
        name: (replicates, rules)
        for name, replicates, rules in ask(
            home, "SELECT rolname, rolreplication, rolsuper FROM pg_roles WHERE rolname IN ('debezium', 'demo')"
        )
    }
    assert roles == {"debezium": (True, False), "demo": (False, False)}
    assert ask(home, "SELECT pg_has_role('debezium', 'connectors', 'member')") == [(True,)]
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://postgres:x@127.0.0.1:{home.port('postgres')}/demo")


@installed
def test_a_changed_password_holds_after_a_restart(home: Settings):
    with running(home, postgres.component(home)) as client:
        start(client)
    changed = home.with_values(POSTGRES_APP_PASSWORD="another")
    with running(changed, postgres.component(changed)) as client:
        start(client)
        assert ask(changed, "SELECT 1") == [(1,)]
    assert "it's" not in (home.logs / "postgres.log").read_text()


@installed
def test_a_script_that_is_wrong_is_named_and_leaves_nothing(home: Settings, server: SupervisorClient):
    path = home.project / "data" / "postgres" / "02-wrong.sql"
    path.write_text("CREATE TABLE second (n INT); SELECT nothing;")
    status = server.start(postgres.NAME, wait_s=60)
    assert status.state == "failed"
    assert f'{path}: column "nothing" does not exist' in status.cause
    path.write_text("CREATE TABLE second (n INT);")
    start(server)
    assert ask(home, "SELECT count(*) FROM second") == [(0,)]


@installed
def test_the_projects_own_files_load(settings: Settings):
    found = Settings({**settings.values, "BIFROST_PORT_POSTGRES": free_port()}, PROJECT)
    with running(found, postgres.component(found)) as client:
        start(client)
        assert ask(found, "SELECT count(*) > 0 FROM soe.customers") == [(True,)]
        tables = ask(found, "SELECT tablename FROM pg_publication_tables WHERE pubname = 'order_entry'")
        assert sorted(tables) == [("customers",), ("logon",), ("orders",)]


def test_a_command_without_root_is_left_alone_when_we_are_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert drop_root_prefix(tmp_path) == ()


def test_statements_are_a_line_each_whatever_the_names_and_passwords(settings: Settings):
    odd = settings.with_values(POSTGRES_USER='re"ader', POSTGRES_PASSWORD="it's; odd")
    lines = postgres.account_sql(odd, fresh=True).splitlines()
    assert all(line.endswith(";") for line in lines)
    assert "ALTER ROLE \"re\"\"ader\" LOGIN REPLICATION PASSWORD 'it''s; odd';" in lines
    assert not any("CREATE DATABASE" in line for line in postgres.account_sql(odd, fresh=False).splitlines())


def test_files_are_run_once_in_order_and_one_that_fails_ends_the_row(tmp_path: Path):
    for name in ("02-b.sql", "01-a.sql"):
        (tmp_path / name).write_text(name)
    files = LoadedSqlFiles("db", tmp_path / "loaded.json", tmp_path / "db.log")
    ran: list[str] = []
    files.load(tmp_path, ran.append)
    files.load(tmp_path, ran.append)
    assert ran == ["01-a.sql", "02-b.sql"]
    (tmp_path / "03-c.sql").write_text("c")

    def fail(text: str) -> None:
        raise ComponentError("db", "no such table")

    with pytest.raises(ComponentError, match=r"03-c\.sql: no such table"):
        files.load(tmp_path, fail)


def test_a_killed_server_that_was_not_collected_yet_is_awaited(tmp_path):
    with subprocess.Popen(("true",)) as killed:
        while killed_state(killed.pid) != "Z":
            pass
        (tmp_path / "postmaster.pid").write_text(f"{killed.pid}\n{tmp_path}\n")
        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(postgres.await_previous_server, tmp_path, timeout_s=30)
            assert not waiting.done()
            killed.wait()
            waiting.result(10)
    assert (tmp_path / "postmaster.pid").exists()


def killed_state(pid: int) -> str:
    """The state letter of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("text", [None, "", "x", "-99999999\n", "99999999\n/data\n"])
def test_a_lock_file_without_a_running_server_is_not_awaited(tmp_path, text):
    if text is not None:
        (tmp_path / "postmaster.pid").write_text(text)
    postgres.await_previous_server(tmp_path, timeout_s=30)


def test_a_server_that_does_not_end_is_awaited_for_a_limited_time(tmp_path):
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n")
    postgres.await_previous_server(tmp_path, timeout_s=0.1)


@pytest.fixture
def secured(home: Settings) -> Settings:
    """The same home with its certificates and passwords."""
    secure_folder(home.with_values(BIFROST_SECURE="1")).prepare(datetime.now(UTC))
    return home.with_values(BIFROST_SECURE="1")


@installed
def test_a_secured_server_shows_its_certificate_and_refuses_plain_text_and_a_wrong_password(secured, tmp_path):
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    url, authority = secured.local_postgres(), str(secured.authority)
    with running(secured, postgres.component(secured)) as client:
        start(client)
        assert ask(secured, "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True, "TLSv1.3")]
        with pytest.raises(RemoteError, match=r"no pg_hba.conf entry .* no encryption"):
            PostgresClient(url.replace("verify-full", "disable"))
        with pytest.raises(RemoteError, match="password authentication failed"):
            PostgresClient(url.replace("demo:", "debezium:"))
        with pytest.raises(RemoteError, match="certificate verify failed"):
            PostgresClient(url.replace(quote(authority, ""), quote(str(foreign), "")))
        with psycopg.connect(reader_url(secured)) as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('ours', 'pgoutput')")


@installed
def test_a_server_takes_another_certificate_at_its_next_start(secured):
    folder, now = secure_folder(secured), datetime.now(UTC)
    with running(secured, postgres.component(secured)) as client:
        start(client)
        folder.begin_rotation(now, RotatedKinds(certificates=True, passwords=False))
        folder.end_rotation(now)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            ask(secured, "SELECT 1")
        assert client.restart(postgres.NAME, wait_s=60).is_up
        assert ask(secured, "SELECT n FROM first") == [(1,)]


@installed
def test_a_platform_becomes_secured_and_open_again_with_its_data(secured, home):
    unsecured = home.with_values(BIFROST_SECURE="0")
    for settings in (unsecured, secured, unsecured):
        with running(settings, postgres.component(settings)) as client:
            start(client)
            assert ask(settings, "SELECT n FROM first") == [(1,)]
