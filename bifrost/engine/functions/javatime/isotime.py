"""Days as dates, and the ISO texts of dates, times and timestamps that ksqlDB shows."""

from __future__ import annotations

from datetime import date

DAY_MS = 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# Python's dates end with the year 9999; the calendar repeats after this cycle, so any year has a date within them.
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400


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


def _year_text(year: int) -> str:
    if 0 <= year <= 9999:
        return f"{year:04d}"
    return f"+{year}" if year > 9999 else f"-{-year:04d}"
