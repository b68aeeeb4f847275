"""Remembers which dead letters were replayed, in a compacted topic: a letter itself cannot be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property

from bifrost.clients.kafka import OffsetRange
from bifrost.clients.topic_records import StoredRecord
from bifrost.deployer.live.ownership import Entries

TOPIC = "bifrost-replayed-letters"
_SEPARATOR = "/"


class ReplayMarks:
    """The marks of replayed letters, read once.

    A mark has the time of its letter, so that it does not count for a letter at the same offset of a topic that was
    created again.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def replayed_to(self, record: StoredRecord) -> str:
        """Where a letter was replayed to; empty if it was not."""
        mark = self._marks.get(_key(record.topic, record.partition, record.offset))
        return str(mark["to"]) if mark is not None and mark.get("time") == record.timestamp_ms else ""

    def count(self, topic: str, ranges: Mapping[int, OffsetRange]) -> int:
        """The number of marks of a topic within these offsets."""
        return sum(
            ranges[number].first <= offset < ranges[number].next
            for number, offset in self._of(topic)
            if number in ranges
        )

    def add(self, places: Mapping[StoredRecord, str], at_ms: int) -> None:
        """Mark letters as replayed, each with the place that it has now."""
        marks = {
            _key(record.topic, record.partition, record.offset): {"to": to, "at": at_ms, "time": record.timestamp_ms}
            for record, to in places.items()
        }
        self._entries.write({key: json.dumps(mark) for key, mark in marks.items()})
        self._marks.update(marks)

    def forget(self, topic: str, before: Mapping[int, int]) -> None:
        """Remove the marks of letters before these offsets."""
        gone = [_key(topic, number, offset) for number, offset in self._of(topic) if offset < before.get(number, 0)]
        if gone:
            self._entries.write(dict.fromkeys(gone))
        for key in gone:
            del self._marks[key]

    def _of(self, topic: str) -> list[tuple[int, int]]:
        found = []
        for key in self._marks:
            name, partition, offset = key.rsplit(_SEPARATOR, 2)
            if name == topic:
                found.append((int(partition), int(offset)))
        return found

    @cached_property
    def _marks(self) -> dict[str, dict[str, object]]:
        marks: dict[str, dict[str, object]] = {}
        for key, text in self._entries.read().items():
            numbers = key.rsplit(_SEPARATOR, 2)[1:]
            if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
                try:
                    mark = json.loads(text)
                except ValueError:
                    continue
                if isinstance(mark, dict):
                    marks[key] = mark
        return marks


def _key(topic: str, partition: int, offset: int) -> str:
    return f"{topic}{_SEPARATOR}{partition}{_SEPARATOR}{offset}"
