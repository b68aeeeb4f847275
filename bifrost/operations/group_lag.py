"""How far consumer groups are behind: records and seconds, by group, topic and partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.live.state import TopicAdmin
from bifrost.errors import RemoteError
from bifrost.operations.dead_letter_queues import RecordStore
from bifrost.operations.group_owners import GroupOwner, GroupOwners
from bifrost.operations.live_things import is_matched


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition that a group reads: its next offset, the topic's, and how many records are between them.

    `behind_s` is the age of the first unread record, 0 if there is none, and `None` if it is unknown.
    """

    topic: str
    partition: int
    committed: int
    end: int
    lag: int
    behind_s: float | None = None


@dataclass(frozen=True, slots=True)
class GroupLag:
    """What a group has read and has still to read."""

    group: str
    owner: GroupOwner
    partitions: tuple[PartitionLag, ...]

    @property
    def lag(self) -> int:
        """The records that it has still to read."""
        return sum(part.lag for part in self.partitions)

    @property
    def behind_s(self) -> float | None:
        """The age of the oldest unread record; `None` where it is unknown."""
        known = [part.behind_s for part in self.partitions if part.behind_s is not None]
        return max(known, default=None)


def group_lags(
    kafka: TopicAdmin, owners: GroupOwners, *, wanted: Callable[[GroupOwner, str], bool] = lambda _owner, _group: True
) -> tuple[GroupLag, ...]:
    """The lags of all groups that have committed offsets, or of those that are wanted, sorted by owner."""
    groups = {group: owners.owner(group) for group in kafka.groups()}
    positions = kafka.positions([group for group, owner in groups.items() if wanted(owner, group)])
    counts = kafka.topics()
    read = {topic for topics in positions.values() for topic in topics if topic in counts}
    ends = kafka.ends({topic: counts[topic] for topic in sorted(read)})
    found = [
        GroupLag(group, groups[group], tuple(_partitions(topics, ends)))
        for group, topics in positions.items()
        if topics
    ]
    return tuple(sorted(found, key=lambda item: (str(item.owner), item.group)))


def is_named(pattern: str) -> Callable[[GroupOwner, str], bool]:
    """Whether a group or its owner has a name: `NAME` or `KIND:NAME`, with `*` and `?`; case does not matter."""

    def matches(owner: GroupOwner, group: str) -> bool:
        names = (owner.name, f"{owner.kind}:{owner.name}", group)
        return any(is_matched(name, pattern) for name in names)

    return matches


def with_ages(lags: Iterable[GroupLag], records: RecordStore, now_ms: int) -> tuple[GroupLag, ...]:
    """The same with the age of each first unread record, which is one record to read for each partition with a lag."""
    listed = tuple(lags)
    times: dict[tuple[str, int, int], int] = {}
    for wanted in _rounds(listed):
        try:
            for record in records.read(wanted, first_only=True):
                start = wanted[record.topic][record.partition][0]
                times[record.topic, record.partition, start] = record.timestamp_ms
        except RemoteError:
            break  # the ages are a help; the lags are known without them
    return tuple(
        replace(item, partitions=tuple(_with_age(part, times, now_ms) for part in item.partitions)) for item in listed
    )


def _rounds(lags: Iterable[GroupLag]) -> list[dict[str, dict[int, tuple[int, int]]]]:
    """The reads that are needed: each has one range per partition, since groups may differ in where they are."""
    starts: dict[tuple[str, int], dict[int, int]] = {}
    for part in (part for item in lags for part in item.partitions if part.lag):
        starts.setdefault((part.topic, part.partition), {})[part.end - part.lag] = part.end
    rounds: list[dict[str, dict[int, tuple[int, int]]]] = []
    for (topic, partition), found in starts.items():
        for number, (start, end) in enumerate(sorted(found.items())):
            if number == len(rounds):
                rounds.append({})
            rounds[number].setdefault(topic, {})[partition] = (start, end)
    return rounds


def _with_age(part: PartitionLag, times: Mapping[tuple[str, int, int], int], now_ms: int) -> PartitionLag:
    if not part.lag:
        return replace(part, behind_s=0.0)
    time_ms = times.get((part.topic, part.partition, part.end - part.lag), -1)
    return part if time_ms < 0 else replace(part, behind_s=max(0, now_ms - time_ms) / 1000)


def _partitions(
    topics: Mapping[str, Mapping[int, int]], ends: Mapping[str, Mapping[int, OffsetRange]]
) -> Iterable[PartitionLag]:
    for topic, committed in sorted(topics.items()):
        for partition, offset in sorted(committed.items()):
            part = ends.get(topic, {}).get(partition)
            if part is not None:
                # What retention has deleted cannot be read any more.
                lag = max(0, part.next - max(part.first, offset))
                yield PartitionLag(topic, partition, offset, part.next, lag)
