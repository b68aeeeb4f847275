"""Dates in patterns of java.text.SimpleDateFormat, read as commons-lang3's FastDateFormat does, which ksqlDB uses.

| letter | field                | reads                                                       |
|--------|----------------------|-------------------------------------------------------------|
| y Y    | year                 | yy: two digits mean 80 years back to 20 years on            |
| M L    | month                | MMM and longer: short and full names, else a number         |
| d D    | day of the month, of the year                                                      |
| w W    | week of the year, of the month (from Sunday)                                       |
| E u F  | week day's name, its number from Monday, how many times it came in the month       |
| G a    | AD or BC, AM or PM                                                                 |
| H k    | hour 0-23, 1-24      | K h: hour 0-11, 1-12; m s S: minute, second, millisecond    |
| z Z X  | time zone            |                                                             |

Values out of range count on: 32 January is 1 February. What follows in the text is ignored. Of fields that contradict
each other, the one that was read last decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from bifrost.engine.functions.javatime.fields import TimeField, TimeTextError
from bifrost.engine.functions.javatime.isotime import DAY_MS, days_of
from bifrost.engine.functions.javatime.texts import ENGLISH, Style
from bifrost.engine.functions.javatime.zones import offset_zone, zone_of, zones_by_text

_MAX_INT = (1 << 31) - 1
_GREGORIAN_FROM = (1582, 10, 15)
_GREGORIAN_SINCE = 1583
_CENTURY_BEGINS_BEFORE = 80
_TOKEN = re.compile(r"([A-Za-z])\1*|(?:'(?:[^']|'')*'|''|[^A-Za-z'])+")
_QUOTED = re.compile(r"''|'((?:[^']|'')*)'")
_ZONE = re.compile(r"GMT[+-]\d{1,2}:\d{2}|[+-]\d{4}|[A-Za-z][A-Za-z ./_+-]*", re.IGNORECASE)
_ISO_ZONES = {1: r"Z|[+-]\d{2}", 2: r"Z|[+-]\d{4}", 3: r"Z|[+-]\d{2}:\d{2}"}


@dataclass(frozen=True, slots=True)
class _Number:
    """A number: the calendar's field, and how its digits become the field's value."""

    field: str
    value: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class _Name:
    """A name from a table, in any case."""

    field: str
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Zone:
    """A time zone in a form."""

    form: re.Pattern[str]


def _plain(value: int) -> int:
    return value


def _full_year(value: int) -> int:
    """Complete a year of two digits: it lies between 80 years ago and 20 years from now."""
    first = datetime.now(UTC).year - _CENTURY_BEGINS_BEFORE
    if value >= 100:
        return value
    year = value + first // 100 * 100
    return year if year >= first else year + 100


_NUMBERS: dict[str, _Number] = {
    "d": _Number("day", _plain),
    "D": _Number("day_of_year", _plain),
    "w": _Number("week", _plain),
    "W": _Number("week_of_month", _plain),
    "F": _Number("weekday_in_month", _plain),
    "u": _Number("weekday", lambda value: 0 if value == 7 else value),
    "H": _Number("hour_of_day", _plain),
    "k": _Number("hour_of_day", lambda value: 0 if value == 24 else value),
    "K": _Number("hour", _plain),
    "h": _Number("hour", lambda value: 0 if value == 12 else value),
    "m": _Number("minute", _plain),
    "s": _Number("second", _plain),
    "S": _Number("milli", _plain),
}


def _names(field: TimeField, shift: Callable[[int], int] = _plain) -> dict[str, int]:
    return {
        text.lower(): shift(value)
        for style in (Style.SHORT, Style.FULL)
        for value, text in ENGLISH[field][style].items()
    }


_MONTH_NAMES = _Name("month", _names(TimeField.MONTH_OF_YEAR))
_NAMED = {
    "E": _Name("weekday", _names(TimeField.DAY_OF_WEEK, lambda value: value % 7)),
    "a": _Name("half", _names(TimeField.AMPM_OF_DAY) | {"a": 0, "p": 1}),
    "G": _Name("era", _names(TimeField.ERA) | {"b": 0, "a": 1}),
}

_Step = _Number | _Name | _Zone | str


@lru_cache(maxsize=1024)
def _steps(pattern: str) -> tuple[tuple[_Step, int], ...]:
    """Return what a pattern consists of: literal text and fields, each with its number of letters."""
    steps: list[tuple[_Step, int]] = []
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or (token[1] is None and "'" in _QUOTED.sub("", token[0])):
            raise TimeTextError(f"Unterminated quote: {pattern}")
        steps.append((_step(token[1], len(token[0])) if token[1] else _unquoted(token[0]), len(token[0])))
        at = token.end()
    return tuple(steps)


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda quoted: "'" if quoted[1] is None or not quoted[1] else quoted[1].replace("''", "'"), text)


def _step(letter: str, count: int) -> _Step:
    match letter:
        case "y" | "Y":
            return _Number("year", _plain if count > 2 else _full_year)
        case "M" | "L":
            return _MONTH_NAMES if count > 2 else _Number("month", _plain)
        case "X" if count in _ISO_ZONES:
            return _Zone(re.compile(_ISO_ZONES[count]))
        case "Z" if count == 2:
            return _Zone(re.compile(_ISO_ZONES[3]))
        case "z" | "Z":
            return _Zone(_ZONE)
        case _ if letter in _NUMBERS:
            return _NUMBERS[letter]
        case _ if letter in _NAMED:
            return _NAMED[letter]
        case _:
            raise TimeTextError(f"Illegal pattern component: {letter * count}")


class _Calendar:
    """The fields that were read; `order` says when, since the last one decides."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.order: dict[str, int] = {}
        self.zone_text: str | None = None

    def put(self, field: str, value: int) -> None:
        self.values[field] = value
        self.order[field] = len(self.order) + 1 if field not in self.order else max(self.order.values()) + 1

    def both(self, one: str, other: str) -> int:
        """Return when the later of two fields was read, 0 unless both were."""
        return max(self.order[one], self.order[other]) if one in self.order and other in self.order else 0


