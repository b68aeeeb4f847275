"""Follows the end of a topic: the records that arrive from now on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from confluent_kafka import TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.kafka import KafkaAdmin
from bifrost.clients.topic_records import StoredRecord, stored_record
from bifrost.errors import Refused
from bifrost.settings import Settings

MAX_BEHIND = 2_000
"""A reader that is further behind skips to the end: people look at what happens now."""
_PREFETCH_KIB = 4096


class TopicTail:
    """A consumer at the end of a topic. One thread at a time may use it.

    `skipped` counts the records that were left out because they came too fast.
    """

    def __init__(self, settings: Settings, topic: str, partitions: Iterable[int] | None = None) -> None:
        """Begin at the current end.

        Args:
            partitions: only these; by default all.

        Raises:
            Refused: the topic does not exist.
            Unreachable: no broker answers.
        """
        client = settings.kafka_client()
        ranges = KafkaAdmin(client, timeout_s=5.0).offsets(topic)
        wanted = set(ranges) if partitions is None else set(partitions) & set(ranges)
        self.skipped = 0
        self._topic = topic
        # Nothing is committed, so the group's name has no effect.
        self._reader = kafka.consumer(client, "bifrost-operations", queued_max_messages_kbytes=_PREFETCH_KIB)
        self._reader.assign([TopicPartition(topic, number, ranges[number].next) for number in sorted(wanted)])

    def read(self, most: int, timeout_s: float) -> list[StoredRecord]:
        """The records that arrived, up to a number; waits for the first one up to `timeout_s`.

        Raises:
            Refused: the topic was deleted, or reading it is not permitted.
        """
        found = []
        first = self._reader.poll(timeout_s)
        messages = [] if first is None else [first, *self._reader.consume(most - 1, 0)]
        for message in messages:
            error = message.error()
            if error is None:
                found.append(stored_record(message))
            elif error.code() in (*kafka_codes.ACCESS_ERRORS, *kafka_codes.GONE):
                raise Refused(kafka.SYSTEM, f"read {self._topic}", status=error.code(), body=error.str())
        if len(found) == most:
            self._skip()
        return found

    def close(self) -> None:
        """End reading."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _skip(self) -> None:
        for place in self._reader.position(self._reader.assignment()):
            partition = TopicPartition(place.topic, place.partition)
            _, end = self._reader.get_watermark_offsets(partition, cached=True)
            if place.offset >= 0 and end - place.offset > MAX_BEHIND:
                self.skipped += end - place.offset
                self._reader.seek(TopicPartition(place.topic, place.partition, end))
