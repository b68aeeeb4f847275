"""A producer that several queries share."""

from __future__ import annotations

import threading

from confluent_kafka import Producer

_MOMENT_S = 0.001


class SharedProducer:
    """Sends the output of many queries, which any number of threads run.

    A delivery report is called on the thread that polls. One thread polls at a time, so that reports of one query never
    run beside each other; a thread that finds another one polling leaves its reports to that one.
    """

    def __init__(self, producer: Producer) -> None:
        self.produce = producer.produce
        self._producer = producer
        self._polling = threading.Lock()

    def poll(self, wait_s: float = 0.0) -> None:
        """Takes delivery reports, waiting up to `wait_s` for some."""
        if self._polling.acquire(blocking=False):
            try:
                self._producer.poll(wait_s)
            finally:
                self._polling.release()
        elif wait_s and self._polling.acquire(timeout=wait_s):
            self._polling.release()

    def send_now(self) -> None:
        """Sends what waits for more results, which otherwise takes the producer's `linger.ms`."""
        if self._polling.acquire(blocking=False):
            try:
                # The client sends while a flush lasts, and a flush without time may end before it has begun to.
                self._producer.flush(_MOMENT_S)
            finally:
                self._polling.release()
