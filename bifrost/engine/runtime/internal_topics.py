"""The topics of a query before it runs: partition counts, where to begin, internal topics that are to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka import TopicPartition

from bifrost.clients.kafka import OffsetRange
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.job import QueryJob
from bifrost.errors import Refused


@dataclass(frozen=True, slots=True)
class InputPartitions:
    """`partitions` counts those of every input topic, `starts` says where to begin without a committed offset.

    `ends` is where inputs ended when the query was started, filled only for queries that end there.
    """

    partitions: Mapping[str, int]
    starts: Mapping[PartitionId, int]
    ends: Mapping[PartitionId, int] = field(default_factory=dict)


def prepare_topics(job: QueryJob) -> InputPartitions:
    """Makes the internal topics of a query that are missing, and settles where it begins.

    Raises:
        Refused: an input topic is missing, or the broker will not make an internal one.
        Unreachable: no broker answered.
    """
    partitions = _partitions(job)
    ranges = job.cluster.admin.ends(partitions)
    starts = _starts(job, ranges)
    if job.options.until_end:
        ends = {(topic, index): at.next for topic, places in ranges.items() for index, at in places.items()}
        return InputPartitions(partitions, starts, {place: end for place, end in ends.items() if end > starts[place]})
    if not job.options.transient:
        _make_changelogs(job, partitions)
        _keep(job, starts)
    return InputPartitions(partitions, starts)


def _partitions(job: QueryJob) -> dict[str, int]:
    query, cluster = job.query, job.cluster
    known = cluster.admin.topics()
    missing = [entry.topic for entry in query.inputs if entry.role != "repartition" and entry.topic not in known]
    if missing:
        raise Refused("Kafka", f"read the inputs of {job.name}", status=0, body=f"no topic {', '.join(missing)}")
    counts = {entry.topic: known[entry.topic] for entry in query.inputs if entry.topic in known}
    for repartition in query.repartitions:
        count = repartition.partition_count(counts)
        cluster.create_topic(repartition.topic, count, {"cleanup.policy": "delete", "retention.ms": "-1"})
        counts[repartition.topic] = known.get(repartition.topic, count)
    return counts


def task_counts(job: QueryJob, partitions: Mapping[str, int]) -> dict[int, int]:
    """How many tasks each sub-topology has: as many as the largest of its topics has partitions."""
    counts: dict[int, int] = {}
    for entry in job.query.inputs:
        counts[entry.subtopology] = max(counts.get(entry.subtopology, 0), partitions[entry.topic])
    return counts


def _make_changelogs(job: QueryJob, partitions: Mapping[str, int]) -> None:
    counts = task_counts(job, partitions)
    for store in job.query.stores:
        if store.changelog:
            name = changelog_topic(job.options.internal, store.name)
            job.cluster.create_topic(name, counts[store.subtopology], {"cleanup.policy": "compact"})


def changelog_topic(internal: str, store: str) -> str:
    """The name of a store's changelog topic; `internal` begins the names of a query's topics."""
    return f"{internal}-{store}-changelog"


def _starts(job: QueryJob, ranges: Mapping[str, Mapping[int, OffsetRange]]) -> dict[PartitionId, int]:
    """Beginnings and ends as offsets: settled now, no record is missed whenever the query really begins to read."""
    latest = {entry.topic for entry in job.query.inputs if entry.role == "stream"}
    if job.options.reset != "latest":
        latest = set()
    elif job.options.transient and not latest and not job.query.stores:
        # Changes of a table are asked for, and nothing needs the rows before them.
        latest = set(ranges)
    return {
        (topic, index): at.next if topic in latest else at.first
        for topic, places in ranges.items()
        for index, at in places.items()
    }


def _keep(job: QueryJob, starts: Mapping[PartitionId, int]) -> None:
    """Commits where a query begins, so that a restart before its first commit begins there too."""
    consumer = job.cluster.consumer(job.options.group)
    try:
        known = job.cluster.committed(consumer, [TopicPartition(*place) for place in starts])
        fresh = [TopicPartition(*place, offset) for place, offset in starts.items() if place not in known]
        if fresh:
            consumer.commit(offsets=fresh, asynchronous=False)
    finally:
        consumer.close()
