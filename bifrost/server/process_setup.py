"""What the server and its worker processes set up alike: logging, the interpreter's switch interval, the clock."""

from __future__ import annotations

import gc
import logging
import sys
import time


def set_up_process(log_prefix: str = "") -> None:
    """Sets up logging to stdout, with a prefix before each message, and tunes the interpreter for queries."""
    form = f"%(asctime)s %(levelname)s %(name)s: {log_prefix}%(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stdout)
    # Queries and requests share one interpreter: a shorter switch interval (s) keeps look-ups fast under load.
    sys.setswitchinterval(0.0005)
    # Rows and state hold no reference cycles; collecting millions of objects would only cause pauses.
    gc.set_threshold(100_000, 50, 100)


def now_ms() -> int:
    """Returns the wall clock, epoch ms."""
    return int(time.time() * 1000)
