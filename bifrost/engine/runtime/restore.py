"""Filling a task's stores from their changelog topics."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import TopicPartition

from bifrost.engine.runtime.cluster import Cluster, is_end, is_missing
from bifrost.engine.runtime.internal_topics import changelog_topic
from bifrost.engine.topology.compiled import Task
from bifrost.errors import Refused

_BATCH = 5000
_WAIT_S = 0.1


def restore_task(cluster: Cluster, internal: str, task: Task, partition: int, stopping: Callable[[], bool]) -> None:
    """Reads the changelog partition of each store from its beginning to where it ends now.

    Raises:
        Refused: a changelog topic is gone.
        NotReady, Unreachable: a changelog could not be read within the deadline.
    """
    for store in task.changelogged():
        _restore_store(cluster, changelog_topic(internal, store), store, task, partition, stopping)


def _restore_store(
    cluster: Cluster, topic: str, store: str, task: Task, partition: int, stopping: Callable[[], bool]
) -> None:
    consumer = cluster.consumer(f"{topic}-restore")
    try:
        low, high = cluster.watermarks(consumer, topic, partition)
        if high <= low:
            return
        consumer.assign([TopicPartition(topic, partition, low)])
        position = low
        # Compaction and transactions leave gaps: the last offset may be no record's, then the broker tells the end.
        while position < high and not stopping():
            for message in consumer.consume(_BATCH, _WAIT_S):
                error = message.error()
                if error is None:
                    position = (message.offset() or 0) + 1
                    task.restore(store, message.key() or b"", message.value(), message.timestamp()[1])
                elif is_end(error):
                    return
                elif is_missing(error):
                    raise Refused("Kafka", f"read {topic}", status=error.code(), body=error.str())
    finally:
        consumer.close()
