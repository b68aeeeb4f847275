"""The Kafka Connect worker, in distributed mode.

Connector configurations can rely on this:

- `${env:NAME}` (also `${file:path:key}`, `${directory:path:file}`) is resolved by the worker. Its environment holds
  everything of the platform's environment and of `.env`, and MYSQL_HOST, MYSQL_PORT, MYSQL_USER, MYSQL_PASSWORD,
  POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, MONGODB_CONNECTION_STRING, KAFKA_BOOTSTRAP_SERVERS,
  SCHEMA_REGISTRY_URL, ELASTICSEARCH_URL, S3_ENDPOINT, AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY, ORDERS_FOLDER, SYSLOG_HOST, SYSLOG_PORT.
- By default, keys and values are Avro in Confluent's wire format, with schemas in the registry. While the registry is
  unavailable, records wait.
- Source connectors write in transactions (exactly once), sinks read committed records only.
- Writing to a topic does not create it: declare topics, or set `topic.creation.default.*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bifrost.default_settings import LOOPBACK
from bifrost.security.rights import CONNECT_GROUP
from bifrost.security.roles import CONNECT
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import broker, jmx_agent, orders_folder
from bifrost.supervisor.components.config_files import write_log4j, write_properties
from bifrost.supervisor.install.install_folders import connect_plugins_folder
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "connect"
CONVERTER = "bifrost.connect.avro.WaitingAvroConverter"

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PROVIDERS = {"env": "EnvVarConfigProvider", "file": "FileConfigProvider", "directory": "DirectoryConfigProvider"}


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The worker; it stores everything in topics."""
    run = settings.run / NAME
    properties = run / "worker.properties"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    memory = ("-Xms128m", "-Xmx768m", "-XX:+UseSerialGC")
    logging = f"-Dlog4j2.configurationFile={run / 'log4j2.properties'}"
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.optimises_late,
            *jmx_agent.options(settings, NAME),
            # Java 25 crashes when it archives the classes of a worker that has loaded plugins.
            *java.classes_shared_by(stack.root, broker.NAME),
            logging,
            "-cp",
            stack.kafka_classpath,
            main,
            str(properties),
        ),
        env=worker_environment(settings),
        depends_on=("broker", "schema_registry", "mariadb", "postgres", "mongodb", "search", "s3"),
        # A worker that has connectors starts them with itself, and they need their stores.
        first_start_needs=None if (settings.data / "broker").exists() else ("broker",),
        prepare=lambda: _prepare(settings, stack, properties),
        probe=probes.http(settings, NAME, "/connectors"),
        grace_s=30,
    )


def worker_environment(settings: Settings) -> dict[str, str]:
    """The variables that `${env:NAME}` in a connector's configuration can refer to."""
    return {
        **settings.values,
        "MYSQL_HOST": LOOPBACK,
        "MYSQL_PORT": str(settings.port("mysql")),
        "MYSQL_USER": settings.local("MYSQL_USER"),
        "MYSQL_PASSWORD": settings.local("MYSQL_PASSWORD"),
        "POSTGRES_HOST": LOOPBACK,
        "POSTGRES_PORT": str(settings.port("postgres")),
        "POSTGRES_USER": settings.local("POSTGRES_USER"),
        "POSTGRES_PASSWORD": settings.local("POSTGRES_PASSWORD"),
        "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{settings.port('kafka')}",
        "SCHEMA_REGISTRY_URL": settings.local_url("schema_registry"),
        # Without the login, which a connector reads from the file of its role.
        "MONGODB_CONNECTION_STRING": settings.mongodb_address,
        "ELASTICSEARCH_URL": settings.local_url("search"),
        "S3_ENDPOINT": settings.local_url("s3"),
        "AWS_ACCESS_KEY_ID": settings.local("AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": settings.local("AWS_SECRET_ACCESS_KEY"),
        "ORDERS_FOLDER": str(settings.orders),
        "SYSLOG_HOST": settings.get("SYSLOG_HOST", LOOPBACK),
        "SYSLOG_PORT": str(settings.port("syslog")),
    }


def worker_properties(settings: Settings, plugins: Sequence[Path]) -> dict[str, object]:
    """The worker's configuration; `plugins` are folders that hold a folder per plugin."""
    registry = _registry_client(settings)
    return {
        "bootstrap.servers": f"{LOOPBACK}:{settings.port('kafka')}",
        **({**_kafka_security(settings), **_api_security(settings)} if settings.is_secured else {}),
        "group.id": CONNECT_GROUP,
        "listeners": settings.local_url(NAME),
        "rest.advertised.host.name": LOOPBACK,
        **_storage(),
        **avro_converter("key", registry),
        **avro_converter("value", registry),
        "plugin.path": ",".join(map(str, plugins)),
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
        "exactly.once.source.support": "enabled",
        "consumer.isolation.level": "read_committed",
        # An idle sink asks the broker again after this time; a record that arrives is answered immediately. A consumer
        # that closes waits for its last answer, so a longer time makes `down` slower.
        "consumer.fetch.max.wait.ms": 2000,
        "config.providers": ",".join(_PROVIDERS),
        **{
            f"config.providers.{name}.class": f"org.apache.kafka.common.config.provider.{provider}"
            for name, provider in _PROVIDERS.items()
        },
        # With one worker nothing can take over its tasks, so rebalance immediately and expire a killed worker soon.
        "scheduled.rebalance.max.delay.ms": 0,
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 2000,
        "consumer.session.timeout.ms": 6000,
        "consumer.heartbeat.interval.ms": 2000,
    }


def _kafka_security(settings: Settings) -> dict[str, object]:
    folder = secure_folder(settings)
    login = f'{_SCRAM} required username="{CONNECT}" password="{folder.password(CONNECT)}";'
    values = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": folder.mechanism(CONNECT),
        "sasl.jaas.config": login,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder.authority_certificate,
    }
    # The worker's own clients have no prefix, those of connectors do.
    prefixes = ("", "producer.", "consumer.", "admin.")
    return {f"{prefix}{key}": value for prefix in prefixes for key, value in values.items()}


