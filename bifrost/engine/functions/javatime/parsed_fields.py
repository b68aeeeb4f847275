"""What a text says while it is read with a pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bifrost.engine.functions.javatime.fields import TimeField
from bifrost.engine.functions.javatime.texts import DayPeriod
from bifrost.engine.functions.javatime.zones import Zone


@dataclass(slots=True)
class ParsedFields:
    """What a text says: values of fields, and the zone and part of the day if it names them."""

    values: dict[TimeField, int] = field(default_factory=dict)
    zone: Zone | None = None
    period: DayPeriod | None = None

    def put(self, name: TimeField, value: int) -> bool:
        """Set a field; return False if the text gave it another value before."""
        known = self.values.setdefault(name, value)
        self.values[name] = value
        return known == value

    def copy(self) -> ParsedFields:
        """Return a copy, for an optional part that may be abandoned."""
        return ParsedFields(dict(self.values), self.zone, self.period)

    def restore(self, other: ParsedFields) -> None:
        """Take over the state of a copy."""
        self.values, self.zone, self.period = other.values, other.zone, other.period


Reader = Callable[[str, int, ParsedFields], int]
"""Reads at a position of the text and returns the position after it, or one's complement of the place of an error."""


def digits_end(text: str, at: int, limit: int) -> int:
    """Return the position after the ASCII digits from a position on, at most up to a limit."""
    limit = min(limit, len(text))
    while at < limit and "0" <= text[at] <= "9":
        at += 1
    return at
