"""Reads pages of a topic's records as text, forwards or backwards, within limits of records, bytes and time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

from bifrost.clients.kafka import OffsetRange
from bifrost.clients.topic_records import StoredRecord
from bifrost.deployer.live.state import TopicAdmin
from bifrost.errors import OperationRefused
from bifrost.operations.dead_letter_queues import RecordStore
from bifrost.operations.record_filter import RecordFilter
from bifrost.operations.record_text import ReadableValue, RecordText, ValueForm

MAX_PAGE = 200
"""Records per page."""
MAX_TEXT = 16_000
"""Characters of a key, value or header on a page; one record alone is read whole."""
MAX_RECORD_TEXT = 1_000_000
_FIRST_WINDOW = 50
_LARGEST_WINDOW = 5_000


class BrowseStart(StrEnum):
    """Where to begin. From `NEWEST` on, pages lead back in time; from elsewhere, forward."""

    NEWEST = "newest"
    BEGINNING = "beginning"
    TIME = "time"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class BrowseQuery:
    """Which records of a topic to read. `at` is a time (epoch, ms) or an offset, as `start` says.

    `cursor` continues where another page ended: an offset by partition.
    """

    topic: str
    start: BrowseStart = BrowseStart.NEWEST
    at: int = 0
    partition: int | None = None
    filter: RecordFilter = field(default_factory=RecordFilter)
    form: ValueForm = ValueForm.AUTO
    limit: int = 50
    cursor: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A key, value or header as text. `size` is its size in bytes; `is_cut` if the text is not whole."""

    format: str
    text: str
    size: int
    is_cut: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record as text, with its place and time (epoch, ms; negative if it has none)."""

    partition: int
    offset: int
    time_ms: int
    key: ShownValue
    value: ShownValue
    headers: tuple[tuple[str, ShownValue], ...] = ()


@dataclass(frozen=True, slots=True)
class TopicPage:
    """A page of records, in the order of reading.

    `cursor` continues after it, `None` if nothing follows. `is_complete` is false if a limit of the scan ended it
    early. `ranges` are the offsets that exist.
    """

    records: tuple[ShownRecord, ...]
    cursor: Mapping[int, int] | None
    scanned: int
    is_complete: bool
    ranges: Mapping[int, OffsetRange]


@dataclass
class ScanBudget:
    """What one request may read."""

    records: int = 20_000
    bytes: int = 32 * 1024 * 1024
    seconds: float = 8.0
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.scanned = 0
        self.renew()

    def renew(self) -> None:
        """Permit the bytes and the time once more."""
        self._bytes_left = self.bytes
        self._deadline = self.now() + self.seconds

    def spend(self, record: StoredRecord) -> None:
        """Count a record that was read."""
        self.scanned += 1
        self._bytes_left -= len(record.key or b"") + len(record.value or b"") + 100

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self.scanned >= self.records or self._bytes_left <= 0 or self.now() >= self._deadline


def browse(
    kafka: TopicAdmin, records: RecordStore, reader: RecordText, query: BrowseQuery, budget: ScanBudget | None = None
) -> TopicPage:
    """Read one page.

    Raises:
        OperationRefused: the topic or partition does not exist.
        RemoteError: Kafka does not answer, or refuses.
    """
    ranges = existing_ranges(kafka, query.topic, query.partition)
    scan = _Scan(records, reader, query, ranges, _starts(kafka, query, ranges), budget or ScanBudget())
    scan.run()
    return scan.page()


def read_record(
    kafka: TopicAdmin, records: RecordStore, reader: RecordText, topic: str, partition: int, offset: int
) -> ShownRecord:
    """Read one record whole, up to `MAX_RECORD_TEXT` characters.

    Raises:
        OperationRefused: it does not exist (any more).
    """
    ranges = existing_ranges(kafka, topic, partition)
    part = ranges[partition]
    if part.first <= offset < part.next:
        with closing(records.read({topic: {partition: (offset, offset + 1)}})) as found:  # type: ignore[type-var]
            for record in found:
                return _shown(record, *_readable(record, reader, ValueForm.AUTO), MAX_RECORD_TEXT)
    raise OperationRefused(
        f"{topic}-{partition}@{offset} does not exist: the partition has the offsets {part.first} to {part.next - 1}"
    )


def existing_ranges(kafka: TopicAdmin, topic: str, partition: int | None) -> dict[int, OffsetRange]:
    """The offsets of a topic's partitions, or of one of them.

    Raises:
        OperationRefused: the topic or partition does not exist.
    """
    count = kafka.topics().get(topic)
    if count is None:
        raise OperationRefused(f"topic {topic} does not exist")
    ranges = kafka.ends({topic: count})[topic]
    if partition is None:
        return ranges
    if partition not in ranges:
        raise OperationRefused(f"topic {topic} has no partition {partition}, but 0 to {count - 1}")
    return {partition: ranges[partition]}


def shown_if(
    record: StoredRecord, reader: RecordText, form: ValueForm, wanted: RecordFilter, *, max_text: int = MAX_TEXT
) -> ShownRecord | None:
    """A record as text; `None` if the filter does not fit."""
    key, value, headers = _readable(record, reader, form)
    return _shown(record, key, value, headers, max_text) if wanted.matches(key, value, headers) else None


def _starts(kafka: TopicAdmin, query: BrowseQuery, ranges: Mapping[int, OffsetRange]) -> dict[int, int]:
    """Where to begin in each partition; backwards, the offset before which to begin."""
    match query.start:
        case BrowseStart.NEWEST:
            wanted = {number: part.next for number, part in ranges.items()}
        case BrowseStart.BEGINNING:
            wanted = {number: part.first for number, part in ranges.items()}
        case BrowseStart.OFFSET:
            wanted = dict.fromkeys(ranges, query.at)
        case BrowseStart.TIME:
            times = kafka.offsets_at(query.topic, max(ranges, default=-1) + 1, query.at)
            wanted = {number: times.get(number, part.next) for number, part in ranges.items()}
    wanted.update(query.cursor or {})
    return {number: min(max(wanted[number], part.first), part.next) for number, part in ranges.items()}


class _Scan:
    """Reads windows of offsets, larger and larger ones, until the page is full."""

    def __init__(
        self,
        records: RecordStore,
        reader: RecordText,
        query: BrowseQuery,
        ranges: Mapping[int, OffsetRange],
        starts: dict[int, int],
        budget: ScanBudget,
    ) -> None:
        self._records, self._reader, self._query, self._budget = records, reader, query, budget
        self._ranges = ranges
        self._positions = starts
        self._is_backward = query.start is BrowseStart.NEWEST
        self._found: dict[int, list[ShownRecord]] = {number: [] for number in ranges}
        self._dropped: set[int] = set()

    def run(self) -> None:
        """Fill the page as far as the budget lasts."""
        window, largest = max(_FIRST_WINDOW, self._query.limit), _LARGEST_WINDOW
        while windows := self._windows(window):
            before, scanned = dict(self._positions), self._budget.scanned
            self._read(windows, must_finish=window == 1)
            count = sum(map(len, self._found.values()))
            if self._positions == before and not count:
                # Backwards, records so large that the budget ends within the window: a page must still lead on.
                fitting = (self._budget.scanned - scanned) // (2 * len(windows))
                window = largest = max(1, fitting) if largest == _LARGEST_WINDOW else 1
                self._budget.renew()
                continue
            if count >= self._query.limit or self._budget.is_spent:
                return
            window = min(window * 4, largest)

    def page(self) -> TopicPage:
        """What was found, merged by time; the rest remains for the next page."""
        selected, cursor = self._merged(), dict(self._positions)
        last = {record.partition: record.offset for record in selected}
        taken = {number: sum(record.partition == number for record in selected) for number in self._found}
        for number, found in self._found.items():
            if taken[number] < len(found) or number in self._dropped:
                first_left = found[taken[number]].offset if taken[number] < len(found) else None
                if self._is_backward:
                    cursor[number] = last[number] if first_left is None else first_left + 1
                else:
                    cursor[number] = last[number] + 1 if first_left is None else first_left
        is_complete = len(selected) >= self._query.limit or not self._windows(1)
        has_more = any(self._has_more(number, offset) for number, offset in cursor.items())
        return TopicPage(tuple(selected), cursor if has_more else None, self._budget.scanned, is_complete, self._ranges)

    def _has_more(self, number: int, offset: int) -> bool:
        part = self._ranges[number]
        return offset > part.first if self._is_backward else offset < part.next

    def _windows(self, size: int) -> dict[int, tuple[int, int]]:
        windows = {}
        for number, part in self._ranges.items():
            at = self._positions[number]
            first, end = (max(part.first, at - size), at) if self._is_backward else (at, min(part.next, at + size))
            if first < end:
                windows[number] = first, end
        return windows

    def _read(self, windows: Mapping[int, tuple[int, int]], *, must_finish: bool) -> None:
        """Read these windows as far as the budget lasts, or whole.

        Records arrive in rising order. Backwards, a window that was not read whole counts for nothing, since its
        newest records are those that are missing.
        """
        fresh: dict[int, deque[ShownRecord]] = {number: deque() for number in windows}
        reached = {number: first for number, (first, _) in windows.items()}
        is_whole = True
        with closing(self._records.read({self._query.topic: windows})) as records:  # type: ignore[type-var]
            for record in records:
                self._budget.spend(record)
                self._take(record, fresh[record.partition])
                reached[record.partition] = record.offset + 1
                if self._budget.is_spent and not must_finish:
                    is_whole = all(reached[number] >= end for number, (_, end) in windows.items())
                    break
        for number, (first, end) in windows.items():
            done = is_whole or reached[number] >= end
            if self._is_backward:
                if done:
                    self._found[number] += reversed(fresh[number])
                    self._positions[number] = first
            else:
                self._found[number] += fresh[number]
                self._positions[number] = end if done else reached[number]

    def _take(self, record: StoredRecord, fresh: deque[ShownRecord]) -> None:
        shown = shown_if(record, self._reader, self._query.form, self._query.filter)
        if shown is None:
            return
        room = self._query.limit - (0 if self._is_backward else len(self._found[record.partition]))
        if len(fresh) >= room:
            self._dropped.add(record.partition)
            if not self._is_backward:
                return
            fresh.popleft()
        fresh.append(shown)

    def _merged(self) -> list[ShownRecord]:
        """The first records of all partitions by time. Within a partition the order is that of the offsets."""
        heads = {number: 0 for number, found in self._found.items() if found}
        sign = -1 if self._is_backward else 1
        selected: list[ShownRecord] = []
        while heads and len(selected) < self._query.limit:
            number = min(heads, key=lambda each: (sign * self._found[each][heads[each]].time_ms, each))
            selected.append(self._found[number][heads[number]])
            heads[number] += 1
            if heads[number] == len(self._found[number]):
                del heads[number]
        return selected


def _readable(
    record: StoredRecord, reader: RecordText, form: ValueForm
) -> tuple[ReadableValue, ReadableValue, list[tuple[str, ReadableValue]]]:
    headers = [(name, reader.read(content)) for name, content in record.headers]
    return reader.read(record.key, form), reader.read(record.value, form), headers


def _shown(
    record: StoredRecord,
    key: ReadableValue,
    value: ReadableValue,
    headers: list[tuple[str, ReadableValue]],
    max_text: int,
) -> ShownRecord:
    raw = [content for _, content in record.headers]
    shown = tuple((name, _cut(content, raw[number], max_text)) for number, (name, content) in enumerate(headers))
    return ShownRecord(
        record.partition,
        record.offset,
        record.timestamp_ms,
        _cut(key, record.key, max_text),
        _cut(value, record.value, max_text),
        shown,
    )


def _cut(value: ReadableValue, data: bytes | None, max_text: int) -> ShownValue:
    return ShownValue(value.format, value.text[:max_text], len(data or b""), len(value.text) > max_text, value.problem)