def _api_security(settings: Settings) -> dict[str, object]:
    """TLS for the REST API, which accepts only callers with a client certificate of the platform's authority."""
    folder = secure_folder(settings)
    values = {
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": folder.server_store,
        "ssl.keystore.password": folder.store_password,
        "ssl.key.password": folder.store_password,
        "ssl.truststore.type": "PKCS12",
        "ssl.truststore.location": folder.trust_store,
        "ssl.truststore.password": folder.store_password,
        "ssl.client.auth": "required",
    }
    return {f"listeners.https.{key}": value for key, value in values.items()}


def _registry_client(settings: Settings) -> dict[str, object]:
    """The address of the registry for a converter, with its login and certificate on a secured platform."""
    address: dict[str, object] = {"apicurio.registry.url": f"{settings.local_url('schema_registry')}/apis/registry/v2"}
    if not settings.is_secured:
        return address
    folder = secure_folder(settings)
    return {
        **address,
        "apicurio.auth.username": CONNECT,
        "apicurio.auth.password": folder.password(CONNECT),
        "apicurio.registry.request.ssl.truststore.type": "PKCS12",
        "apicurio.registry.request.ssl.truststore.location": folder.trust_store,
        "apicurio.registry.request.ssl.truststore.password": folder.store_password,
    }


def avro_converter(side: str, registry: Mapping[str, object]) -> dict[str, object]:
    """The converter's settings for `key` or `value`: magic byte, 4-byte schema id, subject `<topic>-<side>`.

    Args:
        registry: the settings of the converter's client of the registry.
    """
    prefix = f"{side}.converter"
    options: dict[str, object] = {
        "as-confluent": "true",
        "use-id": "contentId",
        "headers.enabled": "false",
        "auto-register": "true",
        "auto-register.if-exists": "RETURN_OR_UPDATE",
        "artifact-resolver-strategy": "io.apicurio.registry.serde.strategy.TopicIdStrategy",
    }
    every = {**registry, **{f"apicurio.registry.{key}": value for key, value in options.items()}}
    return {prefix: CONVERTER, **{f"{prefix}.{key}": value for key, value in every.items()}}


def _storage() -> dict[str, object]:
    stores: dict[str, object] = {}
    for kind in ("config", "offset", "status"):
        stores[f"{kind}.storage.topic"] = f"_connect-{kind if kind == 'status' else kind + 's'}"
        stores[f"{kind}.storage.replication.factor"] = 1
    return {
        **stores,
        "offset.storage.partitions": 1,
        "status.storage.partitions": 1,
        "offset.flush.interval.ms": 1000,
    }


def _prepare(settings: Settings, stack: Stack, properties: Path) -> None:
    orders_folder.prepare(settings)
    write_log4j(properties.with_name("log4j2.properties"))
    write_properties(properties, worker_properties(settings, (stack.plugins, connect_plugins_folder(settings))))
    jmx_agent.prepare(settings, NAME)
