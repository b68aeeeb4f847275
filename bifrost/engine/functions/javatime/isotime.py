"""ISO texts of dates, times and timestamps, as used by casts, comparisons with text literals and ROWTIME."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
_PARTIAL = re.compile(
    r"(?P<year>[+-]?\d{4,9})"
    r"(-(?P<month>\d{1,2})(-(?P<day>\d{1,2})"
    r"([T ]((?P<hour>\d{1,2})(:(?P<minute>\d{1,2})(:(?P<second>\d{1,2})([.,](?P<fraction>\d{1,9}))?)?)?)?)?)?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?")


def civil(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a day counted from 1970-01-01; proleptic Gregorian calendar, any year."""
    cycles, rest = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    return day.year + cycles * _CYCLE_YEARS, day.month, day.day


def days_of(year: int, month: int, day: int) -> int:
    """Return the number of days from 1970-01-01 to a date.

    Raises:
        ValueError: the calendar has no such day.
    """
    cycles, rest = divmod(year - 1, _CYCLE_YEARS)
    return date(rest + 1, month, day).toordinal() + cycles * _CYCLE_DAYS - _EPOCH_ORDINAL


def date_text(days: int) -> str:
    """Return a date's text: `2021-06-30`."""
    year, month, day = civil(days)
    return f"{_year_text(year)}-{month:02d}-{day:02d}"


def time_text(ms: int) -> str:
    """Return a time's text as LocalTime prints it: `12:18`, `12:18:39` or `12:18:39.446`."""
    seconds, fraction = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02d}:{minute:02d}"
    if fraction:
        return f"{text}:{second:02d}.{fraction:03d}"
    return f"{text}:{second:02d}" if second else text


def timestamp_text(ms: int) -> str:
    """Return a timestamp's text in UTC: `2021-06-30T12:18:39.446`."""
    days, rest = divmod(ms, DAY_MS)
    seconds, fraction = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{date_text(days)}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:03d}"


def parse_timestamp(text: str) -> int:
    """Parse an ISO timestamp to epoch milliseconds; UTC unless it names an offset.

    Missing parts at the end have their smallest value: `2021` is the start of that year.

    Raises:
        ValueError: it is not a timestamp.
    """
    match = _PARTIAL.fullmatch(text.strip())
    if match is None:
        raise ValueError(_bad_timestamp(text))
    part = match.groupdict()
    try:
        days = days_of(int(part["year"]), int(part["month"] or 1), int(part["day"] or 1))
        clock = _clock_ms(part["hour"], part["minute"], part["second"], part["fraction"])
    except ValueError as error:
        raise ValueError(_bad_timestamp(text)) from error
    return days * DAY_MS + clock - _offset_ms(part["zone"])


def parse_date(text: str) -> int:
    """Parse an ISO date to epoch days.

    Raises:
        ValueError: it is not a date.
    """
    days, rest = divmod(parse_timestamp(text), DAY_MS)
    if rest:
        raise ValueError(f"Failed to parse date '{text}': it has a time. Required format is: \"yyyy-MM-dd\"")
    return days


def parse_time(text: str) -> int:
    """Parse a time `HH:mm[:ss[.SSS]]` to milliseconds of the day.

    Raises:
        ValueError: it is not a time.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"Failed to parse time '{text}'. Required format is: \"HH:mm:ss.SSS\"")
    return _clock_ms(match[1], match[2], match[3], match[4])


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ValueError: the name is unknown.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"Unknown time-zone ID: {name}") from error


def _clock_ms(hour: str | None, minute: str | None, second: str | None, fraction: str | None) -> int:
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"no such time: {hours}:{minutes}:{seconds}")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((fraction or "0")[:3].ljust(3, "0"))


def _offset_ms(text: str | None) -> int:
    if text is None or text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if text[0] == "-" else minutes) * 60_000


def _year_text(year: int) -> str:
    if 0 <= year <= 9999:
        return f"{year:04d}"
    return f"+{year}" if year > 9999 else f"-{-year:04d}"


def _bad_timestamp(text: str) -> str:
    return (
        f"Failed to parse timestamp '{text}'. "
        'Required format is: "yyyy-MM-dd\'T\'HH:mm:ss.SSS", with an optional timezone as "+0100" or "Z"'
    )
