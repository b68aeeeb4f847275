"""What differs between the targets: one table each, so that the deployer needs no case per target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from bifrost.default_settings import LOCAL_DEFAULTS, MOUNTED, TRUST_STORE
from bifrost.deployer.checks.vendor_keys import BIGQUERY_SINK
from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector
from bifrost.errors import SettingError
from bifrost.security.roles import CONNECT
from bifrost.settings import Settings, Target, role_file

OWNER_KEY = "bifrost.pipeline"
"""Key in every connector that is deployed; `--prune` removes only connectors that have it."""

PLACEHOLDER = re.compile(r"\$\{(?:(?P<provider>[A-Za-z][\w-]*):)?(?P<name>[^}]*)\}")
_GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"
_CONVERTER_KEYS = ("key.converter", "value.converter")
_HISTORY = "schema.history.internal"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": _SCRAM,
    "SCRAM-SHA-512": _SCRAM,
}


@dataclass(frozen=True, slots=True)
class ClassSubstitution:
    """A connector class that replaces another one, and the keys that must be set with it.

    `is_required` holds where the other class would not work even if the workers had it.
    """

    class_name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class ServerClient:
    """What connectors need to call one of the platform's own servers where it requires TLS and a login.

    `class_name` is the end of the class of these connectors (empty: all), `key` the one that names the server,
    `address` how: only a connector with this address gets the login, which must not reach another server. `parameters`
    are added to an address that is a URL, for connectors that pass nothing else to their driver.
    """

    class_name: str
    key: str
    address: re.Pattern[str]
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def added_to(self, config: Mapping[str, str], declared: Mapping[str, str]) -> dict[str, str]:
        """A configuration with what it lacks; what the file declares wins, but not what another class needs."""
        added = {key: value for key, value in self.settings.items() if key not in declared}
        address = config[self.key]
        missing = {name: value for name, value in self.parameters.items() if f"{name}=" not in address}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in missing.items())
        joined = f"{address}{'&' if '?' in address else '?'}{query}" if query else address
        return {**config, **added, self.key: joined}

    def is_of(self, config: Mapping[str, str]) -> bool:
        """Whether a connector calls this server."""
        return config["connector.class"].endswith(self.class_name) and bool(
            self.address.fullmatch(config.get(self.key, ""))
        )


@dataclass(frozen=True, slots=True)
class Substitutions:
    """All differences of one target.

    `worker_converters` are converter classes whose equivalent is the workers' default: a connector that names one is
    deployed without it and writes the same bytes and subjects. `placeholder` rewrites
    `${env:NAME}` to the syntax of the workers (`{name}` stands for NAME); `variables` are the names that the workers
    have, `None` where that is unknown. `unavailable` are classes without a replacement on the target, with the reason:
    their connectors are declared for other targets. So is `unavailable_converters`, by the converter's class.
    `history_client` are keys for each Kafka client of a schema history, on a cluster that requires them, and
    `server_clients` those for the servers of the target that do.
    """

    classes: Mapping[str, ClassSubstitution] = field(default_factory=dict)
    worker_converters: frozenset[str] = frozenset()
    placeholder: str = "${env:{name}}"
    variables: frozenset[str] | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    unavailable_converters: Mapping[str, str] = field(default_factory=dict)
    history_client: Mapping[str, str] = field(default_factory=dict)
    server_clients: tuple[ServerClient, ...] = ()


_MARIADB = ClassSubstitution(
    # Debezium's MySqlConnector refuses MariaDB, which takes the place of MySQL on a machine without Docker.
    "io.debezium.connector.mariadb.MariaDbConnector",
    {"database.ssl.mode": "disable"},
    is_required=True,
)

_SPOOLDIR_AND_SYSLOG: Mapping[str, ClassSubstitution] = {
    f"com.github.jcustenborder.kafka.connect.{vendors}": ClassSubstitution(f"bifrost.connect.{ours}")
    for vendors, ours in (
        ("spooldir.SpoolDirCsvSourceConnector", "spooldir.SpoolDirCsvSourceConnector"),
        ("syslog.TCPSyslogSourceConnector", "syslog.TcpSyslogSourceConnector"),
        ("syslog.SSLTCPSyslogSourceConnector", "syslog.SslTcpSyslogSourceConnector"),
        ("syslog.UDPSyslogSourceConnector", "syslog.UdpSyslogSourceConnector"),
    )
}
"""The project's plugins (`jvm/connect-plugins`), which accept the vendor's configuration."""

_CONFLUENT: Mapping[str, ClassSubstitution] = {
    f"io.confluent.connect.{name}": ClassSubstitution(f"bifrost.connect.{name}")
    for name in ("elasticsearch.ElasticsearchSinkConnector", "s3.S3SinkConnector", "jdbc.JdbcSourceConnector")
}
"""The project's plugins in place of Confluent's, which accept their configuration including the class names in it."""

_EMBEDDED_VARIABLES = frozenset(
    {
        *LOCAL_DEFAULTS,
        "MYSQL_HOST",
        "MYSQL_PORT",
        "POSTGRES_HOST",
        "POSTGRES_PORT",
        "MONGODB_CONNECTION_STRING",
        "KAFKA_BOOTSTRAP_SERVERS",
        "SCHEMA_REGISTRY_URL",
        "ELASTICSEARCH_URL",
        "S3_ENDPOINT",
        "ORDERS_FOLDER",
        "SYSLOG_HOST",
        "SYSLOG_PORT",
    }
)

OWN_PLUGINS: Mapping[str, ClassSubstitution] = {**_CONFLUENT, **_SPOOLDIR_AND_SYSLOG}
"""The project's plugins by the vendor's class, for workers that lack the vendor's."""

