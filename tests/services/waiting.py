"""Waits for what another thread does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SOON_S = 15.0


def eventually(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail after a deadline."""
    end = time.monotonic() + SOON_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.01)
