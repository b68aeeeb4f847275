"""Records are sent at their rate, none is lost or duplicated, and the log shows the progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from bifrost.generators.pace import Pace
from bifrost.generators.sending import DemoRecord, Sender
from tests.fakes.clock import FakeClock


@dataclass(frozen=True, slots=True)
class Report:
    """The record of a delivery report."""

    name: str

    def topic(self) -> str:
        return self.name


class FakeProducer:
    """Takes `room` records between two polls; the broker refuses the first `refusing`."""

    def __init__(self, room: int = 1_000_000, refusing: int = 0) -> None:
        self.room = room
        self.refusing = refusing
        self.queued: list[tuple[DemoRecord, Callable[[Any, Any], None]]] = []
        self.records: list[DemoRecord] = []

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        if len(self.queued) >= self.room:
            raise BufferError("queue full")
        self.queued.append((DemoRecord(topic, value, timestamp, key), on_delivery))

    def poll(self, timeout: float) -> int:
        for record, on_delivery in self.queued:
            error = "refused" if self.refusing > 0 else None
            self.refusing -= 1
            on_delivery(error, Report(record.topic))
            if error is None:
                self.records.append(record)
        self.queued.clear()
        return 0

    def flush(self, timeout: float) -> int:
        return self.poll(timeout)


def sent(
    rate: float, most: int = 0, producer: FakeProducer | None = None, stop_at_s: float = 1e9
) -> tuple[FakeProducer, FakeClock, int]:
    clock = FakeClock()
    producer = producer or FakeProducer()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return clock.now >= stop_at_s

    records = (DemoRecord("ratings", str(number).encode(), number, b"key") for number in count())
    delivered = Sender(records, producer, clock=clock.monotonic, what="ratings").run(rate, most, wait)
    return producer, clock, delivered


@pytest.mark.parametrize("rate", [0.5, 2, 333, 50_000])
def test_the_rate_is_kept_without_drift(rate: float):
    producer, clock, _ = sent(rate, stop_at_s=5)

    assert clock.now * rate == pytest.approx(len(producer.records), abs=rate * 0.11 + 1)


def test_it_ends_after_its_count():
    producer, clock, delivered = sent(1000, 2500)

    assert delivered == len(producer.records) == 2500
    assert clock.now == pytest.approx(2.5, abs=0.1)


def test_records_go_out_as_they_are():
    producer, _, _ = sent(10, 2)

    assert producer.records == [DemoRecord("ratings", b"0", 0, b"key"), DemoRecord("ratings", b"1", 1, b"key")]


def test_a_slow_broker_slows_it_down_and_changes_nothing_else():
    producer, _, _ = sent(1000, 300, FakeProducer(room=7))
    unhindered, _, _ = sent(1000, 300)

    assert producer.records == unhindered.records


def test_refused_records_are_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    _, _, delivered = sent(100, 20, FakeProducer(refusing=3))

    assert delivered == 17
    assert "not delivered to ratings: refused" in caplog.text
    assert "20 in all, 3 not delivered" in caplog.text


def test_progress_is_reported_every_ten_seconds(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    sent(2, stop_at_s=35)

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert all("(2.0/s)" in line for line in lines[1:])


def test_a_machine_that_slept_does_not_flood():
    pace = Pace(100, 0.0)
    pace.count_sent(pace.due(0.0))

    assert pace.due(3600.0) <= 101
    pace.count_sent(pace.due(3600.0))
    assert pace.due(3600.5) == 50