TABLES: Mapping[Target, Substitutions] = {
    "embedded": Substitutions(
        classes={"io.debezium.connector.mysql.MySqlConnector": _MARIADB, **_CONFLUENT, **_SPOOLDIR_AND_SYSLOG},
        # The workers' default is Apicurio's converter in Confluent's wire format; Confluent's is in no public registry.
        worker_converters=frozenset({"io.confluent.connect.avro.AvroConverter"}),
        variables=_EMBEDDED_VARIABLES,
        unavailable={
            BIGQUERY_SINK: "BigQuery is a service of Google; compose and remote can run it",
        },
    ),
    "compose": Substitutions(classes=_SPOOLDIR_AND_SYSLOG),
    "remote": Substitutions(),
}


def substitutions(settings: Settings) -> Substitutions:
    """The table of the target, completed by settings.

    `CONNECT_PLACEHOLDER` is how this target's workers write a variable, e.g. `${file:/etc/my.properties:{name}}`.

    Raises:
        SettingError: `CONNECT_PLACEHOLDER` lacks `{name}`.
    """
    table = TABLES[settings.target]
    placeholder = settings.get("CONNECT_PLACEHOLDER", table.placeholder)
    if "{name}" not in placeholder:
        raise SettingError("CONNECT_PLACEHOLDER", f"{placeholder!r} does not contain {{name}}")
    known = None if table.variables is None else table.variables | settings.values.keys()
    unavailable = dict(table.unavailable)
    if settings.target == "compose" and not settings.get(_GOOGLE):
        unavailable[BIGQUERY_SINK] = f"{_GOOGLE} is not set"
    completed = replace(table, placeholder=placeholder, variables=known, unavailable=unavailable)
    if settings.is_secured and settings.target == "compose":
        return replace(
            completed,
            history_client=_container_history_client(settings),
            server_clients=_container_registry_clients(),
        )
    if settings.is_secured:
        return replace(
            completed,
            history_client=_local_history_client(settings),
            server_clients=_local_clients(settings),
        )
    if settings.target != "remote":
        return completed
    variable = "${env:{name}}"
    return replace(
        completed,
        history_client=_history_client(settings, variable),
        server_clients=(_search_client(_search_login(variable)),) if settings.get("ELASTICSEARCH_USER") else (),
    )


