"""Lists dead-letter topics, and reads and drops their letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bifrost.alerts import Alert
from bifrost.clients.kafka import OffsetRange
from bifrost.clients.topic_records import NewRecord, Ranges, StoredRecord
from bifrost.deployer.live.ownership import Entries
from bifrost.deployer.live.state import TopicAdmin
from bifrost.errors import OperationRefused
from bifrost.operations.dead_letter import StoredDeadLetter, read_letter
from bifrost.operations.group_owners import GroupOwner
from bifrost.operations.replay_marks import ReplayMarks

DEAD_LETTER_TOPIC = "errors.deadletterqueue.topic.name"
"""The key of a sink connector that names its dead-letter topic."""
_SUFFIX = re.compile(r".+[._-](?:dlq|dead[._-]?letters?)", re.I)


def is_dead_letter_topic(name: str) -> bool:
    """Whether a topic is one for dead letters, by its name."""
    return _SUFFIX.fullmatch(name) is not None


class RecordStore(Protocol):
    """Reads, appends and deletes records (`TopicRecords`)."""

    def read(self, ranges: Ranges, *, first_only: bool = False) -> Iterator[StoredRecord]:
        """The records of these ranges, or the first one of each partition."""
        ...

    def append(self, records: Iterable[NewRecord]) -> list[tuple[int, int]]:
        """Append records; the partition and offset of each."""
        ...

    def delete_before(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Delete the records before these offsets."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """A dead-letter topic: who writes it, how many letters it has, and how many of those were replayed.

    `newest_ms` is the time of the newest letter (epoch), negative if there is none.
    """

    topic: str
    owner: GroupOwner
    letters: int = 0
    replayed: int = 0
    newest_ms: int = -1


@dataclass(frozen=True, slots=True)
class LetterSelection:
    """Which letters of a queue are meant. Times are epoch milliseconds; `places` are (partition, offset)."""

    since_ms: int | None = None
    until_ms: int | None = None
    places: frozenset[tuple[int, int]] = frozenset()
    limit: int | None = None


EVERY_LETTER = LetterSelection()


@dataclass(frozen=True, slots=True)
class PlannedDrop:
    """Letters to delete: those before these offsets, by partition; and how many of them were never replayed."""

    queue: DeadLetterQueue
    before: Mapping[int, int]
    letters: int
    not_replayed: int


class DeadLetterQueues:
    """The dead-letter topics of a cluster."""

    def __init__(
        self,
        kafka: TopicAdmin,
        records: RecordStore,
        marks: Entries,
        connectors: Mapping[str, Mapping[str, str]],
        alerts: Iterable[Alert],
        services: Iterable[str],
    ) -> None:
        """Keep what names the queues: live connectors with their configurations, alerts and services."""
        self._kafka = kafka
        self._records = records
        self._marks = ReplayMarks(marks)
        self._owners: dict[str, GroupOwner] = {f"{name}.dlq": GroupOwner("service", name) for name in services}
        self._owners |= {alert.dead_letter_topic: GroupOwner("alert", alert.name) for alert in alerts}
        for name, config in connectors.items():
            if topic := config.get(DEAD_LETTER_TOPIC):
                self._owners[topic] = GroupOwner("connector", name)

    def queues(self) -> tuple[DeadLetterQueue, ...]:
        """Every dead-letter topic that exists, sorted by name; those of unknown owners are known by their names."""
        topics = self._kafka.topics()
        existing = {name: topics[name] for name in topics if name in self._owners or is_dead_letter_topic(name)}
        ends = self._kafka.ends(existing)
        newest = self._newest(ends)
        return tuple(
            DeadLetterQueue(
                name,
                self._owners.get(name, GroupOwner("topic", name)),
                sum(part.next - part.first for part in ends.get(name, {}).values()),
                self._marks.count(name, ends.get(name, {})),
                newest.get(name, -1),
            )
            for name in sorted(existing)
        )

    def find(self, name: str) -> DeadLetterQueue:
        """The queue of a topic, connector, alert or service of that name.

        Raises:
            OperationRefused: nothing of that name has dead letters, or several things have.
        """
        found = [
            queue
            for queue in self.queues()
            if name in (queue.topic, queue.owner.name, f"{queue.owner.kind}:{queue.owner.name}")
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise OperationRefused(f"{name} means several queues; write {' or '.join(queue.topic for queue in found)}")
        known = ", ".join(queue.topic for queue in self.queues() if queue.letters) or "none has any"
        raise OperationRefused(
            f"no topic, connector, alert or service {name!r} has dead letters; those with some: {known}"
        )

    def letters(self, queue: DeadLetterQueue, selection: LetterSelection = EVERY_LETTER) -> list[StoredDeadLetter]:
        """The selected letters, oldest first; with a limit, the newest ones."""
        ranges = self._ranges(queue.topic, selection)
        if selection.limit is not None and not selection.places:
            ranges = {number: (max(first, end - selection.limit), end) for number, (first, end) in ranges.items()}
        found = [
            read_letter(record)
            for record in self._records.read({queue.topic: ranges})
            if _is_selected(record, selection)
        ]
        found.sort(key=lambda letter: (letter.record.timestamp_ms, letter.record.partition, letter.record.offset))
        return found if selection.limit is None else found[max(0, len(found) - selection.limit) :]

    def replayed_to(self, letter: StoredDeadLetter) -> str:
        """Where a letter was replayed to, as `topic-partition@offset`; empty if it was not."""
        return self._marks.replayed_to(letter.record)

    def mark_replayed(self, places: Mapping[StoredRecord, str], at_ms: int) -> None:
        """Remember that letters were replayed, and to which place each."""
        self._marks.add(places, at_ms)

    def plan_drop(self, queue: DeadLetterQueue, before: Mapping[int, int] | None, until_ms: int | None) -> PlannedDrop:
        """What deleting would remove: the letters before offsets, or before a time, or all with neither."""
        parts = self._kafka.offsets(queue.topic) if queue.letters else {}
        if before is not None:
            ends = {number: min(before[number], parts[number].next) for number in before if number in parts}
        else:
            times = {} if until_ms is None else self._kafka.offsets_at(queue.topic, len(parts), until_ms)
            ends = {number: times.get(number, part.next) for number, part in parts.items()}
        ends = {number: end for number, end in ends.items() if end > parts[number].first}
        letters = sum(end - parts[number].first for number, end in ends.items())
        replayed = self._marks.count(
            queue.topic, {number: OffsetRange(parts[number].first, end) for number, end in ends.items()}
        )
        return PlannedDrop(queue, ends, letters, letters - replayed)

    def drop(self, planned: PlannedDrop) -> None:
        """Delete the letters of a plan, and what was remembered about their replays."""
        self._records.delete_before(planned.queue.topic, planned.before)
        self._marks.forget(planned.queue.topic, planned.before)

    def _ranges(self, topic: str, selection: LetterSelection) -> dict[int, tuple[int, int]]:
        if topic not in (counts := self._kafka.topics()):
            return {}
        parts = self._kafka.offsets(topic)
        ranges = {number: (part.first, part.next) for number, part in parts.items()}
        if selection.since_ms is not None:
            first = self._kafka.offsets_at(topic, counts[topic], selection.since_ms)
            ranges = {number: (first.get(number, end), end) for number, (_, end) in ranges.items()}
        if selection.places:
            wanted = {number: [o for p, o in selection.places if p == number] for number in ranges}
            ranges = {
                number: (max(first, min(wanted[number])), min(end, max(wanted[number]) + 1))
                for number, (first, end) in ranges.items()
                if wanted[number]
            }
        return ranges

    def _newest(self, ends: Mapping[str, Mapping[int, OffsetRange]]) -> dict[str, int]:
        last = {
            name: {number: (part.next - 1, part.next) for number, part in parts.items() if part.next > part.first}
            for name, parts in ends.items()
        }
        found: dict[str, int] = {}
        for record in self._records.read(last):
            found[record.topic] = max(found.get(record.topic, -1), record.timestamp_ms)
        return found


def _is_selected(record: StoredRecord, selection: LetterSelection) -> bool:
    if selection.places and (record.partition, record.offset) not in selection.places:
        return False
    if selection.since_ms is not None and record.timestamp_ms < selection.since_ms:
        return False
    return selection.until_ms is None or record.timestamp_ms < selection.until_ms
