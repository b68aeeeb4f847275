"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Any

from tests import waiting

SOON_S = 60.0


def eventually(condition: Callable[[], object], what: str = "what was awaited", deadline_s: float = SOON_S) -> float:
    """The seconds until the condition held on a busy platform; fails with `what` when the deadline has passed."""
    return waiting.eventually(condition, what, deadline_s, pause_s=0.05)


def wait_for(look: Callable[[], Any], deadline_s: float = SOON_S) -> Any:
    """What a look finds, as soon as it finds something."""
    end = time.monotonic() + deadline_s
    while not (found := look()):
        assert time.monotonic() < end, f"nothing within {deadline_s:.0f} s"
        time.sleep(0.05)
    return found


def eventually_equal(look: Callable[[], Any], wanted: Any, deadline_s: float = SOON_S) -> None:
    """Returns as soon as a look finds the wanted; otherwise shows what it found in the end."""
    end = time.monotonic() + deadline_s
    while (found := look()) != wanted:
        if time.monotonic() > end:
            assert found == wanted
        time.sleep(0.1)
