"""Dates and times against what Java prints and reads; the programs in java/ write the tables."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.functions.javatime.fields import TimeTextError, day_at
from bifrost.engine.functions.javatime.formatting import Moment, formatter, zoned_moment
from bifrost.engine.functions.javatime.isotime import date_text, time_text, timestamp_text
from bifrost.engine.functions.javatime.legacy import parse_legacy
from bifrost.engine.functions.javatime.sql_texts import parse_date, parse_time, parse_timestamp
from bifrost.engine.functions.javatime.timestamps import parse_instant
from bifrost.engine.functions.javatime.zones import zone_names, zone_of
from bifrost.engine.functions.scalar import dates

TABLES = Path(__file__).parent / "java"


def rows(table: str) -> Iterator[list[str]]:
    for line in (TABLES / table).read_text(encoding="utf-8").splitlines():
        yield line.split("\t")


def or_failure(action: Callable[..., object], *arguments: object) -> str:
    try:
        return str(action(*arguments))
    except ValueError:
        return "!"


def moment(kind: str, value: int, zone: str) -> Moment:
    match kind:
        case "D":
            return Moment(day=day_at(value))
        case "T":
            return Moment(ms_of_day=value)
        case _:
            return zoned_moment(value, zone_of(zone))


def printed(kind: str, pattern: str, value: str, zone: str) -> str:
    return formatter(pattern)(moment(kind, int(value), zone))


def read(kind: str, pattern: str, text: str, zone: str) -> int:
    match kind:
        case "D":
            return dates.string_to_date(text, pattern)
        case "T":
            return dates.parse_time(text, pattern)
        case _:
            return parse_instant(text, pattern, zone_of(zone))


def test_every_pattern_prints_what_java_prints():
    differences = [
        (kind, pattern, value, zone, expected, given)
        for kind, pattern, value, zone, expected in rows("formatted.tsv")
        if (given := or_failure(printed, kind, pattern, value, zone)) != expected
    ]
    assert differences == []


def test_every_pattern_reads_what_java_reads_and_fails_where_java_fails():
    differences = [
        (kind, pattern, text, zone, expected, given)
        for kind, pattern, text, zone, expected in rows("parsed.tsv")
        if (given := or_failure(read, kind, pattern, text, zone)) != expected
    ]
    assert differences == []


def test_legacy_patterns_read_what_fast_date_format_reads():
    differences = [
        (pattern, text, expected, given)
        for pattern, text, expected in rows("legacy_dates.tsv")
        if (given := or_failure(parse_legacy, text, pattern)) != expected
    ]
    assert differences == []


@pytest.mark.parametrize(("column", "parse"), [(1, parse_date), (2, parse_time), (3, parse_timestamp)])
def test_texts_are_cast_as_ksqldb_casts_them(column, parse):
    differences = [
        (row[0], row[column], given) for row in rows("iso.tsv") if (given := or_failure(parse, row[0])) != row[column]
    ]
    assert differences == []


INSTANTS = st.integers(-60_000_000_000_000, 250_000_000_000_000)
COMPLETE_PATTERNS = st.sampled_from(
    [
        "yyyy-MM-dd HH:mm:ss.SSS XXXXX",
        "yyyyMMddHHmmssSSS'Z'XXXXX",
        "G y D A XXXXX",
        "EEEE, d MMMM yyyy h:mm:ss.SSS a ZZZZZ",
        "YYYY-'W'ww-e N XXXXX",
        "uuuu/QQQ/M/ppd kk:mm:ss n VV",
        "g AAAAAAAA xxxxx",
    ]
)
OFFSETS = st.integers(-18 * 60, 18 * 60)


@given(INSTANTS, COMPLETE_PATTERNS, OFFSETS)
def test_an_instant_survives_its_text_in_any_complete_pattern(ms, pattern, offset_minutes):
    sign = "-" if offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(offset_minutes), 60)
    text = formatter(pattern)(zoned_moment(ms, zone_of(f"{sign}{hours:02d}:{minutes:02d}")))
    assert parse_instant(text, pattern) == ms


@given(INSTANTS, st.sampled_from(sorted(name for name in zone_names() if not name.startswith("SystemV"))))
def test_an_instant_survives_its_text_in_any_zone(ms, name):
    pattern = "yyyy-MM-dd HH:mm:ss.SSS VV XXXXX"
    text = formatter(pattern)(zoned_moment(ms, zone_of(name)))
    assert parse_instant(text, pattern) == ms


@given(st.integers(-700_000, 2_000_000), st.integers(0, 86_399_999), INSTANTS)
def test_iso_texts_are_read_back(days, ms_of_day, ms):
    assert parse_date(date_text(days)) == days
    assert parse_time(time_text(ms_of_day)) == ms_of_day
    assert parse_timestamp(timestamp_text(ms)) == ms


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_pattern_and_any_text_give_a_value_or_an_error(pattern, text):
    for action in (
        lambda: parse_instant(text, pattern),
        lambda: parse_legacy(text, pattern),
        lambda: formatter(pattern)(zoned_moment(0, zone_of("Europe/London"))),
        lambda: parse_timestamp(text),
        lambda: zone_of(text),
    ):
        with suppress(TimeTextError):
            action()
