"""The files of a secured compose target that its containers read: certificates, trust stores and logins for Kafka."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bifrost.clients.kafka_access import KafkaAccess, Right
from bifrost.default_settings import MOUNTED
from bifrost.errors import ComponentError
from bifrost.security.private_files import write_private
from bifrost.security.rights import on_cluster, on_group, on_topic
from bifrost.security.roles import BROKER, CONNECT, ENGINE, REST_PROXY
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
    for mounted in (containers / "broker", containers / "trust"):
        mounted.mkdir(parents=True, exist_ok=True)
        mounted.chmod(0o755)
        write_private(mounted / "ca.crt", folder.authority_certificate.read_bytes(), mode=0o644)
    write_private(containers / "broker" / "server.pem", folder.server_pem.read_bytes(), mode=0o644)
    client = "".join(f"{key}={value}\n" for key, value in _broker_client(folder).items())
    write_private(containers / "broker" / "client.properties", client.encode(), mode=0o644)
    write_private(containers / "trust" / "trusted.p12", folder.trust_store.read_bytes(), mode=0o644)
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
    user, prefixes = _CLIENTS[service]
    password = _registry_password(folder) if user == SCHEMA_REGISTRY else folder.password(user)
    for prefix in prefixes:
        yield f"{prefix}SASL_JAAS_CONFIG", f'{_SCRAM} required username="{user}" password="{password}";'
        yield f"{prefix}SSL_TRUSTSTORE_PASSWORD", folder.store_password
    if service == "connect":
        # For the Kafka clients inside connectors, which have none of the worker's settings.
        yield "KAFKA_SASL_USERNAME", user
        yield "KAFKA_SASL_PASSWORD", password


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
