"""Functions of DATE and TIME."""

from __future__ import annotations

import time
from collections.abc import Iterable

from bifrost.engine.functions.javatime.fields import TimeField, TimeTextError, day_at
from bifrost.engine.functions.javatime.formatting import Moment, formatter
from bifrost.engine.functions.javatime.isotime import DAY_MS, date_text, time_text
from bifrost.engine.functions.javatime.legacy import parse_legacy
from bifrost.engine.functions.javatime.parsing import parser
from bifrost.engine.functions.javatime.resolving import resolve
from bifrost.engine.functions.javatime.shortcuts import plain_reader
from bifrost.engine.functions.library import FunctionError, Library
from bifrost.sql.tree import TimeUnit

LIBRARY = Library("DATE / TIME")


@LIBRARY.scalar(
    "FORMAT_DATE",
    "date DATE, formatPattern STRING -> STRING",
    description="Formats a date with a pattern of java.time's DateTimeFormatter.",
)
@LIBRARY.scalar(
    "DATETOSTRING",
    "epochDays INTEGER, formatPattern STRING -> STRING",
    description="Formats days since 1970-01-01 as a date with a pattern. Deprecated: use FORMAT_DATE.",
)
def format_date(days: int, pattern: str) -> str:
    """Format a date; a field of the time is an error."""
    try:
        return formatter(pattern)(Moment(day=day_at(days)))
    except TimeTextError as error:
        raise FunctionError(f"Failed to format date {date_text(days)} with formatter '{pattern}': {error}") from error


@LIBRARY.scalar(
    "PARSE_DATE",
    "formattedDate STRING, formatPattern STRING -> DATE",
    description="Parses a date with a pattern of java.text.SimpleDateFormat.",
)
def parse_date(text: str, pattern: str) -> int:
    """Parse a date leniently; a time of day other than midnight is an error."""
    try:
        days, rest = divmod(parse_legacy(text, pattern), DAY_MS)
    except TimeTextError as error:
        raise _unparsed("date", text, pattern, error) from error
    if rest:
        raise _unparsed("date", text, pattern, "Date format contains time field.")
    return days


@LIBRARY.scalar(
    "STRINGTODATE",
    "formattedDate STRING, formatPattern STRING -> INTEGER",
    description="Parses a date with a pattern of java.time's DateTimeFormatter to days since 1970-01-01. "
    "Deprecated: use PARSE_DATE.",
)
def string_to_date(text: str, pattern: str) -> int:
    """Parse a date; the text may have a time, which is ignored."""
    try:
        reader = plain_reader(pattern)
        plain = reader(text) if reader is not None else None
        if plain is not None:
            return plain.day
        day = resolve(parser(pattern).fields(text)).day
    except TimeTextError as error:
        raise _unparsed("date", text, pattern, error) from error
    if day is None:
        raise _unparsed("date", text, pattern, "the pattern has no complete date")
    return day.number


def _unparsed(kind: str, text: str, pattern: str, reason: object) -> FunctionError:
    return FunctionError(f"Failed to parse {kind} '{text}' with formatter '{pattern}': {reason}")


@LIBRARY.scalar(
    "FORMAT_TIME",
    "time TIME, formatPattern STRING -> STRING",
    description="Formats a time with a pattern of java.time's DateTimeFormatter.",
)
def format_time(ms: int, pattern: str) -> str:
    """Format a time of day; a field of the date is an error."""
    if not 0 <= ms < DAY_MS:
        raise FunctionError(f"Failed to format time with formatter '{pattern}': {ms} ms is not a time of a day")
    try:
        return formatter(pattern)(Moment(ms_of_day=ms))
    except TimeTextError as error:
        raise FunctionError(f"Failed to format time {time_text(ms)} with formatter '{pattern}': {error}") from error


_DATE_FIELDS_OF_TIMES = frozenset(
    {
        TimeField.ERA,
        TimeField.YEAR,
        TimeField.YEAR_OF_ERA,
        TimeField.MONTH_OF_YEAR,
        TimeField.DAY_OF_YEAR,
        TimeField.DAY_OF_MONTH,
        TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH,
        TimeField.DAY_OF_WEEK,
    }
)
"""The fields that ksqlDB refuses in a time; quarters and weeks are not among them."""


def _has_date(fields: Iterable[TimeField]) -> bool:
    return not _DATE_FIELDS_OF_TIMES.isdisjoint(fields)


@LIBRARY.scalar(
    "PARSE_TIME",
    "formattedTime STRING, formatPattern STRING -> TIME",
    description="Parses a time with a pattern of java.time's DateTimeFormatter.",
)
def parse_time(text: str, pattern: str) -> int:
    """Parse a time of day; a field of the date is an error."""
    try:
        found = resolve(parser(pattern).fields(text))
    except TimeTextError as error:
        raise _unparsed("time", text, pattern, error) from error
    if found.day is not None or _has_date(found.values):
        raise _unparsed("time", text, pattern, "Time format contains date field.")
    if found.nanos is None:
        raise _unparsed("time", text, pattern, "the pattern has no complete time")
    return found.nanos // 1_000_000


@LIBRARY.scalar(
    "DATEADD",
    "unit INTERVAL, interval INTEGER, date DATE -> DATE",
    description="Adds a number of time units to a date.",
    total=True,
)
def add_to_date(unit: TimeUnit, interval: int, days: int) -> int:
    """Add the interval; part of a day is dropped."""
    return (days * DAY_MS + interval * unit.value) // DAY_MS


@LIBRARY.scalar(
    "DATESUB",
    "unit INTERVAL, interval INTEGER, date DATE -> DATE",
    description="Subtracts a number of time units from a date.",
    total=True,
)
def subtract_from_date(unit: TimeUnit, interval: int, days: int) -> int:
    """Subtract the interval."""
    return (days * DAY_MS - interval * unit.value) // DAY_MS


@LIBRARY.scalar(
    "TIMEADD",
    "unit INTERVAL, interval INTEGER, time TIME -> TIME",
    description="Adds a number of time units to a time of day; the result wraps around at midnight.",
    total=True,
)
def add_to_time(unit: TimeUnit, interval: int, ms: int) -> int:
    """Add the interval; the time wraps around at midnight."""
    return (ms + interval * unit.value) % DAY_MS


@LIBRARY.scalar(
    "TIMESUB",
    "unit INTERVAL, interval INTEGER, time TIME -> TIME",
    description="Subtracts a number of time units from a time of day; the result wraps around at midnight.",
    total=True,
)
def subtract_from_time(unit: TimeUnit, interval: int, ms: int) -> int:
    """Subtract the interval; the time wraps around at midnight."""
    return (ms - interval * unit.value) % DAY_MS


@LIBRARY.scalar(
    "FROM_DAYS",
    "days INTEGER -> DATE",
    description="Converts days since 1970-01-01 to a date.",
    total=True,
    inline="{0}",
)
@LIBRARY.scalar(
    "UNIX_DATE",
    "date DATE -> INTEGER",
    description="Converts a date to days since 1970-01-01.",
    total=True,
    inline="{0}",
)
def same_days(days: int) -> int:
    """Return the number unchanged: a DATE is its epoch days."""
    return days


@LIBRARY.scalar("UNIX_DATE", "-> INTEGER", description="Returns today as days since 1970-01-01.", total=True)
def today() -> int:
    """Return today's date in UTC."""
    return int(time.time()) * 1000 // DAY_MS