def parse_legacy(text: str, pattern: str) -> int:
    """Return the epoch milliseconds of the date that a text begins with, in UTC unless it names a zone.

    Raises:
        TimeTextError: the pattern is invalid, or the text does not begin with such a date.
    """
    plain = _plain_form(pattern)
    match = plain(text) if plain is not None else None
    # Earlier dates may belong to the Julian calendar.
    if match is not None and int(match["year"]) >= _GREGORIAN_SINCE:
        # A day that the month lacks counts on, which only the full reader does.
        with suppress(ValueError):
            return days_of(int(match["year"]), int(match["month"]), int(match["day"])) * DAY_MS
    steps = _steps(pattern)
    calendar = _Calendar()
    at = 0
    for place, (step, count) in enumerate(steps):
        follower = steps[place + 1][0] if place + 1 < len(steps) else None
        width = count if isinstance(follower, _Number) else 0
        end = _read(step, text, at, width, calendar)
        if end is None:
            raise TimeTextError(f'Unparseable date: "{text}"')
        at = end
    return _epoch_ms(calendar)


@lru_cache(maxsize=1024)
def _plain_form(pattern: str) -> Callable[[str], re.Match[str] | None] | None:
    """Return a fast match for a pattern of year, month and day in digits, such as `yyyy-MM-dd`; None for others."""
    steps = _steps(pattern)
    parts: list[str] = []
    for place, (step, _) in enumerate(steps):
        follower = steps[place + 1][0] if place + 1 < len(steps) else None
        match step:
            case _Number("year", value) if value is _plain:
                parts.append("(?P<year>[0-9]{4})")
            case _Number("month" | "day" as field):
                least = (
                    2 if isinstance(follower, _Number) or (place and isinstance(steps[place - 1][0], _Number)) else 1
                )
                parts.append(f"(?P<{field}>[0-9]{{{least},2}})")
            case str() if not any(letter.isdigit() for letter in step):
                parts.append(re.escape(step))
            case _:
                return None
    numbers = sorted(step.field for step, _ in steps if isinstance(step, _Number))
    return re.compile("".join(parts)).fullmatch if numbers == ["day", "month", "year"] else None


def _read(step: _Step, text: str, at: int, width: int, calendar: _Calendar) -> int | None:
    """Read one step; return the position after it, None if the text does not match."""
    match step:
        case str():
            return at + len(step) if text.startswith(step, at) else None
        case _Number(field, value):
            return _read_number(field, value, text, at, width, calendar)
        case _Name(field, values):
            # The longest name first: `Mar` begins `March`.
            for name in sorted(values, key=len, reverse=True):
                if text[at : at + len(name)].lower() == name:
                    calendar.put(field, values[name])
                    return at + len(name)
            return None
        case _Zone(form):
            found = form.match(text, at)
            if found is None:
                return None
            calendar.zone_text = found[0]
            return found.end()


def _read_number(
    field: str, value: Callable[[int], int], text: str, at: int, width: int, calendar: _Calendar
) -> int | None:
    # Only a number that has the text up to the next separator for itself may have blanks before it.
    if not width:
        at += len(text[at:]) - len(text[at:].lstrip())
    limit = at + width if width else len(text)
    end = at
    while end < min(limit, len(text)) and "0" <= text[end] <= "9":
        end += 1
    if end == at or int(text[at:end]) > _MAX_INT:
        return None
    calendar.put(field, value(int(text[at:end])))
    return end


