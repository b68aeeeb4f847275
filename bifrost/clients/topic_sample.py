"""A sample of a topic for people: its newest records as text."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, Message, TopicPartition

from bifrost.clients import kafka, kafka_codes
from bifrost.clients.kafka import KafkaAdmin
from bifrost.errors import Refused

READ_TIMEOUT_S = 3.0
MAX_TEXT_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """One record as text: bytes that are not UTF-8 are replaced, and long texts are cut."""

    topic: str
    partition: int
    offset: int
    timestamp: int  # milliseconds since the epoch, negative when there is none
    key: str
    value: str
    headers: Mapping[str, str]


def newest_records(client: Mapping[str, str], topic: str, count: int) -> list[SampledRecord]:
    """Return up to `count` records of each partition, newest first, as far as they arrive within `READ_TIMEOUT_S`.

    Args:
        client: librdkafka properties of the cluster.

    Raises:
        Refused: the topic does not exist, or reading it is not permitted.
        Unreachable: no broker answered.
    """
    ranges = KafkaAdmin(client).offsets(topic)
    positions = {
        number: TopicPartition(topic, number, max(each.first, each.next - count))
        for number, each in ranges.items()
        if each.next > each.first
    }
    reader = kafka.consumer(client, "bifrost-console-tail")
    try:
        reader.assign(list(positions.values()))
        found = _read(reader, {number: ranges[number].next for number in positions})
    finally:
        reader.close()
    return sorted(found, key=lambda record: (record.timestamp, record.offset), reverse=True)


def _read(reader: Consumer, ends: dict[int, int]) -> list[SampledRecord]:
    found: list[SampledRecord] = []
    deadline = time.monotonic() + READ_TIMEOUT_S
    while ends and time.monotonic() < deadline:
        message = reader.poll(0.1)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() in kafka_codes.ACCESS_ERRORS:
                raise Refused(kafka.SYSTEM, f"read {message.topic()}", status=error.code(), body=error.str())
            continue
        found.append(_sampled_record(message))
        number, offset = message.partition(), message.offset()
        if number is not None and offset is not None and offset + 1 >= ends.get(number, 0):
            ends.pop(number, None)
    return found


def _sampled_record(message: Message) -> SampledRecord:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return SampledRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        key=_text(message.key()),
        value=_text(message.value()),
        headers={str(name): _text(value) for name, value in pairs},
    )


def _text(content: str | bytes | None) -> str:
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content or ""
    return text[:MAX_TEXT_LENGTH]
