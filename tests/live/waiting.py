"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

SOON_S = 60.0


def eventually(condition: Callable[[], bool], what: str, deadline_s: float = SOON_S) -> None:
    """Returns as soon as the condition holds; fails with `what` when the deadline has passed."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {deadline_s:.0f} s"
        time.sleep(0.05)
