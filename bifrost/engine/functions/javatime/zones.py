"""Time zones as java.time.ZoneId reads and names them.

The names come from Java itself (see `static/`, written by tests/engine/functions/java/ZoneNames.java): no library
has Java's short names, which mix CLDR with older tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from bifrost.engine.functions.javatime.fields import TimeTextError
from bifrost.engine.functions.javatime.isotime import DAY_MS, days_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MAX_OFFSET_S = 18 * 3600
_OFFSET = re.compile(r"([+-])(\d)(?:(\d))?(?:(\d\d)(?:(\d\d))?|:(\d\d)(?::(\d\d))?)?")
_PREFIX = re.compile(r"(UTC|GMT|UT)(?=[+-])")
_CYCLE_MS = 146_097 * DAY_MS
_FIRST_MS, _LAST_MS = days_of(3, 1, 1) * DAY_MS, days_of(9998, 1, 1) * DAY_MS
"""The times that Python's datetime holds with any offset."""

_SYSTEM_V = {
    "SystemV/AST4": "Etc/GMT+4",
    "SystemV/AST4ADT": "America/Halifax",
    "SystemV/CST6": "Etc/GMT+6",
    "SystemV/CST6CDT": "CST6CDT",
    "SystemV/EST5": "Etc/GMT+5",
    "SystemV/EST5EDT": "EST5EDT",
    "SystemV/HST10": "Etc/GMT+10",
    "SystemV/MST7": "Etc/GMT+7",
    "SystemV/MST7MDT": "MST7MDT",
    "SystemV/PST8": "Etc/GMT+8",
    "SystemV/PST8PDT": "PST8PDT",
    "SystemV/YST9": "Etc/GMT+9",
    "SystemV/YST9YDT": "America/Anchorage",
}


_NEGATIVE_SUMMER_TIME = frozenset({"Europe/Dublin", "Eire", "Africa/Casablanca", "Africa/El_Aaiun"})
"""Zones that define the smaller offset as the exception; Java counts their larger offset as summer time."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its id, its rules, and its offset from UTC in seconds where that never changes."""

    id: str
    rules: tzinfo
    fixed_s: int | None

    @property
    def is_offset(self) -> bool:
        """Whether the id is that of an offset (`Z`, `+02:00`), which has no name."""
        # The zone Zulu begins with Z, too.
        return self.id[0] in "Z+-" and len(self.id) != 4

    def offset_at(self, epoch_ms: int) -> int:
        """Return the offset from UTC, in seconds, at an instant."""
        if self.fixed_s is not None:
            return self.fixed_s
        return _seconds(_instant(epoch_ms).astimezone(self.rules).utcoffset())

    def offsets_of(self, local_ms: int) -> tuple[int, int]:
        """Return the offsets before and after a change of offset at a local time; both are equal elsewhere.

        In a gap the first is the smaller one, in an overlap the larger one.
        """
        if self.fixed_s is not None:
            return self.fixed_s, self.fixed_s
        local = _NAIVE_EPOCH + timedelta(milliseconds=_within_python(local_ms))
        # Python's fold selects the offset before (0) or after (1) a change.
        early, late = (_seconds(local.replace(fold=fold, tzinfo=self.rules).utcoffset()) for fold in (0, 1))
        return early, late

    def is_summer_time(self, epoch_ms: int) -> bool:
        """Return whether daylight saving time is in force at an instant."""
        if self.fixed_s is not None:
            return False
        local = _instant(epoch_ms).astimezone(self.rules)
        if self.id in _NEGATIVE_SUMMER_TIME:
            return _seconds(local.utcoffset()) > 0
        return bool(local.dst())


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset // timedelta(seconds=1)


def _instant(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=_within_python(epoch_ms))


def _within_python(ms: int) -> int:
    """Return a time with the same offset in the years that Python's datetime holds.

    Calendar and rules repeat every 400 years; before the first year, only the zone's first offset counts.
    """
    if _FIRST_MS <= ms < _LAST_MS:
        return ms
    return _FIRST_MS if ms < _FIRST_MS else ms - (ms - _LAST_MS) // _CYCLE_MS * _CYCLE_MS - _CYCLE_MS


