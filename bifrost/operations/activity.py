"""What each part reads and writes per second, and how far it is behind: two samples and their difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bifrost.deployer.live.state import Platform
from bifrost.operations.group_lag import group_lags
from bifrost.operations.group_owners import GroupOwners
from bifrost.operations.live_things import LiveThing, ThingKind, live_things


@dataclass(frozen=True, slots=True)
class ActivitySample:
    """Counts at one moment (`at_s`, of a clock that only advances).

    `read` and `lag` are by the owner of a group (`connector x`), `written` is by topic, `writes` are the topics that a
    part writes to, and `things` are the connectors and queries with their states.
    """

    at_s: float
    things: tuple[LiveThing, ...]
    read: Mapping[str, int]
    lag: Mapping[str, int]
    written: Mapping[str, int]
    writes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PartActivity:
    """One part: records per second that it reads and that are written to its topics, and its lag.

    `None` where a part does not read, or write, or has no position. Two parts that write to one topic both count all
    of its records.
    """

    name: str
    state: str
    read_per_s: float | None
    written_per_s: float | None
    lag: int | None


def read_sample(platform: Platform, owners: GroupOwners, at_s: float) -> ActivitySample:
    """Count what was read and written so far.

    Raises:
        RemoteError: a part of the target does not answer.
    """
    connectors = live_things(platform, (), ThingKind.CONNECTOR)
    queries = live_things(platform, (), ThingKind.QUERY)
    topics = {source.name: source.topic for source in (*platform.ksqldb.streams(), *platform.ksqldb.tables())}
    lags = group_lags(platform.kafka, owners)
    readers = {str(item.owner) for item in lags}
    writes = {str(query): tuple(topics[sink] for sink in query.sinks if sink in topics) for query in queries}
    for connector in connectors:
        if str(connector) not in readers:
            writes[str(connector)] = platform.connect.topics(connector.name)
    counts = platform.kafka.topics()
    written = {topic for found in writes.values() for topic in found if topic in counts}
    ends = platform.kafka.ends({topic: counts[topic] for topic in sorted(written)})
    return ActivitySample(
        at_s,
        (*connectors, *queries),
        {str(item.owner): sum(part.committed for part in item.partitions) for item in lags},
        {str(item.owner): item.lag for item in lags},
        {topic: sum(part.next for part in parts.values()) for topic, parts in ends.items()},
        writes,
    )


def activity_between(before: ActivitySample, after: ActivitySample) -> tuple[PartActivity, ...]:
    """The activity between two samples, busiest first."""
    seconds = max(after.at_s - before.at_s, 0.001)
    states = {str(thing): thing.state for thing in after.things}
    names = dict.fromkeys([*states, *after.read])
    found = [_part(name, states.get(name, ""), before, after, seconds) for name in names]
    return tuple(sorted(found, key=lambda part: (-(part.read_per_s or 0) - (part.written_per_s or 0), part.name)))


def _part(name: str, state: str, before: ActivitySample, after: ActivitySample, seconds: float) -> PartActivity:
    read = None
    if name in after.read:
        # A group whose offsets were set back has read nothing.
        read = max(0, after.read[name] - before.read.get(name, after.read[name])) / seconds
    topics = [topic for topic in after.writes.get(name, ()) if topic in after.written]
    written = None
    if topics:
        written = sum(
            max(0, after.written[topic] - before.written.get(topic, after.written[topic])) for topic in topics
        )
    return PartActivity(name, state, read, None if written is None else written / seconds, after.lag.get(name))
