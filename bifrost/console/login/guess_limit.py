"""Slows down guesses of passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FREE_GUESSES = 5
"""Wrong passwords in a row that cost nothing."""
LONGEST_WAIT_S = 30.0
FORGET_S = 600.0
"""After this long without a guess, they are free again."""


@dataclass(slots=True)
class _Guesses:
    count: int = 0
    last: float = 0.0


class GuessLimit:
    """Counts the guesses by user. After the free ones, each wrong one doubles the wait before the next."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._guesses: dict[str, _Guesses] = {}

    def wait_s(self, user: str) -> float:
        """Register a guess, unless it comes too early.

        Returns:
            The seconds until a guess is allowed; 0: this one is, and counts as wrong until `succeeded`.
        """
        now, found = self._monotonic(), self._guesses.setdefault(user, _Guesses())
        if now - found.last > FORGET_S:
            found.count = 0
        paid = found.count - FREE_GUESSES
        pause = min(2.0**paid, LONGEST_WAIT_S) if paid >= 0 else 0.0
        if (rest := found.last + pause - now) > 0:
            return rest
        # Before the password is checked: guesses that are sent together must not all be free.
        found.count, found.last = found.count + 1, now
        return 0.0

    def succeeded(self, user: str) -> None:
        """Forget the guesses: the last one was right."""
        self._guesses.pop(user, None)
