"""Meters of a query: what it has read and written by topic, its commits, its failures."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

_BUCKET_MS = 10_000
_BUCKETS = 10


@dataclass(slots=True)
class Meter:
    """Counts records and their bytes; `last_ms` is the wall clock of the last count, epoch ms."""

    messages: int = 0
    size: int = 0
    last_ms: int | None = None
    _recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_BUCKETS))

    def mark(self, messages: int, size: int, now_ms: int) -> None:
        """Adds records."""
        self.messages += messages
        self.size += size
        self.last_ms = now_ms
        # Counts by ten seconds: the last bucket is replaced while its time lasts.
        bucket = now_ms // _BUCKET_MS
        if self._recent and self._recent[-1][0] == bucket:
            messages += self._recent.pop()[1]
        self._recent.append((bucket, messages))

    def add(self, other: Meter) -> None:
        """Adds what another meter has counted."""
        self.messages += other.messages
        self.size += other.size
        self.last_ms = max((last for last in (self.last_ms, other.last_ms) if last is not None), default=None)
        counted = Counter(dict(self._recent))
        counted.update(dict(other._recent))
        self._recent = deque(sorted(counted.items()), maxlen=_BUCKETS)

    def rate(self, now_ms: int) -> float:
        """Returns records per second over the last 100 s, the window of Kafka's own meters."""
        oldest = now_ms // _BUCKET_MS - _BUCKETS
        counted = sum(messages for bucket, messages in tuple(self._recent) if bucket > oldest)
        return counted * 1000 / (_BUCKETS * _BUCKET_MS)


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The rows of a store, and their estimated bytes in its changelog's encoding; None while that is unknown."""

    rows: int
    encoded_bytes: int | None

    def plus(self, other: StoreSize) -> StoreSize:
        """Returns the size of both."""
        known = [size.encoded_bytes for size in (self, other) if size.encoded_bytes is not None]
        return StoreSize(self.rows + other.rows, sum(known) if known else None)


def total_sizes(parts: Iterable[tuple[str, StoreSize]]) -> dict[str, StoreSize]:
    """Returns the size of each store, over the sizes of its partitions."""
    totals: dict[str, StoreSize] = {}
    for store, size in parts:
        totals[store] = totals[store].plus(size) if store in totals else size
    return totals


COMMIT_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds (s) of the classes that commits are counted in; longer ones form a last class."""


@dataclass(slots=True)
class CommitTimes:
    """Counts commits by how long they took; `counts` has one class more than `COMMIT_BOUNDS_S`."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Adds a commit."""
        self.counts[bisect_left(COMMIT_BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def merge(self, other: CommitTimes) -> None:
        """Adds what another has counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total_s += other.total_s


@dataclass(slots=True)
class QueryMeters:
    """The meters of a query; records are counted by topic, errors by ksqlDB's class of cause.

    Only the query's thread writes; any thread may read.
    """

    consumed: dict[str, Meter] = field(default_factory=dict)
    produced: dict[str, Meter] = field(default_factory=dict)
    commits: CommitTimes = field(default_factory=CommitTimes)
    restarts: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def read(self, topic: str, messages: int, size: int, now_ms: int) -> None:
        """Counts records that were read."""
        self.consumed.setdefault(topic, Meter()).mark(messages, size, now_ms)

    def wrote(self, topic: str, messages: int, size: int, now_ms: int) -> None:
        """Counts records that were written."""
        self.produced.setdefault(topic, Meter()).mark(messages, size, now_ms)

    @classmethod
    def sum_of(cls, parts: Iterable[QueryMeters]) -> QueryMeters:
        """Returns new meters with the sums of others, such as those of the shares of several worker processes."""
        total = cls()
        for part in parts:
            for mine, theirs in ((total.consumed, part.consumed), (total.produced, part.produced)):
                # A copy: the query's thread may add a topic meanwhile.
                for topic, meter in dict(theirs).items():
                    mine.setdefault(topic, Meter()).add(meter)
            total.commits.merge(part.commits)
            total.restarts += part.restarts
            total.errors.update(dict(part.errors))
        return total
