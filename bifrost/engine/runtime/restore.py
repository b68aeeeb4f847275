"""Filling a task's stores from their changelog topics."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import TopicPartition

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.topology.compiled import Task

_BATCH = 5000


def restore_task(cluster: Cluster, internal: str, task: Task, partition: int, stopping: Callable[[], bool]) -> None:
    """Reads the changelog partition of each store from its beginning to where it ends now.

    Raises:
        NotReady, Unreachable: the changelog could not be read within the deadline.
    """
    for store in task.changelogged():
        _restore_store(cluster, f"{internal}-{store}-changelog", store, task, partition, stopping)


def _restore_store(
    cluster: Cluster, topic: str, store: str, task: Task, partition: int, stopping: Callable[[], bool]
) -> None:
    consumer = cluster.consumer(f"{topic}-restore", enable_partition_eof=False)
    try:
        low, high = cluster.watermarks(consumer, topic, partition)
        if high <= low:
            return
        place = TopicPartition(topic, partition, low)
        consumer.assign([place])
        while not stopping() and _position(consumer.position([place])) < high:
            for message in consumer.consume(_BATCH, 0.05):
                if message.error() is None:
                    task.restore(store, message.key() or b"", message.value(), message.timestamp()[1])
    finally:
        consumer.close()


def _position(places: list[TopicPartition]) -> int:
    return max(place.offset for place in places)
