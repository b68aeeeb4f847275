"""The live cluster and registry, as planning sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.engine.catalog.topics import DEFAULT_RETENTION_MS, TopicInfo, TopicSpec
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.registry import LiveRegistry


@dataclass(frozen=True, slots=True)
class LiveEnvironment:
    """Implements `bifrost.engine.environment.Environment` over a cluster."""

    cluster: Cluster
    registry: LiveRegistry

    def topic(self, name: str) -> TopicInfo | None:
        """The topic, or None where there is none of that name.

        Raises:
            Unreachable: no broker answered.
        """
        found = self.cluster.admin.describe([name]).get(name)
        if found is None:
            return None
        retention = int(found.config.get("retention.ms", DEFAULT_RETENTION_MS))
        return TopicInfo(found.partitions, found.replication, retention)

    def topics(self) -> dict[str, TopicInfo]:
        """All topics by name.

        Raises:
            Unreachable: no broker answered.
        """
        counts = self.cluster.admin.topics()
        return {name: TopicInfo(partitions, self.cluster.replicas) for name, partitions in counts.items()}

    def make_topic(self, spec: TopicSpec) -> None:
        """Makes the topic of a statement; one that is there stays as it is.

        Raises:
            Refused: the broker said no.
        """
        config = {"cleanup.policy": spec.cleanup_policy}
        if spec.retention_ms is not None:
            config["retention.ms"] = str(spec.retention_ms)
        self.cluster.create_topic(spec.name, spec.partitions, config, replicas=spec.replicas)

    def delete_topic(self, name: str) -> None:
        """Deletes a topic, and the subjects of its schemas with it as ksqlDB does; one that is gone is fine."""
        self.cluster.admin.delete(name)
        for subject in (f"{name}-key", f"{name}-value"):
            self.registry.delete(subject)


@dataclass(frozen=True, slots=True)
class RememberedEnvironment:
    """The live cluster as it was when commands were first carried out: topics that are gone since are still seen.

    So a restart brings back what was there, and the queries over a missing topic tell that it is missing.
    """

    live: LiveEnvironment
    _partitions: dict[str, int] = field(default_factory=dict)

    @property
    def registry(self) -> LiveRegistry:
        """The live registry."""
        return self.live.registry

    def remember(self, partitions: Mapping[str, int]) -> None:
        """Takes in the topics that a command relied on, with their partition counts."""
        self._partitions.update(partitions)

    def topic(self, name: str) -> TopicInfo | None:
        """The topic as it is, else as it was, else None.

        Raises:
            Unreachable: no broker answered.
        """
        found = self.live.topic(name)
        if found is None and name in self._partitions:
            return TopicInfo(self._partitions[name])
        return found
