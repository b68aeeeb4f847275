"""Pages of a topic's records: every record once, in both directions, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bifrost.clients.kafka import OffsetRange
from bifrost.clients.topic_records import StoredRecord
from bifrost.errors import OperationRefused, Refused
from bifrost.operations.record_filter import parse_filter
from bifrost.operations.record_text import RecordText, ValueForm
from bifrost.operations.topic_browser import (
    MAX_TEXT,
    BrowseQuery,
    BrowseStart,
    ScanBudget,
    TopicPage,
    browse,
    read_record,
)


class Topic:
    """A topic of several partitions with gaps in the offsets, as compaction and transactions leave them."""

    def __init__(self, parts: dict[int, list[tuple[int, int, bytes]]], firsts: dict[int, int] | None = None) -> None:
        self.records = {
            number: [StoredRecord("t", number, offset, at, b"k%d" % offset, value) for offset, at, value in found]
            for number, found in parts.items()
        }
        self.firsts = firsts or {}
        self.reads = 0

    def topics(self) -> dict[str, int]:
        return {"t": len(self.records)}

    def ends(self, topics: dict[str, int]) -> dict[str, dict[int, OffsetRange]]:
        ranges = {
            number: OffsetRange(self.firsts.get(number, 0), found[-1].offset + 2 if found else 0)
            for number, found in self.records.items()
        }
        return {"t": ranges}

    def offsets_at(self, _topic: str, _partitions: int, time_ms: int) -> dict[int, int]:
        return {
            number: next(record.offset for record in found if record.timestamp_ms >= time_ms)
            for number, found in self.records.items()
            if any(record.timestamp_ms >= time_ms for record in found)
        }

    def read(self, ranges: Any, *, first_only: bool = False) -> Iterator[StoredRecord]:
        for number, (first, end) in ranges["t"].items():
            for record in self.records[number]:
                if first <= record.offset < end:
                    self.reads += 1
                    yield record


class NoRegistry:
    def by_id(self, number: int) -> Any:
        self.asked = getattr(self, "asked", 0) + 1
        raise Refused("Schema Registry", "GET", status=404, body="unknown")


def topic(count: int = 300) -> Topic:
    parts: dict[int, list[tuple[int, int, bytes]]] = {0: [], 1: [], 2: []}
    for number in range(count):
        offset = number // 2 * 3  # two of three offsets are gaps
        parts[number % 2].append((offset, 1000 + number, b'{"n": %d, "odd": %d}' % (number, number % 2)))
    return Topic(parts)


def page(found: Topic, budget: ScanBudget | None = None, **query: Any) -> TopicPage:
    return browse(found, found, RecordText(NoRegistry()), BrowseQuery("t", **query), budget)  # type: ignore[arg-type]


def walk(found: Topic, **query: Any) -> list[int]:
    """The times of all records by pages."""
    times, cursor = [], None
    for _ in range(1000):
        got = page(found, cursor=cursor, **query)
        times += [record.time_ms for record in got.records]
        cursor = got.cursor
        if cursor is None:
            return times
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_pages_from_the_newest_lead_back_to_the_first_record(limit: int):
    assert walk(topic(), limit=limit) == [1000 + number for number in reversed(range(300))]


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_pages_from_the_beginning_lead_to_the_last_record(limit: int):
    assert walk(topic(), start=BrowseStart.BEGINNING, limit=limit) == [1000 + number for number in range(300)]


def test_a_filter_finds_each_record_once_in_both_directions():
    wanted = parse_filter("odd=1")
    odd = [1000 + number for number in range(300) if number % 2]
    assert walk(topic(), start=BrowseStart.BEGINNING, limit=7, filter=wanted) == odd
    assert walk(topic(), limit=7, filter=wanted) == odd[::-1]


def test_a_rare_record_far_back_is_found_in_one_request():
    found = topic(8_000)
    got = page(found, filter=parse_filter("n=17"))
    assert [record.value.text for record in got.records] == ['{"n": 17, "odd": 1}']
    assert got.is_complete
    assert got.cursor is None


def test_reading_starts_at_a_time_or_an_offset():
    assert page(topic(), start=BrowseStart.TIME, at=1100, limit=3).records[0].time_ms == 1100
    assert page(topic(), start=BrowseStart.TIME, at=10**15, limit=3).records == ()
    from_offset = page(topic(), start=BrowseStart.OFFSET, at=30, partition=1, limit=2).records
    assert [(record.partition, record.offset) for record in from_offset] == [(1, 30), (1, 33)]
    assert page(topic(), start=BrowseStart.OFFSET, at=10**15, limit=2).records == ()


def test_a_request_ends_at_its_limit_and_the_next_page_continues():
    found, wanted = topic(), parse_filter("n=299")
    first = page(found, ScanBudget(records=100), start=BrowseStart.BEGINNING, filter=wanted)
    assert (first.records, first.is_complete, first.scanned) == ((), False, 100)
    times, cursor = [], first.cursor
    while cursor is not None:
        got = page(found, ScanBudget(records=100), start=BrowseStart.BEGINNING, filter=wanted, cursor=cursor)
        times += [record.time_ms for record in got.records]
        cursor = got.cursor
    assert times == [1299]


def test_limits_of_bytes_and_time_end_a_request():
    big = Topic({0: [(number, number, b"x" * 1000) for number in range(100)]})
    assert page(big, ScanBudget(bytes=5000), start=BrowseStart.BEGINNING, filter=parse_filter("y")).scanned < 10
    ticks = iter(range(1000))
    late = ScanBudget(seconds=5, now=lambda: next(ticks))
    assert page(big, late, start=BrowseStart.BEGINNING, filter=parse_filter("y")).scanned < 10


@pytest.mark.parametrize("size", [700, 3_000, 20_000])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("start", [BrowseStart.NEWEST, BrowseStart.BEGINNING])
def test_records_that_exceed_the_limit_of_bytes_are_still_shown_page_by_page(size: int, parts: int, start: BrowseStart):
    found = Topic({part: [(number, number, b"x" * size) for number in range(60)] for part in range(parts)})
    places, cursor = [], None
    for _ in range(60 * parts + 1):
        got = page(found, ScanBudget(bytes=10_000), start=start, cursor=cursor)
        assert got.records or got.cursor is None
        places += [(record.partition, record.offset) for record in got.records]
        cursor = got.cursor
        if cursor is None:
            break
    assert sorted(places) == [(part, offset) for part in range(parts) for offset in range(60)]


def test_records_that_exceed_the_limit_of_time_are_still_shown():
    ticks = iter(range(10_000))
    slow = ScanBudget(seconds=5, now=lambda: next(ticks))
    found = Topic({0: [(number, number, b"x") for number in range(100)]})
    assert page(found, slow).records[0].offset == 99


def test_a_long_value_is_cut_on_a_page_and_whole_alone():
    found = Topic({0: [(0, 1, b"x" * (MAX_TEXT + 5))]})
    shown = page(found).records[0].value
    assert (len(shown.text), shown.is_cut, shown.size) == (MAX_TEXT, True, MAX_TEXT + 5)
    whole = read_record(found, found, RecordText(NoRegistry()), "t", 0, 0)  # type: ignore[arg-type]
    assert (len(whole.value.text), whole.value.is_cut) == (MAX_TEXT + 5, False)


def test_what_does_not_exist_is_refused():
    with pytest.raises(OperationRefused, match="topic u does not exist"):
        browse(topic(), topic(), RecordText(NoRegistry()), BrowseQuery("u"))  # type: ignore[arg-type]
    with pytest.raises(OperationRefused, match="no partition 9, but 0 to 2"):
        page(topic(), partition=9)
    with pytest.raises(OperationRefused, match="t-0@99999 does not exist"):
        read_record(topic(), topic(), RecordText(NoRegistry()), "t", 0, 99999)  # type: ignore[arg-type]


def test_binary_keys_are_shown_as_asked_and_cost_one_request_to_the_registry():
    key = (42).to_bytes(8, "big")
    registry = NoRegistry()
    reader = RecordText(registry)  # type: ignore[arg-type]
    for _ in range(3):
        assert reader.read(key).format == "BYTES"
    assert registry.asked == 1
    assert reader.read(key, ValueForm.NUMBER).text == "42"
    assert reader.read(b"\x00\x01\x02", ValueForm.NUMBER).text == "00 01 02"
    assert reader.read(b"7", ValueForm.BYTES).text == "37"
    assert reader.read(b'{"a": 1}', ValueForm.TEXT).format == "TEXT"
