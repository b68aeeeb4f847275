"""Which series grow without end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

WARM_UP = 0.4
"""The first share of a run is left out: code is compiled and caches fill."""
MOST_POINTS = 150
"""Longer series are thinned out, because the slope takes all pairs of points."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How fast a measure may grow.

    Attributes:
        share: of its level, per hour.
        least: growth per hour, in units of the measure, that is never a fault: the noise of a small part.
    """

    share: float
    least: float


LIMITS = {
    "resident": Limit(0.10, 24 * 2**20),
    "threads": Limit(0.05, 4),
    "open_files": Limit(0.05, 16),
    "lag": Limit(0.0, 2000),
    "cpu": Limit(0.35, 0.10),
}
"""By measure: bytes, numbers, records, cores. The disk grows with what arrives, so it is shown and not judged."""


@dataclass(frozen=True, slots=True)
class Slope:
    """The growth of one measure of one part after the warm-up.

    Attributes:
        level: the median value.
        per_hour: by how much it grows in an hour, negative if it shrinks.
    """

    part: str
    measure: str
    level: float
    per_hour: float

    @property
    def is_fault(self) -> bool:
        """Whether it grows faster than its limit; a measure without a limit never does."""
        limit = LIMITS.get(self.measure)
        return limit is not None and self.per_hour > max(limit.least, limit.share * self.level)


def slope(part: str, measure: str, points: Sequence[tuple[float, float]]) -> Slope:
    """The growth of a series after its warm-up: the median of the slopes of all pairs (Theil and Sen).

    Single peaks, as of a collection of garbage or a restart, do not change it.

    Args:
        points: seconds and values, in the order of time.
    """
    steady = _thinned(points[int(len(points) * WARM_UP) :])
    pairs = [(value2 - value1) / (at2 - at1) for (at1, value1), (at2, value2) in combinations(steady, 2) if at2 > at1]
    level = median(value for _, value in steady) if steady else 0.0
    return Slope(part, measure, level, 3600 * median(pairs) if pairs else 0.0)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    return points[:: len(points) // MOST_POINTS + 1]
