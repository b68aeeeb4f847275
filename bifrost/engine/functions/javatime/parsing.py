"""Reads the fields of a text with a pattern, as DateTimeFormatter does in its strict mode without regard to case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import assert_never

from bifrost.engine.functions.javatime.fields import Field, TimeTextError
from bifrost.engine.functions.javatime.pattern import (
    Element,
    Fraction,
    Literal,
    LocalizedOffset,
    Number,
    Offset,
    Optional,
    Padded,
    PeriodOfDay,
    SignStyle,
    Text,
    TwoDigitYear,
    ZoneId,
    ZoneName,
    compile_pattern,
)
from bifrost.engine.functions.javatime.texts import DAY_PERIODS, ENGLISH, DayPeriod, Style
from bifrost.engine.functions.javatime.zones import (
    UTC_ZONE,
    Zone,
    checked_offset,
    longest_zone_text,
    offset_zone,
    prefixed_zone,
    zone_of,
    zones_by_text,
)

_MAX_LONG = (1 << 63) - 1
_TWO_DIGIT_BASE = 2000
_SHOWN = 64


@dataclass(slots=True)
class Fields:
    """What a text says: values of fields, and the zone and part of the day if it names them."""

    values: dict[Field, int] = field(default_factory=dict)
    zone: Zone | None = None
    period: DayPeriod | None = None

    def put(self, name: Field, value: int) -> bool:
        """Set a field; return False if the text gave it another value before."""
        known = self.values.setdefault(name, value)
        self.values[name] = value
        return known == value

    def copy(self) -> Fields:
        """Return a copy, for an optional part that may be abandoned."""
        return Fields(dict(self.values), self.zone, self.period)

    def restore(self, other: Fields) -> None:
        """Take over the state of a copy."""
        self.values, self.zone, self.period = other.values, other.zone, other.period


Reader = Callable[[str, int, Fields], int]
"""Reads at a position of the text and returns the position after it, or one's complement of the place of an error."""


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads texts of one pattern."""

    readers: tuple[Reader, ...]

    def fields(self, text: str) -> Fields:
        """Return the fields of a text.

        Raises:
            TimeTextError: the text does not match the pattern.
        """
        found = Fields()
        at = _run(self.readers, text, 0, found)
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        if at < 0:
            raise TimeTextError(f"Text '{shown}' could not be parsed at index {~at}")
        if at < len(text):
            raise TimeTextError(f"Text '{shown}' could not be parsed, unparsed text found at index {at}")
        return found


@lru_cache(maxsize=1024)
def parser(pattern: str, *, root: bool = False) -> Parser:
    """Return the reader of a pattern; with `root`, full names of months and days may be short ones (see texts.py).

    Raises:
        TimeTextError: the pattern is invalid.
    """
    return Parser(tuple(_reader(element, root=root) for element in compile_pattern(pattern)))


def _run(readers: tuple[Reader, ...], text: str, at: int, found: Fields) -> int:
    for reader in readers:
        at = reader(text, at, found)
        if at < 0:
            return at
    return at


def _reader(element: Element, *, root: bool) -> Reader:
    match element:
        case Literal(literal):
            return _literal(literal)
        case Fraction():
            return _fraction(element)
        case Number():
            return _number(element)
        case Text():
            return _text(element, root=root)
        case Offset():
            return _offset(element)
        case LocalizedOffset(full):
            return _localized_offset(full=full)
        case ZoneId():
            return _zone(full=None)
        case ZoneName(full, _):
            return _zone(full=full)
        case PeriodOfDay(style):
            return _day_period(style)
        case Padded(inner, width):
            return _padded(_reader(inner, root=root), width)
        case Optional(elements):
            return _optional(tuple(_reader(inner, root=root) for inner in elements))
        case _:
            assert_never(element)


def _literal(literal: str) -> Reader:
    folded, length = literal.lower(), len(literal)

    def read(text: str, at: int, found: Fields) -> int:
        end = at + length
        given = text[at:end]
        return end if given == literal or given.lower() == folded else ~at

    return read


def _digits_end(text: str, at: int, limit: int) -> int:
    """Return the position after the ASCII digits from a position on, at most up to a limit."""
    limit = min(limit, len(text))
    while at < limit and "0" <= text[at] <= "9":
        at += 1
    return at


def _number(number: Number) -> Reader:
    minimum, reserved = number.min_width, max(number.reserved, 0)
    widest = number.max_width + reserved
    is_short_year = isinstance(number, TwoDigitYear)

    def read(text: str, at: int, found: Fields) -> int:
        start = at
        sign = text[at : at + 1]
        if sign in ("+", "-") and sign:
            if number.sign is SignStyle.NOT_NEGATIVE or (sign == "+" and number.sign is SignStyle.NORMAL):
                return ~at
            at += 1
        end = _digits_end(text, at, at + widest)
        if end - at < minimum:
            return ~at
        if reserved:
            end = at + max(minimum, end - at - reserved)
        value = int(text[at:end])
        if value > _MAX_LONG:
            end -= 1
            value //= 10
        if wrong := _sign_error(number, sign, value, start, at, end):
            return wrong
        if is_short_year and end - at == minimum:
            value += _TWO_DIGIT_BASE
        return end if found.put(number.field, -value if sign == "-" else value) else ~at

    return read


def _sign_error(number: Number, sign: str, value: int, start: int, at: int, end: int) -> int:
    """Return the complement of the place of a sign that must not be there or is missing, 0 if the sign is right."""
    if sign == "-":
        return ~start if value == 0 else 0
    if number.sign is SignStyle.EXCEEDS_PAD:
        exceeds = end - at > number.min_width
        if sign == "+":
            return 0 if exceeds else ~start
        return ~at if exceeds else 0
    return 0


def _fraction(number: Fraction) -> Reader:
    width = number.min_width

    def read(text: str, at: int, found: Fields) -> int:
        if at + width > len(text):
            return ~at
        end = _digits_end(text, at, at + width)
        if end - at < width:
            return ~at
        value = int(text[at:end]) * 10 ** (9 - width)
        return end if found.put(number.field, value) else ~at

    return read


def _text(element: Text, *, root: bool) -> Reader:
    styles = ENGLISH[element.field]
    by_text = {text.lower(): value for value, text in styles[element.style].items()}
    if root and element.style is Style.FULL:
        by_text |= {text.lower(): value for value, text in styles[Style.SHORT].items()}
    lengths = sorted({len(text) for text in by_text}, reverse=True)

    def read(text: str, at: int, found: Fields) -> int:
        for length in lengths:
            value = by_text.get(text[at : at + length].lower())
            if value is not None:
                return at + length if found.put(element.field, value) else ~at
        return ~at

    return read


def _two_digits(text: str, at: int, *, colon: bool) -> int | None:
    """Return the number of two digits at a position, after a colon if there must be one; None for anything else."""
    if colon:
        if text[at : at + 1] != ":":
            return None
        at += 1
    digits = text[at : at + 2]
    return int(digits) if len(digits) == 2 and digits.isascii() and digits.isdigit() and int(digits) <= 59 else None


def _offset(offset: Offset) -> Reader:
    zero, step = offset.zero.lower(), 3 if offset.colon else 2

    def read(text: str, at: int, found: Fields) -> int:
        if text[at : at + len(zero)].lower() == zero:
            end = at + len(zero)
            return end if found.put(Field.OFFSET_SECONDS, 0) else ~at
        sign = text[at : at + 1]
        hours = _two_digits(text, at + 1, colon=False) if sign in ("+", "-") and sign else None
        if hours is None:
            return ~at
        end = at + 3
        parts = [0, 0]
        for place, need in enumerate((offset.minutes, offset.seconds)):
            value = None if need == "never" else _two_digits(text, end, colon=offset.colon)
            if value is None:
                if need == "required":
                    return ~at
                break
            parts[place] = value
            end += step
        if hours > 23:
            raise TimeTextError("Value out of range: Hour[0-23], Minute[0-59], Second[0-59]")
        total = (hours * 3600 + parts[0] * 60 + parts[1]) * (-1 if sign == "-" else 1)
        return end if found.put(Field.OFFSET_SECONDS, total) else ~at

    return read


def _localized_offset(*, full: bool) -> Reader:
    def read(text: str, at: int, found: Fields) -> int:
        if text[at : at + 3].lower() != "gmt":
            return ~at
        end = at + 3
        sign = text[end : end + 1]
        if not sign or sign not in "+-":
            return end if found.put(Field.OFFSET_SECONDS, 0) else ~at
        hours_end = _digits_end(text, end + 1, end + 3)
        if hours_end == end + 1 or (full and (hours_end != end + 3 or text[hours_end : hours_end + 1] != ":")):
            return ~at
        hours, end = int(text[end + 1 : hours_end]), hours_end
        parts = [0, 0]
        for place in range(2):
            digits = text[end + 1 : end + 3]
            if text[end : end + 1] != ":" or len(digits) != 2 or not (digits.isascii() and digits.isdigit()):
                break
            parts[place] = int(digits)
            end += 3
        if full and end == hours_end:
            return ~at
        total = (hours * 3600 + parts[0] * 60 + parts[1]) * (-1 if sign == "-" else 1)
        return end if found.put(Field.OFFSET_SECONDS, total) else ~at

    return read


def _zone(*, full: bool | None) -> Reader:
    def read(text: str, at: int, found: Fields) -> int:
        start = text[at : at + 3].upper()
        if start[:1] in ("+", "-"):
            return _zone_offset(text, at, "", found)
        for prefix in ("UTC", "UT", "GMT"):
            if start.startswith(prefix):
                if prefix == "GMT" and text[at + 3 : at + 4] == "0":
                    found.zone = zone_of("GMT0")
                    return at + 4
                return _zone_offset(text, at + len(prefix), prefix, found)
        zones = zones_by_text(full=full)
        for length in range(min(longest_zone_text(full=full), len(text) - at), 0, -1):
            zone = zones.get(text[at : at + length].lower())
            if zone is not None:
                found.zone = zone_of(zone)
                return at + length
        if start[:1] == "Z":
            found.zone = UTC_ZONE
            return at + 1
        return ~at

    return read


def _zone_offset(text: str, at: int, prefix: str, found: Fields) -> int:
    """Read the offset of a zone such as `UTC+02:00`; without an offset the prefix is the zone."""
    offset = Fields()
    end = ~at if text[at : at + 1].upper() in ("", "0", "Z") else _OFFSET_ID(text, at, offset)
    if end < 0:
        if not prefix:
            return ~at
        found.zone = zone_of(prefix)
        return at
    seconds = offset.values[Field.OFFSET_SECONDS]
    hours, rest = divmod(abs(seconds), 3600)
    try:
        checked_offset(hours, rest // 60, rest % 60, negative=seconds < 0)
    except TimeTextError:
        return ~(at - len(prefix))
    found.zone = prefixed_zone(prefix, seconds) if prefix else offset_zone(seconds)
    return end


_OFFSET_ID = _offset(Offset("required", "optional", True, "Z"))


def _day_period(style: Style) -> Reader:
    def read(text: str, at: int, found: Fields) -> int:
        for period in DAY_PERIODS:
            wanted = period.narrow if style is Style.NARROW else period.text
            if text[at : at + len(wanted)].lower() == wanted:
                found.period = period
                return at + len(wanted)
        return ~at

    return read


def _padded(reader: Reader, width: int) -> Reader:
    def read(text: str, at: int, found: Fields) -> int:
        end = at + width
        if end > len(text):
            return ~at
        start = at
        while start < end and text[start] == " ":
            start += 1
        reached = reader(text[:end], start, found)
        return reached if reached == end else ~at

    return read


def _optional(readers: tuple[Reader, ...]) -> Reader:
    def read(text: str, at: int, found: Fields) -> int:
        attempt = found.copy()
        end = _run(readers, text, at, attempt)
        if end < 0:
            return at
        found.restore(attempt)
        return end

    return read
