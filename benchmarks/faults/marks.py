"""The mark of each input, which every far end shows, and a count of the marks in one place. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

LANES = 16
"""Inputs of one lane have the same key, so that their order is kept; an input's lane is its number modulo this."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one run: `fault-RUN-LOAD-NUMBER-`, readable in JSON, Avro and text."""

    run: str

    def mark(self, load: str, number: int) -> str:
        """The mark of an input.

        Args:
            load: lower-case letters.
            number: counts the inputs of a load from 0.
        """
        return f"fault-{self.run}-{load}-{number}-"

    def found(self, content: bytes) -> Iterator[tuple[str, int]]:
        """The load and number of each mark, in the order of the content. A repeated mark counts once."""
        pattern = re.compile(rb"fault-" + self.run.encode() + rb"-([a-z]+)-(\d+)-")
        yield from dict.fromkeys((match[1].decode(), int(match[2])) for match in pattern.finditer(content))


@dataclass(slots=True)
class Tally:
    """How often each number arrived in one place, and how many arrived after a later one of their lane."""

    counts: Counter[int] = field(default_factory=Counter)
    out_of_order: int = 0
    _newest: dict[int, int] = field(default_factory=dict)

    def add(self, number: int) -> None:
        """Count an arrival. Only the first one of a number has a place in the order: a repeat comes late by nature."""
        self.counts[number] += 1
        if self.counts[number] > 1:
            return
        lane = number % LANES
        self.out_of_order += number < self._newest.get(lane, -1)
        self._newest[lane] = max(number, self._newest.get(lane, -1))
