"""The files of a secured compose target that its containers read: certificates, trust stores, logins and users."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bifrost.clients.kafka_access import KafkaAccess, Right
from bifrost.default_settings import MOUNTED
from bifrost.errors import ComponentError
from bifrost.security.certificates import LOCAL_NAMES
from bifrost.security.private_files import write_private
from bifrost.security.rights import on_cluster, on_group, on_topic
from bifrost.security.roles import BROKER, CONNECT, ENGINE, REST_PROXY, SUPERVISOR
from bifrost.security.secure_folder import MECHANISM, SecureFolder, new_password

SCHEMA_REGISTRY = "schema-registry"
"""The user of Confluent's registry, which stores its schemas in a topic; the embedded registry needs no user."""

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_LISTENERS = ("INSIDE", "OUTSIDE", "CONTROLLER")
_CLIENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "schema-registry": (SCHEMA_REGISTRY, ("SCHEMA_REGISTRY_KAFKASTORE_",)),
    # The worker's own clients have no further prefix, those of connectors do.
    "connect": (CONNECT, ("CONNECT_", "CONNECT_PRODUCER_", "CONNECT_CONSUMER_", "CONNECT_ADMIN_")),
    "ksqldb-server": (ENGINE, ("KSQL_",)),
    "rest-proxy": (REST_PROXY, ("KAFKA_REST_CLIENT_",)),
}
"""User and prefixes of the variables of each container that connects to Kafka."""


@dataclass(frozen=True, slots=True)
class _HttpServer:
    """A container's REST API: the prefix of its callers' settings, that of its variables for TLS, its login's section.

    Without a section, it knows its callers by certificates.
    """

    api: str
    variables: str
    section: str = ""


_SERVERS: Mapping[str, _HttpServer] = {
    "schema-registry": _HttpServer("SCHEMA_REGISTRY", "SCHEMA_REGISTRY_SSL_", "SchemaRegistry-Props"),
    "connect": _HttpServer("CONNECT", "CONNECT_LISTENERS_HTTPS_SSL_"),
    "ksqldb-server": _HttpServer("KSQLDB", "KSQL_SSL_", "KsqlServer-Props"),
    "rest-proxy": _HttpServer("REST_PROXY", "KAFKA_REST_SSL_", "KafkaRest"),
}
_REGISTRY_CLIENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "connect": tuple(
        (prefix, f"{prefix}SCHEMA_REGISTRY_") for prefix in ("CONNECT_KEY_CONVERTER_", "CONNECT_VALUE_CONVERTER_")
    ),
    "ksqldb-server": (("KSQL_KSQL_SCHEMA_REGISTRY_", "KSQL_KSQL_SCHEMA_REGISTRY_"),),
    "rest-proxy": (("KAFKA_REST_SCHEMA_REGISTRY_", "KAFKA_REST_SCHEMA_REGISTRY_"),),
}
"""The prefixes of the variables with login and trust store of each container that calls the registry."""
_CLI = "ksqldb-cli"
_LOGIN_MODULE = "org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule"
"""That of Jetty 12, which Confluent's images have since 8.0; it has another name in older ones."""
_GROUP = "caller"
"""The group (a role in Jetty's words) of all users of a server."""


def write_container_files(folder: SecureFolder, containers: Path) -> None:
    """Write what the containers mount and the variables that hold passwords.

    The programs in the images run as other users of the operating system, so the files are readable to all. The folder
    around them is not: on this machine, only its owner reaches them.

    Args:
        folder: the prepared folder.
        containers: where to write.

    Raises:
        ComponentError: a file of the folder is missing or damaged.
    """
    authority = {"ca.crt": folder.authority_certificate.read_bytes()}
    trust = {**authority, "trusted.p12": folder.trust_store.read_bytes()}
    broker = {"server.pem": folder.server_pem.read_bytes(), "client.properties": _properties(_broker_client(folder))}
    _write(containers / "broker", {**authority, **broker})
    for service in _SERVERS:
        _write(containers / service, {**trust, **_server_files(folder, service)})
    _write(containers / _CLI, {**trust, "client.properties": _properties(_cli_client(folder))})
    for service in ("kafka", *_CLIENTS):
        # Single quotes: Docker Compose takes what they hold to the letter.
        lines = (f"{name}='{value}'\n" for name, value in _variables(folder, service))
        write_private(containers / f"{service}.env", "".join(lines).encode())


def remove_container_files(containers: Path) -> None:
    """Forget that the containers are secured; certificates and passwords stay for the next time.

    Raises:
        ComponentError: a file cannot be removed.
    """
    try:
        shutil.rmtree(containers)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ComponentError("security", f"{containers} cannot be removed: {error.strerror}") from error


def prepare_registry_user(access: KafkaAccess, folder: SecureFolder) -> None:
    """Give the user of the registry its password, and the rights to its topic and group.

    Raises:
        RemoteError: the broker does not answer, or refuses it.
    """
    access.set_passwords({SCHEMA_REGISTRY: _registry_password(folder)}, MECHANISM)
    access.grant(registry_rights() - access.rights((SCHEMA_REGISTRY,)))