def _local_history_client(settings: Settings) -> dict[str, str]:
    """The same on a secured embedded platform, whose worker reads the password from the file of its role."""
    variable = _variable_of_connect(settings)
    return {
        **_history_client(settings, variable),
        # It is another one while passwords are rotated.
        "sasl.mechanism": variable.replace("{name}", "KAFKA_SASL_MECHANISM"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": settings.get("KAFKA_SSL_CA_LOCATION"),
    }


def _container_history_client(settings: Settings) -> dict[str, str]:
    """The same on a secured compose target, whose worker has the login of its role in its environment."""
    client = _history_client(settings, "${env:{name}}")
    return {**client, "ssl.truststore.type": "PEM", "ssl.truststore.location": f"{MOUNTED}/ca.crt"}


def _container_registry_clients() -> tuple[ServerClient, ...]:
    """What the converters of connectors need on a secured compose target: none has the settings of the worker's own."""
    return tuple(
        ServerClient(
            "",
            f"{key}.schema.registry.url",
            re.compile(re.escape("${env:SCHEMA_REGISTRY_URL}")),
            {
                f"{key}.basic.auth.credentials.source": "USER_INFO",
                f"{key}.basic.auth.user.info": "${env:SCHEMA_REGISTRY_USER_INFO}",
                f"{key}.schema.registry.ssl.truststore.type": "PKCS12",
                f"{key}.schema.registry.ssl.truststore.location": f"{MOUNTED}/{TRUST_STORE}",
                f"{key}.schema.registry.ssl.truststore.password": "${env:TRUST_STORE_PASSWORD}",
            },
        )
        for key in _CONVERTER_KEYS
    )


def _local_search_client(settings: Settings) -> dict[str, str]:
    """What a sink of a secured embedded platform needs; its worker knows the platform's own search engine only."""
    return {
        **_search_login(_variable_of_connect(settings)),
        "elastic.security.protocol": "SSL",
        "elastic.https.ssl.truststore.type": "PEM",
        "elastic.https.ssl.truststore.location": settings.get("KAFKA_SSL_CA_LOCATION"),
    }


def _local_clients(settings: Settings) -> tuple[ServerClient, ...]:
    """What connectors of a secured embedded platform need."""
    return (
        _search_client(_local_search_client(settings)),
        _local_mongodb_client(settings),
        *_local_postgres_clients(settings),
        *_local_mysql_clients(settings),
        _local_s3_client(settings),
    )


def _local_postgres_clients(settings: Settings) -> tuple[ServerClient, ...]:
    host, authority = re.escape("${env:POSTGRES_HOST}"), str(settings.authority)
    url, driver = re.compile(f"jdbc:postgresql://{host}[:/].*"), {"sslmode": "verify-full", "sslrootcert": authority}
    return (
        ServerClient(
            ".PostgresConnector",
            "database.hostname",
            re.compile(host),
            {f"database.{key}": value for key, value in driver.items()},
        ),
        ServerClient(
            "io.debezium.connector.jdbc.JdbcSinkConnector",
            "connection.url",
            url,
            parameters=driver,
        ),
        ServerClient(
            "bifrost.connect.jdbc.JdbcSourceConnector",
            "connection.url",
            url,
            {f"connection.{key}": value for key, value in driver.items()},
        ),
    )


def _local_mysql_clients(settings: Settings) -> tuple[ServerClient, ...]:
    host = re.escape("${env:MYSQL_HOST}")
    return (
        ServerClient(
            ".MariaDbConnector",
            "database.hostname",
            re.compile(host),
            {
                "database.ssl.mode": "verify-full",
                "database.ssl.truststore": str(settings.secure_folder / TRUST_STORE),
                "database.ssl.truststore.password": _trust_store_password(settings),
            },
        ),
        ServerClient(
            "bifrost.connect.jdbc.JdbcSourceConnector",
            "connection.url",
            re.compile(f"jdbc:(mysql|mariadb)://{host}[:/].*"),
            {"connection.sslMode": "verify-full", "connection.serverSslCert": str(settings.authority)},
        ),
    )


def _local_s3_client(settings: Settings) -> ServerClient:
    return ServerClient(
        "bifrost.connect.s3.S3SinkConnector",
        "store.url",
        re.compile(re.escape("${env:S3_ENDPOINT}")),
        {"s3.https.ssl.truststore.location": str(settings.authority)},
    )


def _trust_store_password(settings: Settings) -> str:
    return _variable_of_connect(settings).replace("{name}", "CONNECT_TRUST_STORE_PASSWORD")


def _local_mongodb_client(settings: Settings) -> ServerClient:
    """The login is that of the worker's role."""
    variable = _variable_of_connect(settings)
    return ServerClient(
        ".MongoDbConnector",
        "mongodb.connection.string",
        re.compile(re.escape("${env:MONGODB_CONNECTION_STRING}")),
        {
            "mongodb.user": variable.replace("{name}", "MONGODB_USER"),
            "mongodb.password": variable.replace("{name}", "MONGODB_PASSWORD"),
            "mongodb.ssl.enabled": "true",
            "mongodb.ssl.truststore": str(settings.secure_folder / TRUST_STORE),
            "mongodb.ssl.truststore.type": "PKCS12",
            "mongodb.ssl.truststore.password": _trust_store_password(settings),
        },
    )


def _search_client(settings: Mapping[str, str]) -> ServerClient:
    return ServerClient(
        ".ElasticsearchSinkConnector", "connection.url", re.compile(re.escape("${env:ELASTICSEARCH_URL}")), settings
    )


def _variable_of_connect(settings: Settings) -> str:
    """How the worker of a secured embedded platform writes a setting of its role."""
    return f"${{file:{role_file(settings.secure_folder, CONNECT)}:{{name}}}}"


def _search_login(variable: str) -> dict[str, str]:
    """The login of a sink, without secrets. `variable` as for `_history_client`."""
    names = {"connection.username": "ELASTICSEARCH_USER", "connection.password": "ELASTICSEARCH_PASSWORD"}
    return {key: variable.replace("{name}", name) for key, name in names.items()}


def _history_client(settings: Settings, variable: str) -> dict[str, str]:
    """What a Kafka client inside a connector needs, which has none of the worker's settings; without secrets.

    `variable` is how a value of the worker is written; `{name}` stands for its name.
    """
    protocol, mechanism = settings.get("KAFKA_SECURITY_PROTOCOL"), settings.get("KAFKA_SASL_MECHANISM")
    found = {"security.protocol": protocol} if protocol else {}
    if protocol.startswith("SASL_"):
        module = _LOGIN_MODULES.get(mechanism, _LOGIN_MODULES["PLAIN"])
        user, password = (variable.replace("{name}", f"KAFKA_SASL_{name}") for name in ("USERNAME", "PASSWORD"))
        found["sasl.mechanism"] = mechanism
        found["sasl.jaas.config"] = f'{module} required username="{user}" password="{password}";'
    return found


def for_target(declared: Declarations, table: Substitutions) -> Declarations:
    """The declarations as this target runs them, without the connectors that it cannot run.

    No connector registers the schemas of what such a connector would write, so they become the project's own.
    """
    missing = unavailable_connectors(declared, table)
    connectors = tuple(
        replace(item, config=config_for_target(item, table)) for item in declared.connectors if item.name not in missing
    )
    topics = {item.name: replace(item, connector="") if item.connector in missing else item for item in declared.topics}
    # A subject holds its topic, so it must get the changed one.
    subjects = tuple(replace(item, topic=topics[item.topic.name]) for item in declared.subjects)
    return replace(declared, connectors=connectors, topics=tuple(topics.values()), subjects=subjects)


def unavailable_connectors(declared: Declarations, table: Substitutions) -> dict[str, str]:
    """The reason by name of connectors that this target cannot run."""
    reasons = ((item.name, _why_unavailable(item, table)) for item in declared.connectors)
    return {name: reason for name, reason in reasons if reason}


def _why_unavailable(connector: DeclaredConnector, table: Substitutions) -> str:
    """Why this target cannot run a connector; empty if it can."""
    config = connector.config
    reasons = [table.unavailable.get(config["connector.class"], "")]
    reasons += [table.unavailable_converters.get(config.get(key, ""), "") for key in _CONVERTER_KEYS]
    return next(filter(None, reasons), "")


def dropped_converter_keys(connector: DeclaredConnector, table: Substitutions) -> tuple[str, ...]:
    """The keys that get lost where the workers' own converter takes the place of a connector's, sorted.

    The registry's URL is not among them: the workers have their own.
    """
    return tuple(
        sorted(
            name
            for key in _CONVERTER_KEYS
            if connector.config.get(key) in table.worker_converters
            for name in connector.config
            if name.startswith(f"{key}.") and name != f"{key}.schema.registry.url"
        )
    )


def config_for_target(connector: DeclaredConnector, table: Substitutions) -> dict[str, str]:
    """A connector's configuration as this target runs it, with `name` and the owner key."""
    config = dict(connector.config)
    replacement = table.classes.get(config["connector.class"])
    if replacement is not None:
        config |= {"connector.class": replacement.class_name, **replacement.settings}
    for key in _CONVERTER_KEYS:
        if config.get(key) in table.worker_converters:
            config = {name: value for name, value in config.items() if name != key and not name.startswith(f"{key}.")}
    if f"{_HISTORY}.kafka.bootstrap.servers" in config:
        clients = (f"{_HISTORY}.{client}.{key}" for client in ("producer", "consumer") for key in table.history_client)
        added = {key: table.history_client[key.split(".", 4)[4]] for key in clients}
        # What the file says wins.
        config = {**added, **config}
    for client in table.server_clients:
        if client.is_of(config):
            config = client.added_to(config, connector.config)
    rewritten = {key: _rewritten(value, table.placeholder) for key, value in config.items()}
    # These come last, so that no file can claim another name or owner.
    return {**rewritten, "name": connector.name, OWNER_KEY: connector.pipeline}


def variables_of(value: str) -> tuple[str, ...]:
    """The names of the `${env:NAME}` placeholders in a value."""
    return tuple(found["name"] for found in PLACEHOLDER.finditer(value) if found["provider"] == "env")


def _rewritten(value: str, placeholder: str) -> str:
    def spelled(found: re.Match[str]) -> str:
        return placeholder.replace("{name}", found["name"]) if found["provider"] == "env" else found[0]

    return PLACEHOLDER.sub(spelled, value)
