"""Where everything is and how to reach it; the only place that reads the environment.

Values come from the process environment, then from `.env` at the project's root, then from the defaults below.
A running embedded platform writes the ports that it took to `<home>/run/endpoints.json`; those hold over the defaults.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bifrost.errors import SettingError

_DECLARATIONS = ("connectors", "ksql")
"""Folders by which a project folder is recognized."""


def _is_project(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in _DECLARATIONS)


def _project_folder() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    # An installed package lies in site-packages; the project is then where the command runs.
    return checkout if _is_project(checkout) else Path.cwd()


PROJECT = _project_folder()
"""The folder with the declarations: the checkout that holds this file, otherwise the working directory."""

LOOPBACK = "127.0.0.1"
TELEGRAM_URL = "https://api.telegram.org/"
MONGODB_REPLICA_SET = "rs0"

Target = Literal["embedded", "compose", "remote"]
TARGETS: tuple[Target, ...] = ("embedded", "compose", "remote")

PORTS: Mapping[str, int] = {
    "kafka": 9092,
    "kafka_controller": 9093,
    "connect": 8083,
    "schema_registry": 8081,
    "rest_proxy": 8082,
    "ksqldb": 8088,
    "mysql": 3306,
    "postgres": 5432,
    "mongodb": 27017,
    "search": 9200,
    "s3": 9000,
    "console": 5601,
    "telegram_webhook": 8080,
    "syslog": 5140,
}
"""Default port by part; `BIFROST_PORT_<PART>` sets another one."""

LOCAL_DEFAULTS: Mapping[str, str] = {
    "MYSQL_USER": "debezium",
    "MYSQL_PASSWORD": "dbz",
    "MYSQL_APP_USER": "demo",
    "MYSQL_APP_PASSWORD": "demo",
    "POSTGRES_USER": "debezium",
    "POSTGRES_PASSWORD": "dbz",
    "POSTGRES_APP_USER": "demo",
    "POSTGRES_APP_PASSWORD": "demo",
    "AWS_ACCESS_KEY_ID": "bifrost",
    "AWS_SECRET_ACCESS_KEY": "bifrost-local",
}
"""Credentials of the throw-away stores of the embedded and compose targets, reachable on the loopback only."""

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*", re.I)
_SECRET_NAME = re.compile(r"password|secret|token|credential|api[._-]?key|private[._-]?key|sasl\.jaas|auth", re.I)
REDACTED = "********"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the parts of the target listen. Kafka is `host:port[,...]`, the others are URLs; empty = not there.

    `search` speaks Elasticsearch's API; `kibana` is empty where the console takes its place.

    `mongodb` is a connection string.

    `mysql` and `postgres` carry user, password and database (`mysql://user:password@host:port/demo`); `slack` is the
    base URL of the Slack Web API, `telegram` that of the Telegram Bot API (or of the inbox that plays them).
    """

    kafka: str
    connect: str
    schema_registry: str
    ksqldb: str
    mysql: str
    postgres: str
    mongodb: str
    console: str
    slack: str
    search: str
    s3: str
    kibana: str
    telegram: str
    rest_proxy: str

    def as_json(self) -> dict[str, str]:
        """The endpoints by name, as `status --json` prints them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Build it with `load`; tests build it with their own `values`."""

    values: Mapping[str, str] = field(default_factory=dict)
    project: Path = PROJECT

    @cached_property
    def home(self) -> Path:
        """The folder for the environment, downloads, data, logs and run files (`BIFROST_HOME`, default `.bifrost`)."""
        return self._folder("BIFROST_HOME", self.project / ".bifrost")

    @property
    def cache(self) -> Path:
        """Downloads, pinned by version; survives `down` and `down --purge`. `BIFROST_CACHE` shares it between homes."""
        return self._folder("BIFROST_CACHE", self.home / "cache")

    @property
    def venv(self) -> Path:
        """The Python environment that the bootstrap makes. `BIFROST_VENV` shares it between homes."""
        return self._folder("BIFROST_VENV", self.home / "venv")

    @property
    def data(self) -> Path:
        """What the embedded platform stores; survives `down`, not `down --purge`."""
        return self.home / "data"

    @property
    def orders(self) -> Path:
        """Where CSV files of orders are dropped (`source/`) and put afterwards: `ORDERS_FOLDER`, default in `data`."""
        return self._folder("ORDERS_FOLDER", self.data / "orders")

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Pids, sockets, generated configuration of the running platform."""
        return self.home / "run"

    @property
    def endpoints_file(self) -> Path:
        """The ports that the running embedded platform took, as JSON `{"ports": {part: port}}`."""
        return self.run / "endpoints.json"

    @property
    def alert_problems(self) -> Path:
        """What is wrong with alerts, as their service keeps it: JSON of name and problem."""
        return self.run / "alerts.json"

    @property
    def control_socket(self) -> Path:
        """The supervisor's control socket."""
        return self.run / "supervisor.sock"

    def _folder(self, name: str, default: Path) -> Path:
        return Path(self.get(name, str(default))).expanduser().absolute()

    @cached_property
    def target(self) -> Target:
        """Which target is meant: `BIFROST_TARGET`, default `embedded`."""
        value = self.get("BIFROST_TARGET", "embedded")
        if value not in TARGETS:
            raise SettingError("BIFROST_TARGET", f"{value!r} is not one of {', '.join(TARGETS)}")
        return value

    def get(self, name: str, default: str = "") -> str:
        """The value of a setting; empty counts as not set."""
        return self.values.get(name) or default

    def require(self, name: str, why: str) -> str:
        """The value of a setting that must be there.

        Raises:
            SettingError: it is not set; the message says what needs it.
        """
        value = self.get(name)
        if not value:
            raise SettingError(name, f"is not set; {why}. Set it in the environment or in {self.project / '.env'}")
        return value

    def port(self, part: str) -> int:
        """The port of a part: what the running platform took, else `BIFROST_PORT_<PART>`, else the default."""
        return self.running_ports.get(part) or self.declared_port(part)

    def declared_port(self, part: str) -> int:
        """The port that a new platform would take for a part.

        Raises:
            SettingError: the value is not a port number.
        """
        name = f"BIFROST_PORT_{part.upper()}"
        value = self.get(name, str(PORTS[part]))
        if not value.isdigit() or not 0 < int(value) < 65536:
            raise SettingError(name, f"{value!r} is not a port number (1 to 65535)")
        return int(value)

    @cached_property
    def running_ports(self) -> Mapping[str, int]:
        """Ports of the running embedded platform, empty when none runs."""
        try:
            found = json.loads(self.endpoints_file.read_text())
        except (OSError, ValueError):
            return {}
        return {str(part): int(port) for part, port in found.get("ports", {}).items()}

    @property
    def endpoints(self) -> Endpoints:
        """Where the parts of the chosen target listen.

        Raises:
            SettingError: the target is `remote` and a needed endpoint is not set.
        """
        return self._remote_endpoints() if self.target == "remote" else self._local_endpoints()

    def _local_endpoints(self) -> Endpoints:
        user, password = self.local("MYSQL_APP_USER"), self.local("MYSQL_APP_PASSWORD")
        console = f"http://{LOOPBACK}:{self.port('console')}"
        inbox = f"{console}/" if self.target == "embedded" else ""
        return Endpoints(
            kafka=self.get("KAFKA_BOOTSTRAP_SERVERS", f"{LOOPBACK}:{self.port('kafka')}"),
            connect=self.get("CONNECT_URL", f"http://{LOOPBACK}:{self.port('connect')}"),
            schema_registry=self.get("SCHEMA_REGISTRY_URL", self._local_registry()),
            ksqldb=self.get("KSQLDB_URL", f"http://{LOOPBACK}:{self.port('ksqldb')}"),
            mysql=f"mysql://{user}:{password}@{LOOPBACK}:{self.port('mysql')}/demo",
            postgres=self.local_postgres(),
            mongodb=self.local_mongodb(),
            console=console,
            slack=self.get("SLACK_API_URL", "https://slack.com/api/" if self.get("SLACK_API_TOKEN") else inbox),
            search=self.get("ELASTICSEARCH_URL", f"http://{LOOPBACK}:{self.port('search')}"),
            s3=self.get("S3_ENDPOINT", f"http://{LOOPBACK}:{self.port('s3')}"),
            kibana=self.get("KIBANA_URL", "" if self.target == "embedded" else console),
            telegram=self.get("TELEGRAM_API_URL", TELEGRAM_URL if self.get("TELEGRAM_BOT_TOKEN") else inbox),
            rest_proxy=self.get("REST_PROXY_URL", f"http://{LOOPBACK}:{self.port('rest_proxy')}"),
        )

    def _local_registry(self) -> str:
        path = "/apis/ccompat/v7" if self.target == "embedded" else ""
        return f"http://{LOOPBACK}:{self.port('schema_registry')}{path}"

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

    def local_mongodb(self) -> str:
        """The connection string of the local MongoDB; compose's knows itself by a name that only its network has."""
        how = f"replicaSet={MONGODB_REPLICA_SET}" if self.target == "embedded" else "directConnection=true"
        return f"mongodb://{LOOPBACK}:{self.port('mongodb')}/?{how}"

    def local_postgres(self) -> str:
        """The URL of the local PostgreSQL, with the application's account."""
        user, password = (quote(self.local(f"POSTGRES_APP_{name}"), safe="") for name in ("USER", "PASSWORD"))
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port('postgres')}/demo"

    def local(self, name: str) -> str:
        """A credential of the local databases: as set, else the loopback default."""
        return self.get(name, LOCAL_DEFAULTS[name])

    def kafka_client(self) -> dict[str, str]:
        """librdkafka properties to reach the target's brokers, with security where it is set.

        `KAFKA_SECURITY_PROTOCOL`, `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`,
        `KAFKA_SSL_CA_LOCATION`.
        """
        names = {
            "security.protocol": "KAFKA_SECURITY_PROTOCOL",
            "sasl.mechanism": "KAFKA_SASL_MECHANISM",
            "sasl.username": "KAFKA_SASL_USERNAME",
            "sasl.password": "KAFKA_SASL_PASSWORD",
            "ssl.ca.location": "KAFKA_SSL_CA_LOCATION",
        }
        secured = {key: self.get(name) for key, name in names.items() if self.get(name)}
        return {"bootstrap.servers": self.endpoints.kafka, **secured}

    def with_values(self, **changed: str) -> Settings:
        """The same settings with some values changed."""
        return Settings({**self.values, **changed}, self.project)


