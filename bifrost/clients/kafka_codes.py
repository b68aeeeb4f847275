"""Kafka's error codes by what they mean for a caller."""

from __future__ import annotations

from confluent_kafka import KafkaError

COORDINATOR_STARTING = ("COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR")
"""A group's coordinator moves or loads its offsets: the same request succeeds soon."""
UNREACHABLE = ("_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE", "REQUEST_TIMED_OUT")
ACCESS_ERRORS = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - a public code that librdkafka names so
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)
"""Errors that waiting does not cure: the account lacks access."""
NO_LEADER = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
"""A partition that was just created, or moves: librdkafka retries such requests of clients, but not those of admins."""
GONE = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public code that librdkafka names so
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - a public code that librdkafka names so
    }
)
PARTITION_EOF: int = KafkaError._PARTITION_EOF  # noqa: SLF001 - a public code that librdkafka names so
"""The event for the end of a partition, of consumers with `enable.partition.eof`."""


def refusal_text(error: KafkaError) -> str:
    """Return why a request was refused."""
    # The broker's own text for this refusal is a dump of the request.
    is_dump = error.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED
    return KafkaError(error.code()).str() if is_dump else error.str()
