"""Sends records at a steady rate, and logs the progress every ten seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from bifrost.generators.pace import Pace
from bifrost.generators.record_counts import GENERATED, NOT_DELIVERED

REPORT_INTERVAL_S = 10.0
MAX_WAIT_S = 0.1
MIN_WAIT_S = 0.002
"""At a high rate several records are sent together: waking up for each of them would cost more than the work."""

_log = logging.getLogger("generator")


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """One record: value and key as bytes, and its event time (ms since the epoch)."""

    topic: str
    payload: bytes
    at_ms: int
    key: bytes | None = None


class RecordSender(Protocol):
    """The part of a Kafka producer that a sender needs."""

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        """Queue a record; raises `BufferError` if the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait until the queue is empty; return how many records remain."""
        ...


class Sender:
    """Sends the records of an endless iterator; each is generated when it is due."""

    def __init__(
        self, records: Iterator[DemoRecord], producer: RecordSender, *, clock: Callable[[], float], what: str
    ) -> None:
        """Wire the parts; `clock` returns seconds, `what` names the records in the log."""
        self._records = records
        self._producer = producer
        self._clock = clock
        self._what = what
        self._next: DemoRecord | None = None
        self._failed = 0
        self.sent = 0

    def run(self, rate: float, count: int, wait: Callable[[float], bool]) -> int:
        """Send `rate` records per second until `count` are sent (0: no limit) or `wait` asks to stop.

        Args:
            wait: waits this many seconds and returns whether to stop.

        Returns:
            The number of delivered records.
        """
        started = reported_at = self._clock()
        reported = 0
        pace = Pace(rate, started)
        while True:
            due = pace.due(self._clock())
            pace.count_sent(self._send(min(due, count - self.sent) if count else due))
            now = self._clock()
            if now - reported_at >= REPORT_INTERVAL_S:
                self._report(self.sent - reported, now - reported_at)
                reported_at, reported = now, self.sent
            if count and self.sent >= count:
                break
            if wait(min(max(pace.wait_s(now), MIN_WAIT_S), MAX_WAIT_S)):
                break
        # What is still queued after this time counts as not delivered.
        self._failed += self._producer.flush(MAX_WAIT_S * 100)
        self._report(self.sent, self._clock() - started)
        return self.sent - self._failed

    def _send(self, most: int) -> int:
        """Send up to `most` records, fewer if the queue is full; return how many."""
        for done in range(most):
            # A record that found the queue full is kept: generating another one would leave a gap in the ids.
            self._next = self._next or next(self._records)
            try:
                self._produce(self._next)
            except BufferError:
                self._producer.poll(MAX_WAIT_S)
                return done
            GENERATED.add(self._next.topic)
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
            NOT_DELIVERED.add(message.topic())
            self._failed += 1

    def _report(self, count: int, seconds: float) -> None:
        lost = f", {self._failed} not delivered" if self._failed else ""
        rate = count / seconds if seconds > 0 else 0.0
        _log.info("%d %s in %.1f s (%.1f/s), %d in all%s", count, self._what, seconds, rate, self.sent, lost)
