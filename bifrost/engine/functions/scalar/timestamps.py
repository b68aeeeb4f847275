"""Functions of TIMESTAMP and of milliseconds since 1970."""

from __future__ import annotations

import time
from datetime import timedelta

from bifrost.engine.functions.java.integers import wrap_bigint
from bifrost.engine.functions.javatime.parse import epoch_ms, parse
from bifrost.engine.functions.javatime.patterns import format_moment, moment_at, offset_at, zone_of
from bifrost.engine.functions.library import Library
from bifrost.sql.tree import TimeUnit

LIBRARY = Library("DATE / TIME")


@LIBRARY.scalar(
    "FORMAT_TIMESTAMP",
    "timestamp TIMESTAMP, formatPattern STRING -> STRING",
    "timestamp TIMESTAMP, formatPattern STRING, timeZone STRING -> STRING",
    description="Formats a timestamp with a pattern of java.time's DateTimeFormatter, in UTC or a time zone.",
)
@LIBRARY.scalar(
    "TIMESTAMPTOSTRING",
    "epochMilli BIGINT, formatPattern STRING -> STRING",
    "epochMilli BIGINT, formatPattern STRING, timeZone STRING -> STRING",
    description="Formats milliseconds since 1970 with a pattern. Deprecated: use FORMAT_TIMESTAMP.",
)
def format_timestamp(ms: int, pattern: str, time_zone: str = "UTC") -> str:
    """The instant as text."""
    return format_moment(moment_at(ms, zone_of(time_zone), time_zone), pattern)


@LIBRARY.scalar(
    "PARSE_TIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING -> TIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> TIMESTAMP",
    description="Parses a timestamp with a pattern of java.time's DateTimeFormatter, in UTC or a time zone.",
)
@LIBRARY.scalar(
    "STRINGTOTIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING -> BIGINT",
    "formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> BIGINT",
    description="Parses a timestamp with a pattern to milliseconds since 1970. Deprecated: use PARSE_TIMESTAMP.",
)
def parse_timestamp(text: str, pattern: str, time_zone: str = "UTC") -> int:
    """The instant in the text."""
    return epoch_ms(parse(text, pattern), zone_of(time_zone))


@LIBRARY.scalar(
    "CONVERT_TZ",
    "timestamp TIMESTAMP, fromTimeZone STRING, toTimeZone STRING -> TIMESTAMP",
    description="Shifts a timestamp by the difference of two time zones.",
)
def convert_time_zone(ms: int, source: str, target: str) -> int:
    """Shift the timestamp by the difference of the zones' offsets at that instant."""
    difference = offset_at(ms, zone_of(target)) - offset_at(ms, zone_of(source))
    return ms + difference // timedelta(milliseconds=1)


@LIBRARY.scalar(
    "TIMESTAMPADD",
    "unit INTERVAL, interval INTEGER, timestamp TIMESTAMP -> TIMESTAMP",
    description="Adds a number of time units to a timestamp.",
    total=True,
)
def add_to_timestamp(unit: TimeUnit, interval: int, ms: int) -> int:
    """Add the interval."""
    return wrap_bigint(ms + interval * unit.value)


@LIBRARY.scalar(
    "TIMESTAMPSUB",
    "unit INTERVAL, interval INTEGER, timestamp TIMESTAMP -> TIMESTAMP",
    description="Subtracts a number of time units from a timestamp.",
    total=True,
)
def subtract_from_timestamp(unit: TimeUnit, interval: int, ms: int) -> int:
    """Subtract the interval."""
    return wrap_bigint(ms - interval * unit.value)


@LIBRARY.scalar(
    "FROM_UNIXTIME",
    "epochMilli BIGINT -> TIMESTAMP",
    description="Converts milliseconds since 1970 to a timestamp.",
    total=True,
    inline="{0}",
)
@LIBRARY.scalar(
    "UNIX_TIMESTAMP",
    "timestamp TIMESTAMP -> BIGINT",
    description="Converts a timestamp to milliseconds since 1970.",
    total=True,
    inline="{0}",
)
def same_instant(ms: int) -> int:
    """Return the number unchanged: a TIMESTAMP is its epoch milliseconds."""
    return ms


@LIBRARY.scalar("UNIX_TIMESTAMP", "-> BIGINT", description="Returns the current milliseconds since 1970.", total=True)
def now() -> int:
    """Return the current time."""
    return time.time_ns() // 1_000_000
