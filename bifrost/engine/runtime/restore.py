"""Filling the stores of a query's tasks from their changelog topics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import Message, TopicPartition

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.cluster import Cluster, is_end, is_missing
from bifrost.engine.runtime.internal_topics import changelog_topic
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.topology.compiled import Task
from bifrost.errors import Refused

_BATCH = 5000
_WAIT_S = 0.1


def restore(
    cluster: Cluster,
    internal: str,
    tasks: Mapping[tuple[int, int], Task],
    stopping: Callable[[], bool],
    loading: RestoreProgress,
) -> None:
    """Reads the changelogs of all stores from their beginnings to where they end now.

    `internal` begins the names of changelog topics, `tasks` are by sub-topology and partition.

    Raises:
        Refused: a changelog topic is gone.
        Unreachable: a changelog could not be read within the deadline.
    """
    stores = {
        (changelog_topic(internal, store), partition): (task, store)
        for (_, partition), task in tasks.items()
        for store in task.changelogged()
    }
    starts, ends = _bounds(cluster, stores)
    if not ends:
        return
    loading.begin("its state", sum(ends.values()) - sum(starts.values()))
    reader = cluster.consumer(f"{internal}-restore")
    try:
        reader.assign([TopicPartition(*place, start) for place, start in starts.items()])
        done = 0
        while ends and not stopping():
            done += _take(reader.consume(_BATCH, _WAIT_S), stores, ends)
            loading.reached(done)
        loading.end()
    finally:
        reader.close()


def _bounds(cluster: Cluster, places: Iterable[PartitionId]) -> tuple[dict[PartitionId, int], dict[PartitionId, int]]:
    """Where changelogs begin and end, of those that hold anything."""
    counts: dict[str, int] = {}
    for topic, partition in places:
        counts[topic] = max(counts.get(topic, 0), partition + 1)
    starts, ends = {}, {}
    for topic, ranges in cluster.admin.ends(counts).items():
        for partition, found in ranges.items():
            if found.next > found.first:
                starts[topic, partition], ends[topic, partition] = found.first, found.next
    return starts, ends


def _take(
    messages: Iterable[Message], stores: Mapping[PartitionId, tuple[Task, str]], ends: dict[PartitionId, int]
) -> int:
    """Restores records, takes places that are read out of `ends`, and gives the number of records.

    Compaction and transactions leave gaps: the last offset may be no record's, then the broker tells the end.
    """
    count = 0
    for message in messages:
        place = (message.topic() or "", message.partition() or 0)
        error = message.error()
        if error is None:
            task, store = stores[place]
            task.restore(store, message.key() or b"", message.value())
            count += 1
            if (message.offset() or 0) + 1 >= ends.get(place, 0):
                ends.pop(place, None)
        elif is_end(error):
            ends.pop(place, None)
        elif is_missing(error):
            raise Refused("Kafka", f"read {place[0]}", status=error.code(), body=error.str())
    return count
