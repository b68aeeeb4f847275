"""All settings: folders, ports, endpoints and credentials. The only module that reads the environment.

A value comes from the process environment, otherwise from `environments/<name>.env` if an environment is selected,
otherwise from `.env` in the project folder, otherwise from the defaults below. A running embedded platform writes its
ports to `<home>/run/endpoints.json`; these override the configured ports.

Standard library only: the bootstrap reads the settings before the Python environment exists.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from bifrost import role_credentials
from bifrost.default_settings import (
    AUTHORITY,
    COMPOSE_TLS_PARTS,
    LOCAL_DEFAULTS,
    LOOPBACK,
    MONGODB_REPLICA_SET,
    PORTS,
    TELEGRAM_URL,
    TLS_PARTS,
)
from bifrost.dotenv import environment_file, read_dotenv, read_environment
from bifrost.endpoints import Endpoints
from bifrost.errors import SettingError

_DECLARATIONS = ("connectors", "ksql")
"""Folders by which a project folder is recognised."""


def _is_project(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in _DECLARATIONS)


def _project_folder() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    # An installed package lies in site-packages; the project is then where the command runs.
    return checkout if _is_project(checkout) else Path.cwd()


PROJECT = _project_folder()
"""The folder with the declarations: the checkout that holds this file, otherwise the working directory."""

Target = Literal["embedded", "compose", "remote"]
TARGETS: tuple[Target, ...] = ("embedded", "compose", "remote")

_ROLE_PREFIXES = (
    *("KAFKA_", "CONNECT_", "SCHEMA_REGISTRY_", "KSQLDB_", "ELASTICSEARCH_", "REST_PROXY_", "CONSOLE_"),
    *("MONGODB_", "METRICS_"),
)
"""Settings that the file of a role may hold."""
_ROLE = re.compile(r"[a-z]+(-[a-z]+)*")
_MOST_WORKERS = 64
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*", re.I)


@dataclass(frozen=True)
class Settings:
    """The settings: `values` by name, and the project folder. Programs create it with `load`."""

    values: Mapping[str, str] = field(default_factory=dict)
    project: Path = PROJECT

    @property
    def environment(self) -> str:
        """The name of the environment (`BIFROST_ENV`, `--env NAME`), empty for none."""
        return self.get("BIFROST_ENV")

    @cached_property
    def home(self) -> Path:
        """The folder for data, logs and run files (`BIFROST_HOME`).

        By default `.bifrost`, or `.bifrost/environments/<name>` in an environment, so that each has separate data.
        """
        return self._folder("BIFROST_HOME", self._default_home)

    @property
    def _default_home(self) -> Path:
        shared = self.project / ".bifrost"
        return shared / "environments" / self.environment if self.environment else shared

    @property
    def _shared_home(self) -> Path:
        """The folder of what environments share: downloads and the Python environment."""
        is_isolated = self.environment and self.home == self._default_home.absolute()
        return self.project / ".bifrost" if is_isolated else self.home

    @property
    def cache(self) -> Path:
        """Downloads, pinned by version; `down --purge` keeps them. `BIFROST_CACHE` shares the folder between homes."""
        return self._folder("BIFROST_CACHE", self._shared_home / "cache")

    @property
    def venv(self) -> Path:
        """The Python environment that the bootstrap creates. `BIFROST_VENV` shares it between homes."""
        return self._folder("BIFROST_VENV", self._shared_home / "venv")

    @property
    def data(self) -> Path:
        """The data of the embedded platform; `down` keeps it, `down --purge` removes it."""
        return self.home / "data"

    @property
    def orders(self) -> Path:
        """The folder of CSV files with orders: `source`, `finished`, `error` (`ORDERS_FOLDER`, default in `data`)."""
        return self._folder("ORDERS_FOLDER", self.data / "orders")

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Process ids, sockets and generated configuration of the running platform."""
        return self.home / "run"

    @property
    def endpoints_file(self) -> Path:
        """What the running embedded platform has: JSON `{"ports": {part: port}, "secured": true, "jmx": true}`."""
        return self.run / "endpoints.json"

    @property
    def scrape_targets_file(self) -> Path:
        """The addresses of `/metrics` of the running embedded platform, for `file_sd_configs` of Prometheus."""
        return self.run / "prometheus-targets.json"

    @property
    def previous_ports_file(self) -> Path:
        """Remembers the ports of this home's last platform while none runs, in the form of `endpoints_file`."""
        return self.data / "ports.json"

    @property
    def alert_problems(self) -> Path:
        """The current problems of alerts, which their service writes: JSON, problem by alert."""
        return self.run / "alerts.json"

    @property
    def action_log(self) -> Path:
        """Who changed what, in the console, with a command, or as `watch`: JSON lines, which `down --purge` keeps."""
        return self.home / "actions.jsonl"

    @property
    def watch_state(self) -> Path:
        """What the watcher of the platform restarts or has given up: JSON, a line by thing."""
        return self.run / "watch.json"

    @property
    def disk_pause(self) -> Path:
        """What the watcher has paused for lack of disk space: a JSON list; missing if nothing is paused."""
        return self.run / "disk-pause.json"

    @property
    def secure_folder(self) -> Path:
        """Certificates, passwords and the settings of roles of a secured platform."""
        return self.home / ("secure-compose" if self.target == "compose" else "secure")

    @property
    def container_files(self) -> Path:
        """What the containers of a secured compose target read; missing where they run without security."""
        return self.secure_folder / "containers"

    @property
    def role(self) -> str:
        """Whose user a program is on a secured platform: `BIFROST_ROLE`, `deployer` for the commands of a person."""
        return self.get("BIFROST_ROLE", "deployer")

    @property
    def has_jmx(self) -> bool:
        """Whether an agent in the embedded broker and Connect worker serves their figures.

        A running platform decides, otherwise `BIFROST_JMX`.

        Raises:
            SettingError: `BIFROST_JMX` is neither 1 nor 0.
        """
        wanted = self.get("BIFROST_JMX")
        if wanted not in ("", "0", "1"):
            raise SettingError("BIFROST_JMX", f"{wanted!r} is neither 1 nor 0")
        if self.target != "embedded":
            return False
        running = _read_json(self.endpoints_file)
        return bool(running.get("jmx")) if running else wanted == "1"

    @cached_property
    def is_secured(self) -> bool:
        """Whether the target is a secured platform of ours; on compose, Kafka and four of its servers.

        A running embedded platform decides. Otherwise `BIFROST_SECURE` does (1 or 0), and without it, how the platform
        of this home ran last.

        Raises:
            SettingError: `BIFROST_SECURE` is neither 1 nor 0.
        """
        wanted = self.get("BIFROST_SECURE")
        if wanted not in ("", "0", "1"):
            raise SettingError("BIFROST_SECURE", f"{wanted!r} is neither 1 nor 0")
        if self.target == "compose":
            return wanted == "1" if wanted else self.container_files.is_dir()
        if self.target != "embedded":
            return False
        running = _read_json(self.endpoints_file)
        if not running and wanted:
            return wanted == "1"
        return bool((running or _read_json(self.previous_ports_file)).get("secured"))

    @property
    def tls_parts(self) -> frozenset[str]:
        """The servers of this target beside the broker that require TLS and a login."""
        if not self.is_secured:
            return frozenset()
        return COMPOSE_TLS_PARTS if self.target == "compose" else TLS_PARTS

    @cached_property
    def _role_values(self) -> Mapping[str, str]:
        """With what the role connects to the parts of a secured platform; empty elsewhere, and before its first start.

        Raises:
            SettingError: `BIFROST_ROLE` is not a role, or its file cannot be read.
        """
        if not self.is_secured:
            return {}
        found = read_dotenv(role_file(self.secure_folder, self.role)) if _ROLE.fullmatch(self.role) else {}
        if not found and (known := sorted(path.stem for path in self.secure_folder.glob("roles/*.env"))):
            raise SettingError("BIFROST_ROLE", f"{self.role!r} is not a role; roles are {', '.join(known)}")
        if self.target == "compose":
            found = role_credentials.of_parts(found, self.tls_parts)
        own_urls = {prefix: self.local_url(part) for prefix, part in role_credentials.PARTS.items()}
        return role_credentials.applicable(found, self.values, own_urls)

    @property
    def secrets(self) -> Mapping[str, str]:
        """All values, with those of the role: what must not appear in a text."""
        return {**self.values, **self._role_values}

    @property
    def control_socket(self) -> Path:
        """The supervisor's control socket."""
        return self.run / "supervisor.sock"

    def _folder(self, name: str, default: Path) -> Path:
        return Path(self.get(name, str(default))).expanduser().absolute()

    @cached_property
    def target(self) -> Target:
        """The target: `BIFROST_TARGET`, default `embedded`.

        Raises:
            SettingError: the value is not a target.
        """
        value = self.get("BIFROST_TARGET", "embedded")
        if value not in TARGETS:
            raise SettingError("BIFROST_TARGET", f"{value!r} is not one of {', '.join(TARGETS)}")
        return value

    def get(self, name: str, default: str = "") -> str:
        """The value of a setting, or the default if it is not set or empty.

        On a secured platform, the credentials of the role come before those of the environment and of files.
        """
        if name.startswith(_ROLE_PREFIXES):
            of_role = self._role_values
            if name in of_role or role_credentials.takes_the_place_of(of_role, name):
                return of_role.get(name) or default
        return self.values.get(name) or default

    def require(self, name: str, why: str) -> str:
        """The value of a setting that must be set.

        Args:
            name: the setting.
            why: what needs it, for the error: "the remote target needs it".

        Raises:
            SettingError: it is not set or empty.
        """
        value = self.get(name)
        if not value:
            file = environment_file(self.project, self.environment) if self.environment else self.project / ".env"
            raise SettingError(name, f"is not set; {why}. Set it in the environment or in {file}")
        return value

    def port(self, part: str) -> int:
        """The port of a part: that of the running platform, otherwise `BIFROST_PORT_<PART>`, otherwise the default."""
        return self.running_ports.get(part) or self.declared_port(part)

    def declared_port(self, part: str) -> int:
        """The configured port of a part, which a new platform would use.

        Raises:
            SettingError: the value is not a port number.
        """
        name = f"BIFROST_PORT_{part.upper()}"
        return _port_number(name, self.get(name, str(PORTS[part])))

    @property
    def metrics_port(self) -> int | None:
        """The port on which a program without another HTTP server serves `/metrics`; `None` for none.

        The supervisor sets it for the programs that it starts (`BIFROST_METRICS_PORT`).

        Raises:
            SettingError: the value is not a port number.
        """
        value = self.get("BIFROST_METRICS_PORT")
        return _port_number("BIFROST_METRICS_PORT", value) if value else None

    @cached_property
    def running_ports(self) -> Mapping[str, int]:
        """Port by part of the running embedded platform; empty if none runs."""
        return {str(part): int(port) for part, port in _read_json(self.endpoints_file).get("ports", {}).items()}

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the target's parts.

        Raises:
            SettingError: the target is `remote` and a required endpoint is not set.
        """
        return self._remote_endpoints() if self.target == "remote" else self._local_endpoints()

    def _local_endpoints(self) -> Endpoints:
        user, password = self.local("MYSQL_APP_USER"), self.local("MYSQL_APP_PASSWORD")
        console = self.local_url("console")
        inbox = f"{console}/" if self.target == "embedded" else ""
        return Endpoints(
            kafka=self.get("KAFKA_BOOTSTRAP_SERVERS", f"{LOOPBACK}:{self.port('kafka')}"),
            connect=self.get("CONNECT_URL", self.local_url("connect")),
            schema_registry=self.get("SCHEMA_REGISTRY_URL", self.local_url("schema_registry")),
            ksqldb=self.get("KSQLDB_URL", self.local_url("ksqldb")),
            mysql=f"mysql://{user}:{password}@{LOOPBACK}:{self.port('mysql')}/demo",
            postgres=self.local_postgres(),
            mongodb=self.local_mongodb(),
            console=console,
            slack=self.get("SLACK_API_URL", "https://slack.com/api/" if self.get("SLACK_API_TOKEN") else inbox),
            search=self.get("ELASTICSEARCH_URL", self.local_url("search")),
            s3=self.get("S3_ENDPOINT", self.local_url("s3")),
            kibana=self.get("KIBANA_URL", "" if self.target == "embedded" else console),
            telegram=self.get("TELEGRAM_API_URL", TELEGRAM_URL if self.get("TELEGRAM_BOT_TOKEN") else inbox),
            rest_proxy=self.get("REST_PROXY_URL", self.local_url("rest_proxy")),
        )

    def _remote_endpoints(self) -> Endpoints:
        why = "the remote target needs it"
        return Endpoints(
            kafka=self.require("KAFKA_BOOTSTRAP_SERVERS", why),
            connect=self.require("CONNECT_URL", why),
            schema_registry=self.require("SCHEMA_REGISTRY_URL", why),
            ksqldb=self.require("KSQLDB_URL", why),
            mysql=self.get("MYSQL_URL"),
            postgres=self.get("POSTGRES_URL"),
            mongodb=self.get("MONGODB_CONNECTION_STRING"),
            console=self.get("CONSOLE_URL"),
            slack=self.get("SLACK_API_URL", "https://slack.com/api/"),
            search=self.get("ELASTICSEARCH_URL"),
            s3=self.get("S3_ENDPOINT"),
            kibana=self.get("KIBANA_URL"),
            telegram=self.get("TELEGRAM_API_URL", TELEGRAM_URL),
            rest_proxy=self.get("REST_PROXY_URL"),
        )

    @property
    def ksql_workers(self) -> int:
        """The number of processes for persistent queries (`KSQL_WORKERS`); default: one per core beyond the first.

        Raises:
            SettingError: the value is not a number from 1 to 64.
        """
        value = self.get("KSQL_WORKERS", str(max(1, _cores() - 1)))
        if not value.isdecimal() or not 1 <= int(value) <= _MOST_WORKERS:
            raise SettingError("KSQL_WORKERS", f"{value!r} is not a number of processes (1 to {_MOST_WORKERS})")
        return int(value)

    @property
    def ksql_service_id(self) -> str:
        """The service id of the embedded engine (`KSQL_SERVICE_ID`), with which its internal names begin."""
        return self.get("KSQL_SERVICE_ID", "default_")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names beside those of the loopback by which the HTTP servers may be called: `BIFROST_ALLOWED_HOSTS`.

        Raises:
            SettingError: an entry is not a host name.
        """
        names = [name.strip() for name in self.get("BIFROST_ALLOWED_HOSTS").split(",") if name.strip()]
        for name in names:
            if not _HOST_NAME.fullmatch(name):
                problem = f"{name!r} is not a host name; write names without scheme and port, separated by commas"
                raise SettingError("BIFROST_ALLOWED_HOSTS", problem)
        return frozenset(name.lower() for name in names)

    def local_url(self, part: str) -> str:
        """The URL of a part on this machine; https where it requires a login."""
        scheme = "https" if part in self.tls_parts else "http"
        return f"{scheme}://{LOOPBACK}:{self.port(part)}"

    def local_mongodb(self) -> str:
        """The connection string of the local MongoDB, with the user of the role on a secured platform.

        The replica set of the compose target names its member by a host of the compose network, which a client on
        this machine cannot resolve: it connects directly.
        """
        user, password = (quote(self.get(f"MONGODB_{name}"), safe="") for name in ("USER", "PASSWORD"))
        if "mongodb" not in self.tls_parts or not user:
            return self.mongodb_address
        address, authority = self.mongodb_address.removeprefix("mongodb://"), quote(str(self.authority), safe="")
        return f"mongodb://{user}:{password}@{address}&authSource=admin&tls=true&tlsCAFile={authority}"

    @property
    def mongodb_address(self) -> str:
        """The same without a user."""
        how = f"replicaSet={MONGODB_REPLICA_SET}" if self.target == "embedded" else "directConnection=true"
        return f"mongodb://{LOOPBACK}:{self.port('mongodb')}/?{how}"

    def local_postgres(self) -> str:
        """The URL of the local PostgreSQL with the application's account; over TLS on a secured platform."""
        user, password = (quote(self.local(f"POSTGRES_APP_{name}"), safe="") for name in ("USER", "PASSWORD"))
        address = f"postgresql://{user}:{password}@{LOOPBACK}:{self.port('postgres')}/demo"
        if "postgres" not in self.tls_parts:
            return address
        return f"{address}?sslmode=verify-full&sslrootcert={quote(str(self.authority), safe='')}"

    @property
    def authority(self) -> Path:
        """The certificate of the authority of a secured platform, which clients trust (PEM)."""
        return self.secure_folder / AUTHORITY

    def local(self, name: str) -> str:
        """A credential of the local stores: the setting, otherwise its default."""
        return self.get(name, LOCAL_DEFAULTS[name])

    def kafka_client(self) -> dict[str, str]:
        """librdkafka's properties to connect to the target's brokers, with security where it is set:

        `KAFKA_SECURITY_PROTOCOL`, `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`,
        `KAFKA_SSL_CA_LOCATION`, `KAFKA_SSL_CERTIFICATE_LOCATION`, `KAFKA_SSL_KEY_LOCATION`, `KAFKA_SSL_KEY_PASSWORD`.
        """
        names = {
            "security.protocol": "KAFKA_SECURITY_PROTOCOL",
            "sasl.mechanism": "KAFKA_SASL_MECHANISM",
            "sasl.username": "KAFKA_SASL_USERNAME",
            "sasl.password": "KAFKA_SASL_PASSWORD",
            "ssl.ca.location": "KAFKA_SSL_CA_LOCATION",
            "ssl.certificate.location": "KAFKA_SSL_CERTIFICATE_LOCATION",
            "ssl.key.location": "KAFKA_SSL_KEY_LOCATION",
            "ssl.key.password": "KAFKA_SSL_KEY_PASSWORD",
        }
        secured = {key: self.get(name) for key, name in names.items() if self.get(name)}
        return {"bootstrap.servers": self.endpoints.kafka, **secured}

    def with_values(self, **changed: str) -> Settings:
        """A copy with some values changed."""
        return Settings({**self.values, **changed}, self.project)


