"""Exponential back-off: how many seconds to wait after a failure. Pure; each caller waits in its own way."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_DOUBLINGS = 20
"""Bounds the power of two: a process may fail for months."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles the delay with each consecutive failure, from `first_s` seconds up to `max_s` seconds.

    A run that lasted `steady_s` seconds counts as a success: the next failure is the first one again.
    """

    first_s: float = 0.5
    max_s: float = 30.0
    steady_s: float = 60.0

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after this many consecutive failures (1 or more)."""
        return float(min(self.max_s, self.first_s * 2 ** min(failures - 1, _MAX_DOUBLINGS)))


class RetryDelays:
    """The delays of one sequence of attempts. Not thread-safe."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._failures = 0

    def next_s(self) -> float:
        """Count a failure and return the seconds to wait before the next attempt."""
        self._failures += 1
        return self._backoff.delay(self._failures)

    def reset(self) -> None:
        """Forget the failures, after a success."""
        self._failures = 0
