"""Steady rates: how many records are due by the clock, so that delays are caught up and no drift builds up."""

from __future__ import annotations

MAX_CATCH_UP_S = 1.0
"""A longer delay is not caught up: a machine that slept must not send a flood."""


class Pace:
    """Counts the records due at `rate` per second since `start_s` of any clock."""

    def __init__(self, rate: float, start_s: float) -> None:
        self._rate = rate
        self._start_s = start_s
        self._sent = 0

    def due(self, now_s: float) -> int:
        """Return how many records are due and not yet counted by `count_sent`; the first one is due at the start."""
        late_s = now_s - self._next_s()
        if late_s > MAX_CATCH_UP_S:
            # Moving the start forgets the records of the time beyond the limit.
            self._start_s += late_s - MAX_CATCH_UP_S
        return max(int((now_s - self._start_s) * self._rate) + 1 - self._sent, 0)

    def count_sent(self, count: int) -> None:
        """Count this many records as sent."""
        self._sent += count

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next record is due."""
        return max(self._next_s() - now_s, 0.0)

    def _next_s(self) -> float:
        return self._start_s + self._sent / self._rate
