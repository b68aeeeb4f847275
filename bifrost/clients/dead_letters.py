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

MAX_REASON_LENGTH = 4_000
MAX_PART_BYTES = 100_000
"""Bytes that remain of the key and of the value of a dead letter that was too large."""
DEAD_LETTER_HEADERS = 4

Headers = list[tuple[str, str | bytes | None]]


class DeadLetterTopic:
    """One dead-letter topic, created for the first record."""

    def __init__(self, client: Mapping[str, str], topic: str) -> None:
        self.topic = topic
        self._client = client
        self._producer: Producer | None = None

    def put(self, record: Record, reason: str) -> None:
        """Write a record unchanged, with headers that name its origin and the reason.

        A record that is too large with these headers is cut; the header `dlq.truncated` then has its size in bytes.

        Raises:
            Unreachable: the broker did not accept it in time.
            Refused: the broker refused it.
        """
        headers = dead_letter_headers(record, reason)
        try:
            self._produce(record, record.key, record.value, headers)
        except Refused as error:
            if error.status != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            # Retrying would block the records behind it for good; the original remains in its own topic.
            size = len(record.key or b"") + len(record.value or b"")
            origin = [*headers[-DEAD_LETTER_HEADERS:], ("dlq.truncated", str(size).encode())]
            self._produce(record, _cut(record.key), _cut(record.value), origin)

    def _produce(self, record: Record, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        producer = self._connect()
        outcome: list[KafkaError | None] = []

        def on_delivery(error: KafkaError | None, _message: object) -> None:
            outcome.append(error)

        request = f"dead letter of {record} to {self.topic}"
        try:
            producer.produce(self.topic, value, key, headers=headers, on_delivery=on_delivery)
        except KafkaException as error:
            problem = error.args[0]
            self._discard_after(problem)
            raise Refused(kafka.SYSTEM, request, status=problem.code(), body=problem.str()) from error
        except BufferError as error:
            raise Refused(kafka.SYSTEM, request, status=0, body="the producer's queue is full") from error
        producer.flush(DELIVERY_TIMEOUT_S)
        self._check(request, outcome)

    def _connect(self) -> Producer:
        if self._producer is None:
            config = {"retention.ms": str(RETENTION_MS)}
            kafka.KafkaAdmin(self._client).create(kafka.TopicDescription(self.topic, 1, -1, config))
            # The producer gives up a second before the flush does, so that the outcome is known by then.
            self._producer = kafka.producer(self._client, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000) - 1000)
        return self._producer

    def _discard_after(self, error: KafkaError) -> None:
        """Let the next attempt create a new producer: one that gave up a record may be unusable."""
        if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self._producer = None

    def _check(self, request: str, outcome: list[KafkaError | None]) -> None:
        if not outcome:
            raise Unreachable(kafka.SYSTEM, request, f"not accepted within {DELIVERY_TIMEOUT_S:.0f} s")
        error = outcome[0]
        if error is not None:
            self._discard_after(error)
            raise Refused(kafka.SYSTEM, request, status=error.code(), body=error.str())


def dead_letter_headers(record: Record, reason: str) -> Headers:
    """Return the record's headers, then `dlq.reason`, `dlq.topic`, `dlq.partition` and `dlq.offset` as UTF-8 text.

    A record that was dead-lettered before keeps its old headers; the last header of a name is the newest.
    """
    return [
        *record.headers,
        ("dlq.reason", reason[:MAX_REASON_LENGTH].encode("utf-8", "replace")),
        ("dlq.topic", record.topic.encode()),
        ("dlq.partition", str(record.partition).encode()),
        ("dlq.offset", str(record.offset).encode()),
    ]


def _cut(part: bytes | None) -> bytes | None:
    return None if part is None else part[:MAX_PART_BYTES]
