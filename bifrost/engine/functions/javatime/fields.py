"""Fields of dates and times as in java.time: names, valid ranges, and how to compute them.

Weeks begin on Sunday and the first week of a year contains 1 January, as in Java's English locales.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from bifrost.engine.functions.javatime.isotime import civil, days_of

_NANOS_PER_MS = 1_000_000
_MODIFIED_JULIAN_EPOCH = 40_587
_MAX_YEAR = 999_999_999


class TimeField(Enum):
    """A field; its value is the name that Java's messages use."""

    ERA = "Era"
    YEAR = "Year"
    YEAR_OF_ERA = "YearOfEra"
    QUARTER_OF_YEAR = "QuarterOfYear"
    MONTH_OF_YEAR = "MonthOfYear"
    DAY_OF_YEAR = "DayOfYear"
    DAY_OF_MONTH = "DayOfMonth"
    ALIGNED_DAY_OF_WEEK_IN_MONTH = "AlignedDayOfWeekInMonth"
    DAY_OF_WEEK = "DayOfWeek"
    MODIFIED_JULIAN_DAY = "ModifiedJulianDay"
    WEEK_BASED_YEAR = "WeekBasedYear"
    WEEK_OF_WEEK_BASED_YEAR = "WeekOfWeekBasedYear"
    WEEK_OF_MONTH = "WeekOfMonth"
    LOCAL_DAY_OF_WEEK = "LocalizedDayOfWeek"
    AMPM_OF_DAY = "AmPmOfDay"
    HOUR_OF_DAY = "HourOfDay"
    CLOCK_HOUR_OF_DAY = "ClockHourOfDay"
    HOUR_OF_AMPM = "HourOfAmPm"
    CLOCK_HOUR_OF_AMPM = "ClockHourOfAmPm"
    MINUTE_OF_HOUR = "MinuteOfHour"
    SECOND_OF_MINUTE = "SecondOfMinute"
    NANO_OF_SECOND = "NanoOfSecond"
    MILLI_OF_DAY = "MilliOfDay"
    NANO_OF_DAY = "NanoOfDay"
    OFFSET_SECONDS = "OffsetSeconds"

    # Enum hashes by name in Python code, which counts in dictionaries that every record uses.
    __hash__ = object.__hash__


RANGES: dict[TimeField, tuple[int, int]] = {
    TimeField.ERA: (0, 1),
    TimeField.YEAR: (-_MAX_YEAR, _MAX_YEAR),
    TimeField.YEAR_OF_ERA: (1, _MAX_YEAR + 1),
    TimeField.MONTH_OF_YEAR: (1, 12),
    TimeField.DAY_OF_YEAR: (1, 366),
    TimeField.DAY_OF_MONTH: (1, 31),
    TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH: (1, 7),
    TimeField.DAY_OF_WEEK: (1, 7),
    TimeField.WEEK_BASED_YEAR: (-_MAX_YEAR, _MAX_YEAR),
    TimeField.WEEK_OF_WEEK_BASED_YEAR: (1, 53),
    TimeField.WEEK_OF_MONTH: (0, 6),
    TimeField.LOCAL_DAY_OF_WEEK: (1, 7),
    TimeField.AMPM_OF_DAY: (0, 1),
    TimeField.HOUR_OF_DAY: (0, 23),
    TimeField.CLOCK_HOUR_OF_DAY: (1, 24),
    TimeField.HOUR_OF_AMPM: (0, 11),
    TimeField.CLOCK_HOUR_OF_AMPM: (1, 12),
    TimeField.MINUTE_OF_HOUR: (0, 59),
    TimeField.SECOND_OF_MINUTE: (0, 59),
    TimeField.NANO_OF_SECOND: (0, 999_999_999),
    TimeField.MILLI_OF_DAY: (0, 86_399_999),
    TimeField.NANO_OF_DAY: (0, 86_399_999_999_999),
    TimeField.OFFSET_SECONDS: (-18 * 3600, 18 * 3600),
}


class TimeTextError(ValueError):
    """A pattern is invalid, a text does not match it, or a value lacks a field that the pattern needs."""


class UnsupportedField(TimeTextError):
    """The value to print has no such field; inside `[...]` the part is left out instead."""


def check_range(field: TimeField, value: int) -> int:
    """Return the value if it is in the field's range.

    Raises:
        TimeTextError: it is not.
    """
    low, high = RANGES[field]
    if low <= value <= high:
        return value
    raise TimeTextError(f"Invalid value for {field.value} (valid values {low} - {high}): {value}")


