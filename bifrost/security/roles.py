"""The roles of a secured platform: each program has one, with its own user, password and rights."""

from __future__ import annotations

from collections.abc import Mapping

BROKER = "broker"
CONNECT = "connect"
ENGINE = "engine"
DEPLOYER = "deployer"
CONSOLE = "console"
REST_PROXY = "rest-proxy"
SERVICES = "services"
WATCH = "watch"
GENERATORS = "generators"
CAPTURE = "capture"
SUPERVISOR = "supervisor"

ROLES = (
    BROKER,
    CONNECT,
    ENGINE,
    DEPLOYER,
    CONSOLE,
    REST_PROXY,
    SERVICES,
    WATCH,
    GENERATORS,
    CAPTURE,
    SUPERVISOR,
)
"""All roles. `deployer` is that of the commands, `supervisor` only asks whether parts are ready."""

KAFKA_ROLES = tuple(role for role in ROLES if role not in (BROKER, SUPERVISOR))
"""The roles with a user in Kafka's own store of users (SCRAM)."""

API_CALLERS: Mapping[str, tuple[str, ...]] = {
    "CONNECT": (DEPLOYER, CONSOLE, WATCH, ENGINE, SUPERVISOR),
    "SCHEMA_REGISTRY": (CONNECT, ENGINE, DEPLOYER, CONSOLE, SERVICES, REST_PROXY, GENERATORS, SUPERVISOR),
    "KSQLDB": (DEPLOYER, CONSOLE, SERVICES, WATCH, SUPERVISOR),
    "ELASTICSEARCH": (CONNECT, DEPLOYER, CONSOLE, WATCH, SUPERVISOR),
    "REST_PROXY": (DEPLOYER, CONSOLE, SUPERVISOR),
    "CONSOLE": (DEPLOYER, SUPERVISOR),
    "MONGODB": (CONNECT, DEPLOYER, SUPERVISOR),
    "METRICS": (DEPLOYER, CONSOLE),
}
"""The roles that may call a server, by the prefix of its settings; `METRICS`: that of programs without another one."""
MONGODB_READERS = (CONNECT,)
"""The roles that read in MongoDB and do not write."""
INBOX_SENDERS = (DEPLOYER, SERVICES)
"""The roles whose programs may post to the inbox as to Slack and Telegram."""
BY_CERTIFICATE = frozenset({"CONNECT"})
"""The APIs that know their callers by certificates: Kafka Connect knows users with a further plugin only."""
