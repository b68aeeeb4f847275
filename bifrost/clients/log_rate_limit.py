"""A log filter that rate-limits the repeated lines of a library, for example while a broker is unavailable."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

INTERVAL_S = 30.0
_MAX_KINDS = 200
_NUMBER = re.compile(r"\d+")


class LogRateLimit(logging.Filter):
    """Rate-limits repeated log lines to one per `interval_s` seconds; lines that differ only in numbers are equal."""

    def __init__(self, clock: Callable[[], float], *, interval_s: float = INTERVAL_S) -> None:
        super().__init__()
        self._clock = clock
        self._interval_s = interval_s
        self._last_logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        now = self._clock()
        kind = _NUMBER.sub("#", record.getMessage())
        if now - self._last_logged.get(kind, -self._interval_s) < self._interval_s:
            return False
        if len(self._last_logged) >= _MAX_KINDS:
            # Bounds the memory; the price is that some lines repeat early.
            self._last_logged.clear()
        self._last_logged[kind] = now
        return True
