"""English texts of date and time fields, as Java prints them with CLDR (JDK 17).

`ENGLISH` holds the texts of the locale `en`. `ROOT` holds those of Java's root locale, with which ksqlDB reads
timestamps: there full names of months and days are the short ones. ksqlDB refuses `January` for `MMMM` therefore;
here both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bifrost.engine.functions.javatime.fields import TimeField

Texts = Mapping[int, str]


class Style(Enum):
    """The length of a text, by the number of its pattern letters."""

    SHORT = 3
    FULL = 4
    NARROW = 5


_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")


def _numbered(texts: list[str] | tuple[str, ...], first: int = 1) -> Texts:
    return dict(enumerate(texts, first))


def _named(names: list[str]) -> dict[Style, Texts]:
    short = _numbered([name[:3] for name in names])
    return {Style.SHORT: short, Style.FULL: _numbered(names), Style.NARROW: _numbered([name[0] for name in names])}


_AM_PM = {style: _numbered(("AM", "PM"), 0) for style in Style}
ENGLISH: dict[TimeField, dict[Style, Texts]] = {
    TimeField.MONTH_OF_YEAR: _named(_MONTHS),
    TimeField.DAY_OF_WEEK: _named(_DAYS),
    TimeField.QUARTER_OF_YEAR: {
        Style.SHORT: _numbered(("Q1", "Q2", "Q3", "Q4")),
        Style.FULL: _numbered(_QUARTERS),
        Style.NARROW: _numbered(("1", "2", "3", "4")),
    },
    TimeField.AMPM_OF_DAY: _AM_PM,
    TimeField.ERA: {
        Style.SHORT: _numbered(("BC", "AD"), 0),
        Style.FULL: _numbered(("Before Christ", "Anno Domini"), 0),
        Style.NARROW: _numbered(("B", "A"), 0),
    },
}


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """A part of the day, from `start` to `end` in minutes of the day; `end` is exclusive unless it equals `start`."""

    text: str
    narrow: str
    start: int
    end: int

    def includes(self, minute: int) -> bool:
        """Return whether the period contains a minute of the day."""
        if self.start == self.end:
            return minute == self.start
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    @property
    def middle(self) -> int:
        """The minute of the day in its middle."""
        end = self.end if self.end >= self.start else self.end + 1440
        return (self.start + end) // 2 % 1440


DAY_PERIODS = (
    DayPeriod("midnight", "mi", 0, 0),
    DayPeriod("noon", "n", 720, 720),
    DayPeriod("in the morning", "in the morning", 360, 720),
    DayPeriod("in the afternoon", "in the afternoon", 720, 1080),
    DayPeriod("in the evening", "in the evening", 1080, 1260),
    DayPeriod("at night", "at night", 1260, 360),
)


def day_period_at(minute: int) -> DayPeriod:
    """Return the period of a minute of the day; noon and midnight are periods of one minute."""
    return next(period for period in DAY_PERIODS if period.includes(minute))
