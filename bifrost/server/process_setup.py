"""What the server and its worker processes set up alike: logging, the interpreter's switch interval, the clock."""

from __future__ import annotations

import gc
import sys
import time

from bifrost.program_log import set_up_logging


def set_up_process(part: str = "") -> None:
    """Tunes the interpreter for queries and sets up logging to stdout, with a part of the server before each message.

    Raises:
        SettingError: as `set_up_logging`.
    """
    # Queries and requests share one interpreter: a shorter switch interval (s) keeps look-ups fast under load.
    sys.setswitchinterval(0.0005)
    # Rows and state hold no reference cycles; collecting millions of objects would only cause pauses.
    gc.set_threshold(100_000, 50, 100)
    set_up_logging("ksqldb", part=part, stream=sys.stdout)


def now_ms() -> int:
    """Returns the wall clock, epoch ms."""
    return int(time.time() * 1000)
