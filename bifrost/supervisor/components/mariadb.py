"""MariaDB in the place of MySQL: with a row-based binary log for Debezium, and the databases of `data/mysql`."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from bifrost.default_settings import LOOPBACK, SERVER_PEM
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import server_security
from bifrost.supervisor.components.loaded_sql_files import LoadedSqlFiles
from bifrost.supervisor.install.system_parts import find_program
from bifrost.supervisor.processes import probes
from bifrost.supervisor.processes.child_process import run_step
from bifrost.supervisor.processes.component_logs import log_path
from bifrost.supervisor.processes.run_as import give_folder_to, unprivileged_user

NAME = "mariadb"
DATABASE = "demo"

_SOCKET = "mariadb.sock"
"""Relative to the data folder, the working folder of server and client: an absolute path may be too long."""

_REPLICATION = (
    "--server-id=223344",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    # 30 days as MySQL's default; MariaDB's own default keeps the log forever. A connector that was stopped for longer
    # must take a new snapshot.
    "--binlog-expire-logs-seconds=2592000",
    "--gtid-strict-mode=ON",
)


def component(settings: Settings) -> Component:
    """The server; its data is in `<data>/mariadb/db`."""
    data = settings.data / NAME / "db"
    user = unprivileged_user(settings.data)
    return Component(
        name=NAME,
        command=(
            find_program(settings, "mariadbd") or "mariadbd",
            "--no-defaults",
            # The server refuses to run as root without this option.
            *(("--user=root",) if os.geteuid() == 0 and user is None else ()),
            f"--datadir={data}",
            f"--socket={_SOCKET}",
            f"--port={settings.port('mysql')}",
            f"--bind-address={LOOPBACK}",
            *_REPLICATION,
            *_security(settings),
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=64M",
            "--performance-schema=OFF",
        ),
        env=settings.values,
        user=user,
        prepare=lambda: _prepare(settings, data, user),
        probe=probes.tcp(settings.port("mysql")),
        after_ready=lambda: _load(settings, data),
        grace_s=30,
    )


def _security(settings: Settings) -> tuple[str, ...]:
    """The options of a server that requires TLS; its own client uses the socket."""
    if "mysql" not in settings.tls_parts:
        return ()
    pem = _tls_folder(settings) / SERVER_PEM
    return (f"--ssl-cert={pem}", f"--ssl-key={pem}", "--require-secure-transport=ON", "--tls-version=TLSv1.2,TLSv1.3")


def _tls_folder(settings: Settings) -> Path:
    return settings.data / NAME / "tls"


def _prepare(settings: Settings, data: Path, user: str | None) -> None:
    if "mysql" in settings.tls_parts:
        server_security.give_certificate(settings, _tls_folder(settings), user)
    if not _loaded_files(settings, data).exists():  # the first start, or an interrupted one
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        _install(settings, data)
    give_folder_to(data, user)


def _install(settings: Settings, data: Path) -> None:
    program = find_program(settings, "mariadb-install-db") or "mariadb-install-db"
    options = (
        "--no-defaults",
        f"--datadir={data}",
        f"--user={_our_name()}",
        "--auth-root-authentication-method=socket",
        f"--auth-root-socket-user={_our_name()}",
        "--skip-test-db",
        "--skip-name-resolve",
    )
    run_step(NAME, (program, *options), log=log_path(settings, NAME), env=settings.values)


def _our_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _load(settings: Settings, data: Path) -> None:
    """Create the accounts and run the files of `data/mysql` that were not run before, in the order of their names."""
    _run_sql(settings, data, account_sql(settings))
    folder = settings.project / "data" / "mysql"
    _loaded_files(settings, data).load(folder, lambda sql: _run_sql(settings, data, sql, DATABASE))


def _loaded_files(settings: Settings, data: Path) -> LoadedSqlFiles:
    return LoadedSqlFiles(NAME, data.with_name("loaded.json"), log_path(settings, NAME))


def _run_sql(settings: Settings, data: Path, sql: str, *database: str) -> None:
    client = find_program(settings, "mariadb") or "mariadb"
    options = ("--no-defaults", "--protocol=socket", f"--socket={_SOCKET}", f"--user={_our_name()}")
    command = (client, *options, "--default-character-set=utf8mb4", *database)
    run_step(NAME, command, log=log_path(settings, NAME), env=settings.values, cwd=data, text=sql)


def account_sql(settings: Settings) -> str:
    """The statements that create or update the accounts of the application and of the connectors."""
    app, reader = settings.local("MYSQL_APP_USER"), settings.local("MYSQL_USER")
    return "\n".join(
        (
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;",
            *_account(app, settings.local("MYSQL_APP_PASSWORD")),
            f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO {_quoted(app)}@'%';",
            *_account(reader, settings.local("MYSQL_PASSWORD")),
            "GRANT SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT, LOCK TABLES, BINLOG MONITOR "
            f"ON *.* TO {_quoted(reader)}@'%';",
        )
    )


def _account(user: str, password: str) -> tuple[str, str]:
    # Set at every start, so that a changed setting takes effect.
    name, secret = _quoted(user), _quoted(password)
    return f"CREATE USER IF NOT EXISTS {name}@'%';", f"ALTER USER {name}@'%' IDENTIFIED BY {secret};"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
