"""Combines the fields of a text to a date and a time of day, as java.time does in its SMART style.

Days past the end of a month count as its last day, 24:00 is midnight of the next day. ParsedFields that disagree
are an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.engine.functions.javatime.fields import (
    DATE_FIELDS,
    TIME_FIELDS,
    Day,
    TimeField,
    TimeTextError,
    check_range,
    day_at,
    day_of,
    day_of_modified_julian_day,
    is_leap_year,
    month_length,
    start_of_week_year,
)
from bifrost.engine.functions.javatime.parsed_fields import ParsedFields
from bifrost.engine.functions.javatime.texts import DayPeriod
from bifrost.engine.functions.javatime.zones import Zone

NANOS_PER_DAY = 86_400_000_000_000
_NANOS = (3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1)
_CLOCK = (TimeField.HOUR_OF_DAY, TimeField.MINUTE_OF_HOUR, TimeField.SECOND_OF_MINUTE, TimeField.NANO_OF_SECOND)


@dataclass(slots=True)
class Resolved:
    """A date and a time of day (nanoseconds), or the fields that are not enough for them; the zone or offset named."""

    values: dict[TimeField, int]
    zone: Zone | None
    day: Day | None = None
    nanos: int | None = None

    @property
    def offset_s(self) -> int | None:
        """The offset from UTC that the text names, in seconds."""
        return self.values.get(TimeField.OFFSET_SECONDS)


def resolve(fields: ParsedFields) -> Resolved:
    """Combine fields.

    Raises:
        TimeTextError: a value is out of its range, or values disagree.
    """
    resolver = _Resolver(fields)
    try:
        resolver.dates()
        resolver.clock()
        resolver.weeks()
    except ValueError as error:
        raise error if isinstance(error, TimeTextError) else TimeTextError(f"Invalid date: {error}") from error
    resolver.time_of_day()
    resolver.cross_check()
    return resolver.result()


class _Resolver:
    """The steps of resolving; `values` shrinks as fields are used up."""

    def __init__(self, fields: ParsedFields) -> None:
        self.values = dict(fields.values)
        self.period: DayPeriod | None = fields.period
        self.zone = fields.zone
        self.day: Day | None = None
        self.nanos: int | None = None
        self.excess_days = 0

    def put(self, field: TimeField, value: int) -> None:
        """Set a derived field, which must not contradict the text."""
        known = self.values.setdefault(field, value)
        if known != value:
            raise TimeTextError(f"Conflict found: {field.value} {known} differs from {field.value} {value}")

    def set_day(self, day: Day) -> None:
        if self.day is not None and self.day != day:
            raise TimeTextError(f"Conflict found: ParsedFields resolved to two different dates: {self.day} {day}")
        self.day = day

    # Dates.

    def dates(self) -> None:
        """Build the date from year, month and day, or from year and day of the year."""
        self.year_of_era()
        values = self.values
        if TimeField.YEAR not in values:
            return
        if TimeField.MONTH_OF_YEAR in values and TimeField.DAY_OF_MONTH in values:
            self.set_day(self.year_month_day())
        elif TimeField.DAY_OF_YEAR in values:
            year = check_range(TimeField.YEAR, values.pop(TimeField.YEAR))
            day = check_range(TimeField.DAY_OF_YEAR, values.pop(TimeField.DAY_OF_YEAR))
            if day == 366 and not is_leap_year(year):
                raise TimeTextError(f"Invalid date 'DayOfYear 366' as '{year}' is not a leap year")
            self.set_day(day_at(day_of(year, 1, 1).number + day - 1))

    def year_month_day(self) -> Day:
        year = check_range(TimeField.YEAR, self.values.pop(TimeField.YEAR))
        month = check_range(TimeField.MONTH_OF_YEAR, self.values.pop(TimeField.MONTH_OF_YEAR))
        day = check_range(TimeField.DAY_OF_MONTH, self.values.pop(TimeField.DAY_OF_MONTH))
        return day_of(year, month, min(day, month_length(year, month)))

    def year_of_era(self) -> None:
        """Turn the year of an era into a year; without an era it is one after Christ."""
        year_of_era = self.values.pop(TimeField.YEAR_OF_ERA, None)
        if TimeField.ERA in self.values:
            check_range(TimeField.ERA, self.values[TimeField.ERA])
        if year_of_era is None:
            return
        check_range(TimeField.YEAR_OF_ERA, year_of_era)
        era = self.values.pop(TimeField.ERA, None)
        # A year next to the year of the era shows which era is meant.
        if era is None:
            era = int(self.values.get(TimeField.YEAR, 1) > 0)
        self.put(TimeField.YEAR, year_of_era if era else 1 - year_of_era)

    def weeks(self) -> None:
        """Build the date from week fields or the modified Julian day."""
        values = self.values
        if TimeField.MODIFIED_JULIAN_DAY in values:
            self.set_day(day_of_modified_julian_day(values.pop(TimeField.MODIFIED_JULIAN_DAY)))
        if TimeField.LOCAL_DAY_OF_WEEK in values:
            local = check_range(TimeField.LOCAL_DAY_OF_WEEK, values.pop(TimeField.LOCAL_DAY_OF_WEEK))
            self.put(TimeField.DAY_OF_WEEK, (local + 5) % 7 + 1)
        if TimeField.DAY_OF_WEEK not in values:
            return
        if {TimeField.WEEK_OF_MONTH, TimeField.YEAR, TimeField.MONTH_OF_YEAR} <= values.keys():
            self.set_day(self.week_of_month())
        elif (
            TimeField.YEAR not in values
            and {TimeField.WEEK_BASED_YEAR, TimeField.WEEK_OF_WEEK_BASED_YEAR} <= values.keys()
        ):
            self.set_day(self.week_of_year())

    def local_day_of_week(self) -> int:
        """Return the day of the week counted from Sunday, from 0."""
        return check_range(TimeField.DAY_OF_WEEK, self.values.pop(TimeField.DAY_OF_WEEK)) % 7

    def week_of_month(self) -> Day:
        values = self.values
        year = check_range(TimeField.YEAR, values.pop(TimeField.YEAR))
        month = check_range(TimeField.MONTH_OF_YEAR, values.pop(TimeField.MONTH_OF_YEAR))
        week = check_range(TimeField.WEEK_OF_MONTH, values.pop(TimeField.WEEK_OF_MONTH))
        first = day_of(year, month, 1).number
        return day_at(first - (first + 4) % 7 + (week - 1) * 7 + self.local_day_of_week())

    def week_of_year(self) -> Day:
        values = self.values
        year = check_range(TimeField.WEEK_BASED_YEAR, values.pop(TimeField.WEEK_BASED_YEAR))
        week = check_range(TimeField.WEEK_OF_WEEK_BASED_YEAR, values.pop(TimeField.WEEK_OF_WEEK_BASED_YEAR))
        start = start_of_week_year(year)
        # A 53rd week that the year does not have counts as its last one.
        week = min(week, (start_of_week_year(year + 1) - start) // 7)
        return day_at(start + (week - 1) * 7 + self.local_day_of_week())

    # Times.

    def clock(self) -> None:
        """Turn the forms of hours and the counts of the whole day into hour, minute, second and nanosecond."""
        self.clock_hour(TimeField.CLOCK_HOUR_OF_DAY, TimeField.HOUR_OF_DAY, 24)
        self.clock_hour(TimeField.CLOCK_HOUR_OF_AMPM, TimeField.HOUR_OF_AMPM, 12)
        values = self.values
        if TimeField.AMPM_OF_DAY in values and TimeField.HOUR_OF_AMPM in values:
            half = check_range(TimeField.AMPM_OF_DAY, values.pop(TimeField.AMPM_OF_DAY))
            hour = check_range(TimeField.HOUR_OF_AMPM, values.pop(TimeField.HOUR_OF_AMPM))
            self.put(TimeField.HOUR_OF_DAY, half * 12 + hour)
        if TimeField.NANO_OF_SECOND in values:
            check_range(TimeField.NANO_OF_SECOND, values[TimeField.NANO_OF_SECOND])
        if TimeField.NANO_OF_DAY in values:
            self.put_clock(check_range(TimeField.NANO_OF_DAY, values.pop(TimeField.NANO_OF_DAY)))
        if TimeField.MILLI_OF_DAY in values:
            ms = check_range(TimeField.MILLI_OF_DAY, values.pop(TimeField.MILLI_OF_DAY))
            # The digits below the millisecond come from another field, if there is one.
            self.put_clock(ms * 1_000_000 + values.get(TimeField.NANO_OF_SECOND, 0) % 1_000_000)

    def put_clock(self, nanos: int) -> None:
        for field in _CLOCK:
            self.put(field, TIME_FIELDS[field](nanos))

    def clock_hour(self, clock: TimeField, hour: TimeField, last: int) -> None:
        """Turn an hour that counts from 1 to `last` into one from 0; 0 is accepted for `last`."""
        value = self.values.pop(clock, None)
        if value is None:
            return
        # In SMART style 0 is accepted, although the field begins at 1.
        if value != 0:
            check_range(clock, value)
        self.put(hour, 0 if value == last else value)

    def time_of_day(self) -> None:
        """Build the time; missing minutes, seconds and fractions are zero."""
        self.use_period()
        values = self.values
        if TimeField.HOUR_OF_DAY in values:
            parts = [values.get(field) for field in _CLOCK]
            _, minute, second, nano = parts
            has_hole = (minute is None and (second is not None or nano is not None)) or (
                second is None and nano is not None
            )
            # Without minutes, seconds have no place: such fields stay as they are.
            if not has_hole:
                self.set_time([part or 0 for part in parts])
                for field in _CLOCK:
                    values.pop(field, None)
        for field, value in values.items():
            if field in TIME_FIELDS:
                check_range(field, value)

    def set_time(self, parts: list[int]) -> None:
        if parts == [24, 0, 0, 0]:
            self.nanos, self.excess_days = 0, 1
            return
        self.nanos = sum(
            check_range(field, part) * unit for field, part, unit in zip(_CLOCK, parts, _NANOS, strict=True)
        )

    def use_period(self) -> None:
        """Derive the hour from the part of the day, or from AM and PM alone."""
        values, period = self.values, self.period
        if period is not None and TimeField.HOUR_OF_AMPM in values:
            hour = check_range(TimeField.HOUR_OF_AMPM, values.pop(TimeField.HOUR_OF_AMPM))
            minute = values.get(TimeField.MINUTE_OF_HOUR, 0) % 60
            self.put(TimeField.HOUR_OF_DAY, hour if period.includes(hour * 60 + minute) else hour + 12)
            self.period = None
        elif not any(field in values for field in _CLOCK):
            middle = None
            if period is not None:
                middle, self.period = period.middle, None
            elif TimeField.AMPM_OF_DAY in values:
                middle = check_range(TimeField.AMPM_OF_DAY, values.pop(TimeField.AMPM_OF_DAY)) * 720 + 360
            if middle is not None:
                self.nanos = middle * _NANOS[1]

    # Checks.

    def cross_check(self) -> None:
        """Compare the fields that are left with the date and the time."""
        for field in list(self.values):
            if field in DATE_FIELDS and self.day is not None:
                self.compare(field, DATE_FIELDS[field](self.day))
            elif field in TIME_FIELDS and self.nanos is not None:
                self.compare(field, TIME_FIELDS[field](self.nanos))
        if self.nanos is not None and self.period is not None and not self.period.includes(self.nanos // _NANOS[1]):
            raise TimeTextError(f"Conflict found: Resolved time conflicts with {self.period.text}")

    def compare(self, field: TimeField, derived: int) -> None:
        given = self.values.pop(field)
        if given != derived:
            raise TimeTextError(f"Conflict found: TimeField {field.value} {derived} differs from {field.value} {given}")

    def result(self) -> Resolved:
        day = self.day
        if day is not None and self.nanos is not None:
            check_range(TimeField.OFFSET_SECONDS, self.values.get(TimeField.OFFSET_SECONDS, 0))
        if day is not None and self.nanos is not None and self.excess_days:
            day = day_at(day.number + self.excess_days)
        return Resolved(self.values, self.zone, day, self.nanos)
