"""Restores the stores of a query's tasks from their changelog topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import Message, TopicPartition

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.checkpoints import Checkpoints
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
    checkpoints: Checkpoints,
) -> None:
    """Loads the state on disk, and reads what the changelogs have beyond it, to their present ends.

    `internal` is the prefix of changelog topics, `tasks` are by sub-topology and partition.

    Raises:
        Refused: a changelog topic does not exist any more, or may not be read.
        NotReady: no record arrived within the deadline, or another process has the state on disk open.
        StateError: the state on disk cannot be used.
    """
    stores = {
        (changelog_topic(internal, store), partition): (task, store)
        for (_, partition), task in tasks.items()
        for store in task.changelogged()
    }
    starts, ends = _bounds(cluster, stores, tasks, checkpoints)
    rows = sum(len(store) for task in tasks.values() for store in task.stores().values())
    progress.loaded(rows, sum(ends.values()) - sum(starts.values()))
    if not ends:
        return
    progress.begin("its state", sum(ends.values()) - sum(starts.values()))
    reader = cluster.consumer(f"{internal}-restore")
    try:
        reader.assign([TopicPartition(*source, start) for source, start in starts.items()])
        done, deadline = 0, time.monotonic() + _STALLED_S
        while ends and not stopping():
            messages = reader.consume(_BATCH, _WAIT_S)
            done += _take(messages, stores, ends, checkpoints)
            progress.reached(done)
            checkpoints.tend()
            if messages:
                deadline = time.monotonic() + _STALLED_S
            elif time.monotonic() > deadline:
                raise NotReady("Kafka", f"restore {internal}", f"no record within {_STALLED_S:.0f} s; {progress.text}")
        progress.end()
    finally:
        reader.close()


def _bounds(
    cluster: Cluster,
    stores: Mapping[PartitionId, tuple[Task, str]],
    tasks: Mapping[tuple[int, int], Task],
    checkpoints: Checkpoints,
) -> tuple[dict[PartitionId, int], dict[PartitionId, int]]:
    """Returns the first offset to be read and the next offset of each changelog partition that must be read."""
    counts: dict[str, int] = {}
    for topic, partition in stores:
        counts[topic] = max(counts.get(topic, 0), partition + 1)
    found = {
        (topic, partition): at
        for topic, ranges in cluster.admin.ends(counts).items()
        for partition, at in ranges.items()
        # The others belong to tasks of other worker processes.
        if (topic, partition) in stores
    }
    ids = cluster.admin.topic_ids(counts) if checkpoints.wants_topic_ids and counts else {}
    places = {source: (store, source[1]) for source, (_, store) in stores.items()}
    known = {places[source]: (ids.get(source[0], ""), at) for source, at in found.items()}
    loaded = checkpoints.load(tasks, known)
    starts = {source: loaded.get(places[source], at.first) for source, at in found.items()}
    unread = [source for source, at in found.items() if starts[source] < at.next]
    return {source: starts[source] for source in unread}, {source: found[source].next for source in unread}


def _take(
    messages: Iterable[Message],
    stores: Mapping[PartitionId, tuple[Task, str]],
    ends: dict[PartitionId, int],
    checkpoints: Checkpoints,
) -> int:
    """Restores records, removes partitions that are read from `ends`, and returns the number of records.

    Compaction and transactions leave gaps: there may be no record at the last offset, then the consumer reports the
    end.
    """
    count = 0
    last: dict[PartitionId, Message] = {}
    for message in messages:
        source = (message.topic() or "", message.partition() or 0)
        error = message.error()
        if error is None:
            task, store = stores[source]
            task.restore(store, message.key() or b"", message.value())
            count += 1
            last[source] = message
        elif is_end(error):
            ends.pop(source, None)
        elif not is_temporary(error):
            raise Refused("Kafka", f"read {source[0]}", status=error.code(), body=error.str())
    for source, message in last.items():
        following = (message.offset() or 0) + 1
        size = len(message.key() or b"") + len(message.value() or b"")
        checkpoints.restored((stores[source][1], source[1]), following, size)
        if following >= ends.get(source, 0):
            ends.pop(source, None)
    return count
