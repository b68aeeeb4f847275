"""The topics that statements create: their settings, and the properties added to a WITH clause."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.topics import DEFAULT_RETENTION_MS, TopicInfo, TopicSpec
from bifrost.engine.planner.ddl.with_clause import SourceProperties
from bifrost.errors import AnalysisError
from bifrost.sql.tree import IntegerLiteral, Literal, LongLiteral, SourceKind, StringLiteral

_INTEGER_MAX = 2**31 - 1


def cleanup_policy(kind: SourceKind, *, windowed: bool) -> str:
    """ksqlDB's policies: `delete` for streams, `compact` for tables, both for windowed tables."""
    if kind is SourceKind.STREAM:
        return "delete"
    return "compact,delete" if windowed else "compact"


def source_topic(name: str, properties: SourceProperties, found: TopicInfo | None, policy: str) -> TopicSpec | None:
    """The topic that CREATE STREAM|TABLE creates; None if it exists.

    Raises:
        AnalysisError: the topic exists with other settings than WITH requires.
    """
    if found is not None:
        _check_same(name, found, properties.partitions, properties.replicas)
        return None
    return TopicSpec(
        name=name,
        partitions=properties.partitions or 1,
        replicas=properties.replicas or 1,
        cleanup_policy=properties.cleanup_policy or policy,
        retention_ms=properties.retention_ms,
    )


def sink_topic(
    name: str,
    properties: SourceProperties,
    origin: tuple[DataSource, TopicInfo | None],
    policy: str,
    window_retention_ms: int | None,
) -> TopicSpec:
    """The topic of CREATE ... AS SELECT; settings that WITH omits come from the leftmost source's topic."""
    source, info = origin
    # The source's topic may have been deleted since the source was created.
    like = info or TopicInfo(partitions=source.partitions)
    retention = properties.retention_ms
    if retention is None:
        retention = _longest(like.retention_ms, window_retention_ms)
    return TopicSpec(
        name=name,
        partitions=properties.partitions or like.partitions,
        replicas=properties.replicas or like.replicas,
        cleanup_policy=properties.cleanup_policy or policy,
        retention_ms=retention,
    )


def check_sink_topic(spec: TopicSpec, found: TopicInfo | None) -> None:
    """Checks that an existing topic of a sink has the required partition count.

    Raises:
        AnalysisError: the counts differ.
    """
    if found is not None:
        _check_same(spec.name, found, spec.partitions, None)


def _longest(retention_ms: int, window_ms: int | None) -> int:
    # A negative retention is unlimited, so it is longer than any window's.
    if window_ms is None or retention_ms < 0:
        return retention_ms
    return max(retention_ms, window_ms)


def _check_same(name: str, found: TopicInfo, partitions: int | None, replicas: int | None) -> None:
    if partitions in (None, found.partitions) and replicas in (None, found.replicas):
        return
    raise AnalysisError(
        f"A Kafka topic with the name '{name}' already exists, with different partition/replica configuration than "
        f"required. KSQL expects {partitions or found.partitions} partitions (topic has {found.partitions}), and "
        f"{replicas or found.replicas} replication factor (topic has {found.replicas})."
    )


def sink_topic_properties(spec: TopicSpec) -> Mapping[str, Literal]:
    """The properties that ksqlDB adds to the WITH clause of CREATE ... AS SELECT."""
    retention = DEFAULT_RETENTION_MS if spec.retention_ms is None else spec.retention_ms
    return {
        "CLEANUP_POLICY": StringLiteral(spec.cleanup_policy),
        "KAFKA_TOPIC": StringLiteral(spec.name),
        "PARTITIONS": IntegerLiteral(spec.partitions),
        "REPLICAS": IntegerLiteral(spec.replicas),
        "RETENTION_MS": IntegerLiteral(retention) if abs(retention) <= _INTEGER_MAX else LongLiteral(retention),
    }
