"""Patterns of java.time.format.DateTimeFormatter, compiled to elements that print and read.

| letter | field                      | count: form                                                             |
|--------|----------------------------|-------------------------------------------------------------------------|
| G      | era                        | 1-3 AD, 4 Anno Domini, 5 A                                              |
| u y    | year, year of the era      | 2: two digits from 2000 on, else at least so many digits                |
| Y      | year of the week           | as y                                                                    |
| Q q    | quarter                    | 1-2 number, 3 Q3, 4 3rd quarter, 5 3                                    |
| M L    | month                      | 1-2 number, 3 Jul, 4 July, 5 J                                          |
| D d    | day of the year, the month | 1 as many digits as needed, else so many digits                         |
| w W    | week of the year, of the month                                                                        |
| E      | day of the week            | 1-3 Tue, 4 Tuesday, 5 T                                                 |
| e c    | day of the week            | 1-2 number from Sunday (no cc), then as E                               |
| F g    | week day within the month, modified Julian day                                                        |
| a B    | AM/PM, part of the day     | a: 1; B: 1, 4, 5                                                        |
| H k    | hour 0-23, 1-24            | K h: hour 0-11, 1-12; m s: minute, second                               |
| S      | fraction of the second     | so many digits, at most 9                                               |
| A n N  | millisecond of the day, nanosecond of the second, nanosecond of the day                               |
| V      | VV: zone id                | z: zone name (PST); zzzz: Pacific Standard Time; v, vvvv: PT, Pacific Time |
| O      | GMT+8                      | OOOO: GMT+08:00                                                         |
| X x Z  | offset                     | X: Z for zero; x: +00; Z: +0000, ZZZZ as OOOO, ZZZZZ as XXXXX           |
| p      | pads what follows with blanks to so many characters                                                   |

`[...]` is optional, quotes enclose literal text, `''` is a quote; `{`, `}` and `#` are reserved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from bifrost.engine.functions.javatime.elements import (
    FIXED,
    MAX_WIDTH,
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
    WeekYear,
    ZoneId,
    ZoneName,
)
from bifrost.engine.functions.javatime.fields import TimeField, TimeTextError
from bifrost.engine.functions.javatime.texts import Style

_RUN = re.compile(r"([A-Za-z])\1*")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")


_TEXT_FIELDS = {
    "M": TimeField.MONTH_OF_YEAR,
    "L": TimeField.MONTH_OF_YEAR,
    "Q": TimeField.QUARTER_OF_YEAR,
    "q": TimeField.QUARTER_OF_YEAR,
    "E": TimeField.DAY_OF_WEEK,
    "e": TimeField.DAY_OF_WEEK,
    "c": TimeField.DAY_OF_WEEK,
}
_TWO_DIGITS = {
    "d": TimeField.DAY_OF_MONTH,
    "H": TimeField.HOUR_OF_DAY,
    "k": TimeField.CLOCK_HOUR_OF_DAY,
    "K": TimeField.HOUR_OF_AMPM,
    "h": TimeField.CLOCK_HOUR_OF_AMPM,
    "m": TimeField.MINUTE_OF_HOUR,
    "s": TimeField.SECOND_OF_MINUTE,
}
_WIDE = {
    "A": (TimeField.MILLI_OF_DAY, SignStyle.NOT_NEGATIVE),
    "n": (TimeField.NANO_OF_SECOND, SignStyle.NOT_NEGATIVE),
    "N": (TimeField.NANO_OF_DAY, SignStyle.NOT_NEGATIVE),
    "g": (TimeField.MODIFIED_JULIAN_DAY, SignStyle.NORMAL),
}
_OFFSETS = {
    1: ("optional", "never", False),
    2: ("required", "never", False),
    3: ("required", "never", True),
    4: ("required", "optional", False),
    5: ("required", "optional", True),
}


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> tuple[Element, ...]:
    """Return the pattern's elements.

    Raises:
        TimeTextError: the pattern is invalid; with Java's text.
    """
    compiler = _Compiler(pattern)
    compiler.run()
    return tuple(compiler.finished())


class _Compiler:
    """Reads a pattern from left to right; `open` holds the elements of the optional parts around the place."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.open: list[list[Element]] = [[]]
        self.leader: list[int | None] = [None]
        self.padding = 0

    def run(self) -> None:
        at = 0
        while at < len(self.pattern):
            character = self.pattern[at]
            if run := _RUN.match(self.pattern, at):
                at = self.letters(run)
            elif character == "'":
                at = self.quoted(at)
            else:
                self.other(character)
                at += 1

    def letters(self, run: re.Match[str]) -> int:
        """Add the element of a run of letters; return the place after it."""
        if run[1] == "p":
            padded = _RUN.match(self.pattern, run.end())
            if padded is None:
                raise TimeTextError(f"Pad letter 'p' must be followed by valid pad pattern: {self.pattern}")
            self.padding = len(run[0])
            # A padded number ends the group before it, as in Java.
            self.leader[-1] = None
            run = padded
        element = element_of(run[1], len(run[0]))
        if isinstance(element, Number):
            self.number(element)
        else:
            self.add(element)
        return run.end()

    def quoted(self, at: int) -> int:
        quoted = _QUOTED.match(self.pattern, at)
        if quoted is None:
            raise TimeTextError(f"Pattern ends with an incomplete string literal: {self.pattern}")
        self.add(LiteralText(quoted[1].replace("''", "'") or "'"))
        return quoted.end()

    def other(self, character: str) -> None:
        match character:
            case "[":
                self.open.append([])
                self.leader[-1] = None
                self.leader.append(None)
            case "]" if len(self.open) == 1:
                raise TimeTextError("Pattern invalid as it contains ] without previous [")
            case "]":
                self.close()
            case "{" | "}" | "#":
                raise TimeTextError(f"Pattern includes reserved character: '{character}'")
            case _:
                self.add(LiteralText(character))

    def close(self) -> None:
        elements = self.open.pop()
        self.leader.pop()
        if elements:
            self.add(OptionalPart(tuple(elements)))

    def add(self, element: Element) -> int:
        """Add an element; a number after it starts a new group. Return the element's index."""
        if self.padding:
            element = Padded(element, self.padding)
            self.padding = 0
        self.open[-1].append(element)
        self.leader[-1] = None
        return len(self.open[-1]) - 1

    def number(self, number: Number) -> None:
        """Add a number, and let the number that leads its group reserve digits for it."""
        elements, leader = self.open[-1], self.leader[-1]
        if leader is None:
            self.leader[-1] = self.add(number)
            return
        first = elements[leader]
        if not isinstance(first, Number):
            raise TimeTextError(f"A padded number cannot be followed by a number: {self.pattern}")
        if number.can_follow:
            # yyyyMMdd: the year leaves four digits to month and day.
            elements[leader] = replace(first, reserved=first.reserved + number.max_width)
            self.add(replace(number, reserved=FIXED))
            self.leader[-1] = leader
        else:
            # A number of any width begins a new group, so the one before it cannot leave digits to it.
            elements[leader] = replace(first, reserved=FIXED)
            self.leader[-1] = self.add(number)

    def finished(self) -> Iterator[Element]:
        while len(self.open) > 1:
            self.close()
        yield from self.open[0]


