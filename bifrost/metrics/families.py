"""Families of figures that a program counts. Each is declared once, at the top of the module that counts it.

They are plain numbers: `prometheus_client`, which takes long to import, is needed only when they are read.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of durations, seconds: those of `prometheus_client`."""

LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyHeader:
    """Name, explanation and label names of a family. Labels never hold data, and have few values."""

    name: str
    text: str
    labels: tuple[str, ...]


class Counter:
    """Counts events since the start of the program; the name ends in `_total`. Thread-safe."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.header = FamilyHeader(name, text, labels)
        self._lock = threading.Lock()
        self._values: dict[LabelValues, float] = {} if labels else {(): 0}
        _declare(self)

    def add(self, *labels: str, by: float = 1) -> None:
        """Count, by default one event. `by=0` makes a series appear, so that its rate is known from the start."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def values(self) -> Mapping[LabelValues, float]:
        """Return the count by label values."""
        with self._lock:
            return dict(self._values)


class Gauge:
    """Numbers that go up and down: set by the program, or computed when they are read. Thread-safe."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.header = FamilyHeader(name, text, labels)
        self._lock = threading.Lock()
        self._values: dict[LabelValues, float] = {}
        self._readers: list[Callable[[], Mapping[LabelValues, float]]] = []
        _declare(self)

    def replace(self, values: Mapping[LabelValues, float]) -> None:
        """Set all numbers that are not computed."""
        with self._lock:
            self._values = dict(values)

    def compute(self, reader: Callable[[], Mapping[LabelValues, float]]) -> Callable[[], None]:
        """Add numbers that `reader` returns whenever they are read, in another thread; return what removes them."""
        with self._lock:
            self._readers.append(reader)

        def remove() -> None:
            with self._lock:
                if reader in self._readers:
                    self._readers.remove(reader)

        return remove

    def values(self) -> Mapping[LabelValues, float]:
        """Return the number by label values."""
        with self._lock:
            found, readers = dict(self._values), tuple(self._readers)
        for reader in readers:
            found.update(reader())
        return found


@dataclass(slots=True)
class DurationCounts:
    """Durations in one series: how many per bucket (the last without a bound), and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS_BOUNDS) + 1))
    total_s: float = 0.0

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """The cumulative counts, as Prometheus has them."""
        return list(zip([*map(str, SECONDS_BOUNDS), "+Inf"], accumulate(self.counts), strict=True))


class Histogram:
    """Durations; the name ends in `_seconds`. Thread-safe."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.header = FamilyHeader(name, text, labels)
        self._lock = threading.Lock()
        self._values: dict[LabelValues, DurationCounts] = {}
        _declare(self)

    def observe(self, seconds: float, *labels: str) -> None:
        """Count a duration."""
        with self._lock:
            found = self._values.setdefault(labels, DurationCounts())
            found.counts[bisect_left(SECONDS_BOUNDS, seconds)] += 1
            found.total_s += seconds

    def values(self) -> Mapping[LabelValues, DurationCounts]:
        """Return copies of the durations by label values."""
        with self._lock:
            return {labels: DurationCounts(list(each.counts), each.total_s) for labels, each in self._values.items()}


Family = Counter | Gauge | Histogram

_declared: list[Family] = []


def declared_families() -> Sequence[Family]:
    """Return the families of all modules that this process has imported."""
    return tuple(_declared)


def _declare(family: Family) -> None:
    if any(other.header.name == family.header.name for other in _declared):
        raise ValueError(f"two families of figures are named {family.header.name}")
    _declared.append(family)
