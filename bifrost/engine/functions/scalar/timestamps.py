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
    description="Writes a timestamp by a pattern of java.time's DateTimeFormatter, in UTC or a time zone.",
)
@LIBRARY.scalar(
    "TIMESTAMPTOSTRING",
    "epochMilli BIGINT, formatPattern STRING -> STRING",
    "epochMilli BIGINT, formatPattern STRING, timeZone STRING -> STRING",
    description="Writes milliseconds since 1970 by a pattern. Deprecated: use FORMAT_TIMESTAMP.",
)
def format_timestamp(ms: int, pattern: str, time_zone: str = "UTC") -> str:
    """The instant as text."""
    return format_moment(moment_at(ms, zone_of(time_zone), time_zone), pattern)


@LIBRARY.scalar(
    "PARSE_TIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING -> TIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> TIMESTAMP",
    description="Reads a timestamp by a pattern of java.time's DateTimeFormatter, in UTC or a time zone.",
)
@LIBRARY.scalar(
    "STRINGTOTIMESTAMP",
    "formattedTimestamp STRING, formatPattern STRING -> BIGINT",
    "formattedTimestamp STRING, formatPattern STRING, timeZone STRING -> BIGINT",
    description="Reads a timestamp by a pattern as milliseconds since 1970. Deprecated: use PARSE_TIMESTAMP.",
)
def parse_timestamp(text: str, pattern: str, time_zone: str = "UTC") -> int:
    """The instant in the text."""
    return epoch_ms(parse(text, pattern), zone_of(time_zone))


@LIBRARY.scalar(
    "CONVERT_TZ",
    "timestamp TIMESTAMP, fromTimeZone STRING, toTimeZone STRING -> TIMESTAMP",
    description="Moves a timestamp by the difference of two time zones.",
)
def convert_time_zone(ms: int, source: str, target: str) -> int:
    """The timestamp moved by what the zones' offsets differ at that instant."""
    difference = offset_at(ms, zone_of(target)) - offset_at(ms, zone_of(source))
    return ms + difference // timedelta(milliseconds=1)


@LIBRARY.scalar(
    "TIMESTAMPADD",
    "unit INTERVAL, interval INTEGER, timestamp TIMESTAMP -> TIMESTAMP",
    description="Adds a number of time units to a timestamp.",
    total=True,
)
def add_to_timestamp(unit: TimeUnit, interval: int, ms: int) -> int:
    """The later instant."""
    return wrap_bigint(ms + interval * unit.value)


@LIBRARY.scalar(
    "TIMESTAMPSUB",
    "unit INTERVAL, interval INTEGER, timestamp TIMESTAMP -> TIMESTAMP",
    description="Takes a number of time units off a timestamp.",
    total=True,
)
def subtract_from_timestamp(unit: TimeUnit, interval: int, ms: int) -> int:
    """The earlier instant."""
    return wrap_bigint(ms - interval * unit.value)


@LIBRARY.scalar(
    "FROM_UNIXTIME",
    "epochMilli BIGINT -> TIMESTAMP",
    description="Turns milliseconds since 1970 into a timestamp.",
    total=True,
    inline="{0}",
)
@LIBRARY.scalar(
    "UNIX_TIMESTAMP",
    "timestamp TIMESTAMP -> BIGINT",
    description="Turns a timestamp into milliseconds since 1970.",
    total=True,
    inline="{0}",
)
def same_instant(ms: int) -> int:
    """A TIMESTAMP is held as its milliseconds."""
    return ms


@LIBRARY.scalar("UNIX_TIMESTAMP", "-> BIGINT", description="Gives the current milliseconds since 1970.", total=True)
def now() -> int:
    """Now."""
    return time.time_ns() // 1_000_000
