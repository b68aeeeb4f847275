"""Dead-letter topics: a service writes undeliverable records there, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Producer

from bifrost.clients import kafka
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, Unreachable

RETENTION_MS = 28 * 24 * 3600 * 1000
DELIVERY_TIMEOUT_S = 15.0
"""Time for the broker to accept a dead letter."""


class DeadLetterTopic:
    """One dead-letter topic, created for the first record."""

    def __init__(self, client: Mapping[str, str], topic: str) -> None:
        self.topic = topic
        self._client = client
        self._producer: Producer | None = None

    def put(self, record: Record, reason: str) -> None:
        """Write a record unchanged, with headers that name its origin and the reason.

        Raises:
            Unreachable: the broker did not accept it in time.
            Refused: the broker refused it.
        """
        producer = self._connect()
        outcome: list[KafkaError | None] = []

        def on_delivery(error: KafkaError | None, _message: object) -> None:
            outcome.append(error)

        try:
            producer.produce(
                self.topic,
                record.value,
                record.key,
                headers=dead_letter_headers(record, reason),
                on_delivery=on_delivery,
            )
        except (KafkaException, BufferError) as error:
            raise Refused(kafka.SYSTEM, f"dead letter of {record}", status=0, body=str(error)) from error
        producer.flush(DELIVERY_TIMEOUT_S)
        self._check(record, outcome)

    def _connect(self) -> Producer:
        if self._producer is None:
            config = {"retention.ms": str(RETENTION_MS)}
            kafka.KafkaAdmin(self._client).create(kafka.TopicDescription(self.topic, 1, -1, config))
            self._producer = kafka.producer(self._client, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000) - 1000)
        return self._producer

    def _check(self, record: Record, outcome: list[KafkaError | None]) -> None:
        request = f"dead letter of {record} to {self.topic}"
        if not outcome:
            raise Unreachable(kafka.SYSTEM, request, f"not accepted within {DELIVERY_TIMEOUT_S:.0f} s")
        error = outcome[0]
        if error is not None:
            # A producer that gave up a record may be unusable; the next attempt creates a new one.
            self._producer = None
            raise Refused(kafka.SYSTEM, request, status=error.code(), body=error.str())


def dead_letter_headers(record: Record, reason: str) -> list[tuple[str, str | bytes | None]]:
    """Return the record's headers, then `dlq.reason`, `dlq.topic`, `dlq.partition` and `dlq.offset` as UTF-8 text.

    A record that was dead-lettered before keeps its old headers; the last header of a name is the newest.
    """
    return [
        *record.headers,
        ("dlq.reason", reason.encode()),
        ("dlq.topic", record.topic.encode()),
        ("dlq.partition", str(record.partition).encode()),
        ("dlq.offset", str(record.offset).encode()),
    ]
