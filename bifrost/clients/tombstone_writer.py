"""Deletes rows of tables by writing tombstones: records without a value."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Producer

from bifrost.clients import kafka
from bifrost.errors import Refused, Unreachable

DELIVERY_TIMEOUT_S = 10.0
"""Time for the broker to accept a tombstone."""


class TombstoneWriter:
    """Writes tombstones. Thread-safe. Connects when the first one is written."""

    def __init__(self, client: Mapping[str, str]) -> None:
        """Keep the librdkafka properties of the cluster (`Settings.kafka_client()`)."""
        self._client = client
        self._producer: Producer | None = None

    def delete(self, topic: str, key: bytes) -> None:
        """Delete the row of this key.

        Raises:
            Unreachable: the broker did not accept the tombstone in time.
            Refused: the broker refused it.
        """
        request = f"tombstone to {topic}"
        outcome: list[KafkaError | None] = []
        try:
            self._connect().produce(topic, None, key, on_delivery=lambda error, _: outcome.append(error))
        except KafkaException as error:
            self._producer = None
            problem = error.args[0]
            raise Refused(kafka.SYSTEM, request, status=problem.code(), body=problem.str()) from error
        except BufferError as error:
            raise Refused(kafka.SYSTEM, request, status=0, body="the producer's queue is full") from error
        self._connect().flush(DELIVERY_TIMEOUT_S)
        if not outcome:
            raise Unreachable(kafka.SYSTEM, request, f"not accepted within {DELIVERY_TIMEOUT_S:.0f} s")
        if outcome[0] is not None:
            # The next attempt creates a new producer: one that gave up a record may be unusable.
            self._producer = None
            raise Refused(kafka.SYSTEM, request, status=outcome[0].code(), body=outcome[0].str())

    def _connect(self) -> Producer:
        if self._producer is None:
            # The producer gives up a second before the flush does, so that the outcome is known by then.
            self._producer = kafka.producer(self._client, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000) - 1000)
        return self._producer
