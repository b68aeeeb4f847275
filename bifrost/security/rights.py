"""The rights that the programs of the platform need before anything is deployed: for their own topics and groups."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.clients.kafka_access import CLUSTER, Operation, Right
from bifrost.security.roles import CONNECT, CONSOLE, DEPLOYER, ENGINE, REST_PROXY, SERVICES, WATCH

ANY = "*"
CONNECT_TOPICS = ("_connect-configs", "_connect-offsets", "_connect-status")
"""The internal topics of the Connect worker."""
CONNECT_GROUP = "connect"
CONNECT_PREFIX = "connect-"
"""Of the groups of sinks, and of the transactions of sources."""
DEPLOYER_PREFIX = "bifrost-"
"""Of the topics in which deployments and replayed dead letters are recorded."""

READING: tuple[Operation, ...] = ("describe", "describe configs", "read")
WRITING: tuple[Operation, ...] = ("describe", "describe configs", "write")
OWNING: tuple[Operation, ...] = (
    "describe",
    "describe configs",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "alter configs",
)
_OPERATING_TOPICS: tuple[Operation, ...] = tuple(operation for operation in OWNING if operation != "write")
_OPERATING_GROUPS: tuple[Operation, ...] = ("describe", "read", "delete")
_TRANSACTIONS: tuple[Operation, ...] = ("describe", "write")


def platform_rights(service_id: str) -> frozenset[Right]:
    """The rights of every role, without those that the declarations add.

    The deployer sees and changes all topics and groups, and grants the rights of the others; it writes only what it
    deploys. The console operates the same things with the same functions, but grants nothing.

    Args:
        service_id: that of the ksqlDB engine (`KSQL_SERVICE_ID`).
    """
    return frozenset(
        (
            *on_topic(DEPLOYER, ANY, *_OPERATING_TOPICS),
            *on_group(DEPLOYER, ANY, *_OPERATING_GROUPS),
            *on_cluster(DEPLOYER, "alter", "describe", "describe configs", "create"),
            *on_topic(DEPLOYER, DEPLOYER_PREFIX, "write", is_prefix=True),
            *on_topic(CONSOLE, ANY, *_OPERATING_TOPICS),
            *on_group(CONSOLE, ANY, *_OPERATING_GROUPS),
            *on_cluster(CONSOLE, "describe", "describe configs"),
            *on_topic(CONSOLE, DEPLOYER_PREFIX, "write", is_prefix=True),
            *_of_connect(),
            *_of_engine(service_id),
            *on_cluster(SERVICES, "describe"),
            # It starts before the topics exist that it may write, and a producer that is refused then never recovers.
            *on_cluster(REST_PROXY, "idempotent write"),
            *on_topic(WATCH, ANY, "describe"),
            *on_group(WATCH, ANY, "describe"),
            *on_cluster(WATCH, "describe"),
        )
    )


def _of_connect() -> Iterator[Right]:
    for name in CONNECT_TOPICS:
        yield from on_topic(CONNECT, name, "create", *READING, "write", "alter configs")
    yield from on_group(CONNECT, CONNECT_GROUP, "describe", "read")
    yield from on_transactions(CONNECT, CONNECT_PREFIX)
    yield from on_cluster(CONNECT, "describe", "describe configs")


def _of_engine(service_id: str) -> Iterator[Right]:
    prefix = f"_confluent-ksql-{service_id}"
    yield from on_topic(ENGINE, prefix, *OWNING, is_prefix=True)
    yield from on_topic(ENGINE, f"{service_id}ksql_processing_log", *OWNING)
    yield from on_group(ENGINE, prefix, *_OPERATING_GROUPS, is_prefix=True)
    yield from on_transactions(ENGINE, prefix)
    yield from on_cluster(ENGINE, "describe", "describe configs")


def on_topic(user: str, name: str, *operations: Operation, is_prefix: bool = False) -> Iterator[Right]:
    """Rights to a topic."""
    yield from (Right(user, "topic", name, operation, is_prefix) for operation in operations)


def on_group(user: str, name: str, *operations: Operation, is_prefix: bool = False) -> Iterator[Right]:
    """Rights to a consumer group."""
    yield from (Right(user, "group", name, operation, is_prefix) for operation in operations)


def on_transactions(user: str, prefix: str) -> Iterator[Right]:
    """Rights to the transactions whose ids begin with a prefix."""
    yield from (Right(user, "transaction", prefix, operation, is_prefix=True) for operation in _TRANSACTIONS)


def on_cluster(user: str, *operations: Operation) -> Iterator[Right]:
    """Rights to the cluster as a whole."""
    yield from (Right(user, "cluster", CLUSTER, operation) for operation in operations)
