"""How many records consumer groups have still to read, and how fast they read. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.console.flow.lag_trend import LagSample
from bifrost.console.flow.snapshot import Snapshot
from bifrost.web.inputs import whole_number

CONNECT_GROUP = "connect-"
"""The prefix of a sink connector's consumer group; its name follows."""
FLUSH_SIZE = "flush.size"


def read_rate(group: str, now: Snapshot, before: Snapshot | None) -> float | None:
    """The records per second that a group reads; `None` if it is unknown."""
    if before is None or group not in before.positions or group not in now.positions or now.at <= before.at:
        return None
    read = _position(group, now) - _position(group, before)
    # A group that was reset has a lower position than before.
    return round(max(0, read) / (now.at - before.at), 1)


def lag_of(group: str, now: Snapshot, before: Snapshot | None) -> int | None:
    """How many records a group has still to read; `None` if it has no position.

    The marker that ends a transaction has an offset too, which no consumer returns: one offset that stays unread while
    nothing is written is such a marker, and no record.
    """
    positions = now.positions.get(group)
    if not positions:
        return None
    earlier = before.positions.get(group, {}) if before else {}
    lag = 0
    for topic, partitions in positions.items():
        for number, position in partitions.items():
            end = now.ends.get(topic, {}).get(number, position)
            is_at_rest = earlier.get(topic, {}).get(number) == position and _end(before, topic, number) == end
            lag += 0 if is_at_rest and end - position == 1 else max(0, end - position)
    return lag


def lag_samples(now: Snapshot, before: Snapshot | None) -> Mapping[str, LagSample]:
    """The current lag of every group that has a position."""
    samples = {}
    for group in now.positions:
        lag = lag_of(group, now, before)
        if lag is not None:
            samples[group] = LagSample(now.at, lag, _position(group, now), _batch(group, now))
    return samples


def _batch(group: str, now: Snapshot) -> int:
    """How many records a sink collects in all its partitions before it writes and commits them."""
    config = now.configs.get(group.removeprefix(CONNECT_GROUP), {}) if group.startswith(CONNECT_GROUP) else {}
    per_partition = whole_number(config.get(FLUSH_SIZE, ""), 0) or 0
    return per_partition * sum(len(partitions) for partitions in now.positions[group].values())


def _position(group: str, snapshot: Snapshot) -> int:
    return sum(position for topic in snapshot.positions[group].values() for position in topic.values())


def _end(snapshot: Snapshot | None, topic: str, partition: int) -> int | None:
    return snapshot.ends.get(topic, {}).get(partition) if snapshot else None
