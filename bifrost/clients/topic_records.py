"""Single records of topics: reads them between offsets, appends them unchanged, deletes those before an offset."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.kafka import KafkaAdmin
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings

TIMEOUT_S = 15.0
"""Time without any record after which a broker counts as unreachable."""
_PREFETCH_KIB = 65536

RecordHeaders = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with its place and time (milliseconds since the epoch, negative if it has none)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders = ()

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to append; without a `partition`, its key decides."""

    topic: str
    partition: int | None
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders = ()


Ranges = Mapping[str, Mapping[int, tuple[int, int]]]
"""The first offset to read, and the one before which to stop, by topic and partition."""


class TopicRecords:
    """Reads, appends and deletes records of a cluster. Not thread-safe."""

    def __init__(self, settings: Settings, *, timeout_s: float = TIMEOUT_S, prefetch_kib: int = _PREFETCH_KIB) -> None:
        """Keep how to reach the cluster; `prefetch_kib` limits what is read ahead of the caller."""
        self._client = settings.kafka_client()
        self._timeout_s = timeout_s
        self._prefetch_kib = prefetch_kib

    def read(self, ranges: Ranges, *, first_only: bool = False) -> Iterator[StoredRecord]:
        """Yield the records of these ranges, in order within each partition; with `first_only`, one of each partition.

        Raises:
            Unreachable: no record arrived for `timeout_s`.
            Refused: a topic does not exist, or reading it is not permitted.
        """
        ends = {
            (topic, partition): end
            for topic, partitions in ranges.items()
            for partition, (first, end) in partitions.items()
            if first < end
        }
        places = [TopicPartition(topic, partition, ranges[topic][partition][0]) for topic, partition in ends]
        if not places:
            return
        # Nothing is committed, so the group's name has no effect.
        reader = kafka.consumer(
            self._client,
            "bifrost-operations",
            enable_partition_eof=True,
            queued_max_messages_kbytes=self._prefetch_kib,
        )
        try:
            reader.assign(places)
            yield from self._records(reader, ends, first_only=first_only)
        finally:
            reader.close()

    def _records(
        self, reader: Consumer, ends: dict[tuple[str, int], int], *, first_only: bool
    ) -> Iterator[StoredRecord]:
        deadline = time.monotonic() + self._timeout_s
        while ends:
            message = reader.poll(0.2)
            if message is None:
                if time.monotonic() > deadline:
                    topics = ", ".join(sorted({topic for topic, _ in ends}))
                    raise Unreachable(kafka.SYSTEM, f"read {topics}", f"no record within {self._timeout_s:.0f} s")
                continue
            deadline = time.monotonic() + self._timeout_s
            place = message.topic() or "", message.partition() or 0
            error = message.error()
            if error is not None:
                if error.code() == kafka_codes.PARTITION_EOF:
                    # The last offsets may be those of transaction markers.
                    ends.pop(place, None)
                elif not error.retriable():
                    raise Refused(kafka.SYSTEM, f"read {place[0]}", status=error.code(), body=error.str())
                continue
            end = ends.get(place)
            if end is None:
                continue
            if (message.offset() or 0) < end:
                yield stored_record(message)
            if first_only or (message.offset() or 0) + 1 >= end:
                del ends[place]

    def append(self, records: Iterable[NewRecord]) -> list[tuple[int, int]]:
        """Append records, and return the partition and offset of each when all replicas have it.

        Raises:
            Unreachable: no broker accepted one of them in time; others may have been accepted.
            Refused: the broker refused one of them.
        """
        listed = list(records)
        places: dict[int, tuple[int, int]] = {}
        failures: list[KafkaError] = []

        for number, record in enumerate(listed):

            def delivered(error: KafkaError | None, message: Message, number: int = number) -> None:
                if error is not None:
                    failures.append(error)
                else:
                    places[number] = message.partition() or 0, message.offset() or 0

            try:
                self._writer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    # Negative: the key decides.
                    partition=-1 if record.partition is None else record.partition,
                    # 0: now.
                    timestamp=max(0, record.timestamp_ms),
                    headers=list(record.headers),
                    on_delivery=delivered,
                )
            except (KafkaException, BufferError) as error:
                raise Refused(kafka.SYSTEM, f"write to {record.topic}", status=0, body=str(error)) from error
        topics = ", ".join(sorted({record.topic for record in listed}))
        if self._writer.flush(self._timeout_s) or (failures and failures[0].retriable()):
            raise Unreachable(kafka.SYSTEM, f"write to {topics}", f"not accepted within {self._timeout_s:.0f} s")
        if failures:
            raise Refused(kafka.SYSTEM, f"write to {topics}", status=failures[0].code(), body=failures[0].str())
        return [places[number] for number in range(len(listed))]

    def delete_before(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Delete the records before these offsets, by partition.

        Raises:
            Refused: the topic does not permit it, as one that is only compacted.
        """
        admin = KafkaAdmin(self._client, timeout_s=self._timeout_s)
        admin.delete_records(TopicPartition(topic, partition, offset) for partition, offset in offsets.items())

    @cached_property
    def _writer(self) -> Producer:
        # It gives up a second before the flush does, so that the outcome is known by then.
        limit_ms = max(int(self._timeout_s * 1000) - 1000, 500)
        return kafka.producer(self._client, message_timeout_ms=limit_ms, linger_ms=5)


def stored_record(message: Message) -> StoredRecord:
    """The record in a message of a consumer."""
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return StoredRecord(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        _bytes(message.key()),
        _bytes(message.value()),
        tuple((str(name), _bytes(value)) for name, value in pairs),
    )


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
