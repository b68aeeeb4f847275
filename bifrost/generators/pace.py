"""Steady rates: how many records are due by the clock, so that a slow moment is made up and no drift builds up."""

from __future__ import annotations

MOST_BEHIND_S = 1.0
"""What is missed beyond this is not made up: a machine that slept must not wake up to a flood."""


class Pace:
    """Counts what is due at `rate` per second from the moment `start_s` of any clock."""

    def __init__(self, rate: float, start_s: float) -> None:
        self._rate = rate
        self._start_s = start_s
        self._done = 0

    def due(self, now_s: float) -> int:
        """How many are due now and have not been counted by `did`; the first one is due at the start."""
        late_s = now_s - self._next_s()
        if late_s > MOST_BEHIND_S:
            self._start_s += late_s - MOST_BEHIND_S
        return max(int((now_s - self._start_s) * self._rate) + 1 - self._done, 0)

    def did(self, count: int) -> None:
        """Count this many as done."""
        self._done += count

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next one is due."""
        return max(self._next_s() - now_s, 0.0)

    def _next_s(self) -> float:
        return self._start_s + self._done / self._rate