def registry_rights() -> frozenset[Right]:
    """The rights of the user of the registry."""
    user = SCHEMA_REGISTRY
    return frozenset(
        (
            *on_topic(user, "_schemas", "create", "describe", "describe configs", "read", "write"),
            *on_group(user, "schema-registry", "describe", "read"),
            *on_cluster(user, "describe"),
        )
    )


def _variables(folder: SecureFolder, service: str) -> Iterator[tuple[str, str]]:
    if service == "kafka":
        for listener in _LISTENERS:
            yield f"KAFKA_LISTENER_NAME_{listener}_PLAIN_SASL_JAAS_CONFIG", _broker_login(folder)
        return
    yield from _kafka_client(folder, service)
    yield from _server(folder, service)
    yield from _registry_client(folder, service)


def _kafka_client(folder: SecureFolder, service: str) -> Iterator[tuple[str, str]]:
    user, prefixes = _CLIENTS[service]
    password = _registry_password(folder) if user == SCHEMA_REGISTRY else folder.password(user)
    for prefix in prefixes:
        yield f"{prefix}SASL_JAAS_CONFIG", f'{_SCRAM} required username="{user}" password="{password}";'
        yield f"{prefix}SSL_TRUSTSTORE_PASSWORD", folder.store_password
    if service == "connect":
        # For the Kafka clients inside connectors, which have none of the worker's settings.
        yield "KAFKA_SASL_USERNAME", user
        yield "KAFKA_SASL_PASSWORD", password


def _server(folder: SecureFolder, service: str) -> Iterator[tuple[str, str]]:
    prefix = _SERVERS[service].variables
    stores = ["KEYSTORE", "KEY"] + (["TRUSTSTORE"] if service == "connect" else [])
    for store in stores:
        yield f"{prefix}{store}_PASSWORD", folder.store_password
    if service == "ksqldb-server":
        for store in ("KEYSTORE", "KEY", "TRUSTSTORE"):
            yield f"KSQL_KSQL_CONNECT_SSL_{store}_PASSWORD", folder.store_password


def _registry_client(folder: SecureFolder, service: str) -> Iterator[tuple[str, str]]:
    user = _CLIENTS[service][0]
    for login, store in _REGISTRY_CLIENTS.get(service, ()):
        yield f"{login}BASIC_AUTH_USER_INFO", f"{user}:{folder.password(user)}"
        yield f"{store}SSL_TRUSTSTORE_PASSWORD", folder.store_password
    if service == "connect":
        # For the converters of connectors, which have none of the settings of the worker's own.
        yield "SCHEMA_REGISTRY_USER_INFO", f"{user}:{folder.password(user)}"
        yield "TRUST_STORE_PASSWORD", folder.store_password


def _server_files(folder: SecureFolder, service: str) -> dict[str, bytes]:
    """The certificate of a server, and its users; the health check has the login of the supervisor."""
    server = _SERVERS[service]
    own = folder.certificate_of(service, (*LOCAL_NAMES, service), datetime.now(UTC))
    found = {"server.p12": folder.store_of(own)}
    if service == "ksqldb-server":
        found["connect-client.p12"] = folder.store_of(folder.read_certificate(folder.client_pem(ENGINE)))
    if not server.section:
        return found
    callers = {user: passwords[0] for user, passwords in folder.callers(server.api).items()}
    users = "".join(f"{user}: {password},{_GROUP}\n" for user, password in callers.items())
    login = f'{server.section} {{\n  {_LOGIN_MODULE} required\n  file="{MOUNTED}/users.properties";\n}};\n'
    supervisor = b64encode(f"{SUPERVISOR}:{callers[SUPERVISOR]}".encode()).decode()
    header = f"Authorization: Basic {supervisor}\n"
    return {
        **found,
        "users.properties": users.encode(),
        "login.conf": login.encode(),
        "ready.header": header.encode(),
    }


def _cli_client(folder: SecureFolder) -> dict[str, str]:
    """Whom the command line of ksqlDB trusts."""
    return {
        "ssl.truststore.type": "PKCS12",
        "ssl.truststore.location": f"{MOUNTED}/trusted.p12",
        "ssl.truststore.password": folder.store_password,
    }


def _properties(values: Mapping[str, str]) -> bytes:
    return "".join(f"{key}={value}\n" for key, value in values.items()).encode()


def _write(mounted: Path, files: Mapping[str, bytes]) -> None:
    mounted.mkdir(parents=True, exist_ok=True)
    mounted.chmod(0o755)
    for name, content in files.items():
        write_private(mounted / name, content, mode=0o644)


def _broker_login(folder: SecureFolder) -> str:
    """The broker's own user, which is PLAIN because nothing could create a SCRAM user before the first start."""
    password = folder.password(BROKER)
    return f'{_PLAIN} required username="{BROKER}" password="{password}" user_{BROKER}="{password}";'


def _broker_client(folder: SecureFolder) -> dict[str, str]:
    """With what the health check connects."""
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f'{_PLAIN} required username="{BROKER}" password="{folder.password(BROKER)}";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{MOUNTED}/ca.crt",
    }


def _registry_password(folder: SecureFolder) -> str:
    path = folder.root / f"{SCHEMA_REGISTRY}.password"
    if not path.exists():
        write_private(path, new_password().encode())
    return path.read_text().strip()
