"""Ratings look like the documents', repeat with their seed and keep their rate."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import fastavro
import pytest

from bifrost.generators.pace import Pace
from bifrost.generators.ratings import CHANNELS, MESSAGES, Generator, Order, RatingEncoder, main, rating
from bifrost.settings import PROJECT
from tests.fakes.clock import FakeClock

SCHEMA = json.loads((PROJECT / "topics" / "schemas" / "ratings-value.avsc").read_text())
NOW_MS = 1_528_800_546_808


class FakeProducer:
    """Takes `room` records between two polls; the broker refuses the first `refusing`."""

    def __init__(self, room: int = 1_000_000, refusing: int = 0) -> None:
        self.room = room
        self.refusing = refusing
        self.queued: list[tuple[str, bytes, Callable[[Any, Any], None]]] = []
        self.values: list[bytes] = []

    def produce(self, topic: str, value: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None:
        if len(self.queued) >= self.room:
            raise BufferError("queue full")
        self.queued.append((topic, value, on_delivery))

    def poll(self, timeout: float) -> int:
        for topic, value, on_delivery in self.queued:
            assert topic == "ratings"
            error = "refused" if self.refusing > 0 else None
            self.refusing -= 1
            on_delivery(error, None)
            if error is None:
                self.values.append(value)
        self.queued.clear()
        return 0

    def flush(self, timeout: float) -> int:
        return self.poll(timeout)


def generated(order: Order, producer: FakeProducer | None = None, stop_at_s: float = 1e9) -> tuple[Any, FakeClock]:
    clock = FakeClock()
    producer = producer or FakeProducer()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return clock.now >= stop_at_s

    generator = Generator(order, RatingEncoder(7, SCHEMA), producer, clock=clock.monotonic)
    generator.run(wait)
    return producer, clock


def decoded(value: bytes) -> dict[str, Any]:
    assert value[:5] == b"\0\0\0\0\x07"
    record = fastavro.schemaless_reader(io.BytesIO(value[5:]), SCHEMA, None)
    assert isinstance(record, dict)
    return record


def test_a_rating_has_the_documents_shape():
    ratings = [rating(n, Random(n), NOW_MS) for n in range(2000)]

    assert list(ratings[0]) == [field["name"] for field in SCHEMA["fields"]]
    assert {r["user_id"] for r in ratings} == set(range(20))
    assert {r["stars"] for r in ratings} == {1, 2, 3, 4, 5}
    assert {r["channel"] for r in ratings} == set(CHANNELS)
    assert {r["message"] for r in ratings} == set(MESSAGES)
    assert {r["rating_time"] for r in ratings} == {NOW_MS}
    assert [r["rating_id"] for r in ratings] == list(range(2000))


def test_the_same_seed_makes_the_same_ratings():
    first, _ = generated(Order(rate=100, count=50, seed=3))
    second, _ = generated(Order(rate=100, count=50, seed=3))
    other, _ = generated(Order(rate=100, count=50, seed=4))

    assert first.values == second.values
    assert first.values != other.values


def test_what_is_sent_is_avro_with_the_registrys_id():
    producer, _ = generated(Order(rate=100, count=3, seed=1, first_id=604087))

    assert [decoded(value)["rating_id"] for value in producer.values] == [604087, 604088, 604089]


@pytest.mark.parametrize("rate", [0.5, 2, 333, 50_000])
def test_the_rate_is_kept_without_drift(rate: float):
    producer, clock = generated(Order(rate=rate), stop_at_s=5)

    assert clock.now * rate == pytest.approx(len(producer.values), abs=rate * 0.11 + 1)


def test_it_ends_after_its_count():
    producer, clock = generated(Order(rate=1000, count=2500))

    assert len(producer.values) == 2500
    assert clock.now == pytest.approx(2.5, abs=0.1)


def test_a_slow_broker_slows_it_down_and_changes_nothing_else():
    producer, _ = generated(Order(rate=1000, count=300, seed=5), FakeProducer(room=7))
    unhindered, _ = generated(Order(rate=1000, count=300, seed=5))

    assert [{**decoded(v), "rating_time": 0} for v in producer.values] == [
        {**decoded(v), "rating_time": 0} for v in unhindered.values
    ]


def test_what_the_broker_refuses_is_said(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    generated(Order(rate=100, count=20), FakeProducer(refusing=3))

    assert "not delivered to ratings: refused" in caplog.text
    assert "20 in all, 3 not delivered" in caplog.text


def test_progress_is_reported_every_ten_seconds(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    generated(Order(rate=2), stop_at_s=35)

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert all("(2.0/s)" in line for line in lines[1:])


def test_a_machine_that_slept_does_not_flood():
    pace = Pace(100, 0.0)
    pace.did(pace.due(0.0))

    assert pace.due(3600.0) <= 101
    pace.did(pace.due(3600.0))
    assert pace.due(3600.5) == 50


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--rate", "-1"], ["--rate", "inf"], ["--count", "-1"], ["x"]])
def test_an_order_that_makes_no_sense_is_a_usage_error(arguments: list[str]):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
