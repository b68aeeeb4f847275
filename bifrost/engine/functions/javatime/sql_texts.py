"""Texts of DATE, TIME and TIMESTAMP as casts, literals and comparisons in ksqlDB read them."""

from __future__ import annotations

import re

from bifrost.engine.functions.javatime.fields import TimeField, TimeTextError, check_range
from bifrost.engine.functions.javatime.isotime import days_of
from bifrost.engine.functions.javatime.timestamps import parse_instant
from bifrost.engine.functions.javatime.zones import UTC_ZONE, zone_of

_TIMESTAMP_PATTERN = "yyyy-MM-dd'T'HH:mm:ss.SSS"
_MAX_MS = (1 << 63) - 1
_MIDNIGHT = "00:00:00.000"
_DATE = re.compile(r"([+-]?)([0-9]{4,10})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{0,9}))?)?")

_DATE_HELP = (
    "Required format is: \"yyyy-MM-dd\", for example '2020-05-26'. Partials are also supported, for example '2020-05'"
)
_TIME_HELP = (
    "Required format is: \"HH:mm:ss.SSS\", for example: '01:34:20.123' or '01:34:20'. "
    "Partials are also supported, for example '01:34'"
)
_TIMESTAMP_HELP = (
    f'Required format is: "{_TIMESTAMP_PATTERN}", with an optional numeric 4-digit timezone, for example: '
    "'2020-05-26T23:59:58.000' or with tz: '2020-05-26T23:59:58.000+0200'. "
    "A trailing 'Z' instead of tz indicates the zero UTC offset. "
    'Partials are also supported, for example "2020-05-26"'
)


def parse_date(text: str) -> int:
    """Parse `yyyy-MM-dd`, `yyyy-MM` or `yyyy` to epoch days.

    Raises:
        TimeTextError: it is not such a date, or the calendar lacks the day.
    """
    match = _DATE.fullmatch(_completed_date(text))
    try:
        if match is None or not _has_right_sign(match[1], match[2]):
            raise ValueError(f"Text '{text}' could not be parsed")
        year = check_range(TimeField.YEAR, int(match[1] + match[2]))
        return days_of(year, int(match[3]), int(match[4]))
    except ValueError as error:
        raise TimeTextError(f"Failed to parse date '{text}': {error}\n{_DATE_HELP}") from error


def _has_right_sign(sign: str, year: str) -> bool:
    """Return whether the sign is right: a plus marks years of more than four digits, year zero has no minus."""
    return int(year) != 0 if sign == "-" else (sign == "+") == (len(year) > 4)


def _completed_date(text: str) -> str:
    parts = text.rstrip("-").count("-") + 1
    return text + {1: "-01-01", 2: "-01"}.get(parts, "")


def parse_time(text: str) -> int:
    """Parse `HH:mm[:ss[.SSS]]` to milliseconds of the day.

    Raises:
        TimeTextError: it is not such a time.
    """
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise TimeTextError(f"Text '{text}' could not be parsed")
        hour = check_range(TimeField.HOUR_OF_DAY, int(match[1]))
        minute = check_range(TimeField.MINUTE_OF_HOUR, int(match[2]))
        second = check_range(TimeField.SECOND_OF_MINUTE, int(match[3] or 0))
    except TimeTextError as error:
        raise TimeTextError(f"Failed to parse time '{text}': {error}\n{_TIME_HELP}") from error
    return ((hour * 60 + minute) * 60 + second) * 1000 + int((match[4] or "")[:3].ljust(3, "0"))


def parse_timestamp(text: str) -> int:
    """Parse a timestamp to epoch milliseconds; UTC unless it names an offset.

    Without a `T` it is a date, which may lack day and month; after the `T` the rest of the time may be missing.

    Raises:
        TimeTextError: it is not such a timestamp.
    """
    date, mark, rest = text.partition("T")
    # Behind the T a hyphen can only be the sign of an offset.
    sign = rest.find("+") if "+" in rest else rest.find("-")
    time, offset = (rest, "") if sign < 0 else (rest[:sign], rest[sign:])
    if not mark:
        date = _completed_date(text)
    time = time.removesuffix("Z")
    # What the text lacks at its end is taken from midnight.
    time += _MIDNIGHT[len(time) :]
    try:
        zone = zone_of(offset) if offset else UTC_ZONE
        ms = parse_instant(f"{date}T{time}", _TIMESTAMP_PATTERN, zone)
        if abs(ms) > _MAX_MS:
            raise TimeTextError("the year is out of range")
        return ms
    except TimeTextError as error:
        raise TimeTextError(f"Failed to parse timestamp '{text}': {error}\n{_TIMESTAMP_HELP}") from error
