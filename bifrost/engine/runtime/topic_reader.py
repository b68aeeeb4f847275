"""Reads the raw records of a topic, for PRINT."""

from __future__ import annotations

from confluent_kafka import KafkaException, TopicPartition

from bifrost.engine.runtime.batches import batch_of, in_time_order
from bifrost.engine.runtime.cluster import OFFSET_BEGINNING, OFFSET_END, Cluster
from bifrost.engine.topology.compiled import InputRecord
from bifrost.errors import Refused

_BATCH = 500


class TopicReader:
    """Reads all partitions of a topic; records that arrive together are merged by time."""

    def __init__(self, cluster: Cluster, topic: str, group: str, *, from_beginning: bool) -> None:
        """Starts reading.

        Raises:
            Refused: the topic does not exist.
            Unreachable: no broker answered.
        """
        count = cluster.admin.topics().get(topic)
        if count is None:
            raise Refused("Kafka", f"read {topic}", status=0, body="the topic does not exist")
        self._topic = topic
        self._consumer = cluster.consumer(group)
        start = OFFSET_BEGINNING if from_beginning else OFFSET_END
        self._consumer.assign([TopicPartition(topic, partition, start) for partition in range(count)])

    def read(self, timeout_s: float) -> list[InputRecord]:
        """Returns the records that have arrived, waiting up to `timeout_s` for the first.

        Raises:
            Refused: the topic does not exist any more.
        """
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        try:
            batch = batch_of([first, *self._consumer.consume(_BATCH - 1, 0)])
            batch.check()
        except KafkaException as error:
            problem = error.args[0]
            raise Refused("Kafka", f"read {self._topic}", status=problem.code(), body=problem.str()) from error
        by_partition = {f"{partition}": records for (_, partition), records in batch.records.items()}
        return [record for _, run in in_time_order(by_partition) for record in run] if by_partition else []

    def close(self) -> None:
        """Closes the consumer."""
        self._consumer.close()
