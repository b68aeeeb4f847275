"""The settings of existing topics, and those of topics to create."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_RETENTION_MS = 604_800_000  # Kafka's default: seven days


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """The settings of an existing topic; `retention_ms` is its effective `retention.ms` (-1: unlimited)."""

    partitions: int = 1
    replicas: int = 1
    retention_ms: int = DEFAULT_RETENTION_MS


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic to create if it does not exist; `retention_ms` None leaves the broker's default."""

    name: str
    partitions: int
    replicas: int
    cleanup_policy: str
    retention_ms: int | None = None
