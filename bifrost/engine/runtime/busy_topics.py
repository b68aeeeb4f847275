"""Finds a topic that has more records than the thread of a scan can read in time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

_SATURATED_S = 0.2


class BusyTopics:
    """Watches the batches of a scan. A batch is full if more records were waiting than it could take."""

    def __init__(self) -> None:
        self._full_since: float | None = None
        self._last_full = time.monotonic()
        self._records: Counter[str] = Counter()

    def take(self, records: Mapping[str, int], *, is_full: bool) -> str | None:
        """Takes the number of records of a batch by topic.

        Returns:
            the topic with the most records if all batches of the last 0.2 s were full: those of other topics wait
            behind them.
        """
        now = time.monotonic()
        if not is_full:
            self._full_since = None
            return None
        self._last_full = now
        if self._full_since is None:
            self._full_since = now
            self._records.clear()
        self._records.update(records)
        if now < self._full_since + _SATURATED_S:
            return None
        self._full_since = None
        return self._records.most_common(1)[0][0]

    def restart(self) -> None:
        """Begins to count `calm_s`."""
        self._full_since, self._last_full = None, time.monotonic()

    @property
    def calm_s(self) -> float:
        """Seconds since the last full batch, or since `restart`."""
        return time.monotonic() - self._last_full