def offset_zone(seconds: int) -> Zone:
    """Return the zone of an offset from UTC in seconds."""
    return Zone(offset_id(seconds), timezone(timedelta(seconds=seconds)), seconds)


def offset_id(seconds: int) -> str:
    """Return an offset's id: `Z`, `+02:00` or `-00:00:30`."""
    if seconds == 0:
        return "Z"
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{'-' if seconds < 0 else '+'}{hours:02d}:{rest // 60:02d}"
    return f"{text}:{rest % 60:02d}" if rest % 60 else text


UTC_ZONE = offset_zone(0)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> Zone:
    """Return the zone of an id (`Europe/London`) or offset (`Z`, `+02:00`, `+0200`, `UTC+2`), as ZoneId.of does.

    Raises:
        TimeTextError: the id is invalid or unknown.
    """
    if name == "Z":
        return UTC_ZONE
    if name[:1] in ("+", "-"):
        return offset_zone(_parsed_offset(name))
    if prefix := _PREFIX.match(name):
        return prefixed_zone(prefix[0], _parsed_offset(name[prefix.end() :]))
    if name in ("UTC", "GMT", "UT"):
        return Zone(name, UTC, 0)
    # Python also finds files that are no zones (posixrules, localtime) and ids that Java lacks (EST).
    if name not in zone_names() or (name.startswith("SystemV/") and name not in _SYSTEM_V):
        raise TimeTextError(f"Unknown time-zone ID: {name}")
    return Zone(name, ZoneInfo(_SYSTEM_V.get(name, name)), None)


def prefixed_zone(prefix: str, seconds: int) -> Zone:
    """Return the zone of an offset after `UTC`, `GMT` or `UT`."""
    return Zone(prefix + offset_id(seconds) if seconds else prefix, timezone(timedelta(seconds=seconds)), seconds)


def _parsed_offset(text: str) -> int:
    match = _OFFSET.fullmatch(text)
    if text == "Z":
        return 0
    if match is None or (match[3] is None and (match[4] or match[6])):
        raise TimeTextError(f"Invalid ID for ZoneOffset, invalid format: {text}")
    hours = int(match[2] + (match[3] or ""))
    minutes, seconds = int(match[4] or match[6] or 0), int(match[5] or match[7] or 0)
    return checked_offset(hours, minutes, seconds, negative=match[1] == "-")


def checked_offset(hours: int, minutes: int, seconds: int, *, negative: bool) -> int:
    """Return an offset in seconds.

    Raises:
        TimeTextError: it is not in the range of 18 hours on both sides of UTC.
    """
    total = hours * 3600 + minutes * 60 + seconds
    if hours > 18 or minutes > 59 or seconds > 59 or total > _MAX_OFFSET_S:
        raise TimeTextError("Zone offset not in valid range: -18:00 to +18:00")
    return -total if negative else total


@dataclass(frozen=True, slots=True)
class Names:
    """A zone's English names: standard time, summer time and generic, full and short."""

    full: tuple[str, str, str]
    short: tuple[str, str, str]


def _rows(file: str) -> list[list[str]]:
    text = (files(__package__) / "static" / file).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


@cache
def zone_names() -> Mapping[str, Names]:
    """Return the names of all zones, by id."""
    found: dict[str, Names] = {}
    for ids, *names in _rows("zone_names.tsv"):
        first, second = tuple(names[:3]), tuple(names[3:])
        found |= dict.fromkeys(ids.split(" "), Names(first, second))  # type: ignore[arg-type]
    return found


@cache
def zones_by_text(*, full: bool | None) -> Mapping[str, str]:
    """Return the ids of zones by what may stand for them in a text, in lower case: ids, and names if `full` is set."""
    found = {name.lower(): name for name in zone_names() if not name.startswith("SystemV/")}
    if full is not None:
        for name, by_short, by_full in _rows("zones_by_name.tsv"):
            target = by_full if full else by_short
            if target != "-":
                found[name.lower()] = target
    return found


@cache
def longest_zone_text(*, full: bool | None) -> int:
    """Return the length of the longest text that stands for a zone."""
    return max(map(len, zones_by_text(full=full)))