def load(project: Path = PROJECT) -> Settings:
    """The settings of this process: `.env` of the project overlaid by the environment.

    Raises:
        SettingError: the working directory is not a project folder (only where the package is installed outside of
            a checkout), or a line of `.env` is not `NAME=value`.
    """
    if project == PROJECT and not _is_project(project):
        raise SettingError(
            str(project),
            "is not a Bifrost project: run the command in a checkout (a folder with connectors/ and ksql/)",
        )
    values = {**read_dotenv(project / ".env"), **{name: value for name, value in os.environ.items() if value}}
    return Settings(values, project)


def read_dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines of a file; quotes around a value are taken off, `#` begins a comment, no file is no lines.

    Raises:
        SettingError: a line is not of that form (named by its number, its value not shown).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    values = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise SettingError(f"{path}:{number}", "expected NAME=value")
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def is_secret(name: str) -> bool:
    """Whether a setting or connector key of this name holds something that must not be shown."""
    return _SECRET_NAME.search(name) is not None


def redacted(config: Mapping[str, str]) -> dict[str, str]:
    """A copy to print: values of secret keys hidden, placeholders (`${env:NAME}`) kept since they hold nothing."""
    return {key: value if not is_secret(key) or value.startswith("${") else REDACTED for key, value in config.items()}


def without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """A text with the values of secret settings taken out, for error bodies that echo what they were given."""
    for name, value in secrets.items():
        if is_secret(name) and len(value) >= 3:
            text = text.replace(value, REDACTED)
    return text
