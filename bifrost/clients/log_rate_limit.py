"""A log filter for a library that says the same thing again and again while a broker is away."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

EVERY_S = 30.0
_KINDS = 200
_NUMBER = re.compile(r"\d+")


class LogRateLimit(logging.Filter):
    """Lets a line pass once in `every_s` seconds; lines that differ only in their numbers count as the same."""

    def __init__(self, clock: Callable[[], float], *, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._clock = clock
        self._every_s = every_s
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        now = self._clock()
        kind = _NUMBER.sub("#", record.getMessage())
        if now - self._passed.get(kind, -self._every_s) < self._every_s:
            return False
        if len(self._passed) >= _KINDS:
            self._passed.clear()
        self._passed[kind] = now
        return True
