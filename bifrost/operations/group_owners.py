"""Which consumer group belongs to which connector, query, alert or service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bifrost.alerts import Alert
from bifrost.deployer.live.state import Platform
from bifrost.errors import RemoteError

_CONNECT = "connect-"


@dataclass(frozen=True, slots=True)
class GroupOwner:
    """What reads as a group: its kind (`connector`, `query`, `alert`, `service`, or `group` for others') and name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class GroupOwners:
    """Knows the owners of groups: what runs in Connect and ksqlDB, and the project's alerts and services."""

    def __init__(
        self, connectors: Iterable[str], queries: Mapping[str, str], alerts: Iterable[Alert], services: Iterable[str]
    ) -> None:
        """Keep what is known; `queries` are the ids of queries by their group, as far as the server reports it."""
        self._known = {f"{_CONNECT}{name}": GroupOwner("connector", name) for name in connectors}
        self._known |= {name: GroupOwner("service", name) for name in services}
        self._known |= {alert.group: GroupOwner("alert", alert.name) for alert in alerts}
        self._known |= {group: GroupOwner("query", name) for group, name in queries.items() if group}
        self._queries = tuple(queries.values())

    def owner(self, group: str) -> GroupOwner:
        """The owner of a group."""
        if group in self._known:
            return self._known[group]
        # Older servers do not report the group of a query.
        query = next((name for name in self._queries if group.endswith(f"query_{name}")), None)
        return GroupOwner("group", group) if query is None else GroupOwner("query", query)


def read_owners(platform: Platform, alerts: Iterable[Alert], services: Iterable[str]) -> GroupOwners:
    """Ask Connect and ksqlDB what runs there.

    Raises:
        RemoteError: one of them does not answer.
    """
    return GroupOwners(platform.connect.names(), _queries(platform), alerts, services)


def read_known_owners(
    platform: Platform, alerts: Iterable[Alert], services: Iterable[str]
) -> tuple[GroupOwners, tuple[str, ...]]:
    """The owners as far as Connect and ksqlDB answer, and the errors of what does not: enough to show groups."""
    problems: list[str] = []
    connectors: Iterable[str] = ()
    queries: Mapping[str, str] = {}
    try:
        connectors = platform.connect.names()
    except RemoteError as error:
        problems.append(str(error))
    try:
        queries = _queries(platform)
    except RemoteError as error:
        problems.append(str(error))
    return GroupOwners(connectors, queries, alerts, services), tuple(problems)


def _queries(platform: Platform) -> dict[str, str]:
    return {query.group or f"query_{query.id}": query.id for query in platform.ksqldb.query_details()}
