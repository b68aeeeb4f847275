"""The live cluster and schema registry behind the planner's `Environment`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bifrost.engine.catalog.topics import DEFAULT_RETENTION_MS, TopicInfo, TopicSpec
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.registry import LiveRegistry
from bifrost.errors import NotReady, Refused, Unreachable


@dataclass(frozen=True, slots=True)
class LiveEnvironment:
    """Implements `bifrost.engine.planner.environment.Environment` over a cluster."""

    cluster: Cluster
    registry: LiveRegistry

    def topic(self, name: str) -> TopicInfo | None:
        """Returns a topic, or None if it does not exist.

        Raises:
            Unreachable: no broker answered.
        """
        return self.described([name]).get(name)

    def described(self, names: Collection[str]) -> dict[str, TopicInfo]:
        """Returns those of the named topics that exist.

        Raises:
            Refused: the broker refuses to describe one of them.
            Unreachable: no broker answered.
        """
        return {
            name: TopicInfo(
                found.partitions, found.replication, int(found.config.get("retention.ms", DEFAULT_RETENTION_MS))
            )
            for name, found in self.cluster.admin.describe(names).items()
        }

    def topics(self) -> dict[str, TopicInfo]:
        """Returns all topics by name.

        Raises:
            Unreachable: no broker answered.
        """
        counts = self.cluster.admin.topics()
        return {name: TopicInfo(partitions, self.cluster.replicas) for name, partitions in counts.items()}

    def make_topic(self, spec: TopicSpec) -> None:
        """Creates the topic of a statement; an existing topic stays as it is.

        Raises:
            Refused: the broker refused to create it.
        """
        config = {"cleanup.policy": spec.cleanup_policy}
        if spec.retention_ms is not None:
            config["retention.ms"] = str(spec.retention_ms)
        self.cluster.create_topic(spec.name, spec.partitions, config, replicas=spec.replicas)

    def delete_topic(self, name: str) -> None:
        """Deletes a topic, if it exists, and the subjects of its schemas, as ksqlDB does."""
        self.cluster.admin.delete(name)
        for subject in (f"{name}-key", f"{name}-value"):
            self.registry.delete(subject)


@dataclass(frozen=True, slots=True)
class RememberedEnvironment:
    """The live cluster, with the topics and partitions that existed when commands were first executed.

    So a restart restores every source and query. The queries over a topic that is missing or has other partitions now
    report it, if they cannot work with it.
    """

    live: LiveEnvironment
    _partitions: dict[str, int] = field(default_factory=dict)
    _described: dict[str, TopicInfo] = field(default_factory=dict)

    def describe(self, names: Collection[str]) -> None:
        """Describes topics with one request, so that `topic` need not send one for each; if it fails, `topic` does."""
        # A single topic that may not be described makes the broker refuse the whole request.
        with suppress(Refused, Unreachable, NotReady):
            self._described.update(self.live.described(names))

    @property
    def registry(self) -> LiveRegistry:
        """The live registry."""
        return self.live.registry

    def remember(self, partitions: Mapping[str, int]) -> None:
        """Adds the topics that a command relied on, with their partition counts."""
        self._partitions.update(partitions)

    def topic(self, name: str) -> TopicInfo | None:
        """Returns the live topic with its remembered partition count, else the remembered one, else None.

        Raises:
            Refused: the broker refuses to describe an unknown topic.
            Unreachable: no broker answered.
        """
        remembered = self._partitions.get(name)
        try:
            found = self._described[name] if name in self._described else self.live.topic(name)
        except Refused:
            # The query over it reports that it may not be read; its definition must not be lost.
            if remembered is None:
                raise
            found = None
        if remembered is None:
            return found
        return TopicInfo(remembered) if found is None else replace(found, partitions=remembered)
