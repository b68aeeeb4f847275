"""The Kafka cluster as the engine uses it: the admin client, and consumers and producers with the engine's settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from bifrost.clients.group_offsets import GroupOffsets
from bifrost.clients.kafka import KafkaAdmin, TopicDescription, consumer, producer
from bifrost.engine.runtime.committed_offsets import CommittedOffsets
from bifrost.engine.runtime.kafka_errors import is_missing
from bifrost.engine.runtime.topic_watch import TopicWatch
from bifrost.errors import NotReady, Refused, Unreachable

OFFSET_BEGINNING = -2
OFFSET_END = -1
_ANY_TIME = str((1 << 63) - 1)
_LARGEST_RECORD = 64 * 1024 * 1024
_DEADLINE_S = 30.0
_LOOK_AGAIN_S = 0.05
T = TypeVar("T")


class Cluster:
    """Topics, offsets and clients of one Kafka cluster. `properties` are librdkafka's (bootstrap, security)."""

    def __init__(self, properties: Mapping[str, str], *, replicas: int = 1) -> None:
        self.properties = properties
        self.replicas = replicas
        self.admin = KafkaAdmin(properties, timeout_s=_DEADLINE_S)
        self.topic_watch = TopicWatch(self.admin.topics)
        self._group_offsets = GroupOffsets(properties)

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str], *, replicas: int = 0) -> bool:
        """Creates a topic and waits until the brokers list it: a busy broker does so some time after it has answered.

        The topic accepts records of any time, unless `config` says otherwise. Brokers refuse records from more than an
        hour ahead by default, but event times come from the data: a wrong clock must not stop a query.

        Returns:
            False if the topic exists already; its partitions and settings stay as they are.

        Raises:
            Refused: the broker refused to create it.
            NotReady: it is not listed within the deadline.
        """
        settings = {"message.timestamp.after.max.ms": _ANY_TIME, **config}
        made = self.admin.create(TopicDescription(name, partitions, replicas or self.replicas, settings))
        deadline = time.monotonic() + _DEADLINE_S
        while made and name not in self.admin.topics():
            if time.monotonic() > deadline:
                raise NotReady("Kafka", f"create topic {name}", f"not listed within {_DEADLINE_S:.0f} s")
            time.sleep(_LOOK_AGAIN_S)
        return made

    def producer(self, *, transaction_id: str | None = None, **options: object) -> Producer:
        """Returns a producer that keeps records in order, survives broker restarts and sends with little delay.

        It sends records of up to 64 MB, so the size limit of each topic decides.
        """
        settled: dict[str, object] = {
            "compression_type": "lz4",
            "linger_ms": 5,
            "message_max_bytes": _LARGEST_RECORD,
            "queue_buffering_max_messages": 500_000,
            "queue_buffering_max_kbytes": 262_144,
            "reconnect_backoff_max_ms": 1000,
        }
        transactional = {} if transaction_id is None else {"transactional.id": transaction_id}
        return producer({**self.properties, **transactional}, delivered=None, **{**settled, **options})

    def consumer(self, group: str, **options: object) -> Consumer:
        """Returns a consumer whose partitions are assigned and whose offsets are committed explicitly.

        One engine owns all partitions, so it needs no group membership: a restart resumes immediately instead of
        waiting until the session of a dead member expires. The consumer reports the end of each partition.
        """
        settled: dict[str, object] = {
            "enable_auto_offset_store": False,
            "enable_partition_eof": True,
            "auto_offset_reset": "earliest",
            "fetch_wait_max_ms": 500,  # only an idle partition waits so long
            "fetch_queue_backoff_ms": 10,
            "fetch_error_backoff_ms": 100,
            "queued_min_messages": 20_000,
            "queued_max_messages_kbytes": 32_768,
            "reconnect_backoff_max_ms": 1000,
        }
        return consumer(self.properties, group, **{**settled, **options})

    def committed_offsets(self, group: str) -> CommittedOffsets:
        """Returns the committed offsets of a consumer group."""

        def opened(isolation: str) -> Consumer:
            return self.consumer(group, isolation_level=isolation)

        return CommittedOffsets(self._group_offsets, group, opened)

    def group_metadata(self, group: str) -> object:
        """Returns what a transaction that commits offsets of a group needs to know of it."""
        reader = self.consumer(group)
        try:
            return reader.consumer_group_metadata()
        finally:
            reader.close()

    def watermarks(self, reader: Consumer, topic: str, partition: int) -> tuple[int, int]:
        """Returns the first offset that the broker still has and the offset after the last record.

        Raises:
            Refused: the topic or partition does not exist.
            Unreachable: no broker answered within the deadline.
        """
        place = TopicPartition(topic, partition)
        request = f"watermarks of {topic}-{partition}"
        found = _answered(request, lambda: reader.get_watermark_offsets(place, timeout=_DEADLINE_S))
        if found is None:
            raise NotReady("Kafka", request, f"no answer within {_DEADLINE_S:.0f} s")
        return int(found[0]), int(found[1])


def _answered(request: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except KafkaException as error:
        problem = error.args[0]
        if is_missing(problem):
            raise Refused("Kafka", request, status=problem.code(), body=problem.str()) from error
        raise Unreachable("Kafka", request, problem.str()) from error
