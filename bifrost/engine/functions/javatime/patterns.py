"""Patterns of java.time's DateTimeFormatter: formatting and parsing as ksqlDB does, in English.

Letters: G y u Y M L d D E e c w Q q a h H k K m s S A n N V z O X x Z, quotes, `''` and optional `[...]` parts.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from bifrost.engine.functions.javatime.isotime import DAY_MS, civil, days_of, zone

MONTHS = tuple(calendar.month_name)[1:]
DAYS = tuple(calendar.day_name)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_TOKEN = re.compile(r"([A-Za-z])\1*|'(?:[^']|'')*'|.", re.DOTALL)
_LETTERS = frozenset("GyuYMLdDEecwQqahHkKmsSAnNVzOXxZ")
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and time of day in a zone; `offset` in seconds east of UTC."""

    year: int
    month: int
    day: int
    ms_of_day: int
    offset: int = 0
    zone_id: str = "UTC"
    zone_name: str = "UTC"

    @property
    def days(self) -> int:
        """Days since 1970-01-01."""
        return days_of(self.year, self.month, self.day)

    @property
    def hour(self) -> int:
        """Hour of the day, from 0."""
        return self.ms_of_day // 3_600_000


@dataclass(frozen=True, slots=True)
class Token:
    """A run of one pattern letter, or literal text where `letter` is empty; `[` and `]` bound optional parts."""

    letter: str
    count: int
    text: str


@lru_cache(maxsize=1024)
def tokens_of(pattern: str) -> tuple[Token, ...]:
    """The pattern's parts.

    Raises:
        ValueError: it has an unknown letter, an open quote or unbalanced brackets.
    """
    if re.sub(r"'(?:[^']|'')*'", "", pattern).count("'"):
        raise ValueError(f"Pattern ends with an incomplete string literal: {pattern}")
    found = tuple(_token(match[0], match[1]) for match in _TOKEN.finditer(pattern))
    if [token.letter for token in found].count("[") != [token.letter for token in found].count("]"):
        raise ValueError(f"Pattern has unbalanced brackets: {pattern}")
    return found


