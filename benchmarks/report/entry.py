"""A program of the report, the aims of its figures, and the charts of its output."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from statistics import median


class Needs(StrEnum):
    """What a program needs to run."""

    NOTHING = "nothing"
    PLATFORM = "a running platform"
    OWN_PLATFORM = "its own platform"


class Size(StrEnum):
    """How much a program measures: all of it, or so little that its figures say only that it works."""

    FULL = "full"
    QUICK = "quick"


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit for a figure in a program's output.

    Attributes:
        pattern: its first group is the figure; every match is held against the limit.
        is_most: whether the limit is the largest value that meets it; otherwise the smallest.
    """

    what: str
    pattern: str
    limit: float
    unit: str
    is_most: bool = True

    def figures(self, output: str) -> list[float]:
        """All values in an output."""
        return [_number(found) for found in re.findall(self.pattern, output, re.MULTILINE)]

    def worst(self, output: str) -> float | None:
        """The value farthest from the aim; `None` if the output has none."""
        return (max if self.is_most else min)(self.figures(output), default=None)

    def is_met(self, figure: float) -> bool:
        """Whether a figure meets the aim."""
        return figure <= self.limit if self.is_most else figure >= self.limit

    def text(self, figure: float) -> str:
        """A figure with the unit."""
        return f"{figure:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the figures in a program's output.

    Attributes:
        name: of the picture's file.
        pattern: its groups are `label`, `value`, and `series` if a label has several bars. The bar of several equal
            labels is their median.
    """

    name: str
    title: str
    unit: str
    pattern: str

    def bars(self, output: str) -> dict[tuple[str, str], float]:
        """The values by label and series, in the order of the output."""
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for match in re.finditer(self.pattern, output, re.MULTILINE):
            groups = match.groupdict()
            found[groups["label"].strip(), (groups.get("series") or "").strip()].append(_number(groups["value"]))
        return {place: median(values) for place, values in found.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One program of the report.

    Attributes:
        name: unique; `--only`, `--again` and `--skip` know the entry by it.
        arguments: of a full run.
        quick: arguments of a quick run; `None` if there is none, because the full one takes seconds.
        minutes: how long a full run takes; its deadline follows from it.
        in_quick: whether a quick report has it; otherwise only if it is asked for.
    """

    name: str
    title: str
    module: str
    arguments: tuple[str, ...]
    quick: tuple[str, ...] | None
    needs: Needs
    minutes: float
    aims: tuple[Aim, ...] = ()
    charts: tuple[Chart, ...] = ()
    in_quick: bool = True

    def command(self, size: Size) -> tuple[str, ...]:
        """The module and its arguments."""
        is_quick = size is Size.QUICK and self.quick is not None
        return (f"benchmarks.{self.module}", *(self.quick or () if is_quick else self.arguments))

    def text(self, size: Size) -> str:
        """The command as a person types it."""
        return " ".join(("python -m", *self.command(size)))

    def deadline_s(self, size: Size) -> float:
        """After so many seconds a run has failed."""
        return 60 * (QUICK_LIMIT_MIN if size is Size.QUICK else SPARE_MIN + LONGEST * self.minutes)


SPARE_MIN, LONGEST = 5.0, 2.0
"""The deadline of a full run: so many minutes, and so many times its usual ones."""
QUICK_LIMIT_MIN = 10.0
"""The deadline of a quick run, in minutes."""


def _number(text: str) -> float:
    return float(text.replace(",", ""))
