"""Instants of texts, as ksqlDB reads them.

ksqlDB starts from 1970-01-01T00:00 in the zone of the text (or else a default zone) and sets each field that the text
gives, in the order of Java's ChronoField. The order shows where a zone changes its offset: of an overlap's two instants
the one is taken whose offset was in force before the last step.
"""

from __future__ import annotations

from functools import lru_cache

from bifrost.engine.functions.javatime.fields import (
    Day,
    TimeField,
    TimeTextError,
    check_range,
    day_at,
    day_of,
    month_length,
)
from bifrost.engine.functions.javatime.isotime import DAY_MS
from bifrost.engine.functions.javatime.parsing import parser
from bifrost.engine.functions.javatime.resolving import NANOS_PER_DAY, Resolved, resolve
from bifrost.engine.functions.javatime.shortcuts import plain_reader
from bifrost.engine.functions.javatime.zones import UTC_ZONE, Zone, offset_zone

_NANOS_PER_MS = 1_000_000
_EPOCH_DAY = day_at(0)
_LEAP_DAY = 366


def parse_instant(text: str, pattern: str, default: Zone = UTC_ZONE) -> int:
    """Return the epoch milliseconds of a text; `default` is the zone of texts that name none.

    Raises:
        TimeTextError: the pattern is invalid, or the text does not match it.
    """
    reader = plain_reader(pattern)
    plain = reader(text) if reader is not None else None
    if plain is not None:
        local_ms = plain.day * DAY_MS + plain.ms_of_day
        offset_s = plain.offset_s if plain.offset_s is not None else default.fixed_s
        if offset_s is not None:
            return local_ms - offset_s * 1000
        return _stepwise(day_at(plain.day), plain.ms_of_day, default)
    return instant_of(resolve(parser(pattern, root=True).fields(text)), default)


def instant_of(resolved: Resolved, default: Zone) -> int:
    """Return the epoch milliseconds of resolved fields.

    Raises:
        TimeTextError: the fields that were not resolved to a date make none.
    """
    named = resolved.zone
    offset_s = resolved.offset_s
    if offset_s is not None:
        check_range(TimeField.OFFSET_SECONDS, offset_s)
    day = resolved.day or _partial_day(resolved.values)
    nanos = resolved.nanos if resolved.nanos is not None else _partial_time(resolved.values)
    local_ms = day.number * DAY_MS + nanos // _NANOS_PER_MS
    # A complete time with an offset is an instant, whatever zone the text names besides.
    if offset_s is not None and resolved.day is not None and resolved.nanos is not None:
        return local_ms - offset_s * 1000
    zone = named or (offset_zone(offset_s) if offset_s is not None else default)
    if zone.fixed_s is not None:
        return local_ms - zone.fixed_s * 1000
    if named is not None and resolved.day is not None and resolved.nanos is not None:
        return _earlier_instant(local_ms, zone)
    return _stepwise(day, nanos // _NANOS_PER_MS, zone)


def _earlier_instant(local_ms: int, zone: Zone) -> int:
    """Return the instant of a local time; in a gap the time moves forward, in an overlap the earlier instant counts."""
    return local_ms - zone.offsets_of(local_ms)[0] * 1000


def _stepwise(day: Day, ms_of_day: int, zone: Zone) -> int:
    """Set the time, then the day of the month, the day of the year and the date, each in the zone."""
    of_year = day.number - day_of(day.year, 1, 1).number
    steps = [day.day - 1, of_year, day.number] if of_year < _LEAP_DAY - 1 else [day.number]
    local_ms = day.number * DAY_MS + ms_of_day
    before, after = zone.offsets_of(local_ms)
    if before == after and _days_of_changes(zone).isdisjoint((0, *steps[:-1])):
        return local_ms - before * 1000
    return _each_step(steps, ms_of_day, zone)


@lru_cache(maxsize=1024)
def _days_of_changes(zone: Zone) -> frozenset[int]:
    """Return the days of 1970 on which the zone changes its offset: only there the steps matter."""
    offsets = [zone.offset_at(day * DAY_MS) for day in range(-2, _LEAP_DAY + 2)]
    changes = {at - 2 for at in range(1, len(offsets)) if offsets[at] != offsets[at - 1]}
    return frozenset(day + around for day in changes for around in (-1, 0, 1))


def _each_step(steps: list[int], ms_of_day: int, zone: Zone) -> int:
    offset_s = None
    local_ms = 0
    for number in (0, *steps):
        local_ms = number * DAY_MS + ms_of_day
        before, after = zone.offsets_of(local_ms)
        if before < after:  # A gap: the time moves forward and stays so.
            ms_of_day += (after - before) * 1000
            local_ms += (after - before) * 1000
            offset_s = after
        elif offset_s != after:
            # In an overlap Java keeps the offset that was in force before; elsewhere both offsets are equal.
            offset_s = before
    return local_ms - offset_s * 1000 if offset_s is not None else local_ms


def _partial_day(values: dict[TimeField, int]) -> Day:
    """Set the date fields one by one on 1970-01-01."""
    day = _EPOCH_DAY
    if TimeField.DAY_OF_WEEK in values:
        day = day_at(day.number + _checked(values, TimeField.DAY_OF_WEEK, 1, 7) - day.weekday)
    if TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH in values:
        aligned = _checked(values, TimeField.ALIGNED_DAY_OF_WEEK_IN_MONTH, 1, 7)
        day = day_at(day.number + aligned - ((day.day - 1) % 7 + 1))
    if TimeField.DAY_OF_MONTH in values:
        of_month = _checked(values, TimeField.DAY_OF_MONTH, 1, month_length(day.year, day.month))
        day = day_of(day.year, day.month, of_month)
    if TimeField.DAY_OF_YEAR in values:
        of_year = _checked(values, TimeField.DAY_OF_YEAR, 1, _LEAP_DAY)
        if of_year == _LEAP_DAY:
            raise TimeTextError("Leap day cannot be parsed without supplying the year field")
        day = day_at(day_of(day.year, 1, 1).number + of_year - 1)
    if TimeField.MONTH_OF_YEAR in values:
        month = _checked(values, TimeField.MONTH_OF_YEAR, 1, 12)
        day = day_of(day.year, month, min(day.day, month_length(day.year, month)))
    if TimeField.YEAR in values:
        day = _with_year(day, values[TimeField.YEAR])
    if values.get(TimeField.ERA, 1) == 0 and day.year > 0:
        day = _with_year(day, 1 - day.year)
    return day


def _with_year(day: Day, year: int) -> Day:
    return day_of(year, day.month, min(day.day, month_length(year, day.month)))


def _checked(values: dict[TimeField, int], field: TimeField, low: int, high: int) -> int:
    value = values[field]
    if low <= value <= high:
        return value
    raise TimeTextError(f"Invalid value for {field.value} (valid values {low} - {high}): {value}")


def _partial_time(values: dict[TimeField, int]) -> int:
    """Set the time fields one by one on midnight; return nanoseconds."""
    hour = values.get(TimeField.HOUR_OF_AMPM, 0) + 12 * values.get(TimeField.AMPM_OF_DAY, 0)
    hour = values.get(TimeField.HOUR_OF_DAY, hour)
    minute, second = values.get(TimeField.MINUTE_OF_HOUR, 0), values.get(TimeField.SECOND_OF_MINUTE, 0)
    nanos = ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + values.get(TimeField.NANO_OF_SECOND, 0)
    return nanos % NANOS_PER_DAY
