"""PostgreSQL with logical replication for Debezium and the database of `data/postgres`, started if a pipeline needs it.

No client logs in as the superuser: accounts are set up by the server program in single-user mode, before the start.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bifrost.default_settings import LOOPBACK, SERVER_PEM
from bifrost.errors import ComponentError, RemoteError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import server_security
from bifrost.supervisor.components.loaded_sql_files import LoadedSqlFiles
from bifrost.supervisor.install.system_parts import find_postgres
from bifrost.supervisor.processes.child_process import run_step
from bifrost.supervisor.processes.component_logs import log_path
from bifrost.supervisor.processes.run_as import UNPRIVILEGED, drop_root_prefix, give_folder_to

if TYPE_CHECKING:
    from bifrost.clients.postgres import PostgresClient

NAME = "postgres"
DATABASE = "demo"
CONNECTORS = "connectors"
"""The role that the files of `data/postgres` grant to; the connectors' account has it."""

_SUPERUSER = "postgres"
_HBA = "hba.conf"
_TLS_ONLY = "hostssl all,replication all 127.0.0.1/32 scram-sha-256\n"
"""Who may connect to a secured server, and how; `pg_hba.conf` of the data folder is that of one without security."""
_PREVIOUS_SERVER_S = 20.0
_OPTIONS = (
    "wal_level=logical",
    "max_wal_senders=8",
    "max_replication_slots=8",
    # The replication slot of a removed connector must not fill the disk.
    "max_slot_wal_keep_size=4GB",
    "shared_buffers=64MB",
    "unix_socket_directories=",
    "password_encryption=scram-sha-256",
    "timezone=UTC",
    "log_timezone=UTC",
)


def component(settings: Settings) -> Component:
    """The server; its data is in `<data>/postgres/db`. Once it has data, it starts with the platform."""
    data = _data(settings)
    accounts_are_set = threading.Event()
    return Component(
        name=NAME,
        command=(
            *drop_root_prefix(data),
            _program(settings, "postgres"),
            "-D",
            str(data),
            *_options(f"port={settings.port(NAME)}", f"listen_addresses={LOOPBACK}", *_security(settings)),
        ),
        env=settings.values,
        prepare=lambda: _prepare(settings, accounts_are_set),
        probe=lambda: _missing(settings),
        after_ready=lambda: _load(settings),
        # SIGTERM would wait until every client has disconnected.
        stop_signal=signal.SIGINT,
        grace_s=30,
        with_platform=_loaded_files(settings).exists(),
    )


def _data(settings: Settings) -> Path:
    return settings.data / NAME / "db"


def _security(settings: Settings) -> tuple[str, ...]:
    """The options of a server that requires TLS."""
    if NAME not in settings.tls_parts:
        return ()
    folder = _tls_folder(settings)
    pem = folder / SERVER_PEM
    return ("ssl=on", f"ssl_cert_file={pem}", f"ssl_key_file={pem}", f"hba_file={folder / _HBA}")


def _tls_folder(settings: Settings) -> Path:
    return settings.data / NAME / "tls"


def _prepare_security(settings: Settings) -> None:
    folder = _tls_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _HBA).write_text(_TLS_ONLY)
    server_security.give_certificate(settings, folder, UNPRIVILEGED)


def _loaded_files(settings: Settings) -> LoadedSqlFiles:
    return LoadedSqlFiles(NAME, settings.data / NAME / "loaded.json", log_path(settings, NAME))


def _program(settings: Settings, name: str) -> str:
    version = _data(settings) / "PG_VERSION"
    folder = find_postgres(settings, version.read_text().strip() if version.exists() else "")
    return name if folder is None else str(folder / name)


def _options(*further: str) -> tuple[str, ...]:
    return tuple(part for option in (*_OPTIONS, *further) for part in ("-c", option))


