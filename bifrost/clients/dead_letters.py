"""Dead-letter topics: where a service puts what it can never deliver, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Producer

from bifrost.clients import kafka
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, Unreachable

RETENTION_MS = 28 * 24 * 3600 * 1000
ACCEPTED_S = 15.0
"""How long the broker may take to accept a dead letter."""


class DeadLetterTopic:
    """One dead-letter topic; it is made when the first record goes there."""

    def __init__(self, client: Mapping[str, str], topic: str) -> None:
        self.topic = topic
        self._client = client
        self._producer: Producer | None = None

    def put(self, record: Record, reason: str) -> None:
        """Keep a record as it was: key, value, headers, and where it came from and why it is here.

        Raises:
            Unreachable: the broker has not accepted it in time.
            Refused: the broker will not take it.
        """
        producer = self._opened()
        outcome: list[KafkaError | None] = []

        def on_delivery(error: KafkaError | None, _message: object) -> None:
            outcome.append(error)

        try:
            producer.produce(
                self.topic, record.value, record.key, headers=letter_headers(record, reason), on_delivery=on_delivery
            )
        except (KafkaException, BufferError) as error:
            raise Refused(kafka.SYSTEM, f"dead letter of {record}", status=0, body=str(error)) from error
        producer.flush(ACCEPTED_S)
        self._check(record, outcome)

    def _opened(self) -> Producer:
        if self._producer is None:
            config = {"retention.ms": str(RETENTION_MS)}
            kafka.KafkaAdmin(self._client).create(kafka.TopicDescription(self.topic, 1, -1, config))
            self._producer = kafka.producer(self._client, message_timeout_ms=int(ACCEPTED_S * 1000) - 1000)
        return self._producer

    def _check(self, record: Record, outcome: list[KafkaError | None]) -> None:
        request = f"dead letter of {record} to {self.topic}"
        if not outcome:
            raise Unreachable(kafka.SYSTEM, request, f"not accepted within {ACCEPTED_S:.0f} s")
        error = outcome[0]
        if error is not None:
            # A producer that gave a record up may be unusable; the next try begins with a new one.
            self._producer = None
            raise Refused(kafka.SYSTEM, request, status=error.code(), body=error.str())


def letter_headers(record: Record, reason: str) -> list[tuple[str, str | bytes | None]]:
    """The headers of a dead letter: those of the record, then `dlq.reason`, `dlq.topic`, `dlq.partition`, `dlq.offset`.

    All are text in UTF-8. A record that was here before brings its old ones along; the last of a name is the newest.
    """
    return [
        *record.headers,
        ("dlq.reason", reason.encode()),
        ("dlq.topic", record.topic.encode()),
        ("dlq.partition", str(record.partition).encode()),
        ("dlq.offset", str(record.offset).encode()),
    ]