def _epoch_ms(calendar: _Calendar) -> int:
    values = calendar.values
    minutes = _hours(calendar) * 60 + values.get("minute", 0)
    clock = (minutes * 60 + values.get("second", 0)) * 1000 + values.get("milli", 0)
    local = _day_number(calendar) * DAY_MS + clock
    return local - (_offset_s(calendar.zone_text, local) * 1000 if calendar.zone_text else 0)


def _offset_s(text: str, local_ms: int) -> int:
    name = text.upper()
    if name == "Z":
        return 0
    if name[0] in "+-":
        return offset_zone(zone_of(text).fixed_s or 0).fixed_s or 0
    if name.startswith("GMT") and len(name) > 3:
        hours, minutes = name[4:].split(":")
        return (int(hours) * 60 + int(minutes)) * (-60 if name[3] == "-" else 60)
    for full in (False, True):
        zone = zones_by_text(full=full).get(text.strip().lower())
        if zone is not None:
            return zone_of(zone).offset_at(local_ms)
    raise TimeTextError(f"Unknown time zone: {text}")


def _hours(calendar: _Calendar) -> int:
    """Return the hour: of the day, or of a half of the day if that was read later."""
    values, order = calendar.values, calendar.order
    half = calendar.both("hour", "half")
    of_day = order.get("hour_of_day", 0)
    if not half and not of_day:
        half = max(order.get("hour", 0), order.get("half", 0))
    if of_day and of_day >= half:
        return values["hour_of_day"]
    return values.get("hour", 0) + 12 * values.get("half", 0)


def _day_number(calendar: _Calendar) -> int:
    """Return the day from the fields that were read last and determine one."""
    values, order = calendar.values, calendar.order
    year = values.get("year", 1970)
    if values.get("era", 1) == 0:
        year = 1 - year
    groups = {
        "day": order.get("day", 0),
        "week_of_month": calendar.both("week_of_month", "weekday"),
        "weekday_in_month": calendar.both("weekday_in_month", "weekday"),
        "day_of_year": order.get("day_of_year", 0),
        "week": calendar.both("week", "weekday"),
    }
    # No combination is complete: a week alone, or a day of the week alone, determines a day as well.
    if not any(groups.values()):
        groups["week_of_month"] = order.get("week_of_month", 0)
        groups["weekday_in_month"] = max(order.get("weekday_in_month", 0), order.get("weekday", 0))
        groups["week"] = order.get("week", 0)
    leader = _latest(groups, order)
    if leader in ("day_of_year", "week"):
        first = _fixed_day(year, 1, 1)
        return first + values["day_of_year"] - 1 if leader == "day_of_year" else _by_week(first, values, "week")
    years, month = divmod(values.get("month", 1) - 1, 12)
    first = _fixed_day(year + years, month + 1, 1)
    match leader:
        case "week_of_month":
            return _by_week(first, values, "week_of_month")
        case "weekday_in_month":
            weekday = values.get("weekday", 0)
            return _on_or_before(first + 7 * values.get("weekday_in_month", 1) - 1, weekday)
        case _:
            return first + values.get("day", 1) - 1


def _latest(groups: dict[str, int], order: dict[str, int]) -> str:
    # As java.util.Calendar selects fields; `order` decides among equals.
    best = max(groups.values())
    if not best:
        return "day"
    leaders: Sequence[str] = [name for name, when in groups.items() if when == best]
    if leaders[0] in ("week_of_month", "weekday_in_month") and "week" in leaders:
        return leaders[0] if order.get(leaders[0], 0) >= order.get("week", 0) else "week"
    if {"week_of_month", "weekday_in_month"} <= set(leaders):
        later = order.get("week_of_month", 0) >= order.get("weekday_in_month", 0)
        return "week_of_month" if later else "weekday_in_month"
    return leaders[0]


def _by_week(first: int, values: dict[str, int], week: str) -> int:
    """Return a day of a week, which counts from the week of the month's or year's first day."""
    sunday = _on_or_before(first, 0)
    return sunday + values.get("weekday", 0) + 7 * (values[week] - 1)


def _on_or_before(number: int, weekday: int) -> int:
    """Return the last day up to `number` that is this week day (0 is Sunday)."""
    return number - (number + 4 - weekday) % 7


def _fixed_day(year: int, month: int, day: int) -> int:
    """Return a day's number in the calendar of its time: Julian until 1582-10-04."""
    if (year, month, day) >= _GREGORIAN_FROM:
        return days_of(year, month, day)
    return _julian_day(year, month, day)


def _julian_day(year: int, month: int, day: int) -> int:
    """Return the number of days from 1970-01-01 to a date of the Julian calendar, by its Julian day number."""
    # Years that begin in March have their leap day at the end.
    shifted = year + 4800 - (month <= 2)
    months = (month + 9) % 12
    return day + (153 * months + 2) // 5 + 365 * shifted + shifted // 4 - 32083 - 2_440_588
