"""The topics of a query before it runs: partition counts, where to begin, internal topics that are to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, TopicPartition

from bifrost.engine.runtime.cluster import OFFSET_BEGINNING, OFFSET_END
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.records import Place
from bifrost.errors import Refused


@dataclass(frozen=True, slots=True)
class Layout:
    """`partitions` counts those of every input topic, `starts` says where to begin without a committed offset.

    `ends` is where inputs ended when the query was started, filled only for queries that end there.
    """

    partitions: Mapping[str, int]
    starts: Mapping[Place, int]
    ends: Mapping[Place, int] = field(default_factory=dict)


def lay_out(job: QueryJob) -> Layout:
    """Makes the internal topics of a query that are missing, and settles where it begins.

    Raises:
        Refused: an input topic is missing, or the broker will not make an internal one.
        Unreachable: no broker answered.
    """
    partitions = _partitions(job)
    if job.options.transient:
        return _transient_layout(job, partitions)
    _make_changelogs(job, partitions)
    consumer = job.cluster.consumer(job.options.group)
    try:
        starts = _starts(job, partitions, consumer)
        _keep(job, starts, consumer)
        return Layout(partitions, starts)
    finally:
        consumer.close()


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


def _starts(job: QueryJob, partitions: Mapping[str, int], consumer: Consumer) -> dict[Place, int]:
    """`latest` is settled as an offset now, so that no record is missed whenever the query really begins."""
    starts = {}
    for entry in job.query.inputs:
        latest = entry.role == "stream" and job.options.reset == "latest"
        for partition in range(partitions[entry.topic]):
            end = job.cluster.watermarks(consumer, entry.topic, partition)[1] if latest else OFFSET_BEGINNING
            starts[entry.topic, partition] = end
    return starts


def _keep(job: QueryJob, starts: Mapping[Place, int], consumer: Consumer) -> None:
    places = [TopicPartition(topic, partition) for topic, partition in starts]
    known = job.cluster.committed(consumer, places)
    fresh = [TopicPartition(*place, offset) for place, offset in starts.items() if offset >= 0 and place not in known]
    if fresh:
        consumer.commit(offsets=fresh, asynchronous=False)


def _transient_layout(job: QueryJob, partitions: Mapping[str, int]) -> Layout:
    """Nothing is kept, so that the end need not be asked for: the consumer finds it."""
    places = {(e.topic, index): e.role for e in job.query.inputs for index in range(partitions[e.topic])}
    latest = OFFSET_END if job.options.reset == "latest" else OFFSET_BEGINNING
    starts = {place: latest if role == "stream" else OFFSET_BEGINNING for place, role in places.items()}
    if set(places.values()) == {"table"} and not job.query.stores:
        # Only changes are asked for, and nothing needs what was before them.
        starts = dict.fromkeys(places, latest)
    if not job.options.until_end:
        return Layout(partitions, starts)
    consumer = job.cluster.consumer(job.options.group)
    try:
        marks = {place: job.cluster.watermarks(consumer, *place) for place in places}
    finally:
        consumer.close()
    return Layout(partitions, starts, {place: high for place, (low, high) in marks.items() if high > low})
