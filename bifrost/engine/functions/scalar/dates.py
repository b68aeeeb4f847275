"""Functions of DATE and TIME."""

from __future__ import annotations

import time

from bifrost.engine.functions.javatime.isotime import DAY_MS, civil
from bifrost.engine.functions.javatime.parse import parse, parse_lenient
from bifrost.engine.functions.javatime.patterns import Moment, format_moment
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
    """The date as text."""
    year, month, day = civil(days)
    return format_moment(Moment(year, month, day, 0), pattern)


@LIBRARY.scalar(
    "PARSE_DATE",
    "formattedDate STRING, formatPattern STRING -> DATE",
    description="Parses a date with a pattern of java.time's DateTimeFormatter.",
)
@LIBRARY.scalar(
    "STRINGTODATE",
    "formattedDate STRING, formatPattern STRING -> INTEGER",
    description="Parses a date with a pattern to days since 1970-01-01. Deprecated: use PARSE_DATE.",
)
def parse_date(text: str, pattern: str) -> int:
    """The date in the text."""
    days, rest = divmod(parse_lenient(text, pattern), DAY_MS)
    if rest:
        raise FunctionError("Date format contains time field.")
    return days


@LIBRARY.scalar(
    "FORMAT_TIME",
    "time TIME, formatPattern STRING -> STRING",
    description="Formats a time with a pattern of java.time's DateTimeFormatter.",
)
def format_time(ms: int, pattern: str) -> str:
    """The time of day as text."""
    return format_moment(Moment(1970, 1, 1, ms), pattern)


@LIBRARY.scalar(
    "PARSE_TIME",
    "formattedTime STRING, formatPattern STRING -> TIME",
    description="Parses a time with a pattern of java.time's DateTimeFormatter.",
)
def parse_time(text: str, pattern: str) -> int:
    """The time of day in the text."""
    return parse(text, pattern).local_ms % DAY_MS


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
