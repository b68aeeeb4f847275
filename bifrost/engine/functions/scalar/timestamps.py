"""Functions of TIMESTAMP and of milliseconds since 1970."""

from __future__ import annotations

import time

from bifrost.engine.functions.java.integers import wrap_bigint
from bifrost.engine.functions.javatime.fields import TimeTextError
from bifrost.engine.functions.javatime.formatting import formatter, zoned_moment
from bifrost.engine.functions.javatime.timestamps import parse_instant
from bifrost.engine.functions.javatime.zones import zone_of
from bifrost.engine.functions.library import FunctionError, Library
from bifrost.sql.tree import TimeUnit

LIBRARY = Library("DATE / TIME")


@LIBRARY.scalar(
    "FORMAT_TIMESTAMP",
    "timestamp TIMESTAMP, formatPattern STRING -> STRING",
    "timestamp TIMESTAMP, formatPattern STRING, timeZone STRING -> STRING",
    description="Formats a timestamp with a pattern of java.time's DateTimeFormatter, in UTC or a time zone.",
)
def format_timestamp(ms: int, pattern: str, time_zone: str = "GMT") -> str:
    """Format an instant; without a zone it is shown in GMT, as in ksqlDB."""
    try:
        return formatter(pattern)(zoned_moment(ms, zone_of(time_zone)))
    except TimeTextError as error:
        raise FunctionError(
            f"Failed to format timestamp {ms} at timeZone '{time_zone}' with formatter '{pattern}': {error}"
        ) from error


@LIBRARY.scalar(
    "TIMESTAMPTOSTRING",
    "epochMilli BIGINT, formatPattern STRING -> STRING",
    "epochMilli BIGINT, formatPattern STRING, timeZone STRING -> STRING",
    description="Formats milliseconds since 1970 with a pattern. Deprecated: use FORMAT_TIMESTAMP.",
)
def timestamp_to_string(ms: int, pattern: str, time_zone: str = "UTC") -> str:
    """Format an instant; without a zone it is shown in the server's zone, which is UTC."""
    return format_timestamp(ms, pattern, time_zone)


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
    """Parse an instant; a zone in the text takes precedence over `time_zone`."""
    try:
        return parse_instant(text, pattern, zone_of(time_zone))
    except TimeTextError as error:
        place = f"'{text}' at timezone '{time_zone}' with formatter '{pattern}'"
        # Both of Java's wordings: logs are searched for the older one, ksqlDB's current formatter writes the other.
        raise FunctionError(f"Failed to parse timestamp {place}: Unparseable date: {error}") from error


@LIBRARY.scalar(
    "CONVERT_TZ",
    "timestamp TIMESTAMP, fromTimeZone STRING, toTimeZone STRING -> TIMESTAMP",
    description="Shifts a timestamp by the difference of two time zones.",
)
def convert_time_zone(ms: int, source: str, target: str) -> int:
    """Shift the timestamp by the difference of the zones' offsets at that instant."""
    return ms + (zone_of(target).offset_at(ms) - zone_of(source).offset_at(ms)) * 1000


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
