"""The progress of what a query reads before its first record: its state, and the tables for its look-ups.

Both take seconds per million records, so the log and the errors of pull queries show how far they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

_WORTH_LOGGING = 20_000
_LOG_EVERY_S = 5.0
_log = logging.getLogger(__name__)


class RestoreProgress:
    """Counts records and logs the progress every 5 s; any thread may read it.

    `done` of `total` records are read; both keep their last values after the end. `clock` gives seconds, and is steady.
    """

    def __init__(self, query: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._query = query
        self._clock = clock
        self._what = ""
        self.done = self.total = 0
        self._began = self._next = 0.0

    def loaded(self, rows: int, unread: int) -> None:
        """Logs how many rows the state on disk had, and how many changelog records may come after it."""
        if rows or unread:
            _log.info("query %s: %s rows of state on disk, %s changelog records to read", self._query, rows, unread)

    def begin(self, what: str, total: int) -> None:
        """Starts counting: `what` names the records to be read, at most `total`."""
        self._what, self.done, self.total = what, 0, total
        self._began = self._next = self._clock()

    def reached(self, done: int) -> None:
        """Takes the number of records read so far."""
        self.done = done
        now = self._clock()
        if self.total >= _WORTH_LOGGING and now >= self._next:
            self._next = now + _LOG_EVERY_S
            _log.info("query %s: %s", self._query, self.text)

    def end(self) -> None:
        """Ends counting: everything is read."""
        if self.total >= _WORTH_LOGGING:
            took_s = self._clock() - self._began
            _log.info("query %s: %s: %s records read in %.1f s", self._query, self._what, f"{self.done:,}", took_s)
        self._what = ""

    @property
    def text(self) -> str:
        """The records being read, and how many of them have been."""
        if not self._what:
            return "it is still being loaded"
        share = 100 * self.done // self.total if self.total else 100
        return f"reading {self._what}: {self.done:,} of {self.total:,} records ({min(share, 100)} %)"
