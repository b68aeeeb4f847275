"""How far queries have read their topics, by the offsets that their consumer groups have committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bifrost.clients.http import Clock
from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.apply.await_running import POLL_S
from bifrost.deployer.live.rebuild_record import Offsets
from bifrost.deployer.live.state import TopicAdmin

MOST_MARKERS = 10
"""How many markers may follow the last record of a partition: the markers of transactions count as offsets, too, and a
query commits only how far it has read records."""


class QueryProgress:
    """Compares what groups have committed with the ends of topics. A group without a name has committed nothing."""

    def __init__(self, kafka: TopicAdmin, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock

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
            max(offset - done.get(topic, {}).get(partition, 0), 0)
            for topic, offsets in targets.items()
            for partition, offset in offsets.items()
        )

    def has_read(self, group: str, targets: Offsets) -> bool:
        """Whether a group has reached its targets."""
        return self.missing(group, targets) == 0

    def is_at_markers(self, group: str, targets: Offsets) -> bool:
        """Whether a group has read every partition, except for so few offsets that they may be markers."""
        done = self.positions(group)
        return all(
            partition in done.get(topic, {}) and offset - done[topic][partition] <= MOST_MARKERS
            for topic, offsets in targets.items()
            for partition, offset in offsets.items()
        )


def is_repartition_topic(name: str, group: str) -> bool:
    """Whether a topic carries rows from one part of a query to the next, as Kafka Streams names it."""
    return bool(group) and name.startswith(f"{group}-") and name.endswith("-repartition")


def next_offsets(ranges: Mapping[int, OffsetRange]) -> dict[int, int]:
    """The next offsets of the partitions that hold records."""
    return {partition: at.next for partition, at in ranges.items() if at.next > at.first}
