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
_ANY_TIME = str((1 << 63) - 1)
_LARGEST_RECORD = 64 * 1024 * 1024
_DEADLINE_S = 30.0
_LOOK_AGAIN_S = 0.05
T = TypeVar("T")

_TEMPORARY = frozenset(
    (
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_RESOLVE",
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "_WAIT_COORD",
        "_WAIT_CACHE",
        "_DESTROY_BROKER",
        "_MAX_POLL_EXCEEDED",
        "_AUTO_OFFSET_RESET",
        "BROKER_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "KAFKA_STORAGE_ERROR",
        "LEADER_NOT_AVAILABLE",
        "LISTENER_NOT_FOUND",
        "NETWORK_EXCEPTION",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "OFFSET_OUT_OF_RANGE",
        "REPLICA_NOT_AVAILABLE",
        "REQUEST_TIMED_OUT",
        "UNKNOWN_LEADER_EPOCH",
    )
)
_RECORD_REFUSED = frozenset(
    (
        "MSG_SIZE_TOO_LARGE",
        "RECORD_LIST_TOO_LARGE",
        "INVALID_TIMESTAMP",
        "INVALID_RECORD",
        "_INVALID_DIFFERENT_RECORD",
    )
)

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
            Unreachable: no broker answered within the deadline, or the group's offsets may not be read.
        """
        found = _answered("read offsets", lambda: reader.committed(list(places), timeout=_DEADLINE_S))
        problem = next((place.error for place in found if place.error is not None), None)
        if problem is not None:
            # Not a missing offset: to begin at the default would repeat or skip records.
            raise Unreachable("Kafka", "read offsets", problem.str())
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


def is_temporary(error: KafkaError) -> bool:
    """Whether a client recovers from an error without help: brokers are unreachable or move partitions, for example."""
    return not error.fatal() and (error.retriable() or error.name() in _TEMPORARY)


def is_record_refused(error: KafkaError) -> bool:
    """Whether a broker refused a batch of records for what one of them is: its size or its time, for example."""
    return error.name() in _RECORD_REFUSED


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
