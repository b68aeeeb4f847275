"""Reads what arrives in topics from now on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from confluent_kafka import Consumer, Message, TopicPartition

READ_S = 0.3


class TopicTail:
    """The records that arrive in topics after it was opened; topics may be added later."""

    def __init__(self, kafka: str, topics: Iterable[str] = ()) -> None:
        options = {"bootstrap.servers": kafka, "group.id": f"bad-input-{uuid.uuid4().hex}"}
        fixed = {"enable.auto.commit": False, "isolation.level": "read_committed", "fetch.message.max.bytes": 2_000_000}
        self._consumer = Consumer({**options, **fixed})
        self._places: list[TopicPartition] = []
        for topic in topics:
            self.add(topic)

    def add(self, topic: str, *, from_start: bool = False) -> None:
        """Read a topic too; a missing one is ignored."""
        found = self._consumer.list_topics(topic, timeout=30).topics[topic]
        for partition in found.partitions:
            place = TopicPartition(topic, partition)
            low, end = self._consumer.get_watermark_offsets(place, timeout=30)
            place.offset = low if from_start else end
            self._places.append(place)
            self._consumer.incremental_assign([place])

    def topics(self) -> set[str]:
        """The topics that are read."""
        return {place.topic for place in self._places}

    def read(self) -> Iterator[Message]:
        """The records that have arrived."""
        while self._places:
            messages = [message for message in self._consumer.consume(500, READ_S) if message.error() is None]
            yield from messages
            if not messages:
                return

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def header(message: Message, name: str) -> str | None:
    """The newest header of that name as text."""
    values = [value for key, value in message.headers() or () if key == name]
    return values[-1].decode("utf-8", "replace") if values and isinstance(values[-1], bytes) else None
