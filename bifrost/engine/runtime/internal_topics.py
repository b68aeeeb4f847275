"""Prepares the topics of a query: counts partitions, settles start offsets, creates missing internal topics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from confluent_kafka import TopicPartition

from bifrost.clients.kafka import OffsetRange
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.partition_checks import check_co_partitioned, check_count
from bifrost.errors import Refused

# Larger than any record that the engine sends: the state of a group may outgrow a broker's default of 1 MB.
_ANY_SIZE = {"max.message.bytes": str(100 * 1024 * 1024)}


@dataclass(frozen=True, slots=True)
class InputPartitions:
    """The partitions that a query reads.

    `partitions` counts those of every input topic, `starts` are the offsets to begin at without a committed offset.
    `outputs` counts those of the topics that a persistent query writes: its sink, changelogs and repartition topics.
    `ends` are the offsets at which a query that ends has read its inputs; empty for other queries. `latest` are the
    offsets where the inputs ended when this was read.
    """

    partitions: Mapping[str, int]
    starts: Mapping[PartitionId, int]
    ends: Mapping[PartitionId, int] = field(default_factory=dict)
    latest: Mapping[PartitionId, int] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)


def prepare_topics(job: QueryJob) -> InputPartitions:
    """Creates the internal topics of a query that are missing, and settles where it begins.

    Raises:
        Refused: an input topic or the sink topic is missing, or the broker refused to create an internal one.
        Unreachable: no broker answered.
    """
    known = job.cluster.admin.topics()
    partitions = _partitions(job, known)
    ranges = job.cluster.admin.ends(partitions)
    starts = _starts(job, ranges)
    latest = {(topic, index): at.next for topic, offsets in ranges.items() for index, at in offsets.items()}
    if job.options.until_end:
        ends = {source: end for source, end in latest.items() if end > starts[source]}
        return InputPartitions(partitions, starts, ends, latest)
    outputs: dict[str, int] = {}
    if not job.options.transient:
        outputs = _make_changelogs(job, partitions, known)
        outputs.update((entry.topic, partitions[entry.topic]) for entry in job.query.repartitions)
        if job.sink is not None:
            outputs[job.sink] = known[job.sink]
        starts = _commit_starts(job, starts, ranges)
    return InputPartitions(partitions, starts, latest=latest, outputs=outputs)


def _partitions(job: QueryJob, known: Mapping[str, int]) -> dict[str, int]:
    query, cluster = job.query, job.cluster
    missing = _declared_topics(job) - known.keys()
    if missing:
        raise missing_topics(job, missing)
    counts = {entry.topic: known[entry.topic] for entry in query.inputs if entry.topic in known}
    if not job.options.transient:
        check_co_partitioned(job, counts)
    for repartition in query.repartitions:
        count = repartition.partition_count(counts)
        check_count(job, repartition.topic, count, known)
        config = {**_ANY_SIZE, "cleanup.policy": "delete", "retention.ms": "-1"}
        cluster.create_topic(repartition.topic, count, config)
        counts[repartition.topic] = count
    return counts


def source_counts(job: QueryJob, partitions: Mapping[str, int]) -> dict[str, int]:
    """Returns the partition counts of the topics that a query reads and does not write."""
    return {topic: partitions[topic] for topic in _source_topics(job)}


def _source_topics(job: QueryJob) -> set[str]:
    return {entry.topic for entry in job.query.inputs if entry.role != "repartition"}


def _declared_topics(job: QueryJob) -> set[str]:
    """Returns the topics that a query uses and does not create."""
    return _source_topics(job) | ({job.sink} if job.sink is not None else set())


def used_topics(job: QueryJob) -> set[str]:
    """Returns all topics that must exist while a query runs: its inputs, its sink and its changelogs."""
    changelogs: set[str] = set()
    if not job.options.transient:
        changelogs = {
            changelog_topic(job.options.internal, store.name) for store in job.query.stores if store.changelog
        }
    return _declared_topics(job) | {entry.topic for entry in job.query.inputs} | changelogs


def missing_topics(job: QueryJob, topics: Collection[str]) -> Refused:
    """Returns the error of a query whose topics do not exist (any more)."""
    sources, declared = _source_topics(job), _declared_topics(job)
    kinds = {
        "source": sorted(topic for topic in topics if topic in sources),
        "sink": sorted(topic for topic in topics if topic in declared - sources),
        "internal": sorted(topic for topic in topics if topic not in declared),
    }
    found = [f"missing {kind} {_named_topics(names)}" for kind, names in kinds.items() if names]
    return Refused("Kafka", f"run query {job.name}", status=0, body=f"{'; '.join(found)}: {_advice(job, topics)}")


def _advice(job: QueryJob, missing: Collection[str]) -> str:
    them = "them" if len(missing) > 1 else "it"
    if job.options.transient:
        return f"create {them}, then send the query again"
    if _declared_topics(job).isdisjoint(missing):
        return f"the query creates {them} again and continues without the records that were lost"
    return f"create {them} again, and the query continues; or terminate the query"


def _named_topics(names: Collection[str]) -> str:
    return f"{'topics' if len(names) > 1 else 'topic'} {', '.join(names)}"


def task_counts(job: QueryJob, partitions: Mapping[str, int]) -> dict[int, int]:
    """Returns the number of tasks by sub-topology: the partition count of the largest of its topics."""
    counts: dict[int, int] = {}
    for entry in job.query.inputs:
        counts[entry.subtopology] = max(counts.get(entry.subtopology, 0), partitions[entry.topic])
    return counts


def _make_changelogs(job: QueryJob, partitions: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
    """Creates the changelogs that are missing; returns the partition counts of all."""
    counts = task_counts(job, partitions)
    changelogs = {
        changelog_topic(job.options.internal, store.name): counts[store.subtopology]
        for store in job.query.stores
        if store.changelog
    }
    for name, count in changelogs.items():
        check_count(job, name, count, known)
        job.cluster.create_topic(name, count, {**_ANY_SIZE, "cleanup.policy": "compact"})
    return changelogs


def changelog_topic(internal: str, store: str) -> str:
    """Returns the name of a store's changelog topic; `internal` is the prefix of the query's topics."""
    return f"{internal}-{store}-changelog"


def _starts(job: QueryJob, ranges: Mapping[str, Mapping[int, OffsetRange]]) -> dict[PartitionId, int]:
    """Returns `earliest` and `latest` as offsets, so that the query misses no record however late it begins to read."""
    latest = {entry.topic for entry in job.query.inputs if entry.role == "stream"}
    if job.options.reset != "latest":
        latest = set()
    elif job.options.transient and not latest and not job.query.stores:
        # A push query for the changes of a table, which needs no row from before them.
        latest = set(ranges)
    return {
        (topic, index): at.next if topic in latest else at.first
        for topic, offsets in ranges.items()
        for index, at in offsets.items()
    }


def _commit_starts(
    job: QueryJob, starts: Mapping[PartitionId, int], ranges: Mapping[str, Mapping[int, OffsetRange]]
) -> dict[PartitionId, int]:
    """Commits the start offsets, so that a restart before the first commit begins at the same records; returns them.

    Partitions that a topic got while the query has been reading it are read from their beginning.
    """
    offsets = job.cluster.committed_offsets(job.options.group)
    known = offsets.read([TopicPartition(*source) for source in starts])
    begun = {topic for topic, _ in known}
    settled = {
        source: ranges[source[0]][source[1]].first if source[0] in begun else offset
        for source, offset in starts.items()
    }
    owned = {entry.topic: entry.subtopology for entry in job.query.inputs}
    fresh = [
        TopicPartition(*source, offset)
        for source, offset in settled.items()
        # Another worker may have committed a later offset of one of its tasks since then.
        if source not in known and job.options.owns(job.name, owned[source[0]], source[1])
    ]
    if fresh:
        offsets.commit_and_wait(fresh)
    return settled
