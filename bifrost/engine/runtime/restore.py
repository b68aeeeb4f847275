"""Restores the stores of a query's tasks from their changelog topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping

from confluent_kafka import Message, TopicPartition

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.internal_topics import changelog_topic
from bifrost.engine.runtime.kafka_errors import is_end, is_temporary
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.topology.compiled import Task
from bifrost.errors import NotReady, Refused

_BATCH = 5000
_WAIT_S = 0.1
_STALLED_S = 60.0


def restore(
    cluster: Cluster,
    internal: str,
    tasks: Mapping[tuple[int, int], Task],
    stopping: Callable[[], bool],
    progress: RestoreProgress,
) -> None:
    """Reads the changelogs of all stores from the beginning to their present ends.

    `internal` is the prefix of changelog topics, `tasks` are by sub-topology and partition.

    Raises:
        Refused: a changelog topic does not exist any more, or may not be read.
        NotReady: no record arrived within the deadline.
    """
    stores = {
        (changelog_topic(internal, store), partition): (task, store)
        for (_, partition), task in tasks.items()
        for store in task.changelogged()
    }
    starts, ends = _bounds(cluster, stores)
    if not ends:
        return
    progress.begin("its state", sum(ends.values()) - sum(starts.values()))
    reader = cluster.consumer(f"{internal}-restore")
    try:
        reader.assign([TopicPartition(*source, start) for source, start in starts.items()])
        done, deadline = 0, time.monotonic() + _STALLED_S
        while ends and not stopping():
            messages = reader.consume(_BATCH, _WAIT_S)
            done += _take(messages, stores, ends)
            progress.reached(done)
            if messages:
                deadline = time.monotonic() + _STALLED_S
            elif time.monotonic() > deadline:
                raise NotReady("Kafka", f"restore {internal}", f"no record within {_STALLED_S:.0f} s; {progress.text}")
        progress.end()
    finally:
        reader.close()


def _bounds(
    cluster: Cluster, partitions: Collection[PartitionId]
) -> tuple[dict[PartitionId, int], dict[PartitionId, int]]:
    """Returns the first and the next offset of each changelog partition that is not empty."""
    counts: dict[str, int] = {}
    for topic, partition in partitions:
        counts[topic] = max(counts.get(topic, 0), partition + 1)
    starts, ends = {}, {}
    for topic, ranges in cluster.admin.ends(counts).items():
        for partition, found in ranges.items():
            # The others belong to tasks of other worker processes.
            if found.next > found.first and (topic, partition) in partitions:
                starts[topic, partition], ends[topic, partition] = found.first, found.next
    return starts, ends


def _take(
    messages: Iterable[Message], stores: Mapping[PartitionId, tuple[Task, str]], ends: dict[PartitionId, int]
) -> int:
    """Restores records, removes partitions that are read from `ends`, and returns the number of records.

    Compaction and transactions leave gaps: there may be no record at the last offset, then the consumer reports the
    end.
    """
    count = 0
    for message in messages:
        source = (message.topic() or "", message.partition() or 0)
        error = message.error()
        if error is None:
            task, store = stores[source]
            task.restore(store, message.key() or b"", message.value())
            count += 1
            if (message.offset() or 0) + 1 >= ends.get(source, 0):
                ends.pop(source, None)
        elif is_end(error):
            ends.pop(source, None)
        elif not is_temporary(error):
            raise Refused("Kafka", f"read {source[0]}", status=error.code(), body=error.str())
    return count
