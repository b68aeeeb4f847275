"""Which statements, queries and topics this project deployed: `--prune` touches no others, `plan` lists those left.

ksqlDB and Kafka have no place for an owner's mark, so it is kept beside them, in a compacted topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bifrost.clients.key_topic import KeyTopic
from bifrost.deployer.live.rebuild_record import Rebuild, rebuild_from_json
from bifrost.settings import Settings

TOPIC = "bifrost-deployments"
STATEMENT, QUERY, DEPLOYED_TOPIC = "statement", "query", "topic"
REBUILD = "rebuild"
CURRENT = "current"
"""The name of the one rebuild that a project may have unfinished."""


class Entries(Protocol):
    """A map of texts that outlives a process (`KeyTopic`)."""

    def read(self) -> dict[str, str]:
        """All entries."""
        ...

    def write(self, changed: Mapping[str, str | None]) -> None:
        """Set entries; `None` removes one."""
        ...


@dataclass(frozen=True, slots=True)
class Owned:
    """Names of sources and custom types, ids of INSERT INTO queries, an interrupted replacement, and topics."""

    statements: frozenset[str] = frozenset()
    queries: frozenset[str] = frozenset()
    rebuild: Rebuild | None = None
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ownership:
    """The record of one project; other projects on the same cluster have their own (`BIFROST_PROJECT`)."""

    entries: Entries
    project: str

    def read(self) -> Owned:
        """Everything recorded for this project.

        Raises:
            Unreachable, Refused: Kafka did not give the record.
        """
        # The name comes last, because a quoted name may contain `|`.
        entries = self.entries.read()
        names = [key.split("|", 2) for key in entries]
        own = [(kind, name) for project, kind, name in filter(_is_entry, names) if project == self.project]
        return Owned(
            frozenset(name for kind, name in own if kind == STATEMENT),
            frozenset(name for kind, name in own if kind == QUERY),
            rebuild_from_json(entries.get(self._key(REBUILD, CURRENT), "")),
            frozenset(name for kind, name in own if kind == DEPLOYED_TOPIC),
        )

    def record_rebuild(self, rebuild: Rebuild | None) -> None:
        """Remember statements that are being replaced; `None` when they are done.

        Raises:
            Unreachable, Refused: Kafka did not take the record.
        """
        self.entries.write({self._key(REBUILD, CURRENT): None if rebuild is None else rebuild.as_json()})

    def update(self, before: Owned, now: Owned) -> None:
        """Record the difference between two states.

        Raises:
            Unreachable, Refused: Kafka did not take the record.
        """
        changed: dict[str, str | None] = {}
        kinds = (
            (STATEMENT, before.statements, now.statements),
            (QUERY, before.queries, now.queries),
            (DEPLOYED_TOPIC, before.topics, now.topics),
        )
        for kind, old, new in kinds:
            changed |= {self._key(kind, name): None for name in old - new}
            changed |= {self._key(kind, name): "{}" for name in new - old}
        self.entries.write(changed)

    def _key(self, kind: str, name: str) -> str:
        return f"{self.project}|{kind}|{name}"


def from_settings(settings: Settings) -> Ownership:
    """The record in the target's Kafka cluster."""
    return Ownership(KeyTopic(settings, TOPIC), settings.get("BIFROST_PROJECT", "bifrost"))


def _is_entry(parts: list[str]) -> bool:
    return len(parts) == 3