def _port_number(name: str, value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise SettingError(name, f"{value!r} is not a port number (1 to 65535)")
    return int(value)


def role_file(folder: Path, role: str) -> Path:
    """The file with the settings of a role, in the folder of a secured platform."""
    return folder / "roles" / f"{role}.env"


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty if it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load(project: Path = PROJECT, environment: str = "") -> Settings:
    """The settings of this process: its environment over `environments/<name>.env` over `.env` of the project.

    Args:
        project: the project folder.
        environment: the name of the environment; by default `BIFROST_ENV`.

    Raises:
        SettingError: the working directory is not a project folder (only where the package is installed outside of
            a checkout), the environment has no file, or a line of a file is not `NAME=value`.
    """
    if project == PROJECT and not _is_project(project):
        raise SettingError(
            str(project),
            "is not a Bifrost project: run the command in a checkout (a folder with connectors/ and ksql/)",
        )
    process = {name: value for name, value in os.environ.items() if value}
    shared = read_dotenv(project / ".env")
    name = environment or process.get("BIFROST_ENV") or shared.get("BIFROST_ENV", "")
    own = read_environment(project, name) if name else {}
    return Settings({**shared, **own, **process, **({"BIFROST_ENV": name} if name else {})}, project)


def environment_in(arguments: Sequence[str]) -> str:
    """The environment that a command line selects with `--env NAME` or `--env=NAME`; empty for none."""
    found = ""
    for index, argument in enumerate(arguments):
        if argument == "--env":
            found = arguments[index + 1] if index + 1 < len(arguments) else ""
        elif argument.startswith("--env="):
            found = argument.removeprefix("--env=")
    return found
