"""Waiting for what another thread, process or page does: for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

SOON_S = 15.0


def eventually(
    condition: Callable[[], object],
    what: str = "what was awaited",
    deadline_s: float = SOON_S,
    *,
    pause_s: float = 0.01,
) -> float:
    """The seconds until the condition held; fails with `what` when the deadline has passed."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < deadline_s, f"{what}: not within {deadline_s:.0f} s"
        time.sleep(pause_s)
    return time.monotonic() - began
