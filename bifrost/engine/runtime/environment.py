"""The live cluster and registry, as planning sees them."""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.engine.environment import DEFAULT_RETENTION_MS, TopicInfo
from bifrost.engine.planned import TopicSpec
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