def _too_many(letter: str) -> TimeTextError:
    return TimeTextError(f"Too many pattern letters: {letter}")


def element_of(letter: str, count: int) -> Element:
    """Return the element of a run of one letter.

    Raises:
        TimeTextError: the letter is unknown, or it does not occur so many times; with Java's text.
    """
    match letter:
        case "u" | "y":
            return _year(TimeField.YEAR if letter == "u" else TimeField.YEAR_OF_ERA, count)
        case "M" | "L" | "Q" | "q" | "E" | "e" | "c":
            return _text_or_number(letter, count)
        case "d" | "h" | "H" | "k" | "K" | "m" | "s":
            return _two_digits(_TWO_DIGITS[letter], letter, count)
        case "S":
            if count > 9:
                raise TimeTextError(f"Maximum width must be from 1 to 9 inclusive but was {count}")
            return Fraction(TimeField.NANO_OF_SECOND, count, count, SignStyle.NOT_NEGATIVE)
        case "A" | "n" | "N" | "g":
            field, sign = _WIDE[letter]
            return Number(field, count, MAX_WIDTH, sign)
        case "a" | "G" | "F" | "D" | "W" | "w" | "Y" | "B":
            return _other_field(letter, count)
        case _:
            return _zone_element(letter, count)


def _year(field: TimeField, count: int) -> Number:
    if count == 2:
        return TwoDigitYear(field, 2, 2, SignStyle.NOT_NEGATIVE)
    return Number(field, count, MAX_WIDTH, SignStyle.NORMAL if count < 4 else SignStyle.EXCEEDS_PAD)