class Day(NamedTuple):
    """A date with its day number (days since 1970-01-01)."""

    number: int
    year: int
    month: int
    day: int

    @property
    def weekday(self) -> int:
        """1 (Monday) to 7 (Sunday)."""
        # 1970-01-01 was a Thursday.
        return (self.number + 3) % 7 + 1


def day_at(number: int) -> Day:
    """Return the date of a day number."""
    return Day(number, *civil(number))


def day_of(year: int, month: int, day: int) -> Day:
    """Return a date from its parts.

    Raises:
        ValueError: the calendar has no such day.
    """
    return Day(days_of(year, month, day), year, month, day)


def is_leap_year(year: int) -> bool:
    """Return whether the year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    """Return the number of days of a month."""
    if month == 2:
        return 29 if is_leap_year(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def start_of_week_year(year: int) -> int:
    """Return the day number of the Sunday that begins a week-based year: that of the week with 1 January."""
    first = days_of(year, 1, 1)
    # The remainder is the day of the week, counted from Sunday.
    return first - (first + 4) % 7


def _week_of_month(day: Day) -> int:
    first = day.number - day.day + 1
    return (day.number - (first - (first + 4) % 7)) // 7 + 1


def _week_based_year(day: Day) -> int:
    return day.year + 1 if day.number >= start_of_week_year(day.year + 1) else day.year


def _week_of_week_based_year(day: Day) -> int:
    return (day.number - start_of_week_year(_week_based_year(day))) // 7 + 1


DATE_FIELDS: dict[TimeField, Callable[[Day], int]] = {
    TimeField.ERA: lambda day: int(day.year > 0),
    TimeField.YEAR: lambda day: day.year,
    TimeField.YEAR_OF_ERA: lambda day: day.year if day.year > 0 else 1 - day.year,
    TimeField.QUARTER_OF_YEAR: lambda day: (day.month + 2) // 3,
    TimeField.MONTH_OF_YEAR: lambda day: day.month,
    TimeField.DAY_OF_YEAR: lambda day: day.number - days_of(day.year, 1, 1) + 1,
    TimeField.DAY_OF_MONTH: lambda day: day.day,
    TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH: lambda day: (day.day - 1) % 7 + 1,
    TimeField.DAY_OF_WEEK: lambda day: day.weekday,
    TimeField.MODIFIED_JULIAN_DAY: lambda day: day.number + _MODIFIED_JULIAN_EPOCH,
    TimeField.WEEK_BASED_YEAR: _week_based_year,
    TimeField.WEEK_OF_WEEK_BASED_YEAR: _week_of_week_based_year,
    TimeField.WEEK_OF_MONTH: _week_of_month,
    TimeField.LOCAL_DAY_OF_WEEK: lambda day: day.weekday % 7 + 1,
}
"""How to compute each field of a date."""


TIME_FIELDS: dict[TimeField, Callable[[int], int]] = {
    TimeField.AMPM_OF_DAY: lambda nanos: nanos // 43_200_000_000_000,
    TimeField.HOUR_OF_DAY: lambda nanos: nanos // 3_600_000_000_000,
    TimeField.CLOCK_HOUR_OF_DAY: lambda nanos: nanos // 3_600_000_000_000 or 24,
    TimeField.HOUR_OF_AMPM: lambda nanos: nanos // 3_600_000_000_000 % 12,
    TimeField.CLOCK_HOUR_OF_AMPM: lambda nanos: nanos // 3_600_000_000_000 % 12 or 12,
    TimeField.MINUTE_OF_HOUR: lambda nanos: nanos // 60_000_000_000 % 60,
    TimeField.SECOND_OF_MINUTE: lambda nanos: nanos // 1_000_000_000 % 60,
    TimeField.NANO_OF_SECOND: lambda nanos: nanos % 1_000_000_000,
    TimeField.MILLI_OF_DAY: lambda nanos: nanos // _NANOS_PER_MS,
    TimeField.NANO_OF_DAY: lambda nanos: nanos,
}
"""How to compute each field of a time of day, given in nanoseconds."""


def day_of_modified_julian_day(value: int) -> Day:
    """Return the date of a modified Julian day, which counts from 1858-11-17."""
    return day_at(value - _MODIFIED_JULIAN_EPOCH)
