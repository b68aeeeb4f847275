"""Reads how many records topics hold and who reads them, for the topics of changed statements only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.live.state import LiveState, Platform

Ranges = Mapping[int, OffsetRange]


def with_topic_details(platform: Platform, live: LiveState, topics: Iterable[str]) -> LiveState:
    """The live state with the records of these topics, and what each consumer group has still to read of them.

    Raises:
        Unreachable, NotReady, Refused: Kafka does not give the offsets.
    """
    wanted = set(topics)
    counts = platform.kafka.topics() if wanted else {}
    existing = {name: count for name, count in counts.items() if name in wanted}
    if not existing:
        return live
    ranges = platform.kafka.ends(existing)
    records = {name: sum(part.next - part.first for part in parts.values()) for name, parts in ranges.items()}
    unread: dict[str, dict[str, int]] = {name: {} for name in existing}
    for group, positions in platform.kafka.positions(platform.kafka.groups()).items():
        for name in positions.keys() & ranges.keys():
            unread[name][group] = _unread(positions[name], ranges[name])
    return replace(live, records={**live.records, **records}, unread={**live.unread, **unread})


def _unread(positions: Mapping[int, int], ranges: Ranges) -> int:
    return sum(max(at.next - max(positions.get(partition, at.first), at.first), 0) for partition, at in ranges.items())
