"""Fast readers for patterns of digits, such as `yyyy-MM-dd HH:mm:ss.SSSX`, which most records have.

They take only texts whose meaning needs no rule: two-digit fields in their ranges and days that exist. Any other text
goes to the full parser, which also finds the errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from bifrost.engine.functions.javatime.elements import Element, Fraction, LiteralText, Number, Offset
from bifrost.engine.functions.javatime.fields import TimeField
from bifrost.engine.functions.javatime.pattern import compile_pattern

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_TWO_DIGITS = {
    TimeField.MONTH_OF_YEAR: "month",
    TimeField.DAY_OF_MONTH: "day",
    TimeField.HOUR_OF_DAY: "hour",
    TimeField.MINUTE_OF_HOUR: "minute",
    TimeField.SECOND_OF_MINUTE: "second",
}
_GROUPS = ("year", *_TWO_DIGITS.values(), "milli", "offset")
_GROUP = re.compile(r"\?P<(\w+)>")


class PlainTime(NamedTuple):
    """A date (days since 1970-01-01) with its time of day in milliseconds, and the offset if the text has one."""

    day: int
    ms_of_day: int
    offset_s: int | None


@lru_cache(maxsize=1024)
def plain_reader(pattern: str) -> Callable[[str], PlainTime | None] | None:
    """Return the fast reader of a pattern, None for a pattern that is not of digits or lacks a complete date.

    The reader returns None for a text that the full parser must read.

    Raises:
        TimeTextError: the pattern is invalid.
    """
    parts = [_expression(element) for element in compile_pattern(pattern)]
    expression = "".join([part for part in parts if part is not None])
    found = _GROUP.findall(expression)
    groups = set(found)
    if None in parts or len(found) != len(groups) or not {"year", "month", "day"} <= groups or _has_gap(groups):
        return None
    # An empty group stands for each field that the pattern lacks.
    missing = "".join(f"(?P<{name}>)" for name in _GROUPS if name not in groups)
    match = re.compile(expression + missing, re.IGNORECASE).fullmatch

    def read(text: str) -> PlainTime | None:
        read_groups = match(text)
        return _plain_time(*read_groups.group(*_GROUPS)) if read_groups is not None else None

    return read


def _has_gap(groups: set[str]) -> bool:
    """Return whether a finer field of the time comes without the coarser ones."""
    present = [name in groups for name in ("hour", "minute", "second", "milli")]
    return sorted(present, reverse=True) != present


def _expression(element: Element) -> str | None:
    match element:
        case LiteralText(text) if not text[0].isdigit():
            return re.escape(text)
        case Fraction(min_width=width):
            return f"(?P<milli>[0-9]{{{width}}})"
        case Number(field=TimeField.YEAR_OF_ERA | TimeField.YEAR, min_width=4):
            return "(?P<year>[0-9]{4})"
        case Number(field=field, min_width=2, max_width=2) if field in _TWO_DIGITS:
            return f"(?P<{_TWO_DIGITS[field]}>[0-9]{{2}})"
        case Offset(minutes="required", colon=colon, zero=zero):
            # Up to 17 hours any minutes are valid; with 18 only zero ones are, which the full parser checks.
            digits = f"[+-](?:0[0-9]|1[0-7]){':' if colon else ''}[0-5][0-9]"
            return f"(?P<offset>{digits}|Z)" if zero == "Z" else f"(?P<offset>{digits})"
        case _:
            return None


def _plain_time(
    year: str, month: str, day: str, hour: str, minute: str, second: str, milli: str, offset: str
) -> PlainTime | None:
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    try:
        number = date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None
    clock = ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((milli or "0")[:3].ljust(3, "0"))
    return PlainTime(number, clock, _offset_s(offset) if offset else None)


def _offset_s(text: str) -> int:
    if text in ("Z", "z"):
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    return -seconds if text[0] == "-" else seconds
