"""Which credentials of a role apply on a secured platform. Standard library only, as the settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping

PARTS: Mapping[str, str] = {
    "CONNECT": "connect",
    "SCHEMA_REGISTRY": "schema_registry",
    "KSQLDB": "ksqldb",
    "ELASTICSEARCH": "search",
    "REST_PROXY": "rest_proxy",
}
"""The parts with an HTTP API, by the prefix of its settings."""
_OTHER_LOGINS = ("_TOKEN", "_API_KEY")


def applicable(found: Mapping[str, str], values: Mapping[str, str], own_urls: Mapping[str, str]) -> dict[str, str]:
    """The settings of a role without those of APIs that another server offers, which must not get its password.

    Args:
        found: the settings of the role.
        values: all other settings; `<PREFIX>_URL` names another server.
        own_urls: the addresses of the platform's APIs, by prefix.
    """
    foreign = tuple(
        f"{prefix}_" for prefix, url in own_urls.items() if values.get(f"{prefix}_URL", url).rstrip("/") != url
    )
    return {name: value for name, value in found.items() if not name.startswith(foreign)}


def of_parts(found: Mapping[str, str], parts: Collection[str]) -> dict[str, str]:
    """The settings of a role for Kafka and some servers: others know no users, and must not get a password without TLS.

    Args:
        found: the settings of the role.
        parts: the servers that require TLS and a login.
    """
    known = ("KAFKA_", *(f"{prefix}_" for prefix, part in PARTS.items() if part in parts))
    return {name: value for name, value in found.items() if name.startswith(known)}


def takes_the_place_of(found: Mapping[str, str], name: str) -> bool:
    """Whether a role has a user for an API, so that a token which is set for another target does not apply."""
    prefix = next((name.removesuffix(end) for end in _OTHER_LOGINS if name.endswith(end)), "")
    return f"{prefix}_USER" in found
