"""Prints dates and times with a pattern, as DateTimeFormatter.format does in English."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, NoReturn, assert_never

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
from bifrost.engine.functions.javatime.fields import (
    DATE_FIELDS,
    TIME_FIELDS,
    Day,
    TimeField,
    TimeTextError,
    UnsupportedField,
    day_at,
)
from bifrost.engine.functions.javatime.isotime import DAY_MS
from bifrost.engine.functions.javatime.pattern import compile_pattern
from bifrost.engine.functions.javatime.texts import ENGLISH, Style, day_period_at
from bifrost.engine.functions.javatime.zones import Zone, zone_names

_NANOS_PER_MS = 1_000_000


class Moment(NamedTuple):
    """What is printed: a date, a time of day, or both in a zone with the offset (seconds) in force there."""

    day: Day | None = None
    ms_of_day: int | None = None
    zone: Zone | None = None
    offset_s: int = 0

    @property
    def epoch_ms(self) -> int:
        """The instant of a date and time in a zone."""
        if self.day is None or self.ms_of_day is None:
            raise UnsupportedField("Unsupported field: InstantSeconds")
        return self.day.number * DAY_MS + self.ms_of_day - self.offset_s * 1000


def _getter(field: TimeField) -> Callable[[Moment], int]:
    """Return the function that computes a field; it raises UnsupportedField for a moment without the field."""

    def missing() -> NoReturn:
        raise UnsupportedField(f"Unsupported field: {field.value}")

    if field in DATE_FIELDS:
        of_day = DATE_FIELDS[field]
        return lambda moment: of_day(moment.day) if moment.day is not None else missing()
    if field in TIME_FIELDS:
        of_nanos = TIME_FIELDS[field]
        return lambda moment: of_nanos(moment.ms_of_day * _NANOS_PER_MS) if moment.ms_of_day is not None else missing()
    return lambda moment: moment.offset_s if moment.zone is not None else missing()


def zoned_moment(epoch_ms: int, zone: Zone) -> Moment:
    """Return the date and time of an instant in a zone."""
    offset_s = zone.offset_at(epoch_ms)
    number, ms_of_day = divmod(epoch_ms + offset_s * 1000, DAY_MS)
    return Moment(day_at(number), ms_of_day, zone, offset_s)


_OFFSET = _getter(TimeField.OFFSET_SECONDS)
_HOUR = _getter(TimeField.HOUR_OF_DAY)
_MINUTE = _getter(TimeField.MINUTE_OF_HOUR)
_ALWAYS_TWO_DIGITS = frozenset(
    {
        TimeField.MONTH_OF_YEAR,
        TimeField.DAY_OF_MONTH,
        TimeField.HOUR_OF_DAY,
        TimeField.MINUTE_OF_HOUR,
        TimeField.SECOND_OF_MINUTE,
    }
)

Printer = Callable[[Moment], str]


@lru_cache(maxsize=1024)
def formatter(pattern: str) -> Printer:
    """Return the function that prints a moment with a pattern.

    The function raises TimeTextError for a moment that lacks a field or whose value does not fit.

    Raises:
        TimeTextError: the pattern is invalid.
    """
    return _joined([_printer(element) for element in compile_pattern(pattern)])


def _joined(printers: list[Printer]) -> Printer:
    return lambda moment: "".join([printer(moment) for printer in printers])


def _printer(element: Element) -> Printer:
    match element:
        case LiteralText(text):
            return lambda moment: text
        case Number():
            return _number(element)
        case FieldText(field, style, standalone):
            return _text(field, style, standalone=standalone)
        case Offset():
            return lambda moment: _offset_text(element, _OFFSET(moment))
        case LocalizedOffset(full):
            return lambda moment: _localized_offset(_OFFSET(moment), full=full)
        case ZoneId():
            return lambda moment: _zone(moment).id
        case ZoneName(full, generic):
            return lambda moment: _zone_name(moment, full=full, generic=generic)
        case PeriodOfDay(style):
            return lambda moment: _day_period(moment, style)
        case Padded(inner, width):
            return _padded(_printer(inner), width)
        case OptionalPart(elements):
            return _optional(_joined([_printer(inner) for inner in elements]))
        case _:
            assert_never(element)


def _number(number: Number) -> Printer:
    get, width = _getter(number.field), number.min_width
    match number:
        case Fraction():
            return lambda moment: f"{get(moment):09d}"[:width]
        case TwoDigitYear():
            return lambda moment: f"{abs(get(moment)) % 100:02d}"
        case _ if number.sign is SignStyle.EXCEEDS_PAD:
            return lambda moment: _signed(number, get(moment))
        case _ if number.field in _ALWAYS_TWO_DIGITS and width == 2:
            return lambda moment: f"{get(moment):02d}"
        case _:
            return lambda moment: _digits(number, get(moment))


def _signed(number: Number, value: int) -> str:
    """Return the digits with a plus sign if there are more than the pattern has letters."""
    text = _digits(number, value)
    return f"+{text}" if value >= 10**number.min_width else text


def _digits(number: Number, value: int) -> str:
    digits = f"{abs(value):0{number.min_width}d}"
    if len(digits) > number.max_width:
        raise TimeTextError(
            f"TimeField {number.field.value} cannot be printed as the value {value} "
            f"exceeds the maximum print width of {number.max_width}"
        )
    if value < 0 and number.sign is SignStyle.NOT_NEGATIVE:
        raise TimeTextError(
            f"TimeField {number.field.value} cannot be printed as the value {value} "
            "cannot be negative according to the SignStyle"
        )
    return f"-{digits}" if value < 0 else digits


def _text(field: TimeField, style: Style, *, standalone: bool) -> Printer:
    texts, get = ENGLISH[field][style], _getter(field)
    return lambda moment: texts[get(moment)]


def _offset_text(offset: Offset, seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    if seconds == 0:
        return offset.zero
    colon = ":" if offset.colon else ""
    text = f"{hours:02d}"
    with_seconds = offset.seconds == "optional" and rest > 0
    if offset.minutes == "required" or minutes:
        text += f"{colon}{minutes:02d}" + (f"{colon}{rest:02d}" if with_seconds else "")
    # What is printed may be zero although the offset is not: seconds are cut off.
    is_zero = not hours and not minutes and not with_seconds
    return offset.zero if is_zero else f"{'-' if seconds < 0 else '+'}{text}"


def _localized_offset(seconds: int, *, full: bool) -> str:
    if seconds == 0:
        return "GMT"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    sign = "-" if seconds < 0 else "+"
    tail = f":{rest:02d}" if rest else ""
    if full:
        return f"GMT{sign}{hours:02d}:{minutes:02d}{tail}"
    return f"GMT{sign}{hours}" + (f":{minutes:02d}{tail}" if minutes or rest else "")


def _zone(moment: Moment) -> Zone:
    if moment.zone is None:
        raise UnsupportedField("Unable to extract ZoneId from temporal")
    return moment.zone


def _zone_name(moment: Moment, *, full: bool, generic: bool) -> str:
    zone = _zone(moment)
    names = None if zone.is_offset else zone_names().get(zone.id)
    if names is None:
        return zone.id
    standard, summer, either = names.full if full else names.short
    if generic:
        return either
    return summer if zone.is_summer_time(moment.epoch_ms) else standard


def _day_period(moment: Moment, style: Style) -> str:
    period = day_period_at(_HOUR(moment) * 60 + _MINUTE(moment))
    return period.narrow if style is Style.NARROW else period.text


def _padded(printer: Printer, width: int) -> Printer:
    def pad(moment: Moment) -> str:
        text = printer(moment)
        if len(text) > width:
            raise TimeTextError(f"Cannot print as output of {len(text)} characters exceeds pad width of {width}")
        return text.rjust(width)

    return pad


def _optional(printer: Printer) -> Printer:
    def try_to_print(moment: Moment) -> str:
        try:
            return printer(moment)
        except UnsupportedField:
            return ""

    return try_to_print
