"""A consumer of a cluster in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.engine.runtime.memory_message import MemoryMessage, Place

if TYPE_CHECKING:
    from tests.engine.runtime.memory_cluster import MemoryCluster


class MemoryConsumer:
    """Reads assigned partitions in turn and reports their ends."""

    def __init__(self, cluster: MemoryCluster, group: str, *, reports_ends: bool, stable: bool = True) -> None:
        self._cluster = cluster
        self._generation = cluster.generation
        self._reports_ends = reports_ends
        self._is_stable = stable
        self.group = group
        self._positions: dict[Place, int] = {}
        self._reported_end: dict[Place, int] = {}

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._positions.clear()
        self.incremental_assign(places)

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        for place in places:
            start = place.offset
            if start == -1:
                start = self._cluster.watermarks(self, place.topic, place.partition)[1]
            self._positions[place.topic, place.partition] = max(start, 0)

    def incremental_unassign(self, places: Sequence[TopicPartition]) -> None:
        for place in places:
            del self._positions[place.topic, place.partition]
            self._reported_end.pop((place.topic, place.partition), None)

    def poll(self, timeout: float = 0) -> MemoryMessage | None:
        found = self.consume(1, timeout)
        return found[0] if found else None

    def consume(self, count: int, timeout: float = 0) -> list[MemoryMessage]:
        with self._cluster.changed:
            found = self._next(count)
            if not found and timeout:
                self._cluster.changed.wait(timeout)
                found = self._next(count)
            return found

    def _next(self, count: int) -> list[MemoryMessage]:
        if self._generation != self._cluster.generation:
            raise KafkaException(KafkaError(KafkaError._FATAL))
        found: list[MemoryMessage] = []
        if self._cluster.consumer_problem is not None:
            place = next(iter(self._positions))
            return [MemoryMessage(place, -1, problem=self._cluster.consumer_problem)]
        for place, position in self._positions.items():
            if place[0] in self._cluster.unreadable:
                continue
            if place[0] not in self._cluster.admin.topics_by_name:
                continue  # as librdkafka 2.16: it retries for ever, and reports nothing
            position = self._in_range(place, position)
            records = [record for record in self._visible(place) if record.at >= position]
            taken = records[: count - len(found)]
            found += taken
            if taken:
                self._positions[place] = taken[-1].at + 1
            elif self._reports_ends and self._reported_end.get(place) != position and len(found) < count:
                self._reported_end[place] = position
                found.append(MemoryMessage(place, position, problem=KafkaError(KafkaError._PARTITION_EOF)))
        return found

    def _visible(self, place: Place) -> list[MemoryMessage]:
        """Returns the records of a partition, with those of transactions without markers if it reads all."""
        records = self._cluster.records(*place)
        if self._is_stable:
            return records
        end = self._cluster.admin.topics_by_name[place[0]].following.get(place[1], 0)
        unmarked = self._cluster.admin.unmarked_records(place)
        return records + [
            MemoryMessage(place, end + number, key, value, timestamp, headers)
            for number, (_, value, key, timestamp, _, headers) in enumerate(unmarked)
        ]

    def _in_range(self, place: Place, position: int) -> int:
        """Returns where to read: from the first record if the topic was created again and ends before `position`."""
        found = self._cluster.admin.topics_by_name[place[0]].range_of(place[1])
        if position > found.next:
            self._positions[place] = position = found.first
        return position

    def get_watermark_offsets(self, place: TopicPartition, cached: bool = False) -> tuple[int, int]:
        if cached and place.topic not in self._cluster.admin.topics_by_name:
            return 0, 0  # what the client knows of a topic does not depend on whether it still exists
        return self._cluster.watermarks(self, place.topic, place.partition)

    def close(self) -> None:
        self._positions.clear()
        self._cluster.consumers.remove(self)
