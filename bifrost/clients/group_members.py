"""The members of consumer groups, as the brokers describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka.admin import ConsumerGroupDescription


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member of a consumer group, and the partitions that it reads, by topic."""

    client_id: str
    host: str
    partitions: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class DescribedGroup:
    """A consumer group: its state in Kafka's words (`STABLE`, `EMPTY`, ...) and its members."""

    state: str
    members: tuple[GroupMember, ...]


def described_group(answer: ConsumerGroupDescription) -> DescribedGroup:
    """Return what the library answers, members by client id."""
    members = []
    for member in answer.members:
        partitions: dict[str, list[int]] = {}
        for place in member.assignment.topic_partitions if member.assignment is not None else ():
            partitions.setdefault(place.topic, []).append(place.partition)
        assigned = {topic: tuple(sorted(numbers)) for topic, numbers in sorted(partitions.items())}
        members.append(GroupMember(member.client_id, member.host, assigned))
    return DescribedGroup(answer.state.name, tuple(sorted(members, key=lambda member: member.client_id)))
