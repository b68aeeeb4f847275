"""Sends frames as records to the topic `pcap`, and counts the results."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import orjson

from bifrost.metrics.families import Counter
from capture.frames import CapturedFrame, map_frame
from capture.vendors import Vendors

TOPIC = "pcap"
REPORT_INTERVAL_S = 10.0
FLUSH_TIMEOUT_S = 30.0
QUEUE_FULL_WAIT_S = 0.1
# Frames between two calls that serve delivery reports; a call for each frame would cost too much.
POLL_EVERY = 100
FRAMES = Counter("bifrost_captured_frames_total", "Wi-Fi frames: well-formed or malformed", "form")
SENT = Counter("bifrost_captured_records_total", "Records of frames: queued for the broker, or lost", "outcome")
_log = logging.getLogger("capture")


class FrameProducer(Protocol):
    """The part of a Kafka producer that the publisher needs."""

    def produce(self, topic: str, value: bytes) -> None:
        """Queue a record; raises `BufferError` if the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait until the queue is empty; return how many records remain."""
        ...


class Publisher:
    """Maps frames and sends their records; `frames`, `malformed`, `sent` and `lost` count since the start."""

    def __init__(self, vendors: Vendors, *, clock: Callable[[], float]) -> None:
        """Start counting; `clock` returns seconds since any fixed moment."""
        self._vendors = vendors
        self._clock = clock
        self._started = self._reported = clock()
        self._reported_frames = 0
        self.frames = self.malformed = self.sent = self.lost = 0

    def run(self, frames: Iterable[CapturedFrame], producer: FrameProducer) -> None:
        """Send until the frames end."""
        for frame in frames:
            self._publish(frame, producer)
            if not self.frames % POLL_EVERY:
                producer.poll(0)
            self.report_if_due()

    def delivered(self, error: Any, _message: Any) -> None:
        """Receive the delivery report of a record."""
        if error is not None:
            if not self.lost:
                _log.warning("not delivered to %s: %s", TOPIC, error)
            self.lost += 1
            SENT.add("lost")

    def finish(self, producer: FrameProducer) -> None:
        """Wait for the records in flight, and log the totals."""
        left = producer.flush(FLUSH_TIMEOUT_S)
        self.lost += left
        SENT.add("lost", by=left)
        self._report(self.frames, self._clock() - self._started)

    def report_if_due(self) -> None:
        """Log the progress every 10 seconds."""
        now = self._clock()
        if now - self._reported >= REPORT_INTERVAL_S:
            self._report(self.frames - self._reported_frames, now - self._reported)
            self._reported, self._reported_frames = now, self.frames

    def _publish(self, frame: CapturedFrame, producer: FrameProducer) -> None:
        self.frames += 1
        mapped = map_frame(frame, self._vendors)
        self.malformed += mapped.is_malformed
        FRAMES.add("malformed" if mapped.is_malformed else "well-formed")
        if mapped.record is None:
            return
        value = orjson.dumps(mapped.record)
        while True:
            try:
                producer.produce(TOPIC, value)
                self.sent += 1
                SENT.add("queued")
                return
            except BufferError:
                # Serving delivery reports makes room in the queue.
                producer.poll(QUEUE_FULL_WAIT_S)

    def _report(self, count: int, seconds: float) -> None:
        rate = count / seconds if seconds > 0 else 0.0
        lost = f", {self.lost} not delivered" if self.lost else ""
        _log.info(
            "%d frames in %.1f s (%.1f/s); total %d frames, %d malformed, %d records sent%s",
            *(count, seconds, rate, self.frames, self.malformed, self.sent, lost),
        )
