"""The errors of Kafka clients by what they mean for a query."""

from __future__ import annotations

from confluent_kafka import KafkaError

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
        "UNSTABLE_OFFSET_COMMIT",
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
