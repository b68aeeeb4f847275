"""Reading dates and times by a pattern of java.time's DateTimeFormatter.

What the pattern leaves out is taken from 1970-01-01T00:00, and case does not matter (both as ksqlDB). Days past the end
of a month count as its last one, as Java's SMART style has it.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from bifrost.engine.functions.javatime.isotime import DAY_MS, days_of
from bifrost.engine.functions.javatime.patterns import DAYS, MONTHS, Token, tokens_of, zone_of

_FREE_NUMBER = r"\d{1,15}"
_ZONE_ID = r"[A-Za-z][A-Za-z0-9~/._+-]+|[+-]\d{1,2}(?::?\d{2})?"
_OFFSETS = {
    1: r"[+-]\d{2}(?:\d{2})?",
    2: r"[+-]\d{4}",
    3: r"[+-]\d{2}:\d{2}",
    4: r"[+-]\d{4}(?:\d{2})?",
    5: r"[+-]\d{2}:\d{2}(?::\d{2})?",
}
_NUMBERS = frozenset("dDHkKhmsAnNewcQqyuYS")
_HOURS = {"H": (0, 24), "k": (1, 24), "K": (0, 11), "h": (1, 12)}
_LIMITS = _HOURS | {"m": (0, 59), "s": (0, 59), "M": (1, 12), "d": (1, 31), "D": (1, 366), "S": (0, 10**9)}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the local date and time in milliseconds since 1970, and the zone if the text names one."""

    local_ms: int
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    expression: re.Pattern[str]
    fields: dict[str, Token]


@lru_cache(maxsize=1024)
def _compiled(pattern: str, lenient: bool = False) -> _Compiled:
    fields: dict[str, Token] = {}
    parts: list[str] = []
    tokens = tokens_of(pattern)
    for place, token in enumerate(tokens):
        match token.letter:
            case "":
                parts.append(re.escape(token.text))
            case "[":
                parts.append("(?:")
            case "]":
                parts.append(")?")
            case _:
                name = f"f{len(fields)}"
                fields[name] = token
                parts.append(
                    f"(?P<{name}>{_lenient_expression(tokens, place) if lenient else _field_expression(token)})"
                )
    return _Compiled(re.compile("".join(parts), re.IGNORECASE), fields)


def _field_expression(token: Token) -> str:
    letter, count = token.letter, token.count
    if letter in "yuY":
        return r"\d{2}" if count == 2 else rf"[+-]?\d{{{count if count > 2 else 1},15}}"
    if letter in "ML" and count > 2:
        return "|".join(MONTHS if count == 4 else [month[:3] for month in MONTHS])
    if letter == "E":
        return "|".join(DAYS if count == 4 else [day[:3] for day in DAYS])
    if letter == "S":
        return rf"\d{{{count}}}"
    if letter in "ML" or letter in _NUMBERS:
        return rf"\d{{{count}}}" if count > 1 else r"\d{1,18}"
    return _zone_expression(letter, count)


def _zone_expression(letter: str, count: int) -> str:
    match letter:
        case "a":
            return "AM|PM"
        case "G":
            return "AD|BC" if count < 4 else "Anno Domini|Before Christ"
        case "X":
            return f"Z|{_OFFSETS[min(count, 5)]}"
        case "x":
            return _OFFSETS[min(count, 5)]
        case "Z" if count < 4:
            return r"[+-]\d{4}"
        case "Z" if count == 5:
            return rf"Z|{_OFFSETS[5]}"
        case "O" | "Z":
            return r"GMT(?:[+-]\d{1,2}(?::\d{2})?)?"
        case _:
            return _ZONE_ID


def _lenient_expression(tokens: tuple[Token, ...], place: int) -> str:
    """A number among numbers has as many digits as it has letters, one that stands alone any number of them."""
    token = tokens[place]
    if not _is_number(token):
        return _field_expression(token)
    near = tokens[max(0, place - 1) : place + 2]
    return rf"\d{{{token.count}}}" if sum(map(_is_number, near)) > 1 else _FREE_NUMBER


def _is_number(token: Token) -> bool:
    return token.letter in _NUMBERS or (token.letter in ("M", "L") and token.count < 3)


