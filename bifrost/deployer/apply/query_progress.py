"""How far queries have read their topics, by the offsets that their consumer groups have committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bifrost.clients.http import Clock
from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.apply.await_running import POLL_S
from bifrost.deployer.live.rebuild_record import Offsets
from bifrost.deployer.live.state import TopicAdmin

MOST_MARKERS = 10
"""So few offsets behind its position are read, to find out whether a query has still to read a record there."""


class QueryProgress:
    """Compares what groups have committed with the ends of topics. A group without a name has committed nothing."""

    def __init__(self, kafka: TopicAdmin, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._holds_records: dict[tuple[str, int, int, int], bool] = {}

    def wait(self, is_done: Callable[[], bool], patience_s: float) -> bool:
        """Wait until something is so; returns whether it is."""
        deadline = self._clock.monotonic() + patience_s
        while not is_done():
            if self._clock.monotonic() > deadline:
                return False
            self._clock.sleep(POLL_S)
        return True

    def existing(self, topics: Iterable[str]) -> dict[str, int]:
        """Partition counts of those of the topics that exist."""
        known = self._kafka.topics()
        return {topic: known[topic] for topic in topics if topic in known}

    def positions(self, group: str) -> Offsets:
        """The committed offsets of a group."""
        return self._kafka.positions([group]).get(group, {}) if group else {}

    def ends(self, topics: Iterable[str]) -> Offsets:
        """The next offsets of the topics that exist; none for partitions without records."""
        return {topic: next_offsets(ranges) for topic, ranges in self._kafka.ends(self.existing(topics)).items()}

    def repartition_ends(self, group: str) -> Offsets:
        """The ends of the topics between the parts of a query; none for partitions without records."""
        return self.ends(name for name in self._kafka.topics() if is_repartition_topic(name, group))

    def missing(self, group: str, targets: Offsets) -> int:
        """How many records a group has still to read before it reaches its targets."""
        done = self.positions(group)
        return sum(
            self._left(topic, partition, done.get(topic, {}).get(partition), offset)
            for topic, offsets in targets.items()
            for partition, offset in offsets.items()
        )

    def _left(self, topic: str, partition: int, position: int | None, end: int) -> int:
        left = max(end - (position or 0), 0)
        if position is None or not 0 < left <= MOST_MARKERS:
            return left
        # A query commits only how far it has read records, and the markers of transactions count as offsets, too.
        place = topic, partition, position, end
        if place not in self._holds_records:
            self._holds_records[place] = self._kafka.holds_records(*place)
        return left if self._holds_records[place] else 0

    def has_read(self, group: str, targets: Offsets) -> bool:
        """Whether a group has reached its targets."""
        return self.missing(group, targets) == 0


def is_repartition_topic(name: str, group: str) -> bool:
    """Whether a topic carries rows from one part of a query to the next, as Kafka Streams names it."""
    return bool(group) and name.startswith(f"{group}-") and name.endswith("-repartition")


def next_offsets(ranges: Mapping[int, OffsetRange]) -> dict[int, int]:
    """The next offsets of the partitions that hold records."""
    return {partition: at.next for partition, at in ranges.items() if at.next > at.first}
