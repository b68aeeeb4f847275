"""Fields of dates and times as in java.time: names, valid ranges, and how to compute them.

Weeks begin on Sunday and the first week of a year contains 1 January, as in Java's English locales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bifrost.engine.functions.javatime.isotime import civil, days_of

_NANOS_PER_MS = 1_000_000
_MODIFIED_JULIAN_EPOCH = 40_587
_MAX_YEAR = 999_999_999


class Field(Enum):
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


RANGES: dict[Field, tuple[int, int]] = {
    Field.ERA: (0, 1),
    Field.YEAR: (-_MAX_YEAR, _MAX_YEAR),
    Field.YEAR_OF_ERA: (1, _MAX_YEAR + 1),
    Field.MONTH_OF_YEAR: (1, 12),
    Field.DAY_OF_YEAR: (1, 366),
    Field.DAY_OF_MONTH: (1, 31),
    Field.ALIGNED_DAY_OF_WEEK_IN_MONTH: (1, 7),
    Field.DAY_OF_WEEK: (1, 7),
    Field.WEEK_BASED_YEAR: (-_MAX_YEAR, _MAX_YEAR),
    Field.WEEK_OF_WEEK_BASED_YEAR: (1, 53),
    Field.WEEK_OF_MONTH: (0, 6),
    Field.LOCAL_DAY_OF_WEEK: (1, 7),
    Field.AMPM_OF_DAY: (0, 1),
    Field.HOUR_OF_DAY: (0, 23),
    Field.CLOCK_HOUR_OF_DAY: (1, 24),
    Field.HOUR_OF_AMPM: (0, 11),
    Field.CLOCK_HOUR_OF_AMPM: (1, 12),
    Field.MINUTE_OF_HOUR: (0, 59),
    Field.SECOND_OF_MINUTE: (0, 59),
    Field.NANO_OF_SECOND: (0, 999_999_999),
    Field.MILLI_OF_DAY: (0, 86_399_999),
    Field.NANO_OF_DAY: (0, 86_399_999_999_999),
}


class TimeTextError(ValueError):
    """A pattern is invalid, a text does not match it, or a value lacks a field that the pattern needs."""


class UnsupportedField(TimeTextError):
    """The value to print has no such field; inside `[...]` the part is left out instead."""


def check_range(field: Field, value: int) -> int:
    """Return the value if it is in the field's range.

    Raises:
        TimeTextError: it is not.
    """
    low, high = RANGES[field]
    if low <= value <= high:
        return value
    raise TimeTextError(f"Invalid value for {field.value} (valid values {low} - {high}): {value}")


@dataclass(frozen=True, slots=True)
class Day:
    """A date with its day number (days since 1970-01-01)."""

    number: int
    year: int
    month: int
    day: int

    @property
    def weekday(self) -> int:
        """1 (Monday) to 7 (Sunday)."""
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
    return first - (first + 4) % 7


def _week_of_month(day: Day) -> int:
    first = day.number - day.day + 1
    return (day.number - (first - (first + 4) % 7)) // 7 + 1


def _week_based_year(day: Day) -> int:
    return day.year + 1 if day.number >= start_of_week_year(day.year + 1) else day.year


def _week_of_week_based_year(day: Day) -> int:
    return (day.number - start_of_week_year(_week_based_year(day))) // 7 + 1


DATE_FIELDS: dict[Field, Callable[[Day], int]] = {
    Field.ERA: lambda day: int(day.year > 0),
    Field.YEAR: lambda day: day.year,
    Field.YEAR_OF_ERA: lambda day: day.year if day.year > 0 else 1 - day.year,
    Field.QUARTER_OF_YEAR: lambda day: (day.month + 2) // 3,
    Field.MONTH_OF_YEAR: lambda day: day.month,
    Field.DAY_OF_YEAR: lambda day: day.number - days_of(day.year, 1, 1) + 1,
    Field.DAY_OF_MONTH: lambda day: day.day,
    Field.ALIGNED_DAY_OF_WEEK_IN_MONTH: lambda day: (day.day - 1) % 7 + 1,
    Field.DAY_OF_WEEK: lambda day: day.weekday,
    Field.MODIFIED_JULIAN_DAY: lambda day: day.number + _MODIFIED_JULIAN_EPOCH,
    Field.WEEK_BASED_YEAR: _week_based_year,
    Field.WEEK_OF_WEEK_BASED_YEAR: _week_of_week_based_year,
    Field.WEEK_OF_MONTH: _week_of_month,
    Field.LOCAL_DAY_OF_WEEK: lambda day: day.weekday % 7 + 1,
}
"""How to compute each field of a date."""


TIME_FIELDS: dict[Field, Callable[[int], int]] = {
    Field.AMPM_OF_DAY: lambda nanos: nanos // 43_200_000_000_000,
    Field.HOUR_OF_DAY: lambda nanos: nanos // 3_600_000_000_000,
    Field.CLOCK_HOUR_OF_DAY: lambda nanos: nanos // 3_600_000_000_000 or 24,
    Field.HOUR_OF_AMPM: lambda nanos: nanos // 3_600_000_000_000 % 12,
    Field.CLOCK_HOUR_OF_AMPM: lambda nanos: nanos // 3_600_000_000_000 % 12 or 12,
    Field.MINUTE_OF_HOUR: lambda nanos: nanos // 60_000_000_000 % 60,
    Field.SECOND_OF_MINUTE: lambda nanos: nanos // 1_000_000_000 % 60,
    Field.NANO_OF_SECOND: lambda nanos: nanos % 1_000_000_000,
    Field.MILLI_OF_DAY: lambda nanos: nanos // _NANOS_PER_MS,
    Field.NANO_OF_DAY: lambda nanos: nanos,
}
"""How to compute each field of a time of day, given in nanoseconds."""


def day_of_modified_julian_day(value: int) -> Day:
    """Return the date of a modified Julian day, which counts from 1858-11-17."""
    return day_at(value - _MODIFIED_JULIAN_EPOCH)