def _prepare(settings: Settings, accounts_are_set: threading.Event) -> None:
    if NAME in settings.tls_parts:
        _prepare_security(settings)
    data = _data(settings)
    fresh = not _loaded_files(settings).exists()  # the first start, or an interrupted one
    if accounts_are_set.is_set() and not fresh:
        # After a kill, single-user mode fails while old server processes still end. Starting the server can be retried.
        return
    if fresh:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True, mode=0o700)
    # It requires that it owns its folder, and that no other server uses it.
    give_folder_to(data, UNPRIVILEGED)
    if fresh:
        options = ("-U", _SUPERUSER, "--auth-local=reject", "--auth-host=scram-sha-256", "--no-locale", "-E", "UTF8")
        _run(settings, (_program(settings, "initdb"), "-D", str(data), *options, "--no-instructions"))
    await_previous_server(data)
    alone = ("--single", "-D", str(data), *_options("exit_on_error=on", "log_min_error_statement=panic"))
    _run(settings, (_program(settings, "postgres"), *alone, "postgres"), account_sql(settings, fresh=fresh))
    accounts_are_set.set()


def await_previous_server(data: Path, *, timeout_s: float = _PREVIOUS_SERVER_S) -> None:
    """Wait until the server that a lock file names has ended, at most `timeout_s`.

    After a kill of the supervisor, a killed server stays a zombie until the system's first process collects it, and
    PostgreSQL takes a zombie for a running server. The lock file stays: by it PostgreSQL finds old server processes.
    """
    try:
        # Single-user mode writes its pid as a negative number.
        pid = abs(int((data / "postmaster.pid").read_text().split()[0]))
    except (OSError, ValueError, IndexError):
        return
    end = time.monotonic() + timeout_s
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)


def _run(settings: Settings, command: tuple[str, ...], text: str = "") -> None:
    program = (*drop_root_prefix(_data(settings)), *command)
    run_step(NAME, program, log=log_path(settings, NAME), env=settings.values, text=text)


def account_sql(settings: Settings, *, fresh: bool) -> str:
    """The statements, a line each, that create database and accounts (`fresh`) or update the accounts."""
    app, reader = settings.local("POSTGRES_APP_USER"), settings.local("POSTGRES_USER")
    lines = [
        _role(CONNECTORS),
        *_account(app, settings.local("POSTGRES_APP_PASSWORD"), "NOREPLICATION"),
        *_account(reader, settings.local("POSTGRES_PASSWORD"), "REPLICATION"),
        f"GRANT {CONNECTORS} TO {_name(reader)};",
        f"CREATE DATABASE {DATABASE} OWNER {_name(app)};" if fresh else "",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _account(user: str, password: str, rights: str) -> tuple[str, str]:
    # Set at every start, so that a changed setting takes effect.
    return _role(user), f"ALTER ROLE {_name(user)} LOGIN {rights} PASSWORD {_quoted(password)};"


def _role(name: str) -> str:
    known = f"SELECT FROM pg_roles WHERE rolname = {_quoted(name)}"
    body = f"BEGIN IF NOT EXISTS ({known}) THEN CREATE ROLE {_name(name)}; END IF; END"
    return f"DO {_quoted(body)};"


def _name(text: str) -> str:
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _missing(settings: Settings) -> str | None:
    # It listens for a while before it accepts logins.
    try:
        _client(settings).close()
    except RemoteError as error:
        return error.problem
    return None


def _client(settings: Settings) -> PostgresClient:
    # It takes longer to import than all else that `down` needs.
    from bifrost.clients.postgres import PostgresClient

    return PostgresClient(settings.local_postgres())


def _load(settings: Settings) -> None:
    """Run the files of `data/postgres` that were not run before, as the application's account."""
    try:
        with _client(settings) as client:
            _loaded_files(settings).load(settings.project / "data" / "postgres", client.run_script)
    except RemoteError as error:
        raise ComponentError(NAME, str(error), log=log_path(settings, NAME)) from error
