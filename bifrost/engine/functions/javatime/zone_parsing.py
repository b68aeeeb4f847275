"""Reads offsets, zone ids and zone names in a text."""

from __future__ import annotations

from bifrost.engine.functions.javatime.elements import Offset
from bifrost.engine.functions.javatime.fields import TimeField, TimeTextError
from bifrost.engine.functions.javatime.parsed_fields import ParsedFields, Reader, digits_end
from bifrost.engine.functions.javatime.zones import (
    UTC_ZONE,
    checked_offset,
    longest_zone_text,
    offset_zone,
    prefixed_zone,
    zone_of,
    zones_by_text,
)


def _two_digits(text: str, at: int, *, colon: bool) -> int | None:
    """Return the number of two digits at a position, after a colon if there must be one; None for anything else."""
    if colon:
        if text[at : at + 1] != ":":
            return None
        at += 1
    digits = text[at : at + 2]
    return int(digits) if len(digits) == 2 and digits.isascii() and digits.isdigit() and int(digits) <= 59 else None


def read_offset(offset: Offset) -> Reader:
    zero, step = offset.zero.lower(), 3 if offset.colon else 2

    def read(text: str, at: int, found: ParsedFields) -> int:
        if text[at : at + len(zero)].lower() == zero:
            end = at + len(zero)
            return end if found.put(TimeField.OFFSET_SECONDS, 0) else ~at
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
        # Beyond 23 hours Java fails here; from 18 to 23 hours only resolving refuses the offset.
        if hours > 23:
            raise TimeTextError("Value out of range: Hour[0-23], Minute[0-59], Second[0-59]")
        total = (hours * 3600 + parts[0] * 60 + parts[1]) * (-1 if sign == "-" else 1)
        return end if found.put(TimeField.OFFSET_SECONDS, total) else ~at

    return read


def read_localized_offset(*, full: bool) -> Reader:
    def read(text: str, at: int, found: ParsedFields) -> int:
        if text[at : at + 3].lower() != "gmt":
            return ~at
        end = at + 3
        sign = text[end : end + 1]
        if not sign or sign not in "+-":
            return end if found.put(TimeField.OFFSET_SECONDS, 0) else ~at
        hours_end = digits_end(text, end + 1, end + 3)
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
        return end if found.put(TimeField.OFFSET_SECONDS, total) else ~at

    return read


def read_zone(*, full: bool | None) -> Reader:
    def read(text: str, at: int, found: ParsedFields) -> int:
        start = text[at : at + 3].upper()
        if start[:1] in ("+", "-"):
            return _zone_offset(text, at, "", found)
        for prefix in ("UTC", "UT", "GMT"):
            if start.startswith(prefix):
                # GMT0 is a zone id, while a 0 after any other prefix is left unread.
                if prefix == "GMT" and text[at + 3 : at + 4] == "0":
                    found.zone = zone_of("GMT0")
                    return at + 4
                return _zone_offset(text, at + len(prefix), prefix, found)
        # The longest name wins: one name may be the beginning of another.
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


def _zone_offset(text: str, at: int, prefix: str, found: ParsedFields) -> int:
    """Read the offset of a zone such as `UTC+02:00`; without an offset the prefix is the zone."""
    offset = ParsedFields()
    end = ~at if text[at : at + 1].upper() in ("", "0", "Z") else _OFFSET_ID(text, at, offset)
    if end < 0:
        if not prefix:
            return ~at
        found.zone = zone_of(prefix)
        return at
    seconds = offset.values[TimeField.OFFSET_SECONDS]
    hours, rest = divmod(abs(seconds), 3600)
    try:
        checked_offset(hours, rest // 60, rest % 60, negative=seconds < 0)
    except TimeTextError:
        return ~(at - len(prefix))
    found.zone = prefixed_zone(prefix, seconds) if prefix else offset_zone(seconds)
    return end


_OFFSET_ID = read_offset(Offset("required", "optional", True, "Z"))