def _text_or_number(letter: str, count: int) -> Element:
    field = _TEXT_FIELDS[letter]
    if count > 5:
        raise _too_many(letter)
    if letter == "c" and count == 2:
        raise TimeTextError('Invalid pattern "cc"')
    if count > 2:
        return FieldText(field, Style(count), letter in "Lqc")
    match letter:
        case "e" | "c":
            return Number(TimeField.LOCAL_DAY_OF_WEEK, count, count, SignStyle.NOT_NEGATIVE)
        case "E":
            return FieldText(field, Style.SHORT)
        case _:
            return Number(field) if count == 1 else Number(field, 2, 2, SignStyle.NOT_NEGATIVE)


def _two_digits(field: TimeField, letter: str, count: int) -> Number:
    if count > 2:
        raise _too_many(letter)
    return Number(field) if count == 1 else Number(field, 2, 2, SignStyle.NOT_NEGATIVE)


def _other_field(letter: str, count: int) -> Element:
    match letter, count:
        case "a", 1:
            return FieldText(TimeField.AMPM_OF_DAY, Style.SHORT)
        case "G", (1 | 2 | 3 | 4 | 5):
            return FieldText(TimeField.ERA, Style(max(count, 3)))
        case "F", 1:
            return Number(TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH)
        case "D", 1:
            return Number(TimeField.DAY_OF_YEAR)
        case "D", (2 | 3):
            return Number(TimeField.DAY_OF_YEAR, count, 3, SignStyle.NOT_NEGATIVE)
        case "W", 1:
            return Number(TimeField.WEEK_OF_MONTH, 1, 1, SignStyle.NOT_NEGATIVE)
        case "w", (1 | 2):
            return Number(TimeField.WEEK_OF_WEEK_BASED_YEAR, count, 2, SignStyle.NOT_NEGATIVE)
        case "Y", 2:
            return TwoDigitYear(TimeField.WEEK_BASED_YEAR, 2, 2, SignStyle.NOT_NEGATIVE)
        case "Y", _:
            sign = SignStyle.NORMAL if count < 4 else SignStyle.EXCEEDS_PAD
            return WeekYear(TimeField.WEEK_BASED_YEAR, count, MAX_WIDTH, sign)
        case "B", (1 | 4 | 5):
            return PeriodOfDay(Style(max(count, 3)))
        case "B", _:
            raise TimeTextError("Wrong number of pattern letters: B")
        case _:
            raise _too_many(letter)


def _zone_element(letter: str, count: int) -> Element:
    match letter, count:
        case "V", 2:
            return ZoneId()
        case "V", _:
            raise TimeTextError("Pattern letter count must be 2: V")
        case "z", _ if count <= 4:
            return ZoneName(count == 4, generic=False)
        case "v", (1 | 4):
            return ZoneName(count == 4, generic=True)
        case "v", _:
            raise TimeTextError("Wrong number of pattern letters: v")
        case "O", (1 | 4):
            return LocalizedOffset(count == 4)
        case "O", _:
            raise TimeTextError("Pattern letter count must be 1 or 4: O")
        case "Z", 4:
            return LocalizedOffset(True)
        case "Z", _ if count <= 3:
            return Offset(*_OFFSETS[2], "+0000")
        case (("Z" | "X"), _) if count <= 5:
            return Offset(*_OFFSETS[count], "Z")
        case "x", _ if count <= 5:
            return Offset(*_OFFSETS[count], "+00" if count == 1 else "+0000" if count in (2, 4) else "+00:00")
        case (("z" | "Z" | "X" | "x"), _):
            raise _too_many(letter)
        case _:
            raise TimeTextError(f"Unknown pattern letter: {letter}")
