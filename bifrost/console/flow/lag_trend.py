"""Judges whether the lag of a consumer group is a backlog that does not shrink. Pure.

A lag above 0 is normal: a group commits its position every few seconds, so its lag rises and falls like a saw. What
counts are the lows of that saw. A group is behind if even the lowest lag of the last minute is more than it collects
for a commit and reads in 10 seconds, and is not lower than in the minute before. A group that catches up is not behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 60.0
"""Longer than groups take between two commits; Connect's default is 60 s."""
IN_FLIGHT_S = 10.0
"""A lag of what is read in this time is normal: those records are being processed."""


@dataclass(frozen=True, slots=True)
class LagSample:
    """The lag of a group at one moment: `at` in seconds since the epoch, `position` the sum of its offsets.

    `batch` is how many records the group collects before it commits, such as the `flush.size` of an S3 sink.
    """

    at: float
    lag: int
    position: int
    batch: int = 0


class LagTrend:
    """The recent samples of one group."""

    def __init__(self) -> None:
        self._samples: deque[LagSample] = deque()
        self._backlog_since: float | None = None

    def add(self, sample: LagSample) -> float | None:
        """Add the newest sample; return since when the group is behind (seconds since the epoch), or `None`."""
        if self._samples and sample.at == self._samples[-1].at:  # two pages may bring the same snapshot
            return self._behind_since()
        if self._samples and sample.at < self._samples[-1].at:  # the clock was set back
            self._samples.clear()
            self._backlog_since = None
        self._samples.append(sample)
        # Keep one sample older than both windows, so that they are covered completely.
        while len(self._samples) > 2 and self._samples[1].at <= sample.at - 2 * WINDOW_S:
            self._samples.popleft()
        if sample.lag <= self._in_flight():
            self._backlog_since = None
        elif self._backlog_since is None:
            self._backlog_since = sample.at
        return self._behind_since()

    def _behind_since(self) -> float | None:
        end = self._samples[-1].at
        recent = [each.lag for each in self._samples if each.at >= end - WINDOW_S]
        earlier = [each.lag for each in self._samples if each.at < end - WINDOW_S]
        if not earlier or min(recent) <= self._in_flight() or min(recent) < min(earlier):
            return None
        return self._backlog_since

    def _in_flight(self) -> float:
        """A lag that is normal: what the group collects, and what it reads in `IN_FLIGHT_S` by its recent rate."""
        end = self._samples[-1]
        start = next(each for each in self._samples if each.at >= end.at - WINDOW_S)
        seconds = end.at - start.at
        rate = max(0, end.position - start.position) / seconds if seconds > 0 else 0.0
        return end.batch + IN_FLIGHT_S * rate


class LagTrends:
    """The trends of all groups."""

    def __init__(self) -> None:
        self._trends: dict[str, LagTrend] = {}

    def add(self, samples: Mapping[str, LagSample]) -> dict[str, float]:
        """Add the newest samples by group; return the groups that are behind, with since when.

        A group without a sample is forgotten: it was deleted, or could not be read.
        """
        self._trends = {group: self._trends.get(group) or LagTrend() for group in samples}
        behind = {group: self._trends[group].add(sample) for group, sample in samples.items()}
        return {group: since for group, since in behind.items() if since is not None}
