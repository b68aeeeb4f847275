"""The Kafka cluster as the engine uses it: the admin client, and consumers and producers with the engine's settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bifrost.clients.kafka import KafkaAdmin, TopicDescription, consumer, producer
from bifrost.errors import NotReady, Refused, Unreachable

OFFSET_BEGINNING = -2
OFFSET_END = -1
_DEADLINE_S = 30.0
_LOOK_AGAIN_S = 0.05
T = TypeVar("T")

CommitCallback = Callable[[KafkaError | None, list[TopicPartition]], None]
"""Receives the outcome of an offset commit: an error or None, and the offsets, each with an error or None."""


class Cluster:
    """Topics, offsets and clients of one Kafka cluster. `properties` are librdkafka's (bootstrap, security)."""

    def __init__(self, properties: Mapping[str, str], *, replicas: int = 1) -> None:
        self.properties = properties
        self.replicas = replicas
        self.admin = KafkaAdmin(properties, timeout_s=_DEADLINE_S)

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str], *, replicas: int = 0) -> bool:
        """Creates a topic and waits until the brokers list it: a busy broker does so some time after it has answered.

        Returns:
            False if the topic exists already; its partitions and settings stay as they are.

        Raises:
            Refused: the broker refused to create it.
            NotReady: it is not listed within the deadline.
        """
        made = self.admin.create(TopicDescription(name, partitions, replicas or self.replicas, config))
        deadline = time.monotonic() + _DEADLINE_S
        while made and name not in self.admin.topics():
            if time.monotonic() > deadline:
                raise NotReady("Kafka", f"create topic {name}", f"not listed within {_DEADLINE_S:.0f} s")
            time.sleep(_LOOK_AGAIN_S)
        return made

    def producer(self, *, transaction_id: str | None = None, **options: object) -> Producer:
        """Returns a producer that keeps records in order, survives broker restarts and sends with little delay."""
        settled: dict[str, object] = {
            "compression_type": "lz4",
            "linger_ms": 5,
            "queue_buffering_max_messages": 500_000,
            "queue_buffering_max_kbytes": 262_144,
            "reconnect_backoff_max_ms": 1000,
        }
        transactional = {} if transaction_id is None else {"transactional.id": transaction_id}
        return producer({**self.properties, **transactional}, delivered=None, **{**settled, **options})

    def consumer(self, group: str, *, committed: CommitCallback | None = None, **options: object) -> Consumer:
        """Returns a consumer whose partitions are assigned and whose offsets are committed explicitly.

        One engine owns all partitions, so it needs no group membership: a restart resumes immediately instead of
        waiting until the session of a dead member expires. The consumer reports the end of each partition.
        `committed` receives the outcome of asynchronous offset commits, on the thread that polls.
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
        # A callback is not a property, so its name keeps its underscore.
        callbacks: dict[str, Any] = {} if committed is None else {"on_commit": committed}
        return consumer({**self.properties, **callbacks}, group, **{**settled, **options})

    def committed(self, reader: Consumer, places: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
        """Returns the committed offset of each (topic, partition) that has one.

        Raises:
            Unreachable: no broker answered within the deadline.
        """
        found = _answered("read offsets", lambda: reader.committed(list(places), timeout=_DEADLINE_S))
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

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


def is_missing(error: KafkaError) -> bool:
    """Whether an error says that a topic or partition does not exist."""
    return error.name() in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION")


def is_end(error: KafkaError) -> bool:
    """Whether an "error" of a consumer only says that a partition has no more records for now."""
    return error.name() == "_PARTITION_EOF"


def _answered(request: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except KafkaException as error:
        problem = error.args[0]
        if is_missing(problem):
            raise Refused("Kafka", request, status=problem.code(), body=problem.str()) from error
        raise Unreachable("Kafka", request, problem.str()) from error
