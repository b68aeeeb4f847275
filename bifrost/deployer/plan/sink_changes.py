"""What changed keys of sink connectors mean. A sink's offsets are those of its consumer group, `connect-<name>`."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.deployer.plan.key_changes import IDS, OFFSETS, KeyChange, KeyEffect, Rule, says, with_count

_START = "consumer.override.auto.offset.reset"


def _topics(change: KeyChange) -> KeyEffect | None:
    parts = []
    if change.added:
        is_latest = change.new.get(_START) == "latest"
        where = "from their end" if is_latest else "from the first record"
        parts.append(f"reads {', '.join(with_count(topic, change.records) for topic in change.added)} {where}")
    if change.removed:
        parts.append(f"{', '.join(change.removed)} is no longer read; what was written of it stays")
    return KeyEffect("; ".join(parts)) if parts else None


def _group(change: KeyChange) -> KeyEffect:
    names = [name.strip() for name in change.new.get("topics", "").split(",") if name.strip()]
    read = ", ".join(with_count(name, change.records) for name in names) or "its topics"
    return KeyEffect(f"the new group has no offsets: {read} are read and written a second time", OFFSETS)


_DESTINATION = says(
    "what was written so far stays in {before}; only records from now on go to {after} (a new name of the connector "
    "would write all of them)"
)
_IDENTITY = says(
    "what was written so far keeps its old ids: a record that changes one of them is written beside it, counting twice",
    IDS,
)
_LAYOUT = says("objects written so far keep their names and format; records from now on get the new ones")

SINK: Mapping[str, Rule] = {
    "topics": _topics,
    "topics.regex": says("topics that {after} matches are read from their first record; others are no longer read"),
    "consumer.override.group.id": _group,
    **dict.fromkeys(
        (
            *("s3.bucket.name", "store.url", "s3.region", "collection.name.format", "table.name.format"),
            *("project", "datasets", "defaultDataset", "topic2TableMap", "external.resource.usage"),
            *("data.stream.dataset", "data.stream.namespace", "data.stream.type"),
        ),
        _DESTINATION,
    ),
    "connection.url": says("what was written so far stays where it is; only records from now on go to the new address"),
    **dict.fromkeys(
        (
            *("key.ignore", "topic.key.ignore", "primary.key.mode", "primary.key.fields", "pk.mode", "pk.fields"),
            "type.name",
        ),
        _IDENTITY,
    ),
    **dict.fromkeys(
        (
            *("topics.dir", "format.class", "partitioner.class", "path.format", "partition.duration.ms"),
            *("partition.field.name", "locale", "timezone", "file.delim", "directory.delim"),
        ),
        _LAYOUT,
    ),
    "connector.class": says("it continues from its offsets: what was written so far is not written to the new system"),
}
"""Elasticsearch, S3, JDBC, BigQuery, and sinks whose class is not known here."""
