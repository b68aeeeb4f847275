"""Which parts of a secured platform a program of this machine reaches without a user of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bifrost.default_settings import TLS_PARTS
from bifrost.settings import Settings

_PARTS: Mapping[str, str] = {
    "connect": "Kafka Connect",
    "schema_registry": "Schema Registry",
    "ksqldb": "ksqlDB",
    "search": "search",
    "rest_proxy": "REST proxy",
    "mongodb": "MongoDB",
    "mysql": "MySQL",
    "postgres": "PostgreSQL",
    "s3": "the S3 store",
    "metrics_supervisor": "`/metrics` of the services, the supervisor and the demo data",
}
_STORE_PASSWORDS: Mapping[str, tuple[str, ...]] = {
    "mysql": ("MYSQL_PASSWORD", "MYSQL_APP_PASSWORD"),
    "postgres": ("POSTGRES_PASSWORD", "POSTGRES_APP_PASSWORD"),
    "s3": ("AWS_SECRET_ACCESS_KEY",),
}
"""The settings with the passwords of the stores, which have accounts of their own. Each has a default."""


def open_parts(
    secured: Iterable[str] = TLS_PARTS, *, default_passwords: Mapping[str, tuple[str, ...]] = {}
) -> tuple[str, ...]:
    """Names of the parts that do not require TLS and a login that only the platform knows, for people.

    Args:
        secured: the servers that require TLS.
        default_passwords: the settings by server that leave a password at its default, which is no secret.
    """
    closed = frozenset(secured)
    return (
        *(name for part, name in _PARTS.items() if part not in closed),
        *(f"{_PARTS[part]} (set {' and '.join(names)})" for part, names in default_passwords.items() if part in closed),
    )


def default_passwords(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The settings that leave a password of a store at its default, by store."""
    found = {part: tuple(name for name in names if not settings.get(name)) for part, names in _STORE_PASSWORDS.items()}
    return {part: names for part, names in found.items() if names}


def open_parts_of(settings: Settings) -> tuple[str, ...]:
    """The open parts of the target of the settings."""
    return open_parts(settings.tls_parts, default_passwords=default_passwords(settings))
