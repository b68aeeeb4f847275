"""Which parts of a secured platform a program of this machine reaches without a user of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bifrost.default_settings import TLS_PARTS

_HTTP_PARTS: Mapping[str, str] = {
    "connect": "Kafka Connect",
    "schema_registry": "Schema Registry",
    "ksqldb": "ksqlDB",
    "search": "search",
    "rest_proxy": "REST proxy",
}
_STORES = "the databases and the S3 store (their own passwords, no TLS; MongoDB without a password)"
_METRICS = "`/metrics` of the services, the supervisor and the demo data"


def open_parts(secured: Iterable[str] = TLS_PARTS) -> tuple[str, ...]:
    """Names of the parts that do not require TLS and a login, for people.

    Args:
        secured: the HTTP servers that do.
    """
    closed = frozenset(secured)
    return (*(name for part, name in _HTTP_PARTS.items() if part not in closed), _METRICS, _STORES)