def parse_lenient(text: str, pattern: str) -> int:
    """The milliseconds since 1970 that the text begins with, as Java's old SimpleDateFormat reads them.

    What follows in the text does not matter, and values out of range go on counting: 32 January is 1 February.

    Raises:
        ValueError: the text does not begin so, or the pattern is wrong.
    """
    compiled = _compiled(pattern, True)
    match = compiled.expression.match(text)
    if match is None:
        raise ValueError(f'Unparseable date: "{text}"')
    values = _values(match, compiled)
    month = _month(values["M"]) if not values.get("M", "1").isdigit() else int(values.get("M", 1))
    years, month = divmod(month - 1, 12)
    days = days_of(_year(values) + years, month + 1, 1) + int(values.get("d", 1)) - 1
    clock = (_hour(values) * 60 + int(values.get("m", 0))) * 60 + int(values.get("s", 0))
    return days * DAY_MS + clock * 1000 + int(values.get("S", 0))


def _values(match: re.Match[str], compiled: _Compiled) -> dict[str, str]:
    """What was found for each letter; `L` counts as `M`."""
    found = ((token.letter, match[name]) for name, token in compiled.fields.items())
    return {"M" if letter == "L" else letter: text for letter, text in found if text is not None}


def parse(text: str, pattern: str) -> Reading:
    """What the text says by the pattern.

    Raises:
        ValueError: the text does not fit, or the pattern is wrong.
    """
    compiled = _compiled(pattern)
    match = compiled.expression.fullmatch(text)
    if match is None:
        raise ValueError(f"Unparseable date: Text '{text}' could not be parsed with pattern '{pattern}'")
    values = _values(match, compiled)
    try:
        return Reading(_date_ms(values) + _time_ms(values), _zone(values))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"Unparseable date: Text '{text}' could not be parsed: {error}") from error


def _checked(letter: str, value: int) -> int:
    low, high = _LIMITS[letter]
    if not low <= value <= high:
        raise ValueError(f"Invalid value for {letter} (valid values {low} - {high}): {value}")
    return value


def _date_ms(values: dict[str, str]) -> int:
    year = _year(values)
    if "D" in values and "M" not in values:
        return (days_of(year, 1, 1) + _checked("D", int(values["D"])) - 1) * DAY_MS
    month = _month(values.get("M"))
    day = _checked("d", int(values.get("d", 1)))
    last = calendar.monthrange(2000 + year % 400, month)[1]
    return days_of(year, month, min(day, last)) * DAY_MS


def _year(values: dict[str, str]) -> int:
    text = values.get("y") or values.get("u") or values.get("Y")
    if text is None:
        return 1970
    year = int(text) + (2000 if len(text) == 2 else 0)
    before = values.get("G", "A").upper().startswith("B")
    return 1 - year if before and "y" in values else year


def _month(text: str | None) -> int:
    if text is None:
        return 1
    if text.isdigit():
        return _checked("M", int(text))
    return next(i for i, month in enumerate(MONTHS, 1) if month[:3].lower() == text[:3].lower())


def _time_ms(values: dict[str, str]) -> int:
    if "A" in values or "N" in values:
        return int(values["A"]) if "A" in values else int(values["N"]) // 1_000_000
    hour = _hour(values)
    minute, second = _checked("m", int(values.get("m", 0))), _checked("s", int(values.get("s", 0)))
    fraction = int(values["S"][:3].ljust(3, "0")) if "S" in values else int(values.get("n", 0)) // 1_000_000
    if hour == 24 and (minute or second or fraction):
        raise ValueError("Invalid value for HourOfDay: 24")
    return ((hour * 60 + minute) * 60 + second) * 1000 + fraction


def _hour(values: dict[str, str]) -> int:
    letter = next((letter for letter in _HOURS if letter in values), None)
    if letter is None:
        return 0
    hour = _checked(letter, int(values[letter]))
    if letter == "k":
        return hour % 24
    if letter == "H":
        return hour
    return hour % 12 + (12 if values.get("a", "am").lower() == "pm" else 0)


def _zone(values: dict[str, str]) -> tzinfo | None:
    text = next((values[letter] for letter in "VzXxZO" if letter in values), None)
    if text is None:
        return None
    return zone_of(text.upper() if len(text) == 1 or text.upper().startswith("GMT") else text)


def epoch_ms(reading: Reading, default: tzinfo) -> int:
    """The instant of a reading: in its own zone, or in `default` where it names none.

    In a gap of local time the time is moved on, in an overlap the earlier instant is taken, as Java does.
    """
    where = reading.zone or default
    days, rest = divmod(reading.local_ms, DAY_MS)
    if not -700_000 < days < 2_900_000:
        return reading.local_ms
    local = datetime(1970, 1, 1) + timedelta(days=days, milliseconds=rest)
    offset = local.replace(tzinfo=where).utcoffset() or timedelta(0)
    return reading.local_ms - offset // timedelta(milliseconds=1)
