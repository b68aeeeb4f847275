"""Topics: what is known of one, and what a new one is to be like."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_RETENTION_MS = 604_800_000


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """What is known of a topic; `retention_ms` is its effective `retention.ms` (-1: for ever)."""

    partitions: int = 1
    replicas: int = 1
    retention_ms: int = DEFAULT_RETENTION_MS


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic to be made if it is not there."""

    name: str
    partitions: int
    replicas: int
    cleanup_policy: str
    retention_ms: int | None = None
