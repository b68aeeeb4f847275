"""Records sent at a steady rate, with a line every ten seconds that says how it goes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from bifrost.generators.pace import Pace

REPORT_EVERY_S = 10.0
LONGEST_WAIT_S = 0.1
SHORTEST_WAIT_S = 0.002
"""At a high rate a few records are sent at once: waking up for each of them would cost more than the work."""

_log = logging.getLogger("generator")


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """One record: its value and key as bytes, and when it happened (ms since 1970)."""

    topic: str
    payload: bytes
    at_ms: int
    key: bytes | None = None


class RecordSender(Protocol):
    """What is needed of a Kafka producer."""

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        """Queue a record; `BufferError` when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait until the queue is empty; what is left of it."""
        ...


class Sender:
    """Sends `records` of an iterator without end; each is made when it is due."""

    def __init__(
        self, records: Iterator[DemoRecord], producer: RecordSender, *, clock: Callable[[], float], what: str
    ) -> None:
        """Wire the parts; `clock` gives seconds, `what` is the records' name in the log."""
        self._records = records
        self._producer = producer
        self._clock = clock
        self._what = what
        self._next: DemoRecord | None = None
        self._failed = 0
        self.sent = 0

    def run(self, rate: float, count: int, wait: Callable[[float], bool]) -> int:
        """Send `rate` per second until `count` are sent (0: without end) or `wait` says to stop.

        Args:
            wait: waits for so many seconds; whether to stop.

        Returns:
            How many were delivered.
        """
        started = reported_at = self._clock()
        reported = 0
        pace = Pace(rate, started)
        while True:
            due = pace.due(self._clock())
            pace.did(self._send(min(due, count - self.sent) if count else due))
            now = self._clock()
            if now - reported_at >= REPORT_EVERY_S:
                self._report(self.sent - reported, now - reported_at)
                reported_at, reported = now, self.sent
            if count and self.sent >= count:
                break
            if wait(min(max(pace.wait_s(now), SHORTEST_WAIT_S), LONGEST_WAIT_S)):
                break
        self._failed += self._producer.flush(LONGEST_WAIT_S * 100)
        self._report(self.sent, self._clock() - started)
        return self.sent - self._failed

    def _send(self, most: int) -> int:
        """Send so many, or fewer when the broker is slower than the rate; how many it were."""
        for done in range(most):
            self._next = self._next or next(self._records)
            try:
                self._produce(self._next)
            except BufferError:
                self._producer.poll(LONGEST_WAIT_S)
                return done
            self._next = None
            self.sent += 1
        self._producer.poll(0)
        return most

    def _produce(self, record: DemoRecord) -> None:
        self._producer.produce(
            record.topic, record.payload, record.key, timestamp=record.at_ms, on_delivery=self._delivered
        )

    def _delivered(self, error: object, message: Any) -> None:
        if error is not None:
            if not self._failed:
                _log.warning("not delivered to %s: %s", message.topic(), error)
            self._failed += 1

    def _report(self, count: int, seconds: float) -> None:
        lost = f", {self._failed} not delivered" if self._failed else ""
        rate = count / seconds if seconds > 0 else 0.0
        _log.info("%d %s in %.1f s (%.1f/s), %d in all%s", count, self._what, seconds, rate, self.sent, lost)
