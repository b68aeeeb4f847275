"""The records of topics with one partition, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bifrost.clients.kafka import TopicDescription
from bifrost.clients.topic_records import NewRecord, Ranges, StoredRecord
from bifrost.errors import Unreachable
from tests.fakes.kafka import FakeTopics


class FakeRecords:
    """Keeps the counts and times of `FakeTopics` in step; refuses further records after `accepts` of them."""

    def __init__(self, topics: FakeTopics) -> None:
        self.topics = topics
        self.content: dict[str, list[StoredRecord]] = {}
        self.accepts = 10_000

    def put(
        self,
        topic: str,
        value: bytes | None,
        headers: Mapping[str, str] | None = None,
        *,
        key: bytes | None = None,
        time_ms: int = 0,
    ) -> None:
        pairs = tuple((name, text.encode()) for name, text in (headers or {}).items())
        self.append([NewRecord(topic, 0, time_ms, key, value, pairs)])

    def read(self, ranges: Ranges, *, first_only: bool = False) -> Iterator[StoredRecord]:
        for topic, parts in ranges.items():
            for first, end in parts.values():
                yield from self.content.get(topic, [])[first : first + 1 if first_only else end]

    def append(self, records: Iterable[NewRecord]) -> list[tuple[int, int]]:
        places = []
        for record in records:
            if self.accepts == 0:
                raise Unreachable("Kafka", f"write to {record.topic}", "not accepted")
            self.accepts -= 1
            offset = len(self.content.setdefault(record.topic, []))
            stored = StoredRecord(
                record.topic, 0, offset, record.timestamp_ms, record.key, record.value, record.headers
            )
            self.content[record.topic].append(stored)
            self.topics.there.setdefault(record.topic, TopicDescription(record.topic, 1, 1))
            self.topics.records[record.topic] = offset + 1
            self.topics.times.setdefault(record.topic, []).append(record.timestamp_ms)
            places.append((0, offset))
        return places

    def delete_before(self, topic: str, offsets: Mapping[int, int]) -> None:
        self.topics.deleted[topic] = offsets[0]
