"""Reads the fields of a text with a pattern, as DateTimeFormatter does in its strict mode without regard to case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from bifrost.engine.functions.javatime.elements import (
    Element,
    FieldText,
    Fraction,
    LiteralText,
    LocalizedOffset,
    Number,
    Offset,
    OptionalPart,
    Padded,
    PeriodOfDay,
    SignStyle,
    TwoDigitYear,
    ZoneId,
    ZoneName,
)
from bifrost.engine.functions.javatime.fields import TimeTextError
from bifrost.engine.functions.javatime.parsed_fields import ParsedFields, Reader, digits_end
from bifrost.engine.functions.javatime.pattern import compile_pattern
from bifrost.engine.functions.javatime.texts import DAY_PERIODS, ENGLISH, Style
from bifrost.engine.functions.javatime.zone_parsing import read_localized_offset, read_offset, read_zone

_MAX_LONG = (1 << 63) - 1
_TWO_DIGIT_BASE = 2000
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads texts of one pattern."""

    readers: tuple[Reader, ...]

    def fields(self, text: str) -> ParsedFields:
        """Return the fields of a text.

        Raises:
            TimeTextError: the text does not match the pattern.
        """
        found = ParsedFields()
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


def _run(readers: tuple[Reader, ...], text: str, at: int, found: ParsedFields) -> int:
    for reader in readers:
        at = reader(text, at, found)
        if at < 0:
            return at
    return at


def _reader(element: Element, *, root: bool) -> Reader:
    match element:
        case LiteralText(literal):
            return _literal(literal)
        case Fraction():
            return _fraction(element)
        case Number():
            return _number(element)
        case FieldText():
            return _text(element, root=root)
        case Offset():
            return read_offset(element)
        case LocalizedOffset(full):
            return read_localized_offset(full=full)
        case ZoneId():
            return read_zone(full=None)
        case ZoneName(full, _):
            return read_zone(full=full)
        case PeriodOfDay(style):
            return _day_period(style)
        case Padded(inner, width):
            return _padded(_reader(inner, root=root), width)
        case OptionalPart(elements):
            return _optional(tuple(_reader(inner, root=root) for inner in elements))
        case _:
            assert_never(element)


def _literal(literal: str) -> Reader:
    folded, length = literal.lower(), len(literal)

    def read(text: str, at: int, found: ParsedFields) -> int:
        end = at + length
        given = text[at:end]
        return end if given == literal or given.lower() == folded else ~at

    return read


def _number(number: Number) -> Reader:
    minimum, reserved = number.min_width, max(number.reserved, 0)
    widest = number.max_width + reserved
    is_short_year = isinstance(number, TwoDigitYear)

    def read(text: str, at: int, found: ParsedFields) -> int:
        start = at
        sign = text[at : at + 1]
        if sign in ("+", "-") and sign:
            if number.sign is SignStyle.NOT_NEGATIVE or (sign == "+" and number.sign is SignStyle.NORMAL):
                return ~at
            at += 1
        end = digits_end(text, at, at + widest)
        if end - at < minimum:
            return ~at
        if reserved:
            # The digits read so far include those of the numbers that follow: give theirs back.
            end = at + max(minimum, end - at - reserved)
        value = int(text[at:end])
        if value > _MAX_LONG:
            # Nineteen digits may exceed a long; Java then leaves the last one unread.
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

    def read(text: str, at: int, found: ParsedFields) -> int:
        if at + width > len(text):
            return ~at
        end = digits_end(text, at, at + width)
        if end - at < width:
            return ~at
        value = int(text[at:end]) * 10 ** (9 - width)
        return end if found.put(number.field, value) else ~at

    return read


def _text(element: FieldText, *, root: bool) -> Reader:
    styles = ENGLISH[element.field]
    by_text = {text.lower(): value for value, text in styles[element.style].items()}
    # In Java's root locale the full names are the short ones; texts.py says why both are read.
    if root and element.style is Style.FULL:
        by_text |= {text.lower(): value for value, text in styles[Style.SHORT].items()}
    lengths = sorted({len(text) for text in by_text}, reverse=True)

    def read(text: str, at: int, found: ParsedFields) -> int:
        for length in lengths:
            value = by_text.get(text[at : at + length].lower())
            if value is not None:
                return at + length if found.put(element.field, value) else ~at
        return ~at

    return read


def _day_period(style: Style) -> Reader:
    def read(text: str, at: int, found: ParsedFields) -> int:
        for period in DAY_PERIODS:
            wanted = period.narrow if style is Style.NARROW else period.text
            if text[at : at + len(wanted)].lower() == wanted:
                found.period = period
                return at + len(wanted)
        return ~at

    return read


def _padded(reader: Reader, width: int) -> Reader:
    def read(text: str, at: int, found: ParsedFields) -> int:
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
    def read(text: str, at: int, found: ParsedFields) -> int:
        # What an abandoned part has read must not remain.
        attempt = found.copy()
        end = _run(readers, text, at, attempt)
        if end < 0:
            return at
        found.restore(attempt)
        return end

    return read
