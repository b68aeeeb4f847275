"""A log of small texts in a compacted topic of one partition, which several processes append to and read."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import cached_property

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.kafka import KafkaAdmin, TopicDescription
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings

TIMEOUT_S = 15.0
CONFIG = {"cleanup.policy": "compact", "segment.ms": "21600000"}
"""Kafka compacts closed segments only; a segment closes after six hours, so that the log stays short."""


@dataclass(frozen=True, slots=True)
class KeyedText:
    """A record of the log; `value` is `None` where the key is removed."""

    offset: int
    key: str
    value: str | None


class TopicLog:
    """Appends to one topic and reads it in order; creates the topic with the first record.

    One thread may append while another one reads.
    """

    def __init__(self, settings: Settings, topic: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = settings.kafka_client()
        self._admin = KafkaAdmin(self._client, timeout_s=timeout_s)
        self._topic = topic
        self._timeout_s = timeout_s
        self._exists = False
        self._position = 0
        self._reader: Consumer | None = None

    def read_new(self) -> list[KeyedText]:
        """Return the entries since the last call, up to the end that the topic has now; none without the topic.

        Raises:
            Unreachable: no broker answered in time.
            Refused: the broker refused access.
        """
        if not self._is_created():
            return []
        place = TopicPartition(self._topic, 0, self._position)
        if self._reader is None:
            # Nothing is committed, so the group's name only has to differ from all others.
            self._reader = kafka.consumer(self._client, f"{self._topic}-{uuid.uuid4()}", enable_partition_eof=True)
            self._reader.assign([place])
        end = self._end(self._reader, place)
        found: list[KeyedText] = []
        deadline = time.monotonic() + self._timeout_s
        while self._position < end:
            record = self._reader.poll(0.2)
            error = None if record is None else record.error()
            if record is not None and error is None:
                found.append(_entry(record))
                self._position = found[-1].offset + 1
            elif record is not None and error is not None and error.code() == kafka_codes.PARTITION_EOF:
                # Compaction may have removed the last record. The event may be an older one, of a shorter log.
                self._position = max(self._position, record.offset() or 0)
            elif error is not None and not error.retriable():
                raise self._refused("read", error)
            elif time.monotonic() > deadline:
                raise self._unreachable("read")
        return found

    def append(self, key: str, value: str | None) -> int:
        """Append an entry, `None` to remove the key, and return its offset when all replicas have it.

        Raises:
            Unreachable: no broker accepted it in time.
            Refused: the broker refused it.
        """
        return self.append_all({key: value})[-1]

    def append_all(self, changed: dict[str, str | None]) -> list[int]:
        """As `append`, for several entries."""
        if not self._is_created():
            self._admin.create(TopicDescription(self._topic, 1, -1, CONFIG))
        failures: list[KafkaError] = []
        offsets: list[int] = []

        def delivered(error: KafkaError | None, record: Message) -> None:
            if error is None:
                offsets.append(record.offset() or 0)
            else:
                failures.append(error)

        try:
            for key, value in changed.items():
                text = None if value is None else value.encode()
                self._writer.produce(self._topic, text, key.encode(), partition=0, on_delivery=delivered)
        except (KafkaException, BufferError) as error:
            raise Refused(kafka.SYSTEM, self._request("write"), status=0, body=str(error)) from error
        if self._writer.flush(self._timeout_s):
            raise self._unreachable("write")
        if failures:
            raise self._refused("write", failures[0])
        return offsets

    def close(self) -> None:
        """Close the connections of the reader."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @cached_property
    def _writer(self) -> Producer:
        # It gives up a second before the flush does, so that the outcome is known by then.
        limit_ms = max(int(self._timeout_s * 1000) - 1000, 500)
        return kafka.producer(self._client, message_timeout_ms=limit_ms, linger_ms=0)

    def _is_created(self) -> bool:
        self._exists = self._exists or self._topic in self._admin.topics()
        return self._exists

    def _end(self, reader: Consumer, place: TopicPartition) -> int:
        try:
            found = reader.get_watermark_offsets(place, timeout=self._timeout_s)
        except KafkaException as error:
            problem: KafkaError = error.args[0]
            if problem.retriable() or problem.code() < 0:
                raise self._unreachable("read") from error
            raise self._refused("read", problem) from error
        if found is None:
            raise self._unreachable("read")
        return int(found[1])

    def _request(self, verb: str) -> str:
        return f"{verb} topic {self._topic}"

    def _refused(self, verb: str, error: KafkaError) -> Refused:
        return Refused(kafka.SYSTEM, self._request(verb), status=error.code(), body=error.str())

    def _unreachable(self, verb: str) -> Unreachable:
        return Unreachable(kafka.SYSTEM, self._request(verb), f"no answer within {self._timeout_s:.0f} s")


def _entry(record: Message) -> KeyedText:
    key, value = record.key(), record.value()
    return KeyedText(
        record.offset() or 0,
        (key or b"").decode("utf-8", "replace"),
        None if value is None else value.decode("utf-8", "replace"),
    )
