"""Kafka's administration and the supervisor, in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bifrost.clients.group_members import DescribedGroup, GroupMember
from bifrost.clients.kafka import OffsetRange, TopicDescription
from bifrost.clients.supervisor import ComponentStatus
from bifrost.errors import Refused


@dataclass
class FakeTopics:
    there: dict[str, TopicDescription] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    records: dict[str, int] = field(default_factory=dict)
    old_records: dict[str, int] = field(default_factory=dict)
    committed: dict[str, dict[str, dict[int, int]]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    markers: dict[str, int] = field(default_factory=dict)
    unhealthy: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    times: dict[str, list[int]] = field(default_factory=dict)
    """The times of a topic's records, where a test gives them."""

    def topics(self) -> dict[str, int]:
        return {name: topic.partitions for name, topic in self.there.items()}

    def describe(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        return {name: self.there[name] for name in names if name in self.there}

    def unhealthy_partitions(self) -> dict[str, tuple[str, ...]]:
        return self.unhealthy

    def offsets(self, name: str) -> dict[int, OffsetRange]:
        return {0: OffsetRange(self.deleted.get(name, 0), self.records.get(name, 0))}

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        return {name: self.offsets(name) for name in topics}

    def holds_records(self, topic: str, partition: int, first: int, end: int) -> bool:
        return first < end - self.markers.get(topic, 0)

    def older_than(self, name: str, partitions: int, time_ms: int) -> int:
        return self.old_records.get(name, 0)

    def offsets_at(self, name: str, partitions: int, time_ms: int) -> dict[int, int]:
        if name in self.times:
            return dict([(0, offset) for offset, time in enumerate(self.times[name]) if time >= time_ms][:1])
        old = self.old_records.get(name, 0)
        return {0: old} if old < self.records.get(name, 0) else {}

    def delete(self, name: str) -> None:
        self.writes.append(f"delete {name}")
        self.there.pop(name, None)
        self.records.pop(name, None)

    def groups(self) -> tuple[str, ...]:
        return tuple(self.committed)

    def positions(self, groups: Iterable[str]) -> dict[str, dict[str, dict[int, int]]]:
        return {group: self.committed[group] for group in groups if group in self.committed}

    def describe_groups(self, groups: Iterable[str]) -> dict[str, DescribedGroup]:
        return {group: self._described(group) for group in groups if group in self.committed}

    def _described(self, group: str) -> DescribedGroup:
        if group not in self.members:
            return DescribedGroup("EMPTY", ())
        reads = {topic: tuple(offsets) for topic, offsets in self.committed[group].items()}
        return DescribedGroup("STABLE", (GroupMember(f"{group}-1", "/127.0.0.1", reads),))

    def create(self, topic: TopicDescription) -> bool:
        self.writes.append(f"create {topic.name}")
        self.there.setdefault(topic.name, topic)
        return True

    def alter_config(self, name: str, changed: Mapping[str, str | None]) -> None:
        self.writes.append(f"alter {name}")
        config = {**self.there[name].config, **changed}
        kept = {key: value for key, value in config.items() if value is not None}
        self.there[name] = replace(self.there[name], config=kept)

    def add_partitions(self, name: str, total: int) -> None:
        self.writes.append(f"grow {name}")
        self.there[name] = replace(self.there[name], partitions=total)

    def move_group(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        if group in self.members:
            raise Refused("Kafka", f"offsets of group {group}", status=25, body="the group has members")
        self.writes.append(f"move {group} in {topic} to {dict(offsets)}")
        self.committed.setdefault(group, {})[topic] = dict(offsets)


@dataclass
class FakeServices:
    components: dict[str, ComponentStatus] = field(default_factory=dict)
    running: bool = True
    writes: list[str] = field(default_factory=list)

    def add(self, name: str, state: str = "stopped", cause: str = "") -> None:
        self.components[name] = ComponentStatus(name, state, None, 0, time.time(), f"logs/{name}.log", cause)

    def is_running(self) -> bool:
        return self.running

    def status(self) -> list[ComponentStatus]:
        return list(self.components.values())

    def start(self, name: str) -> ComponentStatus:
        if name not in self.components:
            raise Refused("supervisor", name, status=0, body=f"there is no component {name!r}")
        self.writes.append(f"start {name}")
        self.components[name] = replace(self.components[name], state="running", cause="", since=time.time())
        return self.components[name]

    def restart(self, name: str, *, wait_s: float = 0) -> ComponentStatus:
        return self.start(name)

    def stop(self, name: str) -> ComponentStatus:
        self.writes.append(f"stop {name}")
        self.components[name] = replace(self.components[name], state="stopped", cause="")
        return self.components[name]


@dataclass
class FakeEntries:
    """What a compacted topic holds."""

    content: dict[str, str] = field(default_factory=dict)

    def read(self) -> dict[str, str]:
        return dict(self.content)

    def write(self, changed: Mapping[str, str | None]) -> None:
        for key, value in changed.items():
            self.content.pop(key, None)
            if value is not None:
                self.content[key] = value