def _token(text: str, letter: str | None) -> Token:
    if letter is not None:
        if letter not in _LETTERS:
            raise ValueError(f"Unknown pattern letter: {letter}")
        return Token(letter, len(text), text)
    if text.startswith("'"):
        return Token("", 0, "'" if text == "''" else text[1:-1].replace("''", "'"))
    return Token(text, 1, text) if text in "[]" else Token("", 0, text)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """The zone of an id (`Europe/London`) or offset (`Z`, `+02:00`, `+0200`, `UTC+2`).

    Raises:
        ValueError: there is none of that name.
    """
    if name in ("Z", "UTC", "GMT", "UT"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is None:
        return zone(name)
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60 + int(match[4] or 0)
    if seconds > 18 * 3600:
        raise ValueError(f"Zone offset not in valid range: {name}")
    return timezone(timedelta(seconds=-seconds if match[1] == "-" else seconds))


def offset_at(ms: int, where: tzinfo) -> timedelta:
    """The zone's offset from UTC at an instant."""
    if where is UTC:
        return timedelta(0)
    year = max(2, min(9998, civil(ms // DAY_MS)[0]))
    instant = _EPOCH + timedelta(milliseconds=ms) if 2 < year < 9998 else datetime(year, 1, 1, tzinfo=UTC)
    return instant.astimezone(where).utcoffset() or timedelta(0)


def moment_at(ms: int, where: tzinfo = UTC, zone_id: str = "UTC") -> Moment:
    """The local date and time of an instant."""
    offset = offset_at(ms, where)
    days, ms_of_day = divmod(ms + offset // timedelta(milliseconds=1), DAY_MS)
    year, month, day = civil(days)
    name = "UTC" if where is UTC else (_EPOCH + timedelta(milliseconds=ms)).astimezone(where).tzname()
    return Moment(year, month, day, ms_of_day, offset // timedelta(seconds=1), zone_id, name or zone_id)


def format_moment(moment: Moment, pattern: str) -> str:
    """The moment as the pattern writes it.

    Raises:
        ValueError: the pattern is wrong.
    """
    return "".join([_written(token, moment) for token in tokens_of(pattern)])


def _written(token: Token, moment: Moment) -> str:
    count = token.count
    match token.letter:
        case "":
            return token.text
        case "[" | "]":
            return ""
        case "y" | "u" | "Y":
            return _year_text(token, moment)
        case "M" | "L":
            return _name_or_number(moment.month, count, MONTHS)
        case "E":
            return DAYS[moment.days % 7 - 4] if count == 4 else DAYS[moment.days % 7 - 4][: 1 if count == 5 else 3]
        case "a":
            return "AM" if moment.hour < 12 else "PM"
        case "G":
            era = ("AD", "Anno Domini") if moment.year > 0 else ("BC", "Before Christ")
            return era[count == 4]
        case "S":
            return f"{moment.ms_of_day % 1000:03d}".ljust(count, "0")[:count]
        case "V":
            return moment.zone_id
        case "z":
            return moment.zone_name
        case "X" | "x" | "Z" | "O":
            return _offset_text(token, moment.offset)
        case _:
            return str(_number(token.letter, moment)).zfill(count)


def _year_text(token: Token, moment: Moment) -> str:
    year = _week_year(moment)[0] if token.letter == "Y" else moment.year
    if token.letter == "y" and year <= 0:
        year = 1 - year
    if token.count == 2:
        return f"{year % 100:02d}"
    text = f"{abs(year):0{token.count}d}"
    return (
        f"-{text}" if year < 0 else f"+{text}" if len(text) > max(token.count, 4) - (token.count < 4) * 4 > 0 else text
    )


def _name_or_number(value: int, count: int, names: tuple[str, ...]) -> str:
    if count < 3:
        return str(value).zfill(count)
    name = names[value - 1]
    return name if count == 4 else name[: 1 if count == 5 else 3]


def _number(letter: str, moment: Moment) -> int:
    hour = moment.hour
    match letter:
        case "d":
            return moment.day
        case "D":
            return moment.days - days_of(moment.year, 1, 1) + 1
        case "H":
            return hour
        case "k":
            return hour or 24
        case "K":
            return hour % 12
        case "h":
            return hour % 12 or 12
        case "m":
            return moment.ms_of_day // 60_000 % 60
        case "s":
            return moment.ms_of_day // 1000 % 60
        case "A":
            return moment.ms_of_day
        case "n":
            return moment.ms_of_day % 1000 * 1_000_000
        case "N":
            return moment.ms_of_day * 1_000_000
        case "Q" | "q":
            return (moment.month + 2) // 3
        case "e" | "c":
            return (moment.days + 4) % 7 + 1
        case _:
            return _week_year(moment)[1]


def _week_year(moment: Moment) -> tuple[int, int]:
    """Year and number of the week, by the rule of the United States: weeks begin on Sunday, the first has 1 January."""
    for year in (moment.year + 1, moment.year):
        first = days_of(year, 1, 1)
        start = first - (first + 4) % 7
        if moment.days >= start:
            return year, (moment.days - start) // 7 + 1
    raise AssertionError("a day lies in its own year")


def _offset_text(token: Token, offset: int) -> str:
    if (token.letter == "X" and offset == 0) or (token.letter == "Z" and token.count == 5 and offset == 0):
        return "Z"
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset) // 60, 60)
    if token.letter == "O" or (token.letter == "Z" and token.count == 4):
        return _localized_offset(token.count, sign, hours, minutes)
    if token.letter != "Z" and token.count == 1:
        return f"{sign}{hours:02d}" + (f"{minutes:02d}" if minutes else "")
    colon = ":" if token.count in (3, 5) and (token.letter != "Z" or token.count == 5) else ""
    return f"{sign}{hours:02d}{colon}{minutes:02d}"


def _localized_offset(count: int, sign: str, hours: int, minutes: int) -> str:
    if hours == minutes == 0:
        return "GMT"
    if count == 4:
        return f"GMT{sign}{hours:02d}:{minutes:02d}"
    return f"GMT{sign}{hours}" + (f":{minutes:02d}" if minutes else "")
