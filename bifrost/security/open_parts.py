"""Which parts of a secured platform a program of this machine reaches without a user of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bifrost.default_settings import TLS_PARTS

_PARTS: Mapping[str, str] = {
    "connect": "Kafka Connect",
    "schema_registry": "Schema Registry",
    "ksqldb": "ksqlDB",
    "search": "search",
    "rest_proxy": "REST proxy",
    "mongodb": "MongoDB",
    "mysql": "MySQL",
    "postgres": "PostgreSQL",
    "metrics_supervisor": "`/metrics` of the services, the supervisor and the demo data",
}
_STORES = "the S3 store (its own password, no TLS)"
_METRICS = "`/metrics` of the broker and Connect (BIFROST_JMX)"


def open_parts(secured: Iterable[str] = TLS_PARTS, *, has_jmx: bool = False) -> tuple[str, ...]:
    """Names of the parts that do not require TLS and a login, for people.

    Args:
        secured: the servers that do.
        has_jmx: whether agents in broker and Connect worker serve their figures.
    """
    closed = frozenset(secured)
    return (*(name for part, name in _PARTS.items() if part not in closed), *((_METRICS,) if has_jmx else ()), _STORES)
